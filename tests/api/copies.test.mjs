// Whatever an app does to its options after it has passed them, a verifier checks what it was asked to check.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createVerifier, oneOf } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519, p256 } = testKeys();
const jwks = [ed25519.jwk, p256.jwk];

/** Each option: a value, how it is changed afterwards, and a token that only the changed one would take. */
const CHANGES = {
  issuer: [[ISSUER], (value) => value.push("https://evil.example"), { iss: "https://evil.example" }],
  "issuer, replaced": [
    [ISSUER],
    (value) => value.splice(0, 1, "https://evil.example"),
    { iss: "https://evil.example" },
  ],
  audience: [[AUDIENCE], (value) => value.push("b"), { aud: "b" }],
  "audience, emptied": [[AUDIENCE], (value) => value.splice(0, 1, "b"), { aud: "b" }],
  requiredClaims: [["scope"], (value) => value.splice(0), {}],
  algorithms: [["EdDSA"], (value) => value.push("ES256"), {}, p256, { alg: "ES256" }],
  typ: [["at+jwt"], (value) => value.push("JWT"), {}, ed25519, { alg: "EdDSA", typ: "JWT" }],
  claims: [{ role: "admin" }, (value) => Object.assign(value, { role: "user" }), { role: "user" }],
  "claims, deleted": [{ role: "admin" }, (value) => delete value.role, {}],
  "claims, an array": [{ roles: ["a"] }, (value) => value.roles.push("b"), { roles: ["a", "b"] }],
  "claims, an object": [{ org: { id: 1 } }, (value) => Object.assign(value.org, { id: 2 }), { org: { id: 2 } }],
  "claims, one of several": [
    { org: oneOf({ id: 1 }) },
    (value) => {
      value.org[Object.getOwnPropertySymbols(value.org)[0]][0].id = 2;
    },
    { org: { id: 2 } },
  ],
  schema: [
    { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) } },
    (value) => Object.assign(value["~standard"], { validate: (claims) => ({ value: claims }) }),
    {},
  ],
  "schema, replaced": [
    { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) } },
    (value) => Object.assign(value, { "~standard": { validate: (claims) => ({ value: claims }) } }),
    {},
  ],
  jwks: [[ed25519.jwk], (value) => value.push(p256.jwk), {}, p256, { alg: "ES256" }],
};

for (const [name, [value, change, claims, key = ed25519, header = { alg: "EdDSA" }]] of Object.entries(CHANGES)) {
  test(`${name}: what is changed later changes nothing, also after setKeys`, () => {
    const option = name.split(",")[0];
    const given = { jwks, issuer: ISSUER, audience: AUDIENCE, now: () => NOW, [option]: value };
    const token = signed(key, header, { ...CLAIMS, ...claims });
    const verifier = createVerifier(given);
    const before = verifier.safeVerify(token).error?.code;
    assert.ok(before);
    change(value);
    assert.equal(verifier.safeVerify(token).error?.code, before);
    verifier.setKeys(option === "jwks" ? [ed25519.jwk] : jwks);
    assert.equal(verifier.safeVerify(token).error?.code, before);
    // The change is one that would have counted.
    assert.equal(createVerifier(given).safeVerify(token).error, undefined);
  });
}

describe("an option that is another one each time it is read", () => {
  const plain = { jwks, issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
  const forged = { ...CLAIMS, aud: "evil" };
  const ways = {
    "by toJSON of the array": () => Object.assign([AUDIENCE], { toJSON: () => [AUDIENCE, "evil"] }),
    "by toJSON of its class": () =>
      class extends Array {
        toJSON() {
          return [AUDIENCE, "evil"];
        }
      }.of(AUDIENCE),
    "by an iterator of its class": () =>
      class extends Array {
        *[Symbol.iterator]() {
          yield "evil";
        }
      }.of(AUDIENCE),
    "by a map of its class": () => Object.assign([AUDIENCE], { map: () => ["evil"], filter: () => ["evil"] }),
    "by a getter": () => {
      let reads = 0;
      return Object.defineProperty([], 0, { get: () => (reads++ === 0 ? AUDIENCE : "evil"), enumerable: true });
    },
    "by a Proxy": () => {
      let reads = 0;
      const get = (target, name) => (name === "0" && reads++ > 0 ? "evil" : Reflect.get(target, name));
      return new Proxy([AUDIENCE], { get });
    },
    "by the length of a Proxy": () => {
      let reads = 0;
      const get = (target, name) => (name === "length" && reads++ === 0 ? 1 : Reflect.get(target, name));
      return new Proxy([AUDIENCE, "evil"], { get });
    },
  };
  for (const [way, make] of Object.entries(ways)) {
    test(`${way} is what was checked`, () => {
      const verifier = createVerifier({ ...plain, audience: make() });
      for (let round = 0; round < 2; round += 1) {
        assert.deepEqual(verifier.verify(signed(ed25519, { alg: "EdDSA" })).claims, CLAIMS);
        assert.equal(verifier.safeVerify(signed(ed25519, { alg: "EdDSA" }, forged)).error.code, "claim_mismatch");
        verifier.setKeys(jwks);
      }
    });
  }

  test("a claim's array cannot say another thing than its elements", () => {
    const roles = Object.assign(["admin"], { toJSON: () => ["user"] });
    const verifier = createVerifier({ ...plain, claims: { roles } });
    const codeOf = (value) =>
      verifier.safeVerify(signed(ed25519, { alg: "EdDSA" }, { ...CLAIMS, roles: value })).error?.code;
    assert.deepEqual([codeOf(["admin"]), codeOf(["user"])], [undefined, "claim_mismatch"]);
  });

  test("claims that inherit members are refused: JSON would leave them out", () => {
    const base = Object.assign(Object.create(null), { role: "admin" });
    for (const claims of [Object.create(base), { a: Object.create(base) }, Object.create({ role: "admin" })]) {
      assert.throws(() => createVerifier({ ...plain, claims }), { code: "invalid_option", option: "claims" });
    }
  });

  test("a cache's size is read once", () => {
    let reads = 0;
    const cache = {
      get maxTokens() {
        reads += 1;
        return reads === 1 ? 2 : Number.POSITIVE_INFINITY;
      },
    };
    createVerifier({ ...plain, cache });
    assert.equal(reads, 1);
  });
});

for (const prototype of [Array.prototype, Object.prototype, String.prototype]) {
  test(`what a page has put on all ${prototype.constructor.name}s for JSON changes nothing`, (t) => {
    t.after(() => delete prototype.toJSON);
    const keys = JSON.stringify(jwks);
    const token = signed(ed25519, { alg: "EdDSA" }, { ...CLAIMS, roles: ["a"] });
    const other = signed(ed25519, { alg: "EdDSA" }, { ...CLAIMS, roles: ["a"], aud: "other" });
    Object.defineProperty(prototype, "toJSON", { value: () => "x", configurable: true });
    const given = { jwks: keys, issuer: [ISSUER], audience: [AUDIENCE], now: () => NOW, claims: { roles: ["a"] } };
    const verifier = createVerifier(given);
    assert.equal(verifier.verify(token).claims.sub, CLAIMS.sub);
    assert.equal(verifier.safeVerify(other).error.code, "claim_mismatch");
    verifier.setKeys(keys);
    assert.equal(verifier.verify(token).claims.sub, CLAIMS.sub);
  });
}
