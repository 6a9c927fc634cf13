// The playground's own OpenID provider, with one-time refresh tokens, through oauthProvider.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createVerifier } from "tokenward";
import { oauthProvider, ProviderUnavailable, RefreshRejected } from "tokenward/providers";
import { startProvider } from "../../tools/provider.mjs";
import { signIn } from "../playground/client.mjs";
import { refused, startServer } from "./server.mjs";

const APP = "http://127.0.0.1:1";
const options = { signal: new AbortController().signal };

describe("the local OpenID provider", () => {
  let local;
  before(async () => {
    local = await startProvider({ port: 0, apps: [APP] });
  });
  after(() => local.close());
  const start = async () => (await signIn(local, { redirectUri: `${APP}/` })).tokens;
  const provider = (more) => oauthProvider({ issuer: local.issuer, clientId: local.clientId, ...more });

  it("gives tokens that hold, one refresh after the other", async () => {
    const jwks = await (await fetch(`${local.issuer}/jwks`)).json();
    const verifier = createVerifier({ jwks, issuer: local.issuer, audience: local.resource, typ: "at+jwt" });
    let tokens = await start();
    for (let times = 0; times < 3; times += 1) {
      const fresh = await provider().refresh(tokens, options);
      assert.notEqual(fresh.refresh_token, tokens.refresh_token);
      assert.equal(verifier.verify(fresh.access_token).claims.sub, "ada");
      tokens = fresh;
    }
  });

  it("ends the grant when a used token comes again", async () => {
    const first = await start();
    const second = await provider().refresh(first, options);
    assert.ok((await refused(provider().refresh(first, options))) instanceof RefreshRejected);
    assert.ok((await refused(provider().refresh(second, options))) instanceof RefreshRejected);
  });

  it("revokes", async () => {
    const tokens = await start();
    await provider().revoke(tokens, options);
    assert.ok((await refused(provider().refresh(tokens, options))) instanceof RefreshRejected);
    await provider().revoke(tokens, options);
  });

  it("puts nobody out whose app names another client", async () => {
    const tokens = await start();
    const error = await refused(provider({ clientId: "another" }).refresh(tokens, options));
    assert.ok(error instanceof ProviderUnavailable);
    assert.equal(error.error, "invalid_client");
    await provider().refresh(tokens, options);
  });

  it("is asked again with the same token when its answer was lost on the way", async () => {
    const tokens = await start();
    let isLost = true;
    const between = await startServer(async ({ headers, body }, response) => {
      const answer = await fetch(`${local.issuer}/token`, {
        method: "POST",
        headers: { "content-type": headers["content-type"] },
        body,
      });
      const text = await answer.text();
      if (isLost) return response.socket.destroy();
      return response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(text);
    });
    const server = { issuer: between.origin, token_endpoint: `${between.origin}/token` };
    const through = oauthProvider({ server, clientId: local.clientId });
    const lost = await refused(through.refresh(tokens, options));
    assert.ok(lost instanceof ProviderUnavailable);
    assert.equal(lost.sent, true, "the token may be used up");
    isLost = false;
    const word = await refused(through.refresh(tokens, options));
    assert.ok(word instanceof RefreshRejected, "and the provider says that it is");
    await between.close();
  });
});
