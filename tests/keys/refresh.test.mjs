// A key store through its life: bundled, cached, refreshed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPolicy, createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { ISSUER, NOW } from "../conformance/tokens.mjs";
import { serveKeys } from "./provider.mjs";
import { accepted, DAY, k1, k2, k3, openStore, providerFor, tokens, until } from "./stores.mjs";

test("the bundled keys serve before anything was fetched, without a network", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, errors } = openStore(provider);
  assert.deepEqual(accepted(store), ["k1"]);
  await store.load();
  assert.deepEqual(accepted(store), ["k1"]);
  assert.equal(store.refreshedAt, undefined);
  assert.equal((await store.verifyFresh(tokens.k1)).key.kid, "k1");
  assert.equal(provider.requests.length, 0);
  assert.deepEqual(errors, []);
});

test("it verifies and assesses as its verifier does", async (t) => {
  const { store, verifier } = openStore(await providerFor(t, [k1]));
  const policy = createPolicy();
  assert.deepEqual(store.verify(tokens.k1), verifier.verify(tokens.k1));
  assert.deepEqual(store.assess(tokens.k1, policy, { now: NOW }), verifier.assess(tokens.k1, policy, { now: NOW }));
  assert.deepEqual(store.keys, verifier.keys);
  assert.throws(() => store.verify("x"), { code: "malformed" });
  assert.equal(store.safeVerify("x").error.code, "malformed");
  assert.equal("setKeys" in store, false);
});

test("a refresh replaces the whole set: what was withdrawn stops, what was added starts", async (t) => {
  const provider = await providerFor(t, [k2, k3]);
  const { store } = openStore(provider);
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(accepted(store), ["k2", "k3"]);
  assert.equal(store.refreshedAt, NOW);
  provider.keys = [k3];
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(accepted(store), ["k3"]);
  assert.throws(() => store.verify(tokens.k2), { code: "key_not_found" });
});

test("a set with the bundled keys, or the same set again, changes nothing and counts as a refresh", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, clock } = openStore(provider);
  const changes = [];
  store.onChange(() => changes.push(accepted(store)));
  assert.deepEqual(await store.refresh(), { outcome: "unchanged" });
  clock.now += 5;
  provider.answer = (_, response) => response.end(JSON.stringify({ keys: [k1] }, null, 2));
  assert.deepEqual(await store.refresh(), { outcome: "unchanged" });
  assert.equal(store.refreshedAt, NOW + 5);
  assert.deepEqual(changes, []);
});

test("the ETag is sent back, and 304 is a successful refresh, also after a reload", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage, clock } = openStore(provider);
  await store.refresh();
  clock.now += 8 * DAY;
  const { store: later } = openStore(provider, { storage, clock });
  assert.deepEqual(await later.refreshIfDue(), { outcome: "unchanged" });
  assert.deepEqual(accepted(later), ["k2"]);
  assert.equal(later.refreshedAt, clock.now);
  assert.deepEqual(
    provider.requests.map(({ headers }) => headers["if-none-match"]),
    [undefined, '"azI"'],
  );
  provider.keys = [k3];
  assert.deepEqual(await later.refresh(), { outcome: "updated" });
  assert.deepEqual(accepted(later), ["k3"]);
});

test("it is due weekly, and at once for the bundled set or when the app came with another one", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const { store, storage, clock } = openStore(provider);
  const asked = async (one) => [(await one.refreshIfDue()) !== undefined, provider.requests.length];
  assert.deepEqual(await asked(store), [true, 1]);
  clock.now += 7 * DAY - 1;
  assert.deepEqual(await asked(store), [false, 1]);
  assert.deepEqual(await asked(openStore(provider, { storage, clock }).store), [false, 1]);
  const { store: redeployed } = openStore(provider, { storage, clock, bundled: [k1, k3] });
  assert.deepEqual(await asked(redeployed), [true, 2]);
  assert.deepEqual(accepted(redeployed), ["k1", "k2"]);
  clock.now += 7 * DAY;
  assert.deepEqual(await asked(redeployed), [true, 3]);
  assert.deepEqual(await asked(openStore(provider, { clock, refreshEvery: "1h" }).store), [true, 4]);
});

