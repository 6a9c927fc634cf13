// tokenward/ml-dsa: ML-DSA in a module of its own. What it verifies is in tests/conformance/ml-dsa.mjs, run in every runtime.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier as createWithout } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { ConfigError, createVerifier, TokenError } from "tokenward/ml-dsa";
import * as referenceApi from "tokenward/reference";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { mlDsaKeys } from "../conformance/ml-dsa.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const options = { issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const { ed25519, p256 } = testKeys();
const keys = mlDsaKeys();
const others = mlDsaKeys(9);
const tokenOf = (key, kid) => signed(key, { alg: key.alg, kid });
const HINT = /ML-DSA needs tokenward\/ml-dsa/;

for (const [entry, create] of Object.entries({
  tokenward: createWithout,
  "tokenward/reference": referenceApi.createVerifier,
})) {
  test(`${entry} says where ML-DSA is: of a token, of a key, of an option`, () => {
    for (const { alg, jwk, ...key } of keys) {
      const verifier = create({ ...options, jwks: [jwk, ed25519.jwk] });
      assert.match(verifier.keys[1].unusable, /^its kty is "AKP"; it should be "RSA", "EC" or "OKP"/);
      assert.match(verifier.keys[1].unusable, HINT);
      const { error } = verifier.safeVerify(signed(key, { alg }));
      assert.deepEqual([error.code, error.actual], ["unsupported_algorithm", alg]);
      assert.match(error.message, HINT);
      for (const wrong of [
        { ...options, jwks: [jwk] },
        { ...options, jwks: [ed25519.jwk], algorithms: [alg] },
      ]) {
        assert.throws(
          () => create(wrong),
          ({ code, message }) => ["no_usable_key", "invalid_option"].includes(code) && HINT.test(message),
        );
      }
    }
    const { error } = create({ ...options, jwks: [ed25519.jwk] }).safeVerify(
      signed(ed25519, { alg: "HS256" }, CLAIMS, "EdDSA"),
    );
    assert.doesNotMatch(error.message, /ML-DSA/);
  });
}

test("the module with ML-DSA does not send anybody elsewhere, and names it among what it has", () => {
  const verifier = createVerifier({ ...options, jwks: [ed25519.jwk, { kty: "PQC" }] });
  const { error } = verifier.safeVerify(signed(ed25519, { alg: "ML-DSA-45" }, CLAIMS, "EdDSA"));
  assert.ok(error instanceof TokenError);
  assert.match(error.message, /and ML-DSA with 44, 65 or 87$/);
  assert.match(verifier.keys[1].unusable, /"AKP"$/);
  assert.throws(() => createVerifier({ ...options, jwks: [{ ...keys[0].privateJwk }] }), ConfigError);
});

test("tokens of ML-DSA fit the default bound with 10 kB of claims beside the signature", () => {
  const claims = { ...CLAIMS, roles: "r".repeat(7000) };
  for (const key of keys) {
    const token = signed(key, { alg: key.alg }, claims);
    assert.ok(token.length < 16_384);
    assert.equal(createVerifier({ ...options, jwks: [key.jwk] }).verify(token).claims.roles.length, 7000);
  }
});

test("a token is remembered as any other", () => {
  const [, key] = keys;
  const verifier = createVerifier({ ...options, jwks: [key.jwk], cache: true });
  const first = verifier.verify(tokenOf(key));
  assert.equal(verifier.verify(tokenOf(key)).claims, first.claims);
  assert.equal(verifier.assess(tokenOf(key), {}, { now: NOW }).access, "full");
});

/** A store over keys with these kids, and what its provider publishes. */
function openStore(bundled, published, more = {}) {
  const verifier = createVerifier({ ...options, jwks: bundled });
  const errors = [];
  const fetch = async () => new Response(JSON.stringify({ keys: published.keys }));
  const store = createKeyStore({
    verifier,
    bundled,
    jwksUri: "https://login.example/keys",
    storage: memoryStorage(),
    now: () => NOW,
    onError: (error) => errors.push(error),
    fetch,
    ...more,
  });
  return { store, errors };
}

test("a key store takes keys of ML-DSA beside others", async () => {
  const published = { keys: [...keys.map(({ alg, jwk }) => ({ ...jwk, kid: alg })), { ...p256.jwk, kid: "p256" }] };
  const { store } = openStore([{ ...ed25519.jwk, kid: "ed" }], published);
  await store.refresh();
  for (const key of keys) assert.equal(store.verify(tokenOf(key, key.alg)).key.kid, key.alg);
});

test("pinned keys of ML-DSA are known by alg and pub: each can be withdrawn, another counts for none", async () => {
  const bundled = keys.map(({ alg, jwk }) => ({ ...jwk, kid: alg }));
  const published = { keys: [{ ...bundled[0], kid: "renamed" }, bundled[2], { ...others[1].jwk, kid: keys[1].alg }] };
  const { store } = openStore(bundled, published, { pin: true });
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(
    keys.map((key) => store.safeVerify(tokenOf(key, key.alg)).ok),
    [true, false, true],
  );
  assert.equal(store.safeVerify(tokenOf(others[1], keys[1].alg)).ok, false);
});

test("with a private key that its provider publishes goes the public one, whatever it is called", async () => {
  const [first, second] = keys;
  const bundled = [
    { ...first.jwk, kid: "first" },
    { ...second.jwk, kid: "second" },
  ];
  const published = { keys: [...bundled, { ...first.privateJwk, kid: "leaked" }] };
  const { store, errors } = openStore(bundled, published);
  await store.refresh();
  assert.deepEqual(
    errors.map(({ code, kid }) => [code, kid]),
    [["private_key", "leaked"]],
  );
  assert.equal(store.safeVerify(tokenOf(first, "first")).error.code, "key_not_found");
  assert.ok(store.verify(tokenOf(second, "second")));
});
