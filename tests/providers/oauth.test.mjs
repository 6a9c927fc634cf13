// Refresh and revocation by OAuth 2.0, over real connections.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ConfigError } from "tokenward";
import { oauthProvider, ProviderUnavailable, RefreshRejected } from "tokenward/providers";
import { FAULTS, facts, json, refused, shown, startServer } from "./server.mjs";

const OLD = { access_token: "old-access-secret", refresh_token: "old-refresh-secret" };
const NEW = {
  access_token: "new-access-secret",
  token_type: "Bearer",
  refresh_token: "new-refresh-secret",
  id_token: "new-id-secret",
  expires_in: 900,
};
const DATE = new Date("2026-01-02T03:04:05Z");
const options = { signal: new AbortController().signal };

describe("refresh by OAuth 2.0", () => {
  let server;
  let answer;
  before(async () => {
    server = await startServer((request, response) => answer(request, response));
  });
  after(() => server.close());

  const provider = (more = {}) => {
    const { origin } = server;
    const metadata = { issuer: origin, token_endpoint: `${origin}/token`, revocation_endpoint: `${origin}/revoke` };
    return oauthProvider({ server: metadata, clientId: "app", ...more });
  };
  const refresh = (respond, more) => {
    answer = respond;
    return provider(more).refresh(OLD, options);
  };

  it("asks as RFC 6749 section 6 says, as a public client", async () => {
    server.requests.length = 0;
    await refresh((_, response) => json(response, 200, NEW), {
      scope: "read",
      resource: ["https://a.example", "https://b.example"],
      additionalParameters: { tenant: "t" },
    });
    const [{ method, url, headers, body }] = server.requests;
    assert.equal(`${method} ${url}`, "POST /token");
    assert.match(headers["content-type"], /^application\/x-www-form-urlencoded\b/);
    assert.equal(headers.accept, "application/json");
    assert.equal(headers.authorization, undefined);
    const expected = [
      ["tenant", "t"],
      ["scope", "read"],
      ["resource", "https://a.example"],
      ["resource", "https://b.example"],
      ["refresh_token", OLD.refresh_token],
      ["grant_type", "refresh_token"],
      ["client_id", "app"],
    ];
    assert.deepEqual([...new URLSearchParams(body)].sort(), expected.sort());
  });

  it("gives the tokens and the provider's time", async () => {
    const tokens = await refresh((_, response) => json(response, 200, NEW, { date: DATE.toUTCString() }));
    const { token_type: _, ...expected } = NEW;
    assert.deepEqual(tokens, { ...expected, serverTime: DATE.getTime() / 1000 });
  });

  it("keeps the refresh token if there is no new one", async () => {
    const { refresh_token: _, ...answered } = NEW;
    assert.equal((await refresh((_, response) => json(response, 200, answered))).refresh_token, OLD.refresh_token);
  });

  for (const [what, odd, expected] of [
    ["no token_type", { token_type: undefined }, {}],
    ["members that are null", { refresh_token: null, id_token: null, scope: null, expires_in: null }, "only access"],
    ["a lifetime as text", { expires_in: "900" }, {}],
    ["a lifetime that is none", { expires_in: "soon" }, { expires_in: undefined }],
    ["an ID token of another time", { id_token: "e30.e30.e30" }, { id_token: "e30.e30.e30" }],
  ]) {
    it(`loses no token for ${what}`, async () => {
      const tokens = await refresh((_, response) => json(response, 200, { ...NEW, ...odd }));
      assert.equal(tokens.access_token, NEW.access_token);
      if (expected === "only access") {
        assert.equal(tokens.refresh_token, OLD.refresh_token);
        assert.ok(!("id_token" in tokens) && !("expires_in" in tokens));
      } else {
        assert.equal(tokens.refresh_token, NEW.refresh_token);
        assert.equal(tokens.expires_in, "expires_in" in expected ? undefined : 900);
        assert.equal(tokens.id_token, expected.id_token ?? NEW.id_token);
      }
    });
  }

  it("loses no token for another media type", async () => {
    const plain = (_, response) => response.writeHead(200, { "content-type": "text/plain" }).end(JSON.stringify(NEW));
    assert.equal((await refresh(plain)).refresh_token, NEW.refresh_token);
  });

  for (const status of [400, 401, 403]) {
    it(`takes invalid_grant with status ${status} for the provider's word`, async () => {
      const body = { error: "invalid_grant", error_description: `no such token: ${OLD.refresh_token}` };
      const challenge = { "www-authenticate": 'Basic realm="x"' };
      const error = await refused(refresh((_, response) => json(response, status, body, challenge)));
      assert.ok(error instanceof RefreshRejected);
      assert.equal(error.code, "invalid_grant");
      assert.doesNotMatch(shown(error), /secret/);
    });
  }

  for (const [status, error] of [
    [400, "invalid_request"],
    [400, "unauthorized_client"],
    [400, "unsupported_grant_type"],
    [400, "invalid_scope"],
    [400, "invalid_target"],
    [401, "invalid_client"],
    [403, "access_denied"],
  ]) {
    it(`puts nobody out for ${error}`, async () => {
      const thrown = await refused(refresh((_, response) => json(response, status, { error })));
      assert.ok(thrown instanceof ProviderUnavailable);
      assert.deepEqual(facts(thrown), { code: "refused", sent: true, status, error });
    });
  }

  for (const [what, rejects, respond] of [
    [
      "an empty answer",
      ({ status, error }) => status === 400 && error === undefined,
      (_, response) => response.writeHead(400).end(),
    ],
    [
      "an error of its own",
      ({ error }) => error === "bad_refresh_token",
      (_, response) => json(response, 200, { error: "bad_refresh_token" }),
    ],
  ]) {
    it(`takes ${what} for the provider's word only if the app says so`, async () => {
      assert.ok((await refused(refresh(respond))) instanceof ProviderUnavailable);
      assert.ok((await refused(refresh(respond, { rejects }))) instanceof RefreshRejected);
    });
  }

  it("does not ask the app about a page, an answer that is cut or a connection that broke", async () => {
    const rejects = () => true;
    for (const [what, respond, { code }] of FAULTS) {
      if (!["network", "not_json", "too_large"].includes(code)) continue;
      const error = await refused(refresh((request, response) => respond(request, response, NEW), { rejects }));
      assert.ok(error instanceof ProviderUnavailable, what);
    }
  });

  for (const [what, status, body] of [
    ["with status 500", 500, { error: "invalid_grant" }],
    ["with status 404", 404, { error: "invalid_grant" }],
    ["with status 200", 200, { error: "invalid_grant" }],
    ["in a list", 400, { error: ["invalid_grant"] }],
    ["as a part of another word", 400, { error: "invalid_grant_type" }],
    ["as a description", 400, { error_description: "invalid_grant" }],
  ]) {
    it(`does not take invalid_grant ${what} for the provider's word`, async () => {
      const thrown = await refused(refresh((_, response) => json(response, status, body)));
      assert.ok(thrown instanceof ProviderUnavailable);
    });
  }

  it("does not take invalid_grant in a page for the provider's word", async () => {
    const page = (_, response) => {
      response.writeHead(400, { "content-type": "text/html" });
      response.end('{"error":"invalid_grant"}');
    };
    assert.deepEqual(facts(await refused(refresh(page))), { code: "http_status", sent: true, status: 400 });
  });

  it("follows no redirect, not even to a server that would answer", async () => {
    const other = await startServer((_, response) => json(response, 400, { error: "invalid_grant" }));
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        const elsewhere = (_, response) => response.writeHead(status, { location: `${other.origin}/token` }).end();
        assert.deepEqual(facts(await refused(refresh(elsewhere))), { code: "http_status", sent: true, status });
      }
      assert.equal(other.requests.length, 0);
    } finally {
      await other.close();
    }
  });

  for (const [what, respond, expected] of FAULTS) {
    it(`signs nobody out for ${what}`, async () => {
      const timeout = expected.code === "timeout" ? 0.2 : 30;
      const thrown = await refused(refresh((request, response) => respond(request, response, NEW), { timeout }));
      assert.ok(thrown instanceof ProviderUnavailable);
      assert.deepEqual(facts(thrown), { sent: true, ...expected });
      assert.doesNotMatch(shown(thrown), /secret/);
    });
  }

  it("signs nobody out where there is no server", async () => {
    const gone = await startServer(() => {});
    await gone.close();
    const metadata = { issuer: gone.origin, token_endpoint: `${gone.origin}/token` };
    const error = await refused(oauthProvider({ server: metadata, clientId: "app" }).refresh(OLD, options));
    assert.deepEqual(facts(error), { code: "network", sent: true });
  });

  it("leaves the connection when the time is up", async () => {
    let left;
    const leaving = new Promise((resolve) => {
      left = resolve;
    });
    const error = await refused(refresh((_, response) => response.on("close", left), { timeout: 0.1 }));
    assert.equal(error.code, "timeout");
    await leaving;
  });

  it("reads no more of an answer that is too large, whatever fetches it", async () => {
    let wasCancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
      cancel() {
        wasCancelled = true;
      },
    });
    const fetch = () => Promise.resolve(new Response(body));
    assert.equal((await refused(provider({ fetch }).refresh(OLD, options))).code, "too_large");
    assert.equal(wasCancelled, true);
  });

  it("has a limit of time for a fetch that does not know how to stop, too", async () => {
    const fetch = () => new Promise(() => {});
    assert.equal((await refused(provider({ fetch, timeout: 0.05 }).refresh(OLD, options))).code, "timeout");
  });

  it("says that nothing was sent when it was given up before", async () => {
    server.requests.length = 0;
    const error = await refused(provider().refresh(OLD, { signal: AbortSignal.abort() }));
    assert.deepEqual(facts(error), { code: "aborted", sent: false });
    assert.equal(server.requests.length, 0);
  });

  it("is given up by the caller's signal while it waits", async () => {
    const controller = new AbortController();
    answer = () => controller.abort();
    const error = await refused(provider().refresh(OLD, { signal: controller.signal }));
    assert.deepEqual(facts(error), { code: "aborted", sent: true });
  });

  it("says that nothing was sent when the client could not prove itself", async () => {
    server.requests.length = 0;
    const clientAuth = () => {
      throw new Error("no key");
    };
    const error = await refused(provider({ clientAuth }).refresh(OLD, options));
    assert.deepEqual(facts(error), { code: "refused", sent: false });
    assert.equal(server.requests.length, 0);
  });

  it("proves who the client is as the app says", async () => {
    server.requests.length = 0;
    const clientAuth = (_server, client, _body, headers) => headers.set("authorization", `Basic ${client.client_id}`);
    await refresh((_, response) => json(response, 200, NEW), { clientAuth });
    assert.equal(server.requests[0].headers.authorization, "Basic app");
    assert.equal(new URLSearchParams(server.requests[0].body).get("client_id"), null);
  });

  it("cannot refresh without a refresh token", async () => {
    const error = await refused(provider().refresh({ access_token: "x" }, options));
    assert.ok(error instanceof RefreshRejected);
  });
});

