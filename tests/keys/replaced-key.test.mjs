// A provider that replaces its key and keeps the kid: the signature does not hold until the set is fetched anew. Anybody can
// forge such a signature, so that this must neither make the app hammer its provider nor delay what is honest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { CLAIMS, NOW, signed } from "../conformance/tokens.mjs";
import { DAY, invented, k1, k2, MINUTE, openStore, providerFor, tokens } from "./stores.mjs";

const keys = testKeys();
const claims = { ...CLAIMS, exp: NOW + 3000 * DAY };
/** Another key under the name of the bundled one, and a token of it. */
const replaced = { ...keys.otherEd25519.jwk, kid: "k1" };
const fresh = signed(keys.otherEd25519, { alg: "EdDSA", kid: "k1" }, claims);
const forged = (number) => `${tokens.k1.slice(0, -8)}${String(number).padStart(6, "0")}AA`;

test("a token of a key that was replaced under its kid is verified after one refresh", async (t) => {
  const provider = await providerFor(t, [replaced]);
  const { store } = openStore(provider);
  assert.equal(store.safeVerify(fresh).error.code, "bad_signature");
  assert.equal((await store.verifyFresh(fresh)).claims.sub, CLAIMS.sub);
  assert.equal((await store.verifyFresh(fresh)).key.kid, "k1");
  assert.equal(provider.requests.length, 1);
  assert.equal(store.safeVerify(tokens.k1).error.code, "bad_signature", "what the old key signed is over");
});

test("of the same kid and another algorithm, too", async (t) => {
  const provider = await providerFor(t, [{ ...keys.p256.jwk, kid: "k1" }]);
  const { store } = openStore(provider);
  const token = signed(keys.p256, { alg: "ES256", kid: "k1" }, claims);
  assert.equal((await store.verifyFresh(token)).header.alg, "ES256");
});

test("a set in which the provider forbade its key by mistake is asked for again", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store } = openStore(provider, { bundled: [{ ...k1, alg: "ES256" }, k2] });
  assert.equal(store.safeVerify(tokens.k1).error.code, "key_unusable");
  assert.equal((await store.verifyFresh(tokens.k1)).key.kid, "k1");
});

test("a token without a kid whose key was replaced", async (t) => {
  const { kid: _, ...unnamed } = replaced;
  const provider = await providerFor(t, [unnamed]);
  const { kid: __, ...bundled } = k1;
  const { store } = openStore(provider, { bundled: [bundled] });
  assert.ok(await store.verifyFresh(signed(keys.otherEd25519, { alg: "EdDSA" }, claims)));
});

test("freshen tells that the keys changed after a bad signature", async (t) => {
  const provider = await providerFor(t, [replaced]);
  const { store } = openStore(provider);
  const { error } = store.safeVerify(fresh);
  assert.equal(await store.freshen(error), true);
  assert.equal(store.safeVerify(fresh).ok, true);
  assert.equal(await store.freshen(error), false);
  assert.equal(provider.requests.length, 1);
});

test("refresh(), by which a session looks for the keys of a token that it has just been given, waits for no cool-down", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store } = openStore(provider);
  await assert.rejects(store.verifyFresh(forged(1)), { code: "bad_signature" });
  provider.keys = [replaced, k2];
  await assert.rejects(
    store.verifyFresh(fresh),
    ({ code, cause }) => code === "bad_signature" && cause.code === "cooling_down",
  );
  await store.refresh();
  assert.equal(store.safeVerify(fresh).ok, true);
});

test("a flood of forged tokens makes one request in a cool-down, in all tabs and across reloads", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, storage, clock } = openStore(provider);
  const refused = (one, number) => assert.rejects(one.verifyFresh(forged(number)), { code: "bad_signature" });
  await Promise.all(Array.from({ length: 50 }, (_, number) => refused(store, number)));
  for (let number = 50; number < 100; number += 1) await refused(store, number);
  assert.equal(provider.requests.length, 1);
  clock.now += 4 * MINUTE;
  const { store: reloaded } = openStore(provider, { storage, clock });
  await refused(reloaded, 100);
  assert.equal(provider.requests.length, 1);
  clock.now += MINUTE;
  await Promise.all([refused(store, 101), refused(store, 102)]);
  await refused(reloaded, 103);
  assert.equal(provider.requests.length, 2);
});

