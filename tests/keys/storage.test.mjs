// Storage adapters: the same three methods over whatever a runtime has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { forceCloseDatabase, IDBFactory, IDBObjectStore } from "fake-indexeddb";
import { openDB } from "idb";
import { createKeyStore } from "tokenward/keys";
import { cacheStorage, indexedDbStorage, kvStorage, memoryStorage, StorageError } from "tokenward/storage";
import "fake-indexeddb/auto";
import { fakeCaches, fakeKv } from "./fakes.mjs";
import { accepted, k1, k2, openStore, providerFor, tokens } from "./stores.mjs";

const ADAPTERS = {
  memory: memoryStorage,
  IndexedDB: () => indexedDbStorage({ database: `test-${Math.random()}` }),
  "Workers KV": () => kvStorage(fakeKv()),
  "Cache API": () => cacheStorage({ caches: fakeCaches() }),
};

for (const [name, make] of Object.entries(ADAPTERS)) {
  test(`${name}: what is set is read back until it is replaced or deleted`, async () => {
    const storage = make();
    assert.equal(await storage.get("a"), undefined);
    await storage.delete("a");
    for (const value of ["one", "two", "", "naïve ключ 鍵 \u{1f511} \0", "x".repeat(100_000)]) {
      await storage.set("a", value);
      assert.equal(await storage.get("a"), value);
    }
    await storage.set("b/../a?c#d %", "other");
    await storage.set("a#b", "other");
    assert.equal((await storage.get("a")).length, 100_000);
    assert.equal(await storage.get("b/../a?c#d %"), "other");
    await storage.delete("a");
    assert.equal(await storage.get("a"), undefined);
    assert.equal(await storage.get("b/../a?c#d %"), "other");
  });

  test(`${name}: a key store keeps its set there`, async (t) => {
    const provider = await providerFor(t, [k2]);
    const storage = make();
    const { store, errors } = openStore(provider, { storage });
    await store.refresh();
    const reloaded = openStore(provider, { storage });
    await reloaded.store.load();
    assert.deepEqual(accepted(reloaded.store), ["k2"]);
    assert.deepEqual([...errors, ...reloaded.errors], []);
  });
}

test("IndexedDB: two storages of one name share, two names do not", async () => {
  const [one, same, other] = [{}, {}, { database: "other" }].map((options) => indexedDbStorage(options));
  await one.set("a", "1");
  assert.equal(await same.get("a"), "1");
  assert.equal(await other.get("a"), undefined);
  const names = (await indexedDB.databases()).map(({ name }) => name);
  assert.ok(names.includes("tokenward"));
});

test("IndexedDB: the connection is opened again after the browser has closed it", async () => {
  const storage = indexedDbStorage({ database: "closed" });
  for (const close of [
    // As when the browser clears or evicts data: an event, and every use fails from then on.
    (connection) => forceCloseDatabase(connection),
    // As in a page that was frozen: no event was seen.
    (connection) => connection.close(),
  ]) {
    const connection = await connectionOf(() => storage.set("a", "1"));
    close(connection);
    assert.equal(await storage.get("a"), "1");
    await storage.set("a", "2");
    assert.equal(await storage.get("a"), "2");
  }
});

test("IndexedDB: it makes way for a newer version and for deletion, and goes on after", async () => {
  const storage = indexedDbStorage({ database: "upgraded" });
  await storage.set("a", "1");
  const newer = await openDB("upgraded", 7, { upgrade: (values) => values.createObjectStore("more") });
  assert.equal(newer.version, 7);
  newer.close();
  assert.equal(await storage.get("a"), "1");
  await deleted("upgraded");
  assert.equal(await storage.get("a"), undefined);
  await storage.set("a", "2");
  assert.equal(await storage.get("a"), "2");
});

test("IndexedDB: its store is added to a database that has others", async () => {
  const theirs = await openDB("shared", 3, { upgrade: (values) => values.createObjectStore("theirs") });
  await theirs.put("theirs", "kept", "key");
  theirs.close();
  const storages = [1, 2].map(() => indexedDbStorage({ database: "shared" }));
  await Promise.all(storages.map((storage, index) => storage.set(`a${index}`, "1")));
  assert.equal(await storages[0].get("a1"), "1");
  const again = await openDB("shared");
  assert.equal(await again.get("theirs", "key"), "kept");
  again.close();
});

test("IndexedDB refused, as in private modes: unavailable, and tried again at the next use", async (t) => {
  const names = ["InvalidStateError", "SecurityError", "UnknownError"];
  const factory = globalThis.indexedDB;
  t.after(() => {
    globalThis.indexedDB = factory;
  });
  const failing = [
    ...names.map((name) => ({
      open() {
        throw new DOMException("no", name);
      },
    })),
    ...names.map((name) => ({ open: () => failingRequest(new DOMException("no", name)) })),
    undefined,
  ];
  for (const refused of failing) {
    const storage = indexedDbStorage({ database: "refused" });
    globalThis.indexedDB = refused;
    for (const use of [() => storage.get("a"), () => storage.set("a", "1"), () => storage.delete("a")]) {
      await assert.rejects(
        use(),
        (error) => error instanceof StorageError && error.code === "unavailable" && !!error.cause,
      );
    }
    globalThis.indexedDB = new IDBFactory();
    await storage.set("a", "1");
    assert.equal(await storage.get("a"), "1");
  }
});

