// The key of the device, and no protection at all. Real browsers: browsers.test.mjs.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDB } from "idb";
import { deviceProtection, noProtection } from "tokenward/pin";
import { indexedDbStorage } from "tokenward/storage";

let databases = 0;
const fresh = () => ({ database: `device-${++databases}` });

/** The key as it is kept. */
async function keptKey({ database }, name = "device") {
  const keys = await openDB(database);
  try {
    return await keys.get("keys", name);
  } finally {
    keys.close();
  }
}

test("what is sealed is opened again, in another instance too", async () => {
  const place = fresh();
  for (const text of ["", "secret", "ä🔑\u0000", "x".repeat(100_000)]) {
    const sealed = await deviceProtection(place).seal(text, "session");
    assert.ok(!sealed.includes("secret"));
    assert.equal(await deviceProtection(place).open(sealed, "session"), text);
  }
});

test("the key cannot be exported", async () => {
  const place = fresh();
  await deviceProtection(place).seal("secret");
  const key = await keptKey(place);
  assert.equal(key.extractable, false);
  assert.deepEqual(key.algorithm, { name: "AES-GCM", length: 256 });
  await assert.rejects(crypto.subtle.exportKey("raw", key));
});

test("the same text is never sealed alike", async () => {
  const device = deviceProtection(fresh());
  const sealed = await Promise.all(Array.from({ length: 200 }, () => device.seal("secret")));
  assert.equal(new Set(sealed.map((text) => text.split(".")[1])).size, 200);
});

test("whatever is damaged is told as damaged, by a typed error that says what to do", async () => {
  const device = deviceProtection(fresh());
  const sealed = await device.seal("the secret text", "session");
  const [version, iv, box] = sealed.split(".");
  const flipped = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  const damaged = [
    "",
    ".",
    "..",
    "{}",
    "the secret text",
    sealed.slice(0, -2),
    `${sealed}AA`,
    `${sealed}.AA`,
    ` ${sealed}`,
    `2.${iv}.${box}`,
    `${version}.${iv}`,
    `${version}..${box}`,
    `${version}.${iv}.`,
    `${version}.${iv}.%%%%`,
    ...Array.from({ length: iv.length }, (_, at) => `${version}.${flipped(iv, at)}.${box}`),
    ...Array.from({ length: box.length - 1 }, (_, at) => `${version}.${iv}.${flipped(box, at)}`),
  ];
  for (const text of damaged) {
    await assert.rejects(device.open(text, "session"), (error) => {
      assert.equal(error.name, "ProtectionError");
      assert.equal(error.code, "damaged");
      assert.match(error.message, /sign in again/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  assert.equal(await device.open(sealed, "session"), "the secret text");
});

test("a record cannot take the place of another", async () => {
  const device = deviceProtection(fresh());
  const sealed = await device.seal("secret", "session");
  for (const record of ["marks", "", undefined]) {
    await assert.rejects(device.open(sealed, record), { code: "damaged" });
  }
});

test("tabs that make the key at once all end with the same", async () => {
  for (let round = 0; round < 20; round += 1) {
    const place = fresh();
    const tabs = Array.from({ length: 5 }, () => deviceProtection(place));
    const sealed = await Promise.all(tabs.map((tab, index) => tab.seal(`text ${index}`)));
    for (const tab of tabs) {
      for (const [index, text] of sealed.entries()) assert.equal(await tab.open(text), `text ${index}`);
    }
  }
});

test("after forget nothing can be opened, in no tab, and what is sealed then is sealed with one new key", async () => {
  const place = fresh();
  const [one, other] = [deviceProtection(place), deviceProtection(place)];
  const sealed = await one.seal("secret");
  await other.forget();
  await assert.rejects(one.open(sealed), { name: "ProtectionError", code: "damaged", message: /gone.*sign in/ });
  assert.equal(await other.open(await one.seal("anew")), "anew");
  await assert.rejects(one.open(sealed), { code: "damaged" });
});

test("opening never makes a key", async () => {
  const place = fresh();
  await assert.rejects(deviceProtection(place).open("1.AAAA.AAAA"), { code: "damaged" });
  assert.equal(await keptKey(place), undefined);
});

test("keys of other names are apart", async () => {
  const place = fresh();
  const [one, other] = [deviceProtection({ ...place, name: "one" }), deviceProtection({ ...place, name: "other" })];
  const sealed = await one.seal("secret");
  await other.seal("more");
  await assert.rejects(other.open(sealed), { code: "damaged" });
  await other.forget();
  assert.equal(await one.open(sealed), "secret");
});

test("the key may be in the database of a storage, whichever comes first", async () => {
  for (const storageFirst of [true, false]) {
    const place = fresh();
    const storage = indexedDbStorage(place);
    const device = deviceProtection(place);
    const open = [
      () => storage.set("a", "text"),
      async () => assert.equal(await device.open(await device.seal("b")), "b"),
    ];
    for (const use of storageFirst ? open : open.toReversed()) await use();
    const sealed = await device.seal("secret");
    assert.equal(await storage.get("a"), "text");
    assert.equal(await deviceProtection(place).open(sealed), "secret");
  }
});

test("a storage and a key that are made in one database at once do not hinder each other", async () => {
  for (let round = 0; round < 10; round += 1) {
    const place = fresh();
    const tabs = Array.from({ length: 3 }, () => [indexedDbStorage(place), deviceProtection(place)]);
    await Promise.all(tabs.flatMap(([storage, device], tab) => [device.seal("x"), storage.set(`${tab}`, "x")]));
    for (const [storage] of tabs) assert.equal(await storage.get("2"), "x");
  }
});

test("without WebCrypto or IndexedDB it is unsupported", async (t) => {
  const device = deviceProtection(fresh());
  for (const name of ["crypto", "indexedDB"]) {
    await t.test(name, async (t) => {
      const before = Object.getOwnPropertyDescriptor(globalThis, name);
      t.after(() => Object.defineProperty(globalThis, name, before));
      Object.defineProperty(globalThis, name, { value: undefined, configurable: true, writable: true });
      for (const attempt of [() => device.seal("secret"), () => device.open("1.AAAA.AAAA")]) {
        await assert.rejects(attempt, { name: "ProtectionError", code: "unsupported", message: /another protection/ });
      }
      await device.forget();
    });
  }
});

test("an IndexedDB that refuses is unavailable, with its reason as the cause", async (t) => {
  const refusal = new DOMException("no", "InvalidStateError");
  t.mock.method(indexedDB, "open", () => {
    throw refusal;
  });
  await assert.rejects(deviceProtection(fresh()).seal("secret"), { code: "unavailable", cause: refusal });
});

test("no protection leaves texts as they are, and does not take a sealed one for text", async () => {
  const none = noProtection();
  assert.equal(none.kind, "none");
  assert.equal(none.locked, false);
  for (const text of ["", '{"a":1}', "1.5"]) assert.equal(await none.open(await none.seal(text)), text);
  const sealed = await deviceProtection(fresh()).seal("secret");
  await assert.rejects(none.open(sealed), { name: "ProtectionError", code: "unavailable" });
  await none.forget();
});

test("options that cannot work are refused by name", () => {
  for (const [options, code, option] of [
    [{ databse: "x" }, "unknown_option", "databse"],
    [{ database: 5 }, "invalid_option", "database"],
    [{ name: null }, "invalid_option", "name"],
    [null, "invalid_option", "deviceProtection"],
  ]) {
    assert.throws(() => deviceProtection(options), { name: "ConfigError", code, option });
  }
});
