// A second real provider: Debian's Glewlwyd, by other people and in another language than the playground's.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ClientSecretBasic } from "oauth4webapi";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { oauthProvider, ProviderUnavailable, RefreshRejected } from "tokenward/providers";
import { memoryStorage } from "tokenward/storage";
import { startFusionAuth } from "../../tools/fusionauth.mjs";
import { startGlewlwyd } from "../../tools/glewlwyd.mjs";
import { facts, refused } from "./server.mjs";

const options = { signal: new AbortController().signal };
/** Glewlwyd's access tokens are for their scopes where no resource was asked for. */
const AUDIENCE = "openid read";

const keysOf = async ({ issuer }) => (await fetch(`${issuer}/jwks`)).json();

for (const algorithm of ["ES256", "RS256", "EdDSA"]) {
  describe(`Glewlwyd, signing with ${algorithm}`, () => {
    let glewlwyd;
    before(async () => {
      glewlwyd = await startGlewlwyd({ algorithms: [algorithm] });
    });
    after(() => glewlwyd?.close());

    it("gives tokens that hold, at sign-in and after each refresh", async () => {
      const { issuer, publicClient } = glewlwyd;
      const shared = { jwks: await keysOf(glewlwyd), issuer, algorithms: [algorithm] };
      const access = createVerifier({ ...shared, audience: AUDIENCE, typ: "at+jwt" });
      const identity = createVerifier({ ...shared, audience: publicClient.id });
      let tokens = await glewlwyd.signIn(publicClient);
      const { sub } = identity.verify(tokens.id_token).claims;
      const provider = oauthProvider({ issuer, clientId: publicClient.id });
      const seen = new Set();
      for (let times = 0; times < 3; times += 1) {
        const { claims, header } = access.verify(tokens.access_token);
        assert.equal(claims.sub, sub);
        assert.equal(claims.exp - claims.iat, 900);
        assert.equal(header.alg, algorithm);
        seen.add(tokens.refresh_token);
        tokens = await provider.refresh(tokens, options);
        assert.equal(tokens.expires_in, 900);
        assert.ok(Math.abs(tokens.serverTime - Date.now() / 1000) < 60);
      }
      assert.equal(seen.size, 3, "each refresh token is for one use");
    });
  });
}

describe("Glewlwyd", () => {
  let glewlwyd;
  before(async () => {
    glewlwyd = await startGlewlwyd();
  });
  after(() => glewlwyd?.close());
  // Glewlwyd 2.7 does not say invalid_grant but answers 400 without a word, to mistakes in the request as well.
  const rejects = ({ status, error }) => status === 400 && error === undefined;
  const provider = ({ id, secret }, more) =>
    oauthProvider({
      issuer: glewlwyd.issuer,
      clientId: id,
      ...(secret && { clientAuth: ClientSecretBasic(secret) }),
      ...more,
    });

  it("publishes keys that the key store finds by the issuer", async () => {
    const stranger = await startFusionAuth();
    const bundled = await (await fetch(`${stranger.url}/.well-known/jwks.json`)).json();
    await stranger.close();
    const { issuer, publicClient } = glewlwyd;
    const verifier = createVerifier({ jwks: bundled, issuer, audience: AUDIENCE });
    const store = createKeyStore({ verifier, bundled, issuer, storage: memoryStorage() });
    const { access_token } = await glewlwyd.signIn(publicClient);
    assert.equal(store.safeVerify(access_token).error.code, "key_not_found");
    assert.equal((await store.verifyFresh(access_token)).claims.scope, AUDIENCE);
  });

  it("refuses a used token in a way that signs nobody out unless the app says so", async () => {
    const { publicClient } = glewlwyd;
    const tokens = await glewlwyd.signIn(publicClient);
    await provider(publicClient).refresh(tokens, options);
    const vague = await refused(provider(publicClient).refresh(tokens, options));
    assert.ok(vague instanceof ProviderUnavailable);
    assert.deepEqual(facts(vague), { code: "http_status", sent: true, status: 400 });
    const clear = await refused(provider(publicClient, { rejects }).refresh(tokens, options));
    assert.ok(clear instanceof RefreshRejected);
  });

  it("revokes for a client that proves who it is", async () => {
    const { confidentialClient } = glewlwyd;
    const tokens = await glewlwyd.signIn(confidentialClient);
    const its = provider(confidentialClient, { rejects });
    const fresh = await its.refresh(tokens, options);
    await its.revoke(fresh, options);
    assert.ok((await refused(its.refresh(fresh, options))) instanceof RefreshRejected);
  });

  it("does not revoke for a public client, and says so", async () => {
    const { publicClient } = glewlwyd;
    const tokens = await glewlwyd.signIn(publicClient);
    const error = await refused(provider(publicClient).revoke(tokens, options));
    assert.deepEqual(facts(error), { code: "http_status", sent: true, status: 401 });
  });

  it("is unavailable when it has stopped", async () => {
    const other = await startGlewlwyd();
    const tokens = await other.signIn(other.publicClient);
    const its = oauthProvider({ issuer: other.issuer, clientId: other.publicClient.id });
    const fresh = await its.refresh(tokens, options);
    await other.close();
    assert.deepEqual(facts(await refused(its.refresh(fresh, options))), { code: "network", sent: true });
    const another = oauthProvider({ issuer: other.issuer, clientId: other.publicClient.id });
    assert.deepEqual(facts(await refused(another.refresh(fresh, options))), { code: "network", sent: false });
  });
});
