// A key store whose keys are pinned: the provider can withdraw them, never add one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPolicy, createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { ISSUER, NOW } from "../conformance/tokens.mjs";
import { accepted, DAY, k1, k2, k3, k4, openStore, providerFor, tokens } from "./stores.mjs";

test("the provider can withdraw keys and publish them again, never add one", async (t) => {
  const provider = await providerFor(t, [k1, k2, k3, k4]);
  const { store, storage, verifier, clock } = openStore(provider, { bundled: [k1, k3], pin: true });
  assert.deepEqual(await store.refresh(), { outcome: "unchanged" });
  assert.deepEqual(accepted(store), ["k1", "k3"]);
  provider.keys = [k2, k3];
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(accepted(store), ["k3"]);
  assert.equal(verifier.safeVerify(tokens.k2).ok, false);
  const { store: reloaded } = openStore(provider, { storage, clock, bundled: [k1, k3], pin: true });
  await reloaded.load();
  assert.deepEqual(accepted(reloaded), ["k3"]);
  clock.now += DAY;
  provider.keys = [k1];
  assert.equal((await reloaded.verifyFresh(tokens.k1)).key.kid, "k1");
  assert.deepEqual(accepted(reloaded), ["k1"]);
});

test("a key is known by its numbers; name and algorithm are those of the bundle", async (t) => {
  const provider = await providerFor(t, [{ alg: "EdDSA", use: "sig", ...k1, kid: "renamed", extra: 1 }]);
  const { store } = openStore(provider, { pin: true });
  await store.refresh();
  assert.deepEqual(accepted(store), ["k1"]);
  assert.deepEqual(store.keys, [{ index: 0, kid: "k1", kty: "OKP", crv: "Ed25519" }]);
  // Another key under a bundled name is another key; one for encryption no longer signs.
  provider.keys = [
    { ...k2, kid: "k1" },
    { ...k1, use: "enc" },
  ];
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(accepted(store), []);
});

test("when every key was withdrawn no token holds, and the error says so", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage, verifier, clock } = openStore(provider, { pin: true });
  await store.refresh();
  const withdrawn = { name: "TokenError", code: "key_not_found", message: /withdrawn every pinned key/ };
  const policy = createPolicy();
  for (const one of [store, openStore(provider, { storage, clock, pin: true }).store]) {
    await one.load();
    assert.throws(() => one.verify(tokens.k1), withdrawn);
    assert.match(one.safeVerify(tokens.k1).error.message, withdrawn.message);
    assert.throws(() => one.assess(tokens.k1, policy, { now: NOW }), withdrawn);
    await assert.rejects(one.verifyFresh(tokens.k1), withdrawn);
    assert.deepEqual(one.keys, []);
  }
  assert.equal(verifier.safeVerify(tokens.k2).ok, false);
  provider.keys = [k1];
  clock.now += DAY;
  assert.equal((await store.verifyFresh(tokens.k1)).key.kid, "k1");
});

test("keys that are left and cannot serve are as good as withdrawn", async (t) => {
  const provider = await providerFor(t, [k2, k3]);
  const bundled = [k1, k3];
  const common = { jwks: bundled, issuer: ISSUER, audience: null, now: () => NOW };
  const verifier = createVerifier({ ...common, algorithms: ["EdDSA"] });
  const store = createKeyStore({ verifier, bundled, jwksUri: provider.jwksUri, storage: memoryStorage(), pin: true });
  assert.deepEqual(accepted(store), ["k1"]);
  await store.refresh();
  assert.deepEqual(accepted(store), []);
  assert.equal(verifier.safeVerify(tokens.k2).ok, false);
});

test("a cached set fetched without pinning adds nothing either", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const { store, storage } = openStore(provider);
  await store.refresh();
  const { store: pinned } = openStore(provider, { storage, pin: true });
  await pinned.load();
  assert.deepEqual(accepted(pinned), ["k1"]);
});

test("a set that could not serve withdraws nothing", async (t) => {
  const provider = await providerFor(t, []);
  const { store } = openStore(provider, { pin: true });
  for (const keys of [[], [null], [{ kty: "oct", k: "AAAA" }]]) {
    provider.keys = keys;
    provider.answer = (_, response) => response.end(JSON.stringify({ keys }));
    await assert.rejects(store.refresh(), { code: "invalid_set" });
    assert.deepEqual(accepted(store), ["k1"]);
  }
});

test("no request for a key that no answer could add", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const { store } = openStore(provider, { pin: true });
  await assert.rejects(store.verifyFresh(tokens.k2), { code: "key_not_found" });
  assert.equal(provider.requests.length, 0);
});
