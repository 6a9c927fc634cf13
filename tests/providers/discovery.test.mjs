// The provider's metadata, found by its issuer: nothing of it has cost a token when it fails.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fusionAuthProvider, oauthProvider, ProviderUnavailable } from "tokenward/providers";
import { FAULTS, facts, json, refused, startServer } from "./server.mjs";

const OLD = { access_token: "old-access-secret", refresh_token: "old-refresh-secret" };
const NEW = { access_token: "new-access-secret", token_type: "Bearer", refresh_token: "new-refresh-secret" };
const options = { signal: new AbortController().signal };

describe("discovery", () => {
  let server;
  let answers;
  before(async () => {
    server = await startServer((request, response) => {
      const respond = answers[new URL(request.url, "http://x").pathname];
      if (respond) return respond(request, response);
      return response.writeHead(404).end();
    });
  });
  after(() => server.close());
  const OIDC = "/.well-known/openid-configuration";
  const OAUTH = "/.well-known/oauth-authorization-server";
  const metadata = (more = {}) => ({ issuer: server.origin, token_endpoint: `${server.origin}/token`, ...more });
  const provider = (more) => oauthProvider({ issuer: server.origin, clientId: "app", ...more });
  const tokens = (_, response) => json(response, 200, NEW);
  const asked = () => server.requests.map(({ url }) => url);

  it("is done once, by one request for all who wait", async () => {
    server.requests.length = 0;
    answers = { [OIDC]: (_, response) => json(response, 200, metadata()), "/token": tokens };
    const one = provider();
    await Promise.all([one.refresh(OLD, options), one.refresh(OLD, options)]);
    await one.refresh(OLD, options);
    assert.deepEqual(asked(), [OIDC, "/token", "/token", "/token"]);
  });

  it("takes the metadata of OAuth 2.0 where there are none of OpenID Connect", async () => {
    server.requests.length = 0;
    answers = { [OAUTH]: (_, response) => json(response, 200, metadata()), "/token": tokens };
    await provider().refresh(OLD, options);
    assert.deepEqual(asked(), [OIDC, OAUTH, "/token"]);
  });

  it("is done again when the token endpoint has moved", async () => {
    const one = provider();
    answers = { [OIDC]: (_, response) => json(response, 200, metadata()) };
    await refused(one.refresh(OLD, options));
    const moved = metadata({ token_endpoint: `${server.origin}/moved` });
    answers = { [OIDC]: (_, response) => json(response, 200, moved), "/moved": tokens };
    assert.equal((await one.refresh(OLD, options)).access_token, NEW.access_token);
  });

  it("is done again after it failed", async () => {
    const one = provider();
    answers = { [OIDC]: (_, response) => response.writeHead(500).end() };
    await refused(one.refresh(OLD, options));
    answers = { [OIDC]: (_, response) => json(response, 200, metadata()), "/token": tokens };
    assert.equal((await one.refresh(OLD, options)).access_token, NEW.access_token);
  });

  it("goes on for the others when one gives up", async () => {
    const controller = new AbortController();
    answers = {
      [OIDC](_, response) {
        controller.abort();
        json(response, 200, metadata());
      },
      "/token": tokens,
    };
    const one = provider();
    const [first, second] = await Promise.allSettled([
      one.refresh(OLD, { signal: controller.signal }),
      one.refresh(OLD, options),
    ]);
    assert.deepEqual(facts(first.reason), { code: "aborted", sent: false });
    assert.equal(second.value.access_token, NEW.access_token);
  });

  for (const [what, respond, expected] of FAULTS.filter(([what]) => !/token/.test(what))) {
    it(`has sent nothing when there is ${what}`, async () => {
      server.requests.length = 0;
      answers = { [OIDC]: (request, response) => respond(request, response, metadata()), "/token": tokens };
      const timeout = expected.code === "timeout" ? 0.2 : 30;
      const thrown = await refused(provider({ timeout }).refresh(OLD, options));
      assert.ok(thrown instanceof ProviderUnavailable);
      assert.equal(thrown.sent, false);
      assert.ok(server.requests.every(({ body }) => body === ""));
    });
  }

  for (const [what, wrong] of [
    ["of another issuer", () => ({ issuer: "https://other.example" })],
    ["of an issuer spelt otherwise", () => ({ issuer: `${server.origin}/` })],
    ["without a token endpoint", () => ({ token_endpoint: undefined })],
    ["with a token endpoint without protection", () => ({ token_endpoint: "http://other.example/token" })],
    ["with a token endpoint with a password", () => ({ token_endpoint: "https://a:b@other.example/token" })],
    ["with a token endpoint that is no URL", () => ({ token_endpoint: "token" })],
  ]) {
    it(`does not use metadata ${what}`, async () => {
      answers = { [OIDC]: (_, response) => json(response, 200, metadata(wrong())), "/token": tokens };
      const thrown = await refused(provider().refresh(OLD, options));
      assert.deepEqual(facts(thrown), { code: "invalid_metadata", sent: false });
    });
  }

  it("names both issuers where the metadata are another's, shortened and escaped", async () => {
    for (const [other, shown] of [
      ["https://other.example", '"https://other.example"'],
      [`${server.origin}/`, `"${server.origin}/"`],
      ["https://other.example/\u202e", "\\u202e"],
    ]) {
      answers = { [OIDC]: (_, response) => json(response, 200, metadata({ issuer: other })), "/token": tokens };
      const { code, message } = await refused(provider().refresh(OLD, options));
      assert.equal(code, "invalid_metadata");
      for (const text of [shown, `"${server.origin}"`]) assert.ok(message.includes(text), message);
    }
    const long = metadata({ issuer: `https://other.example/${"a".repeat(10_000)}` });
    answers = { [OIDC]: (_, response) => json(response, 200, long) };
    assert.ok((await refused(provider().refresh(OLD, options))).message.length < 600);
  });

  it("takes a name under localhost for this device, and no name that only looks so", async () => {
    const asked = [];
    const fetch = (url) => {
      asked.push(url);
      const { origin } = new URL(url);
      const answer = url.includes("well-known") ? { issuer: origin, token_endpoint: `${origin}/token` } : NEW;
      return Promise.resolve(Response.json(answer));
    };
    for (const issuer of ["http://auth.localhost:9011", "http://localhost.:9011", "http://a.b.localhost"]) {
      const tokens = await oauthProvider({ issuer, clientId: "app", fetch }).refresh(OLD, options);
      assert.equal(tokens.access_token, NEW.access_token);
      assert.equal(asked.at(-1), `${issuer}/token`);
      assert.doesNotThrow(() => fusionAuthProvider({ url: issuer }));
    }
    for (const issuer of ["http://localhost.evil.example", "http://notlocalhost", "http://localhost.com"]) {
      assert.throws(() => oauthProvider({ issuer, clientId: "app" }), { code: "invalid_option", option: "issuer" });
      assert.throws(() => fusionAuthProvider({ url: issuer }), { code: "invalid_option", option: "url" });
    }
  });

  it("sends tokens to the endpoint that the issuer's metadata name, on whichever https origin", async () => {
    const asked = [];
    const issuer = "https://accounts.issuer.example";
    const endpoint = "https://oauth.api.example/token";
    const fetch = (url, { body }) => {
      asked.push([url, String(body ?? "").includes(OLD.refresh_token)]);
      const answer = url.includes("well-known") ? { issuer, token_endpoint: endpoint } : NEW;
      return Promise.resolve(Response.json(answer));
    };
    await oauthProvider({ issuer, clientId: "app", fetch }).refresh(OLD, options);
    assert.deepEqual(asked, [
      [`${issuer}${OIDC}`, false],
      [endpoint, true],
    ]);
  });

  it("sends no token to this device when the issuer is elsewhere", async () => {
    const text = JSON.stringify({ issuer: "https://issuer.example", token_endpoint: `${server.origin}/token` });
    const fetch = () => Promise.resolve(new Response(text, { headers: { "content-type": "application/json" } }));
    const elsewhere = oauthProvider({ issuer: "https://issuer.example", clientId: "app", fetch });
    assert.equal((await refused(elsewhere.refresh(OLD, options))).code, "invalid_metadata");
  });
});
