// A PIN: what opens, what does not, and how long to wait. Real browsers: browsers.test.mjs.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDB } from "idb";
import { pinProtection } from "tokenward/pin";
import { memoryStorage, StorageError } from "tokenward/storage";

const PIN = "246810";
const CHEAP = { memory: 19_456, iterations: 2 };

let databases = 0;

/** A device: `tab()` opens another protection on the same storage, as a reload does. */
function device(options = {}) {
  const clock = { now: 1_760_000_000 };
  const place = {
    storage: memoryStorage(),
    database: `pin-${++databases}`,
    ...CHEAP,
    now: () => clock.now,
    ...options,
  };
  return { ...place, clock, tab: (more) => pinProtection({ ...place, ...more }) };
}

async function withPin(options) {
  const made = device(options);
  const tab = made.tab();
  await tab.setup(PIN);
  return { ...made, sealed: await tab.seal("secret", "session") };
}

const wrong = (facts) => ({ name: "ProtectionError", code: "wrong_secret", ...facts });

test("what is sealed is opened after a reload with the PIN, and only then", async () => {
  const { tab, sealed } = await withPin();
  assert.ok(!sealed.includes("secret"));
  const reloaded = tab();
  assert.equal(reloaded.kind, "pin");
  assert.equal(reloaded.locked, true);
  for (const attempt of [() => reloaded.open(sealed, "session"), () => reloaded.seal("more")]) {
    await assert.rejects(attempt, { name: "ProtectionError", code: "locked", message: /call unlock/ });
  }
  await reloaded.unlock(PIN);
  assert.equal(reloaded.locked, false);
  assert.equal(await reloaded.open(sealed, "session"), "secret");
  await assert.rejects(reloaded.open(sealed, "marks"), { code: "damaged" });
  reloaded.lock();
  assert.equal(reloaded.locked, true);
  await assert.rejects(reloaded.open(sealed, "session"), { code: "locked" });
});

test("digits are digits on any keyboard, and a passphrase may have any characters", async () => {
  const { tab } = await withPin();
  await tab().unlock("２４６８１０");
  const other = device();
  await other.tab().setup("Zwölf Äpfel 🔑");
  await other.tab().unlock("Zwo\u0308lf A\u0308pfel 🔑");
  await assert.rejects(other.tab().unlock("zwölf äpfel 🔑"), wrong());
});

test("there is one setup, and nothing to unlock before it", async () => {
  const { tab } = device();
  assert.deepEqual(await tab().status(), {
    isSetUp: false,
    boundToDevice: false,
    failed: 0,
    retryAfter: 0,
    attemptsLeft: null,
  });
  for (const attempt of [() => tab().unlock(PIN), () => tab().change(PIN, "135791")]) {
    await assert.rejects(attempt, { name: "ProtectionError", code: "not_set_up", message: /sign in, then/ });
  }
  const results = await Promise.allSettled([tab().setup(PIN), tab().setup("135791")]);
  assert.deepEqual(
    results.map(({ status, reason }) => reason?.code ?? status),
    ["fulfilled", "already_set_up"],
  );
  await tab().unlock(PIN);
  const { isSetUp, boundToDevice } = await tab().status();
  assert.deepEqual({ isSetUp, boundToDevice }, { isSetUp: true, boundToDevice: true });
});

test("a PIN that is too short is refused when it is set, and costs no attempt when it is tried", async () => {
  const { tab } = device();
  for (const secret of ["", "12345", "🔑🔑🔑"]) {
    await assert.rejects(tab().setup(secret), {
      name: "ProtectionError",
      code: "weak_secret",
      message: /6 characters/,
    });
  }
  await tab({ minLength: 4 }).setup("1234");
  await assert.rejects(tab().change("1234", "4321"), { code: "weak_secret" });
  assert.equal((await tab().status()).failed, 0);
  for (const secret of [undefined, "\ud800".repeat(6)]) {
    await assert.rejects(tab().unlock(secret), { name: "ConfigError", code: "invalid_option", option: "secret" });
  }
});