test("a clock that was set back makes a refresh due, and what is then fetched is the fresher set", async (t) => {
  const provider = await providerFor(t, [k2]);
  const clock = { now: NOW + 300 * DAY };
  const { store, storage } = openStore(provider, { clock });
  await store.refresh();
  clock.now = NOW;
  provider.keys = [k3];
  const { store: later } = openStore(provider, { storage, clock });
  await later.load();
  assert.deepEqual(accepted(later), ["k2"]);
  assert.deepEqual(await later.refreshIfDue(), { outcome: "updated" });
  assert.deepEqual(accepted(later), ["k3"]);
  await store.load();
  assert.deepEqual(accepted(store), ["k3"]);
  const { store: reloaded } = openStore(provider, { storage, clock });
  await reloaded.load();
  assert.deepEqual(accepted(reloaded), ["k3"]);
});

test("one attempt at a time, whoever asks", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store } = openStore(provider);
  const all = [store.refresh(), store.refresh(), store.refreshIfDue(), store.verifyFresh(tokens.k2)];
  const [first, second, third, fourth] = await Promise.all(all);
  assert.deepEqual([first, second, third], Array(3).fill({ outcome: "updated" }));
  assert.equal(fourth.key.kid, "k2");
  assert.equal(provider.requests.length, 1);
});

test("what is cached is used after a restart without a network", async (t) => {
  const provider = await providerFor(t, [k2, k3]);
  const { store, storage } = openStore(provider);
  await store.refresh();
  await provider.close();
  const { store: restarted, errors } = openStore(provider, { storage });
  await restarted.load();
  assert.deepEqual(accepted(restarted), ["k2", "k3"]);
  assert.equal(restarted.refreshedAt, NOW);
  assert.deepEqual(errors, []);
});

test("what one tab fetched another one takes at load, and never an older set than its own", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const clock = { now: NOW };
  const one = openStore(provider, { clock });
  const other = openStore(provider, { clock, storage: one.storage });
  const changes = [];
  other.store.onChange(() => changes.push(accepted(other.store)));
  await one.store.refresh();
  await other.store.load();
  assert.deepEqual(accepted(other.store), ["k1", "k2"]);
  const [name] = await namesIn(one);
  const older = await one.storage.get(name);
  clock.now += DAY;
  provider.keys = [k3];
  await other.store.refresh();
  await one.storage.set(name, older);
  await other.store.load();
  assert.deepEqual(accepted(other.store), ["k3"]);
  assert.deepEqual(changes, [["k1", "k2"], ["k3"]]);
});

test("what was withdrawn stays so in a tab whose clock was ahead when it fetched", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const clock = { now: NOW + 3600 };
  const asleep = openStore(provider, { clock });
  await asleep.store.refresh();
  clock.now = NOW;
  const awake = openStore(provider, { clock, storage: asleep.storage });
  provider.keys = [k2];
  await awake.store.refresh();
  for (const later of [7200, 6 * DAY]) {
    clock.now = NOW + later;
    await asleep.store.load();
    await awake.store.load();
    assert.deepEqual([accepted(asleep.store), accepted(awake.store)], [["k2"], ["k2"]]);
  }
});

test("what was withdrawn stays so where the storage still has what a clock that was ahead fetched", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const clock = { now: NOW + 3600 };
  const { storage, store } = openStore(provider, { clock });
  await store.refresh();
  clock.now = NOW;
  const full = { ...storage, set: () => Promise.reject(new Error("full")) };
  const other = openStore(provider, { clock, storage: full });
  provider.keys = [k2];
  await other.store.refresh();
  clock.now = NOW + 7200;
  await other.store.load();
  assert.deepEqual(accepted(other.store), ["k2"]);
});

test("what was withdrawn stays so in a tab that fetched while the storage refused, however often others had fetched", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const clock = { now: NOW };
  const { storage, store } = openStore(provider, { clock });
  for (let time = 0; time < 3; time++) await store.refresh();
  let refuses = true;
  const orRefuse = (method) => (key, value) =>
    refuses ? Promise.reject(new Error("busy")) : storage[method](key, value);
  const unsure = { get: orRefuse("get"), set: orRefuse("set"), delete: orRefuse("delete") };
  const other = openStore(provider, { clock, storage: unsure });
  provider.keys = [k2];
  clock.now += 10;
  await other.store.refresh();
  refuses = false;
  await other.store.load();
  assert.deepEqual(accepted(other.store), ["k2"]);
});

test("an answer that comes late does not replace what another tab fetched meanwhile", async (t) => {
  const provider = await providerFor(t, [k2]);
  const clock = { now: NOW };
  const slow = openStore(provider, { clock });
  const quick = openStore(provider, { clock, storage: slow.storage });
  const held = new Promise((resolve) => {
    provider.answer = (...exchange) => {
      provider.answer = undefined;
      resolve(exchange);
    };
  });
  const answer = slow.store.refresh();
  const exchange = await held;
  clock.now += 10;
  await quick.store.refresh();
  serveKeys({ keys: [k3] }, ...exchange);
  assert.deepEqual(await answer, { outcome: "updated" });
  assert.deepEqual(accepted(slow.store), ["k2"]);
  assert.equal(slow.store.refreshedAt, NOW + 10);
  const reloaded = openStore(provider, { clock, storage: slow.storage });
  await reloaded.store.load();
  assert.deepEqual(accepted(reloaded.store), ["k2"]);
});

