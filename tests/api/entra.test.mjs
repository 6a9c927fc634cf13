// Microsoft Entra: one issuer, many tenants, and each has an issuer identifier of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, entraIssuer } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import * as providers from "tokenward/providers";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key, otherEd25519: otherKey } = testKeys();
const [A, B, C] = ["a", "b", "c"].map((digit) => `${digit.repeat(8)}-0000-4000-8000-0123456789ab`);
const issuerOf = (tenant) => `https://login.microsoftonline.com/${tenant}/v2.0`;
const TEMPLATE = issuerOf("{tenantid}");
const CLAIMS = { aud: "api", sub: "ada", iat: NOW - 10, exp: NOW + 300 };
const token = (claims, signer = key, header = {}) =>
  signed(signer, { alg: "EdDSA", ...header }, { ...CLAIMS, ...claims });
const of = (tenant, tid = tenant) => token({ iss: issuerOf(tenant), tid });
const create = (tenants, options) =>
  createVerifier({ jwks: [key.jwk], issuer: entraIssuer({ tenants }), audience: "api", now: () => NOW, ...options });

function outcome(verifier, given) {
  const { ok, error } = verifier.safeVerify(given);
  return ok ? "ok" : [error.code, error.claim].filter(Boolean).join(" ");
}

const some = create([A, B.toUpperCase()]);
const any = create("any");
for (const [name, given, expectedOfSome, expectedOfAny = expectedOfSome] of [
  ["a tenant", of(A), "ok"],
  ["a tenant that was given in capitals", of(B), "ok"],
  ["another tenant", of(C), "claim_mismatch iss", "ok"],
  ["a tenant's token in capitals", of(A.toUpperCase()), "claim_mismatch iss"],
  ["tid of another tenant", of(A, B), "claim_mismatch tid"],
  ["tid of a stranger", of(A, C), "claim_mismatch tid"],
  ["tid in capitals", of(A, A.toUpperCase()), "claim_mismatch tid"],
  ["no tid", token({ iss: issuerOf(A) }), "missing_claim tid"],
  ["tid null", token({ iss: issuerOf(A), tid: null }), "claim_mismatch tid"],
  ["tid in a list", token({ iss: issuerOf(A), tid: [A] }), "claim_mismatch tid"],
  ["no iss", token({ tid: A }), "missing_claim iss"],
  ["the template itself", token({ iss: TEMPLATE, tid: "{tenantid}" }), "claim_mismatch iss"],
  ["no tenant", token({ iss: issuerOf(""), tid: "" }), "claim_mismatch iss"],
  ["common", of("common"), "claim_mismatch iss"],
  ["a path in place of a tenant", of(`${A}/x`), "claim_mismatch iss"],
  ["a shorter GUID", of(A.slice(1)), "claim_mismatch iss"],
  ["a GUID without hyphens", of(A.replaceAll("-", "")), "claim_mismatch iss"],
  ["a GUID of other letters", of(A.replaceAll("a", "g")), "claim_mismatch iss"],
  ["a slash at the end", token({ iss: `${issuerOf(A)}/`, tid: A }), "claim_mismatch iss"],
  ["version 1", token({ iss: `https://sts.windows.net/${A}/`, tid: A }), "claim_mismatch iss"],
  ["http", token({ iss: issuerOf(A).replace("https", "http"), tid: A }), "claim_mismatch iss"],
  ["another host", token({ iss: `https://evil.example/${A}/v2.0`, tid: A }), "claim_mismatch iss"],
  ["another cloud", token({ iss: issuerOf(A).replace("online.com", "online.us"), tid: A }), "claim_mismatch iss"],
]) {
  test(`Entra: ${name}`, () => {
    assert.equal(outcome(some, given), expectedOfSome);
    assert.equal(outcome(any, given), expectedOfAny);
  });
}

test("a key that is for one tenant signs for no other", () => {
  const jwks = [
    { ...key.jwk, kid: "all", issuer: TEMPLATE },
    { ...otherKey.jwk, kid: "b", issuer: issuerOf(B) },
  ];
  const verifier = create("any", { jwks });
  const by = (kid, tenant) => token({ iss: issuerOf(tenant), tid: tenant }, kid === "b" ? otherKey : key, { kid });
  assert.equal(outcome(verifier, by("all", A)), "ok");
  assert.equal(outcome(verifier, by("all", B)), "ok");
  assert.equal(outcome(verifier, by("b", B)), "ok");
  assert.equal(outcome(verifier, by("b", A)), "key_unusable");
});

test("clouds", () => {
  for (const [cloud, host] of [
    ["global", "login.microsoftonline.com"],
    ["us-government", "login.microsoftonline.us"],
    ["china", "login.partner.microsoftonline.cn"],
  ]) {
    const verifier = create([A], { issuer: entraIssuer({ tenants: [A], cloud }) });
    assert.equal(outcome(verifier, token({ iss: `https://${host}/${A}/v2.0`, tid: A })), "ok");
  }
});