test("changing the PIN keeps what was sealed, and the old one opens nothing more", async () => {
  const { tab, sealed } = await withPin();
  const open = tab();
  await open.unlock(PIN);
  await assert.rejects(tab().change("000000", "135791"), wrong());
  await tab().change(PIN, "135791");
  assert.equal(await open.open(sealed, "session"), "secret", "a tab that is unlocked stays so");
  await assert.rejects(tab().unlock(PIN), wrong());
  const reloaded = tab();
  await reloaded.unlock("135791");
  assert.equal(await reloaded.open(sealed, "session"), "secret");
});

test("waiting grows with each wrong PIN and outlives the tab; the right one ends it", async () => {
  const { tab, clock, sealed } = await withPin();
  for (const retryAfter of [0, 0, 30, 60, 300, 900, 3600, 3600]) {
    await assert.rejects(tab().unlock("000000"), wrong({ retryAfter }));
    if (retryAfter === 0) continue;
    const { failed } = await tab().status();
    clock.now += retryAfter - 1;
    const later = { name: "ProtectionError", code: "try_later", retryAfter: 1 };
    await assert.rejects(tab().unlock("000000"), later);
    await assert.rejects(tab().unlock(PIN), later, "not even the right one is looked at");
    await assert.rejects(tab().change(PIN, "135791"), later);
    assert.equal((await tab().status()).failed, failed, "what is not looked at does not count");
    clock.now += 1;
  }
  const reloaded = tab();
  await reloaded.unlock(PIN);
  assert.equal(await reloaded.open(sealed, "session"), "secret");
  const { failed, retryAfter } = await tab().status();
  assert.deepEqual({ failed, retryAfter }, { failed: 0, retryAfter: 0 });
});

test("an attempt is counted, in the storage, before it is judged", async (t) => {
  const { tab, storage } = await withPin();
  const seen = [];
  const { instantiate } = WebAssembly;
  t.mock.method(WebAssembly, "instantiate", async (...args) => {
    seen.push(JSON.parse(await storage.get("default.pin-attempts")).failed);
    return instantiate(...args);
  });
  await assert.rejects(tab().unlock("000000"), wrong());
  await assert.rejects(tab().change("000001", "135791"), wrong());
  await tab().unlock(PIN);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal((await tab().status()).failed, 0);
});

test("an attempt that could not be judged does not count", async (t) => {
  const { tab } = await withPin();
  await assert.rejects(tab().unlock("000000"), wrong());
  const mock = t.mock.method(WebAssembly, "instantiate", () => Promise.reject(new RangeError("no memory")));
  await assert.rejects(tab().unlock(PIN), { code: "unavailable", message: /memory/ });
  mock.mock.restore();
  assert.equal((await tab().status()).failed, 1);
  await tab().unlock(PIN);
});

test("tabs that try at once are judged one after the other", async () => {
  const { tab } = await withPin();
  const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => tab().unlock(`00000${index}`)));
  const codes = results.map(({ reason }) => reason.code);
  assert.deepEqual(codes, [...Array(3).fill("wrong_secret"), ...Array(5).fill("try_later")]);
});

test("a clock set back neither shortens the wait nor makes it last for ever", async () => {
  const { tab, clock } = await withPin();
  for (const pin of ["000000", "000001", "000002"]) await assert.rejects(tab().unlock(pin), wrong());
  clock.now -= 365 * 86_400;
  await assert.rejects(tab().unlock(PIN), { code: "try_later", retryAfter: 30 });
  clock.now += 29;
  await assert.rejects(tab().unlock(PIN), { code: "try_later", retryAfter: 1 });
  clock.now += 1;
  await tab().unlock(PIN);
});

