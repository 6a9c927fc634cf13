// What claims must equal: one value, or one of several; and an array is an array.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, describe, test } from "node:test";
import { createVerifier, oneOf } from "tokenward";
import * as slim from "tokenward/slim";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key } = testKeys();
const options = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const require = createRequire(import.meta.url);

/** The error of a token with these claims, or `undefined`. */
const refused = (claims, more, create = createVerifier) =>
  create({ ...options, claims }).safeVerify(signed(key, { alg: "EdDSA" }, { ...CLAIMS, ...more })).error;

before(() => slim.init(readFileSync(new URL(import.meta.resolve("tokenward/tokenward.wasm")))));

for (const [claim, allowed, other] of [
  ["azp", ["web", "mobile"], "cli"],
  ["client_id", ["a", "b", "c"], "d"],
  ["tid", ["72f988bf-86f1-41af-91ab-2d7cd011db47", "9188040d-6c67-4c5b-b112-36a304b66dad"], "common"],
  ["level", [1, 2], 3],
  ["mixed", ["1", 1, null, true], false],
  ["roles", [["a", "b"], ["c"]], ["a"]],
  ["org", [{ id: 1, n: "x" }, { id: 2 }], { id: 1 }],
  ["__proto__", ["a", "b"], "c"],
]) {
  describe(`${claim}, one of several`, () => {
    const claims = Object.fromEntries([[claim, oneOf(...allowed)]]);

    test("each of them is accepted", () => {
      for (const value of allowed) assert.equal(refused(claims, own(claim, value)), undefined);
    });

    test("another one is a claim_mismatch that tells what was expected", () => {
      const { code, expected, actual, ...error } = refused(claims, own(claim, other));
      assert.deepEqual([code, error.claim, expected, actual], ["claim_mismatch", claim, allowed, other]);
    });

    test("all of them at once, or none, is refused", () => {
      assert.equal(refused(claims, own(claim, allowed)).code, "claim_mismatch");
      assert.equal(refused(claims, {}).code, "missing_claim");
    });
  });
}

function own(name, value) {
  return Object.fromEntries([[name, value]]);
}

test("an array is a claim that is an array", () => {
  const claims = { azp: ["web", "mobile"] };
  assert.equal(refused(claims, { azp: ["web", "mobile"] }), undefined);
  for (const azp of ["web", ["web"], ["mobile", "web"]]) assert.equal(refused(claims, { azp }).code, "claim_mismatch");
});

test("one of one is that one, and an array is expected all the same", () => {
  assert.equal(refused({ azp: oneOf("web") }, { azp: "web" }), undefined);
  assert.deepEqual(refused({ azp: oneOf("web") }, { azp: "cli" }).expected, ["web"]);
  assert.deepEqual(refused({ azp: oneOf([]) }, { azp: [] }), undefined);
});

test("the entries of the package understand each other's", () => {
  for (const api of [slim, require("tokenward"), require("tokenward/slim")]) {
    assert.equal(refused({ azp: api.oneOf("web", "mobile") }, { azp: "mobile" }), undefined);
    assert.equal(refused({ azp: api.oneOf("web", "mobile") }, { azp: "cli" }).code, "claim_mismatch");
  }
  assert.equal(refused({ azp: oneOf("web", "mobile") }, { azp: "mobile" }, slim.createVerifier), undefined);
});

test("of what JSON cannot say there is no alternative, nor of none", () => {
  for (const claims of [
    { azp: oneOf() },
    { azp: oneOf(undefined) },
    { azp: oneOf("web", Number.NaN) },
    { azp: oneOf("web", () => "web") },
    { azp: oneOf("web", "\ud800") },
    { azp: oneOf("web", new Date(0)) },
    { azp: oneOf(oneOf("web")) },
    { azp: [oneOf("web")] },
    { azp: { inner: oneOf("web") } },
    oneOf("web"),
  ]) {
    assert.throws(() => createVerifier({ ...options, claims }), { code: "invalid_option", option: "claims" });
  }
});

test("what was given to oneOf may change afterwards", () => {
  const org = { id: 1 };
  const alternatives = oneOf(org, "x");
  const verifier = createVerifier({ ...options, claims: { org: alternatives } });
  org.id = 2;
  assert.throws(() => alternatives[Object.getOwnPropertySymbols(alternatives)[0]].push("y"), TypeError);
  const codeOf = (value) => verifier.safeVerify(signed(key, { alg: "EdDSA" }, { ...CLAIMS, org: value })).error?.code;
  assert.deepEqual(["x", "y", { id: 1 }, { id: 2 }].map(codeOf), [
    undefined,
    "claim_mismatch",
    undefined,
    "claim_mismatch",
  ]);
});

test("oneOf refuses an array in place of the values, and takes an array among several", () => {
  for (const wrong of [["web", "mobile"], ["web"]]) {
    assert.throws(
      () => oneOf(wrong),
      (error) => error.code === "invalid_option" && /oneOf\("a", "b"\)/.test(error.message),
    );
  }
  oneOf(["web"], ["mobile"]);
});
