// A refusal names the member or part that is to blame, what was found, what was expected and, where we know it, what to do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, segment, signed } from "../conformance/tokens.mjs";

const { ed25519, p256, p384, p521, rsa2048, rsa1024 } = testKeys();
const options = { issuer: ISSUER, audience: AUDIENCE, now: () => NOW };

/** The first bytes of a number are left out, as by a library that writes it without leading zeros. */
const shortened = (number) => Buffer.from(number, "base64url").subarray(1).toString("base64url");
const without = (jwk, ...names) => Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));
const standard = `+/${rsa2048.jwk.n.slice(2)}==`;

/** What is wrong with the only key, and words that its message must say. */
const KEYS = {
  "no kty": [without(ed25519.jwk, "kty"), "its kty is missing", '"RSA", "EC" or "OKP"'],
  "a kty that is null": [{ ...ed25519.jwk, kty: null }, "its kty is missing"],
  "a kty that is a number": [{ ...ed25519.jwk, kty: 1 }, "its kty is a number", '"RSA", "EC" or "OKP"'],
  "a kty in another case": [{ ...rsa2048.jwk, kty: "rsa" }, 'its kty is "rsa"', '"RSA", "EC" or "OKP"'],
  "a kty of the future": [{ kty: "AKP", alg: "ML-DSA-44", pub: "AA" }, 'its kty is "AKP"', "tokenward/ml-dsa"],
  "no members at all": [{}, "its kty is missing"],
  "no crv": [without(p256.jwk, "crv"), "its crv is missing", '"P-256", "P-384" or "P-521"'],
  "no crv of an OKP": [without(ed25519.jwk, "crv"), "its crv is missing", '"Ed25519"'],
  "a crv that is an array": [{ ...p256.jwk, crv: ["P-256"] }, "its crv is an array"],
  "another crv": [{ ...p256.jwk, crv: "secp256k1" }, 'its crv is "secp256k1"', '"P-256"'],
  "another crv of an OKP": [{ ...ed25519.jwk, crv: "X25519" }, 'its crv is "X25519"', '"Ed25519"'],
  "no n": [without(rsa2048.jwk, "n"), "its n is missing", "base64url"],
  "no e": [without(rsa2048.jwk, "e"), "its e is missing", "base64url"],
  "no x": [without(p256.jwk, "x"), "its x is missing", "base64url"],
  "no y": [without(p256.jwk, "y"), "its y is missing", "base64url"],
  "no x of an OKP": [without(ed25519.jwk, "x"), "its x is missing", "base64url"],
  "an x that is null": [{ ...ed25519.jwk, x: null }, "its x is missing"],
  "an e that is a number": [{ ...rsa2048.jwk, e: 65537 }, "its e is a number", "base64url"],
  "an n that is an object": [{ ...rsa2048.jwk, n: {} }, "its n is an object", "base64url"],
  "standard base64": [{ ...rsa2048.jwk, n: standard }, "its n is malformed", "standard base64", "- for +", "_ for /"],
  "a padded n": [{ ...rsa2048.jwk, n: `${rsa2048.jwk.n}==` }, "its n is malformed", "padded with ="],
  "a line end in n": [{ ...rsa2048.jwk, n: `${rsa2048.jwk.n}\n` }, "its n is malformed", "white space"],
  "other characters": [{ ...ed25519.jwk, x: "%%%" }, "its x is malformed", "base64url"],
  "only a certificate": [{ kty: "RSA", use: "sig", x5c: ["AAAA"] }, "its n is missing", "x5c is not read"],
  "only a certificate, and no kty": [{ x5c: ["AAAA"] }, "its kty is missing", "x5c is not read"],
  "a short x": [{ ...p256.jwk, x: shortened(p256.jwk.x) }, "its x has 31 bytes", "exactly 32", "leading zeros"],
  "a short y": [{ ...p384.jwk, y: shortened(p384.jwk.y) }, "its y has 47 bytes", "exactly 48", "leading zeros"],
  "a short x of P-521": [{ ...p521.jwk, x: shortened(p521.jwk.x) }, "its x has 65 bytes", "exactly 66"],
  "a short x of Ed25519": [{ ...ed25519.jwk, x: shortened(ed25519.jwk.x) }, "its x has 31 bytes", "exactly 32"],
  "an empty y": [{ ...p256.jwk, y: "" }, "its y has 0 bytes", "exactly 32"],
  "a long x": [{ ...p256.jwk, x: segment(Buffer.alloc(65, 4)) }, "its x has 65 bytes", "exactly 32"],
  "a small modulus": [rsa1024.jwk, "1024 bits", "2048"],
  "a use for encryption": [{ ...p256.jwk, use: "enc" }, 'its use is "enc"', '"sig"'],
  "a use that is an array": [{ ...p256.jwk, use: ["sig"] }, "its use is an array", "a string"],
  "a kid that is a number": [{ ...p256.jwk, kid: 7 }, "its kid is a number", "a string"],
  "an alg that is a number": [{ ...p256.jwk, alg: 7 }, "its alg is a number", "a string"],
  "an alg of another type": [{ ...p256.jwk, alg: "RS256" }, 'its alg is "RS256"', "ES256"],
  "an operation twice": [{ ...p256.jwk, key_ops: ["verify", "verify"] }, "key_ops", "twice", "RFC 7517 section 4.3"],
  "an operation that is a number": [{ ...p256.jwk, key_ops: ["verify", 1] }, "key_ops", "array of strings"],
  "an operation alone": [{ ...p256.jwk, key_ops: "verify" }, "key_ops", "array of strings"],
  "no operation": [{ ...p256.jwk, key_ops: [] }, "key_ops", '"verify"'],
};