test("a clock that was ahead when attempts failed does not lock out when it is right again", async () => {
  const { tab, clock } = await withPin();
  clock.now += 10 * 365 * 86_400;
  for (const pin of ["000000", "000001", "000002"]) await assert.rejects(tab().unlock(pin), wrong());
  clock.now -= 10 * 365 * 86_400;
  assert.equal((await tab().status()).retryAfter, 30);
  clock.now += 30;
  await tab().unlock(PIN);
});

test("a clock that says nothing ends no wait", async () => {
  const { tab, clock } = await withPin();
  for (const pin of ["000000", "000001", "000002"]) await assert.rejects(tab().unlock(pin), wrong());
  for (const now of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    clock.now = now;
    await assert.rejects(tab().unlock("000003"), { name: "ConfigError", code: "invalid_option", option: "now" });
  }
  clock.now = 1_760_000_000;
  assert.deepEqual((await tab().status()).failed, 3);
});

test("a count that was garbled means the longest wait, not none and not for ever", async () => {
  const { tab, clock, storage } = await withPin();
  for (const garbled of ["", "{}", "null", '{"failed":-1,"since":0}', '{"failed":1e99,"since":0}', '{"failed":0}']) {
    await storage.set("default.pin-attempts", garbled);
    await assert.rejects(tab().unlock(PIN), { code: "try_later", retryAfter: 3600 }, garbled);
    clock.now += 3600;
    await tab().unlock(PIN);
  }
});

test("a storage that refuses to count lets nobody try, and is told as unavailable", async () => {
  const { tab, storage } = await withPin();
  for (const cause of [new Error("no"), new StorageError("full", "no room")]) {
    const refusing = { ...storage, set: () => Promise.reject(cause), delete: () => Promise.reject(cause) };
    const refused = { name: "ProtectionError", code: "unavailable", cause };
    await assert.rejects(tab({ storage: refusing }).unlock(PIN), refused);
    await assert.rejects(tab({ storage: refusing }).forget(), refused);
    await assert.rejects(tab({ storage: { ...refusing, get: () => Promise.reject(cause) } }).status(), refused);
  }
});

test("after maxAttempts everything is forgotten, whoever comes and however", async () => {
  const { tab, clock, storage, sealed } = await withPin({ maxAttempts: 5 });
  const unlocked = tab();
  await unlocked.unlock(PIN);
  for (const [retryAfter, attemptsLeft] of [
    [0, 4],
    [0, 3],
    [30, 2],
    [60, 1],
  ]) {
    await assert.rejects(tab().unlock("000000"), wrong({ retryAfter, attemptsLeft }));
    assert.equal((await tab().status()).attemptsLeft, attemptsLeft);
    clock.now += retryAfter;
  }
  await assert.rejects(tab().unlock("000000"), { code: "too_many_attempts", message: /sign in again/ });
  assert.equal(await storage.get("default.pin"), undefined);
  await assert.rejects(tab().unlock(PIN), { code: "not_set_up" });
  await assert.rejects(unlocked.open(sealed, "session"), { code: "locked" });
  assert.equal((await tab().status()).failed, 0);
});

test("an attempt that died when it was the last one was the last one", async () => {
  const { tab, storage } = await withPin({ maxAttempts: 5 });
  await storage.set("default.pin-attempts", JSON.stringify({ failed: 5, since: 0 }));
  await assert.rejects(tab().unlock(PIN), { code: "too_many_attempts" });
  assert.equal(await storage.get("default.pin"), undefined);
});

test("after forget in one tab, no other seals anything that nobody could open", async () => {
  const { tab, sealed, database } = await withPin();
  const [one, other] = [tab(), tab()];
  await one.unlock(PIN);
  await other.unlock(PIN);
  await one.forget();
  assert.equal(one.locked, true);
  const keys = await openDB(database);
  assert.deepEqual(await keys.getAllKeys("keys"), [], "the device's key is gone too");
  keys.close();
  await assert.rejects(other.seal("more"), { code: "locked" });
  assert.equal(other.locked, true);
  await one.setup("135791");
  await assert.rejects(other.seal("more"), { code: "locked" });
  await assert.rejects(one.open(sealed, "session"), { code: "damaged" });
});