test("IndexedDB without room: full, and the old value stays", async (t) => {
  const storage = indexedDbStorage({ database: "full" });
  await storage.set("a", "1");
  const { put } = IDBObjectStore.prototype;
  t.after(() => {
    IDBObjectStore.prototype.put = put;
  });
  IDBObjectStore.prototype.put = () => {
    throw new DOMException("no room", "QuotaExceededError");
  };
  await assert.rejects(storage.set("a", "2"), { name: "StorageError", code: "full" });
  IDBObjectStore.prototype.put = put;
  assert.equal(await storage.get("a"), "1");
});

test("IndexedDB that never answers: unavailable after 10 seconds, and tried again at the next use", async (t) => {
  const storage = indexedDbStorage({ database: "silent" });
  await storage.set("a", "1");
  const { get, put, delete: remove } = IDBObjectStore.prototype;
  const answering = { get, put, delete: remove };
  t.after(() => Object.assign(IDBObjectStore.prototype, answering));
  for (const [name, method] of Object.entries(answering)) {
    // The listeners that idb adds are on another request than the one that is answered.
    IDBObjectStore.prototype[name] = function (...given) {
      method.apply(this, given);
      return new IDBRequest();
    };
  }
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const use of [() => storage.get("a"), () => storage.set("a", "1"), () => storage.delete("b")]) {
    const refused = assert.rejects(use(), ({ code, cause }) => code === "unavailable" && cause.name === "TimeoutError");
    await new Promise(setImmediate);
    t.mock.timers.tick(10_000);
    await refused;
  }
  t.mock.timers.reset();
  Object.assign(IDBObjectStore.prototype, answering);
  assert.equal(await storage.get("a"), "1");
});

test("the other adapters say unavailable and full too", async () => {
  const throwing = (error) => () => Promise.reject(error);
  const kv = (error) => kvStorage({ get: throwing(error), put: throwing(error), delete: throwing(error) });
  const cache = (error) => cacheStorage({ caches: { open: throwing(error) } });
  for (const [storage, code] of [
    [kv(new Error("KV PUT failed: 429 Too Many Requests")), "unavailable"],
    [kv(new Error("KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.")), "full"],
    [cache(new DOMException("no", "SecurityError")), "unavailable"],
    [cache(new DOMException("no", "QuotaExceededError")), "full"],
    [cacheStorage(), "unavailable"],
  ]) {
    await assert.rejects(storage.set("a", "1"), { name: "StorageError", code });
  }
});

test("a storage that refuses everything stops no refresh: the keys stay in memory, and onError is told", async (t) => {
  const provider = await providerFor(t, [k2]);
  const full = () => Promise.reject(new StorageError("full", "no room"));
  const { store, errors } = openStore(provider, { storage: { get: full, set: full, delete: full } });
  await store.load();
  assert.equal((await store.verifyFresh(tokens.k2)).key.kid, "k2");
  assert.deepEqual(accepted(store), ["k2"]);
  assert.equal(await store.refreshIfDue(), undefined);
  assert.equal(provider.requests.length, 1);
  assert.ok(errors.length > 0 && errors.every((error) => error instanceof StorageError && error.code === "full"));
});

test("without a storage of the app's own a key store takes IndexedDB", async (t) => {
  const provider = await providerFor(t, [k2]);
  const options = { verifier: openStore(provider).verifier, bundled: [k1], jwksUri: provider.jwksUri };
  await createKeyStore(options).refresh();
  const store = createKeyStore(options);
  await store.load();
  assert.deepEqual(
    store.keys.map(({ kid }) => kid),
    ["k2"],
  );
});

/** The connection that a piece of work opens or uses. */
async function connectionOf(work) {
  const { transaction } = IDBDatabase.prototype;
  let connection;
  IDBDatabase.prototype.transaction = function (...parameters) {
    connection = this;
    return transaction.apply(this, parameters);
  };
  try {
    await work();
  } finally {
    IDBDatabase.prototype.transaction = transaction;
  }
  return connection;
}

function failingRequest(error) {
  const request = Object.create(IDBOpenDBRequest.prototype);
  const addEventListener = (type, listener) => type === "error" && queueMicrotask(() => listener.call(request));
  const rest = { error, addEventListener, removeEventListener() {} };
  for (const [name, value] of Object.entries(rest)) Object.defineProperty(request, name, { value });
  return request;
}

function deleted(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onerror = reject;
  });
}

test("options that cannot work are refused by name", () => {
  for (const [make, code, option] of [
    [() => indexedDbStorage({ databse: "x" }), "unknown_option", "databse"],
    [() => indexedDbStorage({ database: 5 }), "invalid_option", "database"],
    [() => indexedDbStorage("x"), "invalid_option", "indexedDbStorage"],
    [() => kvStorage(undefined), "invalid_option", "namespace"],
    [() => kvStorage(new Map()), "invalid_option", "namespace"],
    [() => kvStorage(fakeKv(), { prefx: "x" }), "unknown_option", "prefx"],
    [() => kvStorage(fakeKv(), { prefix: null }), "invalid_option", "prefix"],
    [() => cacheStorage({ name: "x" }), "unknown_option", "name"],
    [() => cacheStorage({ cache: 5 }), "invalid_option", "cache"],
  ]) {
    assert.throws(make, { name: "ConfigError", code, option });
  }
});
