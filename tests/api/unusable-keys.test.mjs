// Of an accepted set a verifier says which keys cannot be used, and why; of a published set secrets are left out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519, otherEd25519, p256, rsa2048, rsaExponent3 } = testKeys();
const options = { issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const OTHER = "https://other.example";
const good = { ...ed25519.jwk, kid: "good" };
const leaked = { ...p256.privateJwk, kid: "leaked" };
const secret = { kty: "oct", k: "c2VjcmV0", kid: "secret" };
const token = signed(ed25519, { alg: "EdDSA", kid: "good" });
const published = { published: true };

test("keys that can be used say nothing of it", () => {
  const { keys } = createVerifier({ ...options, jwks: [good] });
  assert.deepEqual(keys, [{ index: 0, kid: "good", kty: "OKP", crv: "Ed25519" }]);
});

test("unsupported types stand last, so that no other key's index depends on them", () => {
  const unknown = { kty: "AKP", kid: "pq", alg: "ML-DSA-44", pub: "AA" };
  const verifier = createVerifier({ ...options, jwks: [unknown, {}, good, { ...p256.jwk, use: "enc" }] });
  assert.deepEqual(
    verifier.keys.map(({ index, kty, kid, unusable }) => [index, kty, kid, typeof unusable]),
    [
      [0, "OKP", "good", "undefined"],
      [1, "EC", undefined, "string"],
      [2, "AKP", "pq", "string"],
      [3, "", undefined, "string"],
    ],
  );
  assert.deepEqual(verifier.verify(token).key, verifier.keys[0]);
});

test("what is usable is a matter of the verifier's own options", () => {
  const jwks = [rsaExponent3.jwk, good];
  assert.match(createVerifier({ ...options, jwks }).keys[0].unusable, /anyRsaExponent/);
  assert.equal(createVerifier({ ...options, jwks, anyRsaExponent: true }).keys[0].unusable, undefined);
  assert.match(createVerifier({ ...options, jwks: [p256.jwk, good], algorithms: ["EdDSA"] }).keys[0].unusable, /P-256/);
});

test("the list follows setKeys", () => {
  const verifier = createVerifier({ ...options, jwks: [good] });
  verifier.setKeys([{ ...good, use: "enc" }, otherEd25519.jwk]);
  assert.match(verifier.keys[0].unusable, /its use is "enc"/);
  assert.ok(Object.isFrozen(verifier.keys[0]));
});

for (const [name, jwk, code, kty] of [
  ["a private key", leaked, "private_key", "EC"],
  ["a private RSA key", { ...rsa2048.privateJwk, kid: "leaked" }, "private_key", "RSA"],
  ["a private key of an unsupported type", { kty: "AKP", kid: "leaked", priv: "AA" }, "private_key", "AKP"],
  ["a private key without a type", { kid: "leaked", d: "AA" }, "private_key", ""],
  ["a symmetric key", { ...secret, kid: "leaked" }, "symmetric_key", "oct"],
  ["a symmetric value in a public key", { ...p256.jwk, kid: "leaked", k: "AA" }, "symmetric_key", "EC"],
]) {
  test(`${name} refuses a bundled set, and is left out of a published one`, () => {
    assert.throws(() => createVerifier({ ...options, jwks: [good, jwk] }), { code, option: "jwks" });
    const verifier = createVerifier({ ...options, jwks: [otherEd25519.jwk] });
    for (const refusing of [undefined, {}, { published: false }, { published: undefined }]) {
      assert.throws(() => verifier.setKeys([good, jwk], ISSUER, refusing), { code, option: "jwks" });
    }
    verifier.setKeys([jwk, good], ISSUER, published);
    assert.deepEqual(verifier.verify(token).claims, CLAIMS);
    const left = verifier.keys.filter((key) => key.secret !== undefined);
    assert.deepEqual(
      left.map((key) => [key.kid, key.kty, key.secret]),
      [["leaked", kty, code]],
    );
    assert.match(left[0].unusable, /must be replaced|replace it|has no place/);
    assert.equal(verifier.keys.length, 2);
  });

  test(`${name} alone refuses a published set, and what was there stays`, () => {
    const verifier = createVerifier({ ...options, jwks: [good] });
    assert.throws(() => verifier.setKeys([jwk], undefined, published), {
      code: "no_usable_key",
      message: /must be replaced|replace it|has no place/,
    });
    assert.deepEqual(verifier.verify(token).claims, CLAIMS);
    assert.equal(verifier.keys.length, 1);
  });
}

test("what a leaked key has signed is refused, with and without kid", () => {
  const verifier = createVerifier({ ...options, jwks: [good] });
  verifier.setKeys([good, leaked], ISSUER, published);
  const codeOf = (header) => verifier.safeVerify(signed(p256, header)).error.code;
  assert.equal(codeOf({ alg: "ES256", kid: "leaked" }), "key_unusable");
  assert.equal(codeOf({ alg: "ES256" }), "key_not_found");
});

test("null is absent: no good key is lost to it", () => {
  const nulls = { d: null, p: null, q: null, dp: null, dq: null, qi: null, oth: null, priv: null, k: null };
  const dotnet = { ...rsa2048.jwk, ...nulls, oth: [], x5c: [], key_ops: null, alg: null, use: null, kid: "dotnet" };
  const verifier = createVerifier({ ...options, jwks: [dotnet, good] });
  assert.deepEqual(
    verifier.keys.map((key) => [key.kid, key.unusable]),
    [
      ["dotnet", undefined],
      ["good", undefined],
    ],
  );
  assert.deepEqual(verifier.verify(signed(rsa2048, { alg: "RS256", kid: "dotnet" })).claims, CLAIMS);
});

test("of several issuers each keeps how its set was read, when another gets new keys", () => {
  const verifier = createVerifier([
    { ...options, jwks: [good] },
    { ...options, issuer: OTHER, jwks: [otherEd25519.jwk] },
  ]);
  verifier.setKeys([good, secret], ISSUER, published);
  verifier.setKeys([p256.jwk], OTHER);
  assert.deepEqual(verifier.verify(token).claims, CLAIMS);
  assert.throws(() => verifier.setKeys([good, secret], ISSUER), { code: "symmetric_key" });
  assert.throws(() => verifier.setKeys([p256.jwk, secret], OTHER), { code: "symmetric_key" });
});

test("what is no option of setKeys is refused", () => {
  const verifier = createVerifier({ ...options, jwks: [good] });
  for (const [given, code, option] of [
    [{ publish: true }, "unknown_option", "publish"],
    [{ published: 1 }, "invalid_option", "published"],
    [{ published: null }, "invalid_option", "published"],
    [null, "invalid_option", "setKeys"],
    [true, "invalid_option", "setKeys"],
  ]) {
    assert.throws(() => verifier.setKeys([good], undefined, given), { name: "ConfigError", code, option });
  }
});