test("what is unlocked can be shared with another context, for as long as it is the key in use", async () => {
  const { tab, sealed } = await withPin();
  const [page, worker, late] = [tab(), tab(), tab()];
  assert.equal(page.share(), undefined);
  await page.unlock(PIN);
  const shared = structuredClone(page.share());
  assert.equal(shared.key.extractable, false);
  await worker.adopt(shared);
  assert.equal(worker.locked, false);
  assert.equal(await worker.open(sealed, "session"), "secret");
  for (const wrong of [undefined, null, {}, { ...shared, id: "other" }, { id: shared.id }, { ...shared, key: {} }]) {
    await assert.rejects(late.adopt(wrong), { name: "ProtectionError", code: "locked" });
  }
  await page.forget();
  await assert.rejects(late.adopt(shared), { code: "locked" });
  await assert.rejects(worker.seal("more"), { code: "locked" });
});

test("a copy of the storage without the device's key is worth nothing, even with the PIN", async () => {
  const { tab } = await withPin();
  await assert.rejects(tab({ database: "another-device" }).unlock(PIN), { code: "damaged", message: /sign in again/ });
  assert.equal((await tab().status()).failed, 0, "that is no wrong PIN");
});

test("without IndexedDB the PIN alone protects, and says so", async (t) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
  const bound = await withPin();
  t.after(() => Object.defineProperty(globalThis, "indexedDB", before));
  Object.defineProperty(globalThis, "indexedDB", { value: undefined, configurable: true, writable: true });
  const { tab, sealed } = await withPin();
  assert.equal((await tab().status()).boundToDevice, false);
  const reloaded = tab();
  await reloaded.unlock(PIN);
  assert.equal(await reloaded.open(sealed, "session"), "secret");
  await assert.rejects(tab().unlock("000000"), wrong());
  await assert.rejects(bound.tab().unlock(PIN), { code: "unsupported" });
});

test("parameters are recorded with the data and raised at the next unlock, with a new salt", async () => {
  const { tab, storage, sealed } = await withPin();
  const record = async () => JSON.parse(await storage.get("default.pin"));
  const before = await record();
  assert.deepEqual([before.memory, before.iterations, before.parallelism], [19_456, 2, 1]);
  assert.equal(Buffer.from(before.salt, "base64url").length, 16);
  const raised = tab({ memory: 47_104, iterations: 1 });
  await raised.unlock(PIN);
  const after = await record();
  assert.deepEqual([after.memory, after.iterations], [47_104, 1]);
  assert.notEqual(after.salt, before.salt);
  assert.equal(await raised.open(sealed, "session"), "secret");
  const reloaded = tab();
  await reloaded.unlock(PIN);
  assert.deepEqual(await record(), after, "never lowered");
  assert.equal(await reloaded.open(sealed, "session"), "secret");
});

test("the defaults are what RFC 9106 section 4 recommends where memory is scarce", async () => {
  const storage = memoryStorage();
  await pinProtection({ storage, database: "defaults" }).setup(PIN);
  const { memory, iterations } = JSON.parse(await storage.get("default.pin"));
  assert.deepEqual({ memory, iterations }, { memory: 65_536, iterations: 3 });
});

