// The metadata of a protected resource (RFC 9728), and the challenges that lead there (RFC 6750).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as oauth from "oauth4webapi";
import { ConfigError, createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { signer } from "../support/tokens.mjs";
import { FakeSession } from "./fakes.mjs";
import { RawRequest } from "./routers.mjs";

const KEY = signer("k");
const ISSUER = "https://login.example";
const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app" });
const rules = [
  { match: "/open", needs: null },
  { match: "/reports/*", needs: { scope: ["reports:read", "reports:list"] } },
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/*" },
];
const resource = (identifier = "https://api.example", more = {}) => ({
  identifier,
  authorizationServers: [ISSUER],
  ...more,
});
const gateFor = (given, options = {}) => createGate({ verifier, rules, resource: given, ...options });
const ask = (gate, url, init) => gate.handle(new Request(url, init), () => new Response("passed"));

describe("the metadata", () => {
  for (const [identifier, url] of [
    ["https://api.example", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/v1", "https://api.example/.well-known/oauth-protected-resource/v1"],
    ["https://api.example/v1/", "https://api.example/.well-known/oauth-protected-resource/v1/"],
    ["https://api.example:8443/a/b", "https://api.example:8443/.well-known/oauth-protected-resource/a/b"],
    ["https://api.example/?tenant=7", "https://api.example/.well-known/oauth-protected-resource?tenant=7"],
    ["https://api.example/v1?k=v", "https://api.example/.well-known/oauth-protected-resource/v1?k=v"],
    ["http://localhost:3000/mcp", "http://localhost:3000/.well-known/oauth-protected-resource/mcp"],
    ["http://[::1]:3000", "http://[::1]:3000/.well-known/oauth-protected-resource"],
  ]) {
    it(`of ${identifier} are at ${url} (section 3.1)`, async () => {
      const gate = gateFor(resource(identifier, { scopes: ["reports:read", "reports:list"] }));
      const response = await ask(gate, url);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/json");
      assert.deepEqual(await response.json(), {
        resource: identifier,
        authorization_servers: [ISSUER],
        scopes_supported: ["reports:read", "reports:list"],
        bearer_methods_supported: ["header"],
      });
      const denied = await ask(gate, new URL("/x", url));
      assert.equal(denied.headers.get("www-authenticate"), `Bearer resource_metadata="${url}"`);
    });
  }

  it("leave out what has no element (section 2), and how tokens come where the app takes them itself", async () => {
    const gate = gateFor(resource(undefined, { scopes: [] }), { token: () => undefined });
    const response = await ask(gate, "https://api.example/.well-known/oauth-protected-resource");
    assert.deepEqual(await response.json(), { resource: "https://api.example", authorization_servers: [ISSUER] });
  });

  it("are for GET and HEAD, for pages of any origin", async () => {
    const url = "https://api.example/.well-known/oauth-protected-resource";
    const gate = gateFor(resource());
    const head = await ask(gate, url, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    assert.equal(head.headers.get("access-control-allow-origin"), "*");
    const preflight = await ask(gate, url, { method: "OPTIONS" });
    assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-headers")], [204, "*"]);
    const posted = await ask(gate, url, { method: "POST", body: "{}" });
    assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD, OPTIONS"]);
  });

  it("are found by their one canonical path, and nothing beside it is open", async () => {
    const gate = gateFor(resource("https://api.example/v1"));
    const status = async (path) =>
      (await gate.handle(new RawRequest(`https://api.example${path}`), () => new Response("passed"))).status;
    assert.equal(await status("/.well-known/oauth-protected-resource/v1?cache=1"), 200);
    for (const path of [
      "/.well-known/oauth-protected-resource",
      "/.well-known/oauth-protected-resource/v1/",
      "/.well-known/oauth-protected-resource/v2",
      "/.well-known/oauth-protected-resource/v1/admin",
      "/.well-known/OAuth-protected-resource/v1",
      "/.well-known/oauth-protected-resource/v1;x",
      "/v1/.well-known/oauth-protected-resource",
    ]) {
      assert.ok([400, 401].includes(await status(path)), path);
    }
    for (const path of ["/.well-known/oauth-protected-resource%2Fv1", "/.well-known/x/..;/oauth-protected-resource/v1"])
      assert.equal(await status(path), 400, path);
    assert.equal(await status("/.well-known//oauth-protected-resource/v1"), 308);
  });

  it("of an identifier with a query are for this query", async () => {
    const gate = gateFor(resource("https://api.example/?tenant=7"));
    for (const search of ["", "?tenant=8", "?tenant=7&x"]) {
      const response = await ask(gate, `https://api.example/.well-known/oauth-protected-resource${search}`);
      assert.equal(response.status, 401, search);
    }
  });

  it("are for the gate's own origin, and open for who decides by hand", async () => {
    const gate = gateFor(resource(), { origin: "https://api.example" });
    const path = "/.well-known/oauth-protected-resource";
    assert.equal((await ask(gate, `https://evil.example${path}`)).status, 421);
    const decision = gate.decide({ url: `https://api.example${path}` });
    assert.deepEqual({ ...decision }, { rule: undefined, allowed: true, access: "full", reason: "open", until: null });
    // Without the option a rule is about it, as about any path.
    assert.equal((await ask(createGate({ verifier, rules }), `https://api.example${path}`)).status, 401);
  });

  it("stay as they were given", async () => {
    const given = resource();
    const gate = gateFor(given);
    given.identifier = "https://evil.example";
    given.authorizationServers[0] = "https://evil.example";
    const response = await ask(gate, "https://api.example/.well-known/oauth-protected-resource");
    assert.doesNotMatch(await response.text(), /evil/);
  });
});

describe("a challenge", () => {
  const gate = gateFor(resource());
  const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource"';
  for (const [what, path, claims, status, challenge] of [
    ["no token", "/", undefined, 401, `Bearer ${metadata}`],
    ["an old one", "/", { exp: 1 }, 401, `Bearer error="invalid_token", error_description="expired", ${metadata}`],
    [
      "no scope",
      "/reports/1",
      { scope: "reports:list" },
      403,
      `Bearer error="insufficient_scope", scope="reports:read reports:list", ${metadata}`,
    ],
    ["no role", "/admin/1", {}, 403, `Bearer error="insufficient_scope", ${metadata}`],
  ]) {
    it(`for ${what} says where the metadata are: ${status}`, async () => {
      const headers = claims ? { authorization: `Bearer ${KEY.token(claims)}` } : {};
      const response = await ask(gate, `https://api.example${path}`, { headers });
      assert.deepEqual([response.status, response.headers.get("www-authenticate")], [status, challenge]);
    });
  }

  it("is not in answers that refuse a URL, nor where it is allowed", async () => {
    for (const url of ["https://api.example/a%2Fb", "https://api.example/open"]) {
      assert.equal((await ask(gate, url)).headers.get("www-authenticate"), null);
    }
  });
});

describe("a ConfigError names", () => {
  for (const [what, option, given] of [
    ["an identifier that is missing", "identifier", { authorizationServers: [ISSUER] }],
    ["authorization servers that are missing", "authorizationServers", { identifier: "https://api.example" }],
    ["no authorization server", "authorizationServers", resource(undefined, { authorizationServers: [] })],
    ["one that is no array", "authorizationServers", resource(undefined, { authorizationServers: ISSUER })],
    ...[
      "http://login.example",
      "https://l.example/?q",
      "https://l.example/#f",
      "login.example",
      "https://u:p@l.example",
    ].map((server) => [
      `the issuer ${server}`,
      "authorizationServers",
      resource(undefined, { authorizationServers: [server] }),
    ]),
    ...[
      "http://api.example",
      "http://localhost.evil.example",
      "https://api.example/#x",
      "https://api.example#",
      "https://API.example",
      "https://api.example:443",
      "https://api.example/a/../b",
      "https://api.example/a b",
      "https://api.example/ä",
      "https://user@api.example",
      "https://api.example/a//b",
      "https://api.example/a%2Fb",
      'https://api.example/"x',
      'https://api.example/?"',
      "urn:api",
      "/api",
      "",
      7,
    ].map((identifier) => [`the identifier ${identifier}`, "identifier", resource(identifier)]),
    ...[["a b"], [""], ['"'], [7], "read"].map((scopes) => [
      `the scopes ${JSON.stringify(scopes)}`,
      "scopes",
      resource(undefined, { scopes }),
    ]),
    ["what is misspelt", "authorization_servers", { ...resource(), authorization_servers: [] }],
    ["what is no object", "resource", "https://api.example"],
  ]) {
    it(what, () => {
      assert.throws(
        () => gateFor(given),
        (error) => error instanceof ConfigError && error.option === option,
      );
    });
  }

  for (const [given, written] of [
    ["https://API.example", "https://api.example"],
    ["https://API.example/", "https://api.example/"],
    ["https://api.example:443/v1", "https://api.example/v1"],
    ["https://api.example/a/../b?x", "https://api.example/b?x"],
  ]) {
    it(`how to write ${given}: ${written}`, () => {
      assert.throws(
        () => gateFor(resource(given)),
        (error) => error.option === "identifier" && error.message.endsWith(`: "${written}"`),
      );
      gateFor(resource(written));
    });
  }

  it("a session, which asks nobody for a token", () => {
    const make = () => createGate({ session: new FakeSession(), rules, resource: resource() });
    assert.throws(make, (error) => error instanceof ConfigError && error.option === "resource");
  });
});

describe("oauth4webapi, as a client,", () => {
  const through = (gate) => ({ [oauth.customFetch]: (url, { headers }) => ask(gate, url, { headers }) });

  for (const identifier of ["https://api.example/", "https://api.example/v1", "https://api.example/v1/?tenant=7"]) {
    it(`finds the metadata of ${identifier} by the identifier, and takes them`, async () => {
      const gate = gateFor(resource(identifier, { scopes: ["reports:read"] }));
      const response = await oauth.resourceDiscoveryRequest(new URL(identifier), through(gate));
      const found = await oauth.processResourceDiscoveryResponse(new URL(identifier), response);
      assert.deepEqual([found.resource, found.authorization_servers], [identifier, [ISSUER]]);
    });
  }

  it("reads every challenge, and finds the metadata by it", async () => {
    const needs = { scope: ["a", "b"], acr: ["phr", "mfa"], maxAge: "5m" };
    const gate = createGate({
      verifier,
      rules: [{ match: "/*", needs }],
      resource: resource("https://api.example/v1"),
    });
    const challenge = async (claims) => {
      const asking = oauth.protectedResourceRequest(
        KEY.token(claims),
        "GET",
        new URL("https://api.example/x"),
        new Headers(),
        null,
        through(gate),
      );
      const error = await asking.then(assert.fail, (reason) => reason);
      assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error);
      assert.equal(error.cause.length, 1);
      assert.equal(error.cause[0].scheme, "bearer");
      return error.cause[0].parameters;
    };
    const metadata = "https://api.example/.well-known/oauth-protected-resource/v1";
    const expired = { error: "invalid_token", error_description: "expired", resource_metadata: metadata };
    assert.deepEqual({ ...(await challenge({ exp: 1 })) }, expired);
    const lacking = { error: "insufficient_scope", scope: "a b", resource_metadata: metadata };
    assert.deepEqual({ ...(await challenge({ scope: "a" })) }, lacking);
    const { error, acr_values, max_age, scope, resource_metadata } = await challenge({ scope: "a b" });
    assert.deepEqual(
      [error, acr_values, max_age, scope, resource_metadata],
      ["insufficient_user_authentication", "phr mfa", "300", "a b", metadata],
    );
    assert.equal((await ask(gate, resource_metadata)).status, 200);
  });
});
