// Rules that need another authentication than a token tells of (RFC 9470).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigError, createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { ISSUER, signer } from "../support/tokens.mjs";
import { FakeSession } from "./fakes.mjs";

const NOW = 1_900_000_000;
const KEY = signer("k");
const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app", now: () => NOW });
const token = (claims) => KEY.token({ iat: NOW, exp: NOW + 900, ...claims });
const gateFor = (needs, options = {}) => createGate({ verifier, rules: [{ match: "/*", needs }], ...options });

async function ask(needs, claims, options) {
  const headers = { authorization: `Bearer ${token(claims)}`, accept: "text/html" };
  const gate = gateFor(needs, options);
  const response = await gate.handle(new Request("https://api.example/x", { headers }), () => new Response("passed"));
  return { status: response.status, challenge: response.headers.get("www-authenticate"), response };
}

describe("acr", () => {
  for (const [acr, claims, expected] of [
    ["mfa", { acr: "mfa" }, 200],
    ["mfa", { acr: "pwd" }, 401],
    ["mfa", {}, 401],
    ["mfa", { acr: ["mfa"] }, 401],
    ["mfa", { acr: "MFA" }, 401],
    ["mfa", { acr: "mfa pwd" }, 401],
    [["phr", "mfa"], { acr: "mfa" }, 200],
    [["phr", "mfa"], { acr: "phr" }, 200],
    [["phr", "mfa"], { acr: "phr mfa" }, 401],
    ["0", { acr: 0 }, 401],
  ]) {
    it(`${JSON.stringify(acr)} of a token with ${JSON.stringify(claims)}: ${expected}`, async () => {
      assert.equal((await ask({ acr }, claims)).status, expected);
    });
  }

  it("is challenged for with all that would do, best first (section 3)", async () => {
    const { challenge } = await ask({ acr: ["urn:example:phr", "urn:example:mfa"] }, {});
    const description = "a different authentication is needed";
    assert.equal(
      challenge,
      `Bearer error="insufficient_user_authentication", error_description="${description}", acr_values="urn:example:phr urn:example:mfa"`,
    );
  });
});

describe("maxAge", () => {
  for (const [maxAge, claims, expected] of [
    ["5m", { auth_time: NOW - 299 }, 200],
    ["5m", { auth_time: NOW - 300 }, 200],
    ["5m", { auth_time: NOW - 301 }, 401],
    [300, { auth_time: NOW + 4 }, 200],
    [300, { auth_time: NOW + 60 }, 401],
    [300, {}, 401],
    [300, { auth_time: `${NOW}` }, 401],
    [300, { auth_time: true }, 401],
    [300, { auth_time: null }, 401],
    [300, { iat: NOW }, 401],
  ]) {
    it(`${maxAge} of a token with ${JSON.stringify(claims)}: ${expected}`, async () => {
      assert.equal((await ask({ maxAge }, claims)).status, expected);
    });
  }

  it("is challenged for in seconds", async () => {
    const { challenge } = await ask({ maxAge: "5m" }, {});
    const description = "a more recent authentication is needed";
    assert.equal(
      challenge,
      `Bearer error="insufficient_user_authentication", error_description="${description}", max_age="300"`,
    );
  });

  it("ends what was allowed", () => {
    const decide = (claims) =>
      gateFor({ maxAge: 300 }).decide({
        url: "https://api.example/x",
        headers: new Headers({ authorization: `Bearer ${token(claims)}` }),
      });
    assert.equal(decide({ auth_time: NOW - 100 }).until, NOW + 200);
    assert.equal(decide({ auth_time: NOW - 100, exp: NOW + 50 }).until, NOW + 55);
    const { allowed, refused, reason, access, until } = decide({ auth_time: NOW - 400 });
    assert.deepEqual([allowed, refused, reason, access, until], [false, "step_up", "valid", "full", NOW + 905]);
  });

  it("goes by the verifier's clock, through a key store too, and by the system's where there is none", async () => {
    const keys = createKeyStore({ verifier, bundled: [KEY.jwk], jwksUri: "https://login.example/jwks" });
    assert.equal((await ask({ maxAge: 300 }, { auth_time: NOW - 100 }, { verifier: keys })).status, 200);
    const timeless = { safeVerify: (text) => verifier.safeVerify(text) };
    const seconds = Date.now() / 1000;
    assert.equal((await ask({ maxAge: 300 }, { auth_time: seconds - 100 }, { verifier: timeless })).status, 200);
    assert.equal((await ask({ maxAge: 300 }, { auth_time: seconds - 400 }, { verifier: timeless })).status, 401);
  });
});