test("a record that was tampered with is damaged, and never computed for hours", async () => {
  const { tab, storage } = await withPin();
  const record = JSON.parse(await storage.get("default.pin"));
  for (const text of [
    "",
    "null",
    "[]",
    '"text"',
    ...[
      { version: 2 },
      { id: 1 },
      { device: "true" },
      { wrapped: null },
      { wrapped: "1.AAAA.AAAA" },
      { id: "other" },
      { salt: 5 },
      { salt: "%" },
      { salt: "AAAA" },
      { salt: `${record.salt}AAA` },
      { device: false, wrapped: "x" },
      { memory: 2 ** 31 },
      { memory: -1 },
      { memory: 8 },
      { memory: "19456" },
      { iterations: 65 },
      { iterations: 0.5 },
      { parallelism: 2 },
      { parallelism: 16 },
      { memory: 19_455 },
      // What is more than the app can have written: 4 times the memory and 16 times the work of the default.
      { memory: 1_048_576, iterations: 64, parallelism: 16 },
      { memory: 1_048_576, iterations: 1 },
      { memory: 262_145, iterations: 1 },
      { memory: 262_144, iterations: 13 },
    ].map((change) => JSON.stringify({ ...record, ...change })),
  ]) {
    await storage.set("default.pin", text);
    await assert.rejects(tab().unlock(PIN), { name: "ProtectionError", code: "damaged" }, text);
  }
  await storage.set("default.pin", JSON.stringify(record));
  assert.equal((await tab().status()).failed, 0, "none of that is an attempt");
  await tab().forget();
  await tab().setup(PIN);
});

test("a record that costs too much says so, and what to do", async () => {
  const { tab, storage } = await withPin();
  const record = JSON.parse(await storage.get("default.pin"));
  await storage.set("default.pin", JSON.stringify({ ...record, memory: 1_048_576, iterations: 64 }));
  const started = performance.now();
  await assert.rejects(tab().unlock(PIN), { code: "damaged", message: /1048576 KiB, 64 passes.*sign in again/ });
  assert.ok(performance.now() - started < 5000, "and nothing was computed");
  // An app that itself asks for so much has written it; here nothing but the record is different.
  await storage.set("default.pin", JSON.stringify({ ...record, memory: 262_144, iterations: 1 }));
  await assert.rejects(tab().unlock(PIN), { code: "wrong_secret" });
  await tab().forget();
  await tab().setup(PIN);
});

test("an app that asks for more writes and reads more", async () => {
  const dear = { memory: 300_000, iterations: 1 };
  const { tab, storage } = await withPin(dear);
  assert.equal(JSON.parse(await storage.get("default.pin")).memory, 300_000);
  await tab().unlock(PIN);
  await assert.rejects(tab(CHEAP).unlock(PIN), { code: "damaged" });
});

test("sessions of different names have PINs of their own", async () => {
  const { tab, sealed } = await withPin();
  await tab({ name: "other" }).setup("135791");
  await assert.rejects(tab({ name: "other" }).unlock(PIN), wrong());
  await tab({ name: "other" }).forget();
  const mine = tab();
  await mine.unlock(PIN);
  assert.equal(await mine.open(sealed, "session"), "secret");
});

test("no PIN is in what is stored or in a message", async () => {
  const { tab, storage } = await withPin();
  const error = await tab()
    .unlock("314159")
    .catch((thrown) => thrown);
  const told = [error.message, error.stack, JSON.stringify(error), await storage.get("default.pin")].join();
  assert.doesNotMatch(`${told},${await storage.get("default.pin-attempts")}`, /314159|246810/);
});

test("options that cannot work are refused by name", () => {
  const storage = memoryStorage();
  for (const [options, option] of [
    [undefined, "pinProtection"],
    [{ storage, pin: "1234" }, "pin"],
    [{}, "storage"],
    [{ storage, name: "a b" }, "name"],
    [{ storage, memory: 19_455 }, "memory"],
    [{ storage, memory: 19_456, iterations: 1 }, "iterations"],
    [{ storage, iterations: 0 }, "iterations"],
    [{ storage, minLength: 3 }, "minLength"],
    [{ storage, maxAttempts: 0 }, "maxAttempts"],
    [{ storage, now: 5 }, "now"],
    [{ storage, database: 5 }, "database"],
  ]) {
    assert.throws(() => pinProtection(options), { name: "ConfigError", option });
  }
});