test("a clock that is set back while the provider answers does not lose the answer", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage, clock } = openStore(provider);
  await store.refresh();
  clock.now = NOW + 300 * DAY;
  provider.answer = (request, response) => {
    clock.now = NOW + DAY;
    serveKeys({ keys: [k3] }, request, response);
  };
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual([accepted(store), store.refreshedAt], [["k3"], NOW + DAY]);
  const { store: reloaded } = openStore(provider, { storage, clock });
  await reloaded.load();
  assert.deepEqual([accepted(reloaded), reloaded.refreshedAt], [["k3"], NOW + DAY]);
});

test("a 304 confirms only the set that was asked about", async (t) => {
  const provider = await providerFor(t, [k2]);
  const clock = { now: NOW };
  const one = openStore(provider, { clock });
  const other = openStore(provider, { clock, storage: one.storage });
  await one.store.refresh();
  // The other tab's request is older than this one's, its answer newer than the set that this one asks about.
  const held = [];
  provider.answer = (...exchange) => held.push(exchange);
  const answers = [];
  for (const { store } of [other, one]) {
    clock.now += 10;
    answers.push(store.refresh());
    await until(() => held.length === answers.length);
  }
  serveKeys({ keys: [k3] }, ...held[0]);
  await answers[0];
  serveKeys({ keys: [k2] }, ...held[1]);
  assert.deepEqual(await answers[1], { outcome: "updated" });
  assert.deepEqual(accepted(one.store), ["k3"]);
  assert.equal(one.store.refreshedAt, NOW + 10);
});

test("a cached set that is unreadable or cannot serve is dropped and told of; the bundle serves", async (t) => {
  const provider = await providerFor(t, [k2]);
  const fresh = openStore(provider);
  await fresh.store.refresh();
  const [name] = await namesIn(fresh);
  const whole = JSON.parse(await fresh.storage.get(name));
  const damaged = [
    "",
    "null",
    "{",
    JSON.stringify({ ...whole, version: 2 }),
    JSON.stringify({ ...whole, fetchedAt: null }),
    JSON.stringify({ ...whole, set: whole.set.slice(0, -1) }),
    JSON.stringify({ ...whole, set: '{"keys":[]}' }),
    JSON.stringify({ ...whole, set: '{"keys":[null]}' }),
  ];
  for (const text of damaged) {
    const { store, storage, errors } = openStore(provider);
    await storage.set(name, text);
    await store.load();
    assert.deepEqual(accepted(store), ["k1"], text);
    assert.equal(await storage.get(name), undefined, text);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["invalid_set"],
    );
    assert.deepEqual(await store.refresh(), { outcome: "updated" });
  }
});

test("what was fetched from another address is not used", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage } = openStore(provider);
  await store.refresh();
  const { store: moved } = openStore(provider, { storage, jwksUri: `${provider.jwksUri}?moved` });
  await moved.load();
  assert.deepEqual(accepted(moved), ["k1"]);
  // Nor if both are kept under the same name.
  const [name] = await namesIn({ storage, store });
  const record = JSON.parse(await storage.get(name));
  await storage.set(name, JSON.stringify({ ...record, source: "elsewhere" }));
  const { store: confused } = openStore(provider, { storage });
  await confused.load();
  assert.deepEqual(accepted(confused), ["k1"]);
});

test("a bundle fetched later than the cached set is the fresher one", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage, clock } = openStore(provider);
  await store.refresh();
  const keysAfter = async (bundledAt) => {
    const { store: redeployed } = openStore(provider, { storage, clock, bundled: [k3], bundledAt });
    await redeployed.load();
    return accepted(redeployed);
  };
  assert.deepEqual(await keysAfter(undefined), ["k2"]);
  assert.deepEqual(await keysAfter(NOW), ["k2"]);
  assert.deepEqual(await keysAfter(NOW + 1), ["k3"]);
});