for (const [name, [jwk, ...words]] of Object.entries(KEYS)) {
  test(`a key with ${name} is told what is wrong, alone and beside others`, () => {
    says(() => createVerifier({ ...options, jwks: [jwk] }), "no_usable_key", words);
    const good = { ...ed25519.jwk, kid: "good" };
    const { keys } = createVerifier({ ...options, jwks: [jwk, good] });
    assert.deepEqual(
      keys.filter(({ unusable }) => unusable === undefined).map(({ kid }) => kid),
      ["good"],
    );
    const listed = keys.find(({ kid }) => kid !== "good");
    for (const word of words) assert.ok(listed.unusable.includes(word), listed.unusable);
  });
}

test("a key that no allowed algorithm is for says so", () => {
  const only = { ...options, algorithms: ["RS256"] };
  says(() => createVerifier({ ...only, jwks: [p256.jwk] }), "no_usable_key", ["no allowed algorithm", "P-256"]);
  const { keys } = createVerifier({ ...only, jwks: [p256.jwk, rsa2048.jwk] });
  assert.match(keys[0].unusable, /no allowed algorithm is for its type, P-256/);
  assert.equal("unusable" in keys[1], false);
});

const pem = (what, body = "MCowBQYDK2VwAyEA") => `-----BEGIN ${what}-----\n${body}\n-----END ${what}-----\n`;

/** What people pass as `jwks`, and words that the message must say. */
const SETS = {
  "a PEM": [pem("PUBLIC KEY"), "PEM", "createPublicKey", 'format: "jwk"'],
  "a PEM after a line end": [`\n${pem("RSA PUBLIC KEY")}`, "PEM", "createPublicKey"],
  "a certificate": [pem("CERTIFICATE"), "PEM", "createPublicKey"],
  "a private key in PEM": [pem("PRIVATE KEY", "c2VjcmV0c2VjcmV0"), "private key", "replace it"],
  "an encrypted private key in PEM": [pem("ENCRYPTED PRIVATE KEY"), "private key"],
  "a private key of OpenSSH": [pem("OPENSSH PRIVATE KEY"), "private key"],
  "a key of OpenSSH": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here", "OpenSSH", "JWK"],
  "an ECDSA key of OpenSSH": ["ecdsa-sha2-nistp256 AAAA me@here", "OpenSSH", "JWK"],
  "an address": ["https://login.example/.well-known/jwks.json", "address", "key store"],
  "a page": ["<!DOCTYPE html><html></html>", "HTML"],
  "empty text": ["", "it is empty"],
  "white space": [" \n", "it is empty"],
  "a token": [signed(ed25519, { alg: "EdDSA" }), "it is a token"],
  "other text": ["keys", "not strict JSON", "byte 0"],
  metadata: [{ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }, "metadata", "jwks_uri"],
  "one JWK": [ed25519.jwk, "one JWK", "array"],
  "a promise": [Promise.resolve({ keys: [] }), "await"],
  "a CryptoKey": [{}, "export it as a JWK"],
  "another object": [{ error: "not_found" }, '"keys"'],
  "keys that are an object": [{ keys: {} }, '"keys" is an object'],
  "keys that are text": [{ keys: "[]" }, '"keys" is a string'],
  "keys that are null": [{ keys: null }, '"keys" is null'],
  "JSON of JSON": [JSON.stringify("{}"), "it is a string"],
  "an element that is text": [[ed25519.jwk, "key"], "key 1 of it is a string"],
  "an element that is null": [[null], "key 0 of it is null"],
};