for (const [name, given] of [
  ["nothing", undefined],
  ["no tenants", {}],
  ["an empty list", { tenants: [] }],
  ["a name", { tenants: ["contoso.onmicrosoft.com"] }],
  ["common", { tenants: ["common"] }],
  ["common in place of a list", { tenants: "common" }],
  ["any in a list", { tenants: ["any"] }],
  ["null, which says any elsewhere", { tenants: null }],
  ["a GUID with space", { tenants: [`${A} `] }],
  ["a hole", { tenants: [A, undefined] }],
  ["another cloud", { tenants: [A], cloud: "moon" }],
  ["a cloud that objects inherit", { tenants: [A], cloud: "toString" }],
  ["an unknown option", { tenants: [A], tenant: A }],
]) {
  test(`entraIssuer refuses ${name}`, () => assert.throws(() => entraIssuer(given), { name: "ConfigError" }));
}

test("beside other issuers", () => {
  const other = { jwks: [otherKey.jwk], issuer: "https://login.example", audience: "api", now: () => NOW };
  for (const tenants of ["any", [A]]) {
    const entra = { jwks: [key.jwk], issuer: entraIssuer({ tenants }), audience: "api", now: () => NOW };
    const verifier = createVerifier([other, entra]);
    assert.equal(outcome(verifier, of(A)), "ok");
    assert.equal(outcome(verifier, token({ iss: "https://login.example" }, otherKey)), "ok");
    assert.equal(outcome(verifier, token({ iss: "https://login.example" }, key)), "bad_signature");
    assert.equal(outcome(verifier, token({ iss: issuerOf(A), tid: A }, otherKey)), "bad_signature");
    verifier.setKeys([otherKey.jwk], issuerOf(A));
    assert.equal(outcome(verifier, token({ iss: issuerOf(A), tid: A }, otherKey)), "ok");
    const twice = { ...other, issuer: issuerOf(A) };
    assert.throws(() => createVerifier([twice, entra]), { code: "invalid_option", option: "issuer" });
    assert.throws(() => createVerifier([entra, entra]), { code: "invalid_option", option: "issuer" });
  }
});

test("keys of an issuer that merely looks like a tenant come to that issuer alone", () => {
  const entra = { jwks: [key.jwk], issuer: entraIssuer({ tenants: "any" }), audience: "api", now: () => NOW };
  for (const lookalike of ["acme", "", `${A}/x`, A.toUpperCase(), A.slice(1)].map(issuerOf)) {
    const other = { jwks: [key.jwk], issuer: lookalike, audience: "api", now: () => NOW };
    for (const issuers of [
      [entra, other],
      [other, entra],
    ]) {
      const byHand = createVerifier(issuers);
      byHand.setKeys([otherKey.jwk], lookalike);
      const storage = memoryStorage();
      const byStore = createKeyStore([
        {
          verifier: createVerifier(issuers),
          bundled: [otherKey.jwk],
          issuer: lookalike,
          jwksUri: "https://x.example/",
          storage,
        },
      ]);
      for (const verifier of [byHand, byStore]) {
        assert.equal(outcome(verifier, of(A)), "ok");
        assert.equal(outcome(verifier, token({ iss: issuerOf(A), tid: A }, otherKey)), "bad_signature");
        assert.equal(outcome(verifier, token({ iss: lookalike }, otherKey)), "ok");
      }
    }
  }
  const verifier = createVerifier(entra);
  const unnamed = createVerifier({ ...entra, issuer: null });
  for (const issuer of [issuerOf("acme"), null, 5, {}, Symbol("issuer"), [issuerOf(A)]]) {
    const expected = { name: "ConfigError", code: "invalid_option", option: "issuer" };
    assert.throws(() => verifier.setKeys([otherKey.jwk], issuer), expected);
    if (typeof issuer !== "string") assert.throws(() => unnamed.setKeys([otherKey.jwk], issuer), expected);
  }
});

test("a key whose issuer is no string is for no tenant", () => {
  for (const issuer of [5, null, [issuerOf(A)], {}]) {
    const verifier = create("any", { jwks: [{ ...key.jwk, issuer }] });
    assert.equal(outcome(verifier, of(A)), "key_unusable");
  }
});

test("a profile, a key store, the other entry", () => {
  assert.equal(providers.entraIssuer, entraIssuer);
  const verifier = create("any", { profile: "id_token" });
  assert.equal(outcome(verifier, of(A)), "ok");
  const store = createKeyStore({
    verifier: create([A]),
    bundled: [key.jwk],
    jwksUri: "https://login.microsoftonline.com/common/discovery/v2.0/keys",
    storage: memoryStorage(),
  });
  assert.equal(outcome(store, of(A)), "ok");
  assert.equal(outcome(store, of(B)), "claim_mismatch iss");
});