test("a bundle that says when it was fetched needs no bundledAt, which counts where both are there", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage, clock } = openStore(provider);
  await store.refresh();
  const keysAfter = async (fetched_at, kid, more = {}) => {
    const bundled = { keys: [k3], tokenward: { fetched_at } };
    for (const form of [bundled, JSON.stringify(bundled)]) {
      const { store: redeployed } = openStore(provider, { storage, clock, bundled: form, ...more });
      await redeployed.load();
      assert.deepEqual(accepted(redeployed), [kid], `${fetched_at}`);
    }
  };
  const at = (time) => new Date(time * 1000).toISOString();
  await keysAfter(at(NOW), "k2");
  await keysAfter(at(NOW + 1), "k3");
  for (const unreadable of ["soon", "", null, 7, {}]) await keysAfter(unreadable, "k2");
  await keysAfter(at(NOW + 1), "k2", { bundledAt: NOW });
});

test("a set fetched beside the bundle is fresher than it, whatever the device's clock said", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, storage, clock } = openStore(provider, { bundled: [k1, k2], bundledAt: NOW + 86_400 });
  await store.refresh();
  assert.deepEqual(accepted(store), ["k2"]);
  const { store: restarted } = openStore(provider, { storage, clock, bundled: [k1, k2], bundledAt: NOW + 86_400 });
  await restarted.load();
  assert.deepEqual(accepted(restarted), ["k2"]);
});

test("listeners are called after each change, until they leave; one that throws stops nothing", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store, errors } = openStore(provider);
  const heard = [];
  store.onChange(() => {
    throw new Error("mine");
  });
  const leave = store.onChange(() => heard.push(accepted(store)));
  await store.refresh();
  leave();
  provider.keys = [k3];
  await store.refresh();
  assert.deepEqual(heard, [["k2"]]);
  assert.deepEqual(
    errors.map(({ message }) => message),
    ["mine", "mine"],
  );
});

test("of several issuers in one verifier, a store refreshes the keys of its own", async (t) => {
  const provider = await providerFor(t, [k2]);
  const own = { jwks: [k1], issuer: ISSUER, audience: null, now: () => NOW };
  const verifier = createVerifier([own, { ...own, issuer: "https://other.example", jwks: [k3] }]);
  const options = { verifier, bundled: [k1], jwksUri: provider.jwksUri };
  const store = createKeyStore({ ...options, issuer: ISSUER });
  await store.refresh();
  assert.deepEqual(
    verifier.keys.map(({ kid }) => kid),
    ["k2", "k3"],
  );
  for (const issuer of [undefined, "https://third.example"]) {
    assert.throws(() => createKeyStore({ ...options, issuer }), { code: "invalid_option", option: "issuer" });
  }
});

/** The names under which a store keeps its set and its last attempt. */
async function namesIn({ storage, store }) {
  const seen = [];
  const { get } = storage;
  storage.get = (name) => {
    seen.push(name);
    return get(name);
  };
  await store.load();
  storage.get = get;
  return seen;
}

test("a refresh that died with the request that began it is given up, and another one is made", async (t) => {
  const provider = await providerFor(t, [k2]);
  const storage = memoryStorage();
  const get = storage.get;
  storage.get = () => new Promise(() => {});
  const { store } = openStore(provider, { storage, timeout: 0.02 });
  const died = [store.refresh(), store.refresh()];
  for (const refresh of died) await assert.rejects(refresh, { name: "KeyStoreError", code: "timeout" });
  storage.get = get;
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
});

test("a storage is not read for a set that is fresh, nor inside the cool-down", async (t) => {
  const provider = await providerFor(t, [k2]);
  const storage = memoryStorage();
  const { get } = storage;
  let reads = 0;
  storage.get = (key) => {
    reads += 1;
    return get(key);
  };
  const { store, clock } = openStore(provider, { storage });
  assert.deepEqual(await store.refreshIfDue(), { outcome: "updated" });
  reads = 0;
  assert.equal(await store.refreshIfDue(), undefined);
  assert.equal(reads, 0);
  clock.now += 8 * DAY;
  provider.answer = (_, response) => response.writeHead(500).end();
  await assert.rejects(store.refreshIfDue(), { code: "http_status" });
  reads = 0;
  assert.equal(await store.refreshIfDue(), undefined);
  assert.equal(reads, 0);
});

test("options that cannot work are blamed by their names", async (t) => {
  const provider = await providerFor(t, [k2]);
  assert.throws(() => openStore(provider, { timeout: 0 }), { code: "invalid_option", option: "timeout" });
  const verifier = createVerifier({ jwks: [k1], issuer: ISSUER, audience: "app" });
  const { jwksUri } = provider;
  assert.throws(() => createKeyStore({ verifier, bundled: { keys: [] }, jwksUri }), { option: "bundled" });
});
