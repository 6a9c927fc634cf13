// A prototype that some other code has tampered with says nothing to a gate.
import assert from "node:assert/strict";
import { afterEach, it } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";
import { ORIGIN } from "./fakes.mjs";
import { RawRequest } from "./routers.mjs";

const verifier = {
  safeVerify: () => ({ ok: true, value: { claims: {} } }),
  assess: () => ({ reason: "valid", until: null }),
};
const rules = [
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/*", needs: null },
];
const TAMPERED = [
  "location",
  "registration",
  "rule",
  "refusal",
  "origin",
  "roles",
  "scopes",
  "rights",
  "template",
  "issuers",
];

const tamper = (name, value) => Object.defineProperty(Object.prototype, name, { value, configurable: true });
afterEach(() => {
  for (const name of TAMPERED) delete Object.prototype[name];
});

const next = () => new Response("passed");

for (const url of [`${ORIGIN}/a%2Fb`, `${ORIGIN}/a%5Cb`, `${ORIGIN}/%`]) {
  it(`sends a URL that is refused nowhere: ${url}`, async () => {
    const gate = createGate({ verifier, rules });
    tamper("location", "//evil.test");
    const answer = await gate.handle(new RawRequest(url), next);
    assert.deepEqual([answer.status, answer.headers.get("location")], [400, null]);
    assert.equal(Object.hasOwn(gate.decide({ url, method: "GET" }), "location"), false);
  });
}

for (const [name, value] of [
  ["roles", ["admin"]],
  ["scopes", ["admin"]],
  ["rights", { roles: ["admin"], scopes: ["admin"] }],
]) {
  it(`gives nobody rights by ${name}`, () => {
    const needs = [{ role: "admin" }, { scope: "admin" }];
    for (const need of needs) {
      const gate = createGate({ verifier, rules: [{ match: "/*", needs: need }], token: () => "a token" });
      tamper(name, value);
      const decision = gate.decide({ url: `${ORIGIN}/`, method: "GET" });
      assert.deepEqual([decision.allowed, decision.refused], [false, "rights"]);
      delete Object.prototype[name];
    }
  });
}

it("makes no tenants of a verifier's issuer", () => {
  const options = { jwks: [testKeys().ed25519.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
  tamper("template", "https://{tenantid}.example");
  tamper("issuers", null);
  const made = createVerifier(options);
  const stranger = signed(testKeys().ed25519, { alg: "EdDSA" }, { ...CLAIMS, iss: "https://stranger.example" });
  assert.equal(made.safeVerify(stranger).error?.claim, "iss");
});

it("makes no worker of a server", async () => {
  tamper("registration", {});
  tamper("location", "//evil.test");
  const gate = createGate({ verifier, rules, origin: ORIGIN });
  const answer = await gate.handle(new Request("https://other.test/x"), next);
  assert.equal(answer?.status, 421);
});

it("gives the gate no origin of its own", async () => {
  tamper("location", { origin: "https://other.test", href: "https://other.test/" });
  const gate = createGate({ verifier, rules });
  assert.equal(await (await gate.handle(new Request(`${ORIGIN}/x`), next)).text(), "passed");
});

it("is no rule about a URL that is refused", () => {
  const gate = createGate({ verifier, rules });
  tamper("rule", { given: {}, needs: null });
  assert.equal(gate.decide({ url: `${ORIGIN}/a%2Fb`, method: "GET" }).allowed, false);
});
