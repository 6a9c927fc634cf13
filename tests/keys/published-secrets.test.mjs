// A provider that publishes a secret beside its public keys: the secret is left out and reported, and rotation goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createKeyStore, KeyStoreError } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, ISSUER, NOW } from "../conformance/tokens.mjs";
import { accepted, k1, k2, k3, openStore, privateKey, providerFor } from "./stores.mjs";

const symmetric = { kty: "oct", kid: "shared", k: "c2VjcmV0" };
const named = (errors) => errors.map(({ code, kid }) => [code, kid]);

for (const [what, secret, code, kid] of [
  ["a private key", privateKey, "private_key", "private"],
  ["a private key without kid", { ...privateKey, kid: undefined }, "private_key", undefined],
  ["a private key of unknown type", { kty: "PQC", kid: "new", d: "AAAA" }, "private_key", "new"],
  ["a symmetric key", symmetric, "symmetric_key", "shared"],
]) {
  test(`${what} among public ones is left out and reported once, and the others count`, async (t) => {
    const provider = await providerFor(t, [k2, secret, k3]);
    const { store, storage, clock, errors } = openStore(provider);
    assert.deepEqual(await store.refresh(), { outcome: "updated" });
    assert.deepEqual(accepted(store), ["k2", "k3"]);
    assert.deepEqual(named(errors), [[code, kid]]);
    assert.ok(errors[0] instanceof KeyStoreError);
    assert.match(errors[0].message, /left out/);
    for (const value of [secret.d, secret.k]) assert.ok(value === undefined || !errors[0].message.includes(value));
    await store.refresh();
    assert.equal(errors.length, 1, "once for each set");
    const reloaded = openStore(provider, { storage, clock });
    await reloaded.store.load();
    assert.deepEqual(accepted(reloaded.store), ["k2", "k3"]);
    provider.keys = [k2];
    assert.deepEqual(await store.refresh(), { outcome: "updated" });
    assert.equal(errors.length, 1);
  });
}

test("a set of secrets alone serves nobody: the old one stays", async (t) => {
  const provider = await providerFor(t, [privateKey, symmetric]);
  const { store } = openStore(provider);
  await assert.rejects(store.refresh(), { name: "KeyStoreError", code: "invalid_set" });
  assert.deepEqual(accepted(store), ["k1"]);
});

test("a bundled set with a secret is refused", () => {
  for (const [secret, code] of [
    [privateKey, "private_key"],
    [symmetric, "symmetric_key"],
  ]) {
    const { store: _, verifier } = openStore({ jwksUri: "https://login.example/keys" });
    const options = { verifier, bundled: [k1, secret], jwksUri: "https://login.example/keys" };
    assert.throws(() => createKeyStore(options), { name: "ConfigError", code, option: "bundled" });
  }
});

test("a member that is null is absent: the key is public", async (t) => {
  const provider = await providerFor(t, [{ ...k2, d: null, k: null, oth: null, use: null, key_ops: null }]);
  const { store, errors } = openStore(provider);
  await store.refresh();
  assert.deepEqual(accepted(store), ["k2"]);
  assert.deepEqual(errors, []);
});

test("pinned: a key whose null members were published stays, one that was published as a secret counts as withdrawn", async (t) => {
  const provider = await providerFor(t, [{ ...k1, d: null, use: null, key_ops: null }, k3]);
  const { store } = openStore(provider, { bundled: [k1, k3], pin: true });
  await store.refresh();
  assert.deepEqual(accepted(store), ["k1", "k3"]);
  provider.keys = [k1, { ...testKeys().p256.privateJwk, kid: "leaked" }];
  await store.refresh();
  assert.deepEqual(accepted(store), ["k1"]);
});

test("of several issuers, only the secrets of the set in question are reported", async (t) => {
  const other = "https://other.example";
  const provider = await providerFor(t, [k2, privateKey]);
  const quiet = await providerFor(t, [k3]);
  const now = () => NOW;
  const verifier = createVerifier([
    { jwks: [k1], issuer: ISSUER, audience: AUDIENCE, now },
    { jwks: [k3], issuer: other, audience: AUDIENCE, now },
  ]);
  const errors = [[], []];
  const open = (issuer, { jwksUri }, bundled, place) =>
    createKeyStore({
      verifier,
      bundled,
      issuer,
      jwksUri,
      now,
      storage: memoryStorage(),
      onError: (e) => errors[place].push(e),
    });
  await open(ISSUER, provider, [k1], 0).refresh();
  await open(other, quiet, [k3], 1).refresh();
  assert.deepEqual(errors.map(named), [[["private_key", "private"]], []]);
});

test("an empty set says what to do, and the old one stays", async (t) => {
  const provider = await providerFor(t, []);
  const { store } = openStore(provider);
  await assert.rejects(store.refresh(), (error) => {
    assert.equal(error.code, "invalid_set");
    assert.match(error.message, /asymmetric/);
    assert.match(error.message, /HS256/);
    return true;
  });
  assert.deepEqual(accepted(store), ["k1"]);
});