describe("a rule that needs more", () => {
  const needs = { acr: "mfa", maxAge: 300, scope: "pay" };
  const good = { acr: "mfa", auth_time: NOW - 10, scope: "pay" };

  it("needs all of it", async () => {
    assert.equal((await ask(needs, good)).status, 200);
    for (const lacking of ["acr", "auth_time"]) {
      assert.equal((await ask(needs, { ...good, [lacking]: undefined })).status, 401, lacking);
    }
  });

  it("names all of it in its challenge, with the scopes and the resource", async () => {
    const resource = { identifier: "https://api.example", authorizationServers: [ISSUER] };
    const { challenge } = await ask(needs, { ...good, acr: "pwd" }, { resource });
    for (const part of [
      'error="insufficient_user_authentication"',
      'acr_values="mfa"',
      'max_age="300"',
      'scope="pay"',
      'resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
    ]) {
      assert.ok(challenge.includes(part), challenge);
    }
  });

  it("says insufficient_scope first, since no authentication gives a right", async () => {
    const { status, challenge } = await ask(needs, { acr: "pwd" });
    assert.deepEqual([status, challenge], [403, 'Bearer error="insufficient_scope", scope="pay"']);
  });

  it("asks for a token first, and refuses a wrong one as that", async () => {
    const { status, challenge } = await ask(needs, { ...good, exp: NOW - 60 });
    assert.deepEqual([status, challenge], [401, 'Bearer error="invalid_token", error_description="expired"']);
    const response = await gateFor(needs).handle(new Request("https://api.example/"), () => new Response());
    assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="protected"');
  });

  it("takes no claim from what all objects inherit", async () => {
    const put = (name, value) => Object.defineProperty(Object.prototype, name, { value, configurable: true });
    put("acr", "mfa");
    put("auth_time", NOW);
    try {
      assert.equal((await ask({ acr: "mfa" }, {})).status, 401);
      assert.equal((await ask({ maxAge: 300 }, {})).status, 401);
      assert.equal((await ask({ scope: "pay" }, { scope: "pay" })).status, 200);
    } finally {
      delete Object.prototype.acr;
      delete Object.prototype.auth_time;
    }
  });

  it("stays as it was given", async () => {
    const acr = ["mfa"];
    const gate = gateFor({ acr });
    acr[0] = "pwd";
    const headers = { authorization: `Bearer ${token({ acr: "pwd" })}` };
    const response = await gate.handle(new Request("https://api.example/", { headers }), () => new Response());
    assert.match(response.headers.get("www-authenticate"), /acr_values="mfa"/);
  });
});

describe("a ConfigError names", () => {
  for (const acr of [[], "", " ", "a b", 'a"b', "ä", 7, [7], [["mfa"]], null, undefined]) {
    it(`acr ${JSON.stringify(acr)}`, () => {
      assert.throws(
        () => gateFor({ acr }),
        (error) => error instanceof ConfigError && error.option === "acr",
      );
    });
  }
  for (const maxAge of [0, -1, 1.5, "0s", "5", "", Number.NaN, Number.POSITIVE_INFINITY, null, undefined, "1y"]) {
    it(`maxAge ${JSON.stringify(maxAge)}`, () => {
      assert.throws(
        () => gateFor({ maxAge }),
        (error) => error instanceof ConfigError && error.option === "maxAge",
      );
    });
  }

  it("a session, which has no step-up", () => {
    const make = () => createGate({ session: new FakeSession(), rules: [{ match: "/*", needs: { acr: "mfa" } }] });
    assert.throws(make, (error) => error instanceof ConfigError && error.option === "rules");
  });
});
