// A provider that publishes a secret beside its public keys: the secret is left out and reported, and rotation goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createKeyStore, KeyStoreError } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";
import { accepted, k1, k2, k3, k4, openStore, privateKey, providerFor, tokens } from "./stores.mjs";

const symmetric = { kty: "oct", kid: "shared", k: "c2VjcmV0" };
const named = (errors) => errors.map(({ code, kid }) => [code, kid]);

for (const [what, secret, code, kid] of [
  ["a private key", privateKey, "private_key", "private"],
  ["a private key without kid", { ...privateKey, kid: undefined }, "private_key", undefined],
  ["a private key of unknown type", { kty: "PQC", kid: "new", d: "AAAA" }, "private_key", "new"],
  ["a symmetric key", symmetric, "symmetric_key", "shared"],
]) {
  test(`${what} among public ones is left out and reported once, and the others count`, async (t) => {
    const provider = await providerFor(t, [k2, secret, k4]);
    const { store, storage, clock, errors } = openStore(provider);
    assert.deepEqual(await store.refresh(), { outcome: "updated" });
    assert.deepEqual(accepted(store), ["k2", "k4"]);
    assert.deepEqual(named(errors), [[code, kid]]);
    assert.ok(errors[0] instanceof KeyStoreError);
    assert.match(errors[0].message, /left out/);
    for (const value of [secret.d, secret.k]) assert.ok(value === undefined || !errors[0].message.includes(value));
    await store.refresh();
    assert.equal(errors.length, 1, "once for each set");
    const reloaded = openStore(provider, { storage, clock });
    await reloaded.store.load();
    assert.deepEqual(accepted(reloaded.store), ["k2", "k4"]);
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

// A private half that is published beside its public one: whoever read the set can sign with it.
const keys = testKeys();
const secret1 = { ...keys.ed25519.privateJwk, kid: "k1" };
const [rsa, p384] = [keys.rsa2048, keys.p384];
const padded = (text) => Buffer.concat([Buffer.of(0), Buffer.from(text, "base64url")]).toString("base64");

for (const [what, key, alg, spelling] of [
  ["OKP", keys.ed25519, "EdDSA", {}],
  ["EC", keys.p256, "ES256", {}],
  ["EC, P-384", p384, "ES384", {}],
  ["RSA", rsa, "RS256", {}],
  ["RSA with d alone", rsa, "RS256", { p: undefined, q: undefined, dp: undefined, dq: undefined, qi: undefined }],
  ["RSA with primes alone", rsa, "PS256", { d: undefined }],
  ["RSA in another spelling", rsa, "RS256", { n: padded(rsa.jwk.n), e: "AAEAAQ==" }],
  ["OKP in another spelling", keys.ed25519, "EdDSA", { x: `${keys.ed25519.jwk.x}=` }],
  ["EC with the other y", keys.p256, "ES256", { y: keys.p256.jwk.x }],
  ["EC for encryption", keys.p256, "ES256", { use: "enc", alg: "ECDH-ES" }],
]) {
  for (const kid of ["own", "leaked", undefined]) {
    for (const isFirst of [true, false]) {
      const name = `${what}, private half ${isFirst ? "before" : "after"} it with kid ${kid}`;
      test(`a published key is left out with its private half: ${name}`, async (t) => {
        const own = { ...key.jwk, kid: "own" };
        const secret = { ...key.privateJwk, ...spelling, kid };
        const provider = await providerFor(t, [k2, ...(isFirst ? [secret, own] : [own, secret])]);
        const token = signed(key, { alg, kid: "own" }, CLAIMS);
        const nameless = signed(key, { alg }, CLAIMS);
        // Also where it was bundled, or fetched before.
        const { store, verifier, errors, storage, clock } = openStore(provider, { bundled: [own] });
        assert.ok(store.safeVerify(token).ok);
        const seen = [];
        store.onChange(() => seen.push(store.safeVerify(token).ok));
        assert.deepEqual(await store.refresh(), { outcome: "updated" });
        assert.deepEqual(seen, [false]);
        assert.deepEqual(named(errors), [["private_key", kid]]);
        const reloaded = openStore(provider, { bundled: [own], storage, clock });
        await reloaded.store.load();
        for (const one of [store, verifier, reloaded.store, reloaded.verifier]) {
          assert.deepEqual([one.safeVerify(token).ok, one.safeVerify(nameless).ok], [false, false]);
          assert.ok(one.safeVerify(tokens.k2).ok);
        }
        provider.keys = [k3];
        provider.answer = (_, response) => response.end(JSON.stringify({ keys: [own, k3] }));
        await store.refresh();
        assert.ok(store.safeVerify(token).ok, "as a withdrawn key that is published again");
      });
    }
  }
}

test("pinned: a key whose private half is published beside it counts as withdrawn", async (t) => {
  for (const kid of ["k1", "leaked", undefined]) {
    const provider = await providerFor(t, [k1, k3, { ...secret1, kid }]);
    const options = { bundled: [k1, k3], pin: true };
    const { store, verifier, errors, storage, clock } = openStore(provider, options);
    await store.refresh();
    const reloaded = openStore(provider, { ...options, storage, clock }).store;
    await reloaded.load();
    for (const one of [store, verifier, reloaded]) assert.deepEqual(accepted(one), ["k3"]);
    assert.deepEqual(named(errors), [["private_key", kid]]);
  }
});

for (const pin of [false, true]) {
  for (const [what, published] of [
    ["with its public half", [k1, secret1]],
    ["alone", [secret1]],
    ["for encryption, alone", [{ ...secret1, use: "enc", kid: "other" }]],
  ]) {
    test(`a set that leaks the only key in use, ${what}, closes the store: pin ${pin}`, async (t) => {
      const provider = await providerFor(t, published);
      const opened = openStore(provider, { pin });
      const { store, storage, clock } = opened;
      const seen = [];
      store.onChange(() => seen.push(accepted(store)));
      for (const _ of [1, 2]) {
        await assert.rejects(store.refresh(), { code: "invalid_set" });
        assert.deepEqual(accepted(store), []);
      }
      assert.deepEqual(seen, [[]]);
      const error = { name: "TokenError", code: "key_not_found", message: /private half of every key/ };
      const reloaded = openStore(provider, { pin, storage, clock });
      await reloaded.store.load();
      for (const one of [store, reloaded.store]) {
        assert.throws(() => one.verify(tokens.k1), error);
        assert.deepEqual(one.keys, []);
      }
      assert.deepEqual(reloaded.errors, []);
      provider.answer = (_, response) => response.end('{"keys":[]}');
      await assert.rejects(store.refresh(), { code: "invalid_set" });
      await assert.rejects(reloaded.store.refresh(), { code: "invalid_set" });
      assert.deepEqual([accepted(store), accepted(reloaded.store)], [[], []]);
      clock.now += 3600;
      provider.answer = (_, response) => response.end(JSON.stringify({ keys: [k1, k2] }));
      assert.deepEqual(await reloaded.store.refreshIfDue(), { outcome: "updated" });
      assert.deepEqual(accepted(reloaded.store), pin ? ["k1"] : ["k1", "k2"]);
      await store.load();
      assert.deepEqual(accepted(store), pin ? ["k1"] : ["k1", "k2"]);
    });
  }
}

test("a set that leaks one key in use and cannot serve leaves the others in use, also after a reload", async (t) => {
  for (const pin of [false, true]) {
    const provider = await providerFor(t, [k1, k3]);
    const { store, storage, clock, verifier } = openStore(provider, { bundled: [k1, k3], pin });
    await store.refresh();
    provider.answer = (_, response) => response.end(JSON.stringify({ keys: [secret1, k1] }));
    await assert.rejects(store.refresh(), { code: "invalid_set", message: /are used no more/ });
    const reloaded = openStore(provider, { bundled: [k1, k3], storage, clock, pin }).store;
    await reloaded.load();
    for (const one of [store, verifier, reloaded]) assert.deepEqual(accepted(one), ["k3"]);
  }
});

test("a stored set whose only key is leaked, taken by an earlier version, is not used", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const values = new Map();
  const storage = {
    get: async (name) => values.get(name),
    set: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  };
  const { store, clock } = openStore(provider, { storage });
  await store.refresh();
  const [name, record] = [...values].find(([, value]) => "set" in JSON.parse(value));
  values.set(name, JSON.stringify({ ...JSON.parse(record), set: JSON.stringify({ keys: [k1, secret1] }) }));
  for (const _ of ["from that set", "from what is left of it"]) {
    const { store: reloaded } = openStore(provider, { storage, clock });
    await reloaded.load();
    assert.deepEqual(accepted(reloaded), []);
  }
});

test("what the strict reader refuses stays refused, whatever it leaks", async (t) => {
  const provider = await providerFor(t, []);
  const { store } = openStore(provider);
  const twice = JSON.stringify({ keys: [k1, secret1, k2] }).replace('"kid":"k2"', '"kid":"k3","kid":"k2"');
  for (const text of [twice, '{"keys":[null,{"x":"AA","d":"AA"}]}']) {
    provider.answer = (_, response) => response.end(text);
    await assert.rejects(store.refresh(), { code: "invalid_set" });
    assert.deepEqual(accepted(store), ["k1"]);
  }
});

test("whoever is told of the leak finds the key gone already", async (t) => {
  for (const pin of [false, true]) {
    const provider = await providerFor(t, [k1, k2, secret1]);
    const seen = [];
    const { store } = openStore(provider, { pin, onError: () => seen.push(accepted(store)) });
    await store.refresh();
    assert.deepEqual(seen, [pin ? [] : ["k2"]]);
  }
});

test("of several issuers, the leaked key of one is out, and the same store takes the other's", async (t) => {
  const other = "https://other.example";
  const provider = await providerFor(t, [k1, k2, { ...secret1, kid: "leaked" }]);
  const now = () => NOW;
  const verifier = createVerifier([
    { jwks: [k1], issuer: ISSUER, audience: AUDIENCE, now },
    { jwks: [k3], issuer: other, audience: AUDIENCE, now },
  ]);
  const { jwksUri } = provider;
  const store = createKeyStore({ verifier, bundled: [k1], issuer: ISSUER, jwksUri, now, storage: memoryStorage() });
  await store.refresh();
  const others = signed(keys.p256, { alg: "ES256", kid: "k3" }, { ...CLAIMS, iss: other });
  assert.deepEqual([accepted(store), accepted(verifier), store.safeVerify(others).ok], [["k2"], ["k2"], true]);
});

test("a module that stops while the leaked key is being left out verifies nothing, until a set is read again", async (t) => {
  const provider = await providerFor(t, [k1, k2, secret1]);
  const now = () => NOW;
  const verifier = createVerifier({ jwks: [k1], issuer: ISSUER, audience: AUDIENCE, now });
  let calls = Number.NEGATIVE_INFINITY;
  const stopping = {
    ...verifier,
    get keys() {
      return verifier.keys;
    },
    setKeys(...given) {
      calls += 1;
      if (calls === 2) throw new RangeError("Maximum call stack size exceeded");
      verifier.setKeys(...given);
    },
  };
  const { jwksUri } = provider;
  for (const pin of [false, true]) {
    const storage = memoryStorage();
    const store = createKeyStore({ verifier: stopping, bundled: [k1], jwksUri, now, storage, pin });
    calls = 0;
    await assert.rejects(store.refresh(), RangeError);
    assert.deepEqual(accepted(store), []);
    await store.refresh();
    assert.deepEqual(accepted(store), pin ? [] : ["k2"]);
  }
});