for (const [name, [jwks, ...words]] of Object.entries(SETS)) {
  test(`${name} as jwks is recognized, at first and later`, () => {
    const good = createVerifier({ ...options, jwks: [ed25519.jwk] });
    for (const set of [() => createVerifier({ ...options, jwks }), () => good.setKeys(jwks)]) {
      const error = says(set, "invalid_jwks", words);
      assert.ok(!error.message.includes("c2VjcmV0"), "a message must not show a private key");
    }
  });
}

test("a set without keys says so, and what its provider lacks", () => {
  for (const jwks of [{ keys: [] }, []]) {
    says(() => createVerifier({ ...options, jwks }), "no_usable_key", ["is empty", "HS256", "asymmetric"]);
  }
});

/** What tokens are refused for, by a set of these keys. */
const TOKENS = {
  "a kid, where the only key has none": [
    [ed25519.jwk],
    signed(ed25519, { alg: "EdDSA", kid: "a" }),
    "key_not_found",
    ['kid "a"', "has no kid", "give the key this kid"],
    ["out of date"],
  ],
  "a kid, where none of the keys that fit has one": [
    [ed25519.jwk, ed25519.jwk, { ...p256.jwk, kid: "b" }],
    signed(ed25519, { alg: "EdDSA", kid: "a" }),
    "key_not_found",
    ["has no kid"],
    ["out of date"],
  ],
  "a kid that the set does not have": [
    [{ ...ed25519.jwk, kid: "b" }],
    signed(ed25519, { alg: "EdDSA", kid: "a" }),
    "key_not_found",
    ["out of date"],
    ["has no kid"],
  ],
  "a kid that only keys of another type have": [
    [{ ...p256.jwk, kid: "a" }],
    signed(ed25519, { alg: "EdDSA", kid: "a" }),
    "key_not_found",
    ["another type"],
    ["out of date", "has no kid"],
  ],
  "no kid, and no key of its type": [
    [p256.jwk],
    signed(ed25519, { alg: "EdDSA" }),
    "key_not_found",
    ["names no kid", "other types"],
    ["out of date"],
  ],
  "no kid, and only a key that cannot be used": [
    [p256.jwk, { ...ed25519.jwk, use: "enc" }],
    signed(ed25519, { alg: "EdDSA" }),
    "key_not_found",
    ["names no kid", "no key that would fit can be used"],
    [],
  ],
  "padded segments": [
    [ed25519.jwk],
    `${segment({ alg: "EdDSA" })}=.e30=.${"A".repeat(86)}==`,
    "malformed",
    ["padded with =", "x-amzn-oidc-accesstoken"],
    ["canonical"],
  ],
  "only its signature padded": [
    [ed25519.jwk],
    `${signed(ed25519, { alg: "EdDSA" })}==`,
    "malformed",
    ["the signature", "padded"],
    [],
  ],
  "standard base64": [[ed25519.jwk], "+/+/.e30.AA", "malformed", ["the header", "standard base64"], ["canonical"]],
  "a prefix": [
    [ed25519.jwk],
    `Bearer ${signed(ed25519, { alg: "EdDSA" })}`,
    "malformed",
    ["white space", "Bearer"],
    [],
  ],
  encryption: [[ed25519.jwk], "e30.AA.AA.AA.AA", "malformed", ["encrypted", "JWE"], ["three segments"]],
  "four segments": [[ed25519.jwk], "e30.AA.AA.AA", "malformed", ["three segments"], ["JWE"]],
};

for (const [name, [jwks, token, code, words, never]] of Object.entries(TOKENS)) {
  test(`a token with ${name} is told why`, () => {
    const { error } = createVerifier({ ...options, jwks }).safeVerify(token);
    says(() => assert.fail(error), code, words);
    for (const word of never) assert.ok(!error.message.includes(word), error.message);
  });
}

test("a token whose padding is signed, as a load balancer of AWS makes it, is refused although its signature holds", () => {
  const pad = (text) => text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  const input = `${pad(segment({ alg: "EdDSA" }))}.${pad(segment(CLAIMS))}`;
  const token = `${input}.${pad(segment(ed25519.sign("EdDSA", Buffer.from(input))))}`;
  const { error } = createVerifier({ ...options, jwks: [ed25519.jwk] }).safeVerify(token);
  assert.equal(error.code, "malformed");
  assert.match(error.message, /pads x-amzn-oidc-data, not x-amzn-oidc-accesstoken/);
});

/** The error of some work, which has this code and says these words. */
function says(work, code, words) {
  let error;
  try {
    work();
  } catch (thrown) {
    error = thrown;
  }
  assert.equal(error?.code, code, error?.message);
  for (const word of words) assert.ok(error.message.includes(word), `${word}: ${error.message}`);
  return error;
}