describe("revocation by OAuth 2.0", () => {
  let server;
  let answer;
  before(async () => {
    server = await startServer((request, response) => answer(request, response));
  });
  after(() => server.close());
  const provider = (revocation_endpoint = `${server.origin}/revoke`) =>
    oauthProvider({
      server: { issuer: server.origin, token_endpoint: `${server.origin}/token`, revocation_endpoint },
      clientId: "app",
      timeout: 30,
    });

  it("asks as RFC 7009 section 2.1 says", async () => {
    answer = (_, response) => response.writeHead(200).end();
    await provider().revoke(OLD, options);
    const [{ method, url, body }] = server.requests;
    assert.equal(`${method} ${url}`, "POST /revoke");
    assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), {
      token: OLD.refresh_token,
      token_type_hint: "refresh_token",
      client_id: "app",
    });
  });

  it("asks nobody where the provider does not offer it", async () => {
    server.requests.length = 0;
    const { issuer, token_endpoint } = { issuer: server.origin, token_endpoint: `${server.origin}/token` };
    await oauthProvider({ server: { issuer, token_endpoint }, clientId: "app" }).revoke(OLD, options);
    assert.equal(server.requests.length, 0);
  });

  it("does not take the page of a captive portal for a revocation", async () => {
    answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    const error = await refused(provider().revoke(OLD, options));
    assert.deepEqual(facts(error), { code: "not_json", sent: true, status: 200 });
    answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end();
    await provider().revoke(OLD, options);
  });

  it("says when it should be tried again", async () => {
    answer = (_, response) => response.writeHead(503, { "retry-after": "5" }).end();
    const error = await refused(provider().revoke(OLD, options));
    assert.deepEqual(facts(error), { code: "http_status", sent: true, status: 503, retryAfter: 5 });
  });

  it("says when it is of no use to try again", async () => {
    answer = (_, response) => json(response, 400, { error: "unsupported_token_type" });
    const error = await refused(provider().revoke(OLD, options));
    assert.deepEqual(facts(error), { code: "refused", sent: true, status: 400, error: "unsupported_token_type" });
  });
});

describe("the options of oauthProvider", () => {
  const server = { issuer: "https://issuer.example", token_endpoint: "https://issuer.example/token" };
  for (const [what, wrong, option] of [
    ["no issuer", { clientId: "app" }, "issuer"],
    ["no client", { server }, "clientId"],
    ["an issuer without protection", { issuer: "http://issuer.example", clientId: "app" }, "issuer"],
    ["an issuer with a password", { issuer: "https://a:b@issuer.example", clientId: "app" }, "issuer"],
    ["an issuer that is no URL", { issuer: "issuer.example", clientId: "app" }, "issuer"],
    [
      "a token endpoint without protection",
      { server: { ...server, token_endpoint: "http://issuer.example/token" }, clientId: "app" },
      "server",
    ],
    [
      "a token endpoint on this device of an issuer elsewhere",
      { server: { ...server, token_endpoint: "http://127.0.0.1/token" }, clientId: "app" },
      "server",
    ],
    ["a misspelt one", { server, clientId: "app", timeOut: 1 }, "timeOut"],
    ["a timeout that is none", { server, clientId: "app", timeout: "long" }, "timeout"],
  ]) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => oauthProvider(wrong),
        (error) => error instanceof ConfigError && error.option === option,
      );
    });
  }
});