test("it does not delay the look-up of a key that is really new", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, storage, clock } = openStore(provider);
  await assert.rejects(store.verifyFresh(forged(1)), { code: "bad_signature" });
  provider.keys = [k1, k2];
  const { store: reloaded } = openStore(provider, { storage, clock });
  assert.equal((await store.verifyFresh(tokens.k2)).key.kid, "k2");
  assert.equal((await reloaded.verifyFresh(tokens.k2)).key.kid, "k2", "by what the other tab has stored");
  assert.equal(provider.requests.length, 2);
});

test("forged tokens of both kinds make two requests in a cool-down at the most", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, clock } = openStore(provider);
  for (let round = 1; round <= 3; round += 1) {
    for (let number = 0; number < 20; number += 1) {
      await assert.rejects(store.verifyFresh(forged(number)), { code: "bad_signature" });
      await assert.rejects(store.verifyFresh(invented(number)), { code: "key_not_found" });
    }
    assert.ok(provider.requests.length <= 2 * round, `${provider.requests.length} requests`);
    clock.now += 5 * MINUTE;
  }
});

test("after any other attempt a bad signature asks for nothing within the cool-down", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, clock } = openStore(provider);
  await store.refresh();
  await assert.rejects(store.verifyFresh(forged(1)), { code: "bad_signature" });
  clock.now += 4 * MINUTE;
  await assert.rejects(store.verifyFresh(forged(2)), { code: "bad_signature" });
  assert.equal(provider.requests.length, 1);
});

test("a provider that asks for peace after such an attempt gets it, from all", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, clock } = openStore(provider);
  provider.answer = (_, response) => response.writeHead(429, { "Retry-After": "3600" }).end();
  await assert.rejects(
    store.verifyFresh(forged(1)),
    ({ code, cause }) => code === "bad_signature" && cause.status === 429,
  );
  clock.now += 3599;
  await assert.rejects(store.verifyFresh(tokens.k2), { code: "key_not_found" });
  await assert.rejects(store.refresh(), { code: "cooling_down", retryAt: clock.now + 1 });
  assert.equal(provider.requests.length, 1);
});

test("a storage that refuses keeps the cool-down in memory", async (t) => {
  const provider = await providerFor(t, [k1]);
  const refusing = {
    ...memoryStorage(),
    get: () => Promise.reject(new Error("no")),
    set: () => Promise.reject(new Error("no")),
  };
  const { store } = openStore(provider, { storage: refusing });
  for (let number = 0; number < 5; number += 1) await assert.rejects(store.verifyFresh(forged(number)));
  assert.equal(provider.requests.length, 1);
});

test("an unreadable or future mark of the last such attempt costs no more than one request", async (t) => {
  const provider = await providerFor(t, [k1]);
  for (const mark of ["{", "null", '{"at":"x"}', JSON.stringify({ at: NOW + 1000 * DAY })]) {
    const storage = memoryStorage();
    const marked = { ...storage, get: (key) => (key.endsWith(".doubt") ? Promise.resolve(mark) : storage.get(key)) };
    const { store } = openStore(provider, { storage: marked });
    const before = provider.requests.length;
    for (let number = 0; number < 5; number += 1) await assert.rejects(store.verifyFresh(forged(number)));
    assert.equal(provider.requests.length, before + 1, mark);
  }
});

test("pinned keys cannot be replaced: nothing is asked for", async (t) => {
  const provider = await providerFor(t, [replaced]);
  const { store } = openStore(provider, { pin: true });
  await assert.rejects(store.verifyFresh(fresh), { code: "bad_signature" });
  assert.equal(provider.requests.length, 0);
});
