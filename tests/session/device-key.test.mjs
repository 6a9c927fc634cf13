// The default protection, where the database of the device's key refuses for a moment, for ever, or keeps no keys.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { IDBFactory, IDBObjectStore } from "fake-indexeddb";
import { gate, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

const tabs = [];
const refusing = new Set();
const { open } = IDBFactory.prototype;
const { add } = IDBObjectStore.prototype;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  IDBFactory.prototype.open = function (name, ...more) {
    if (refusing.has(name)) throw new DOMException("busy", "UnknownError");
    return open.call(this, name, ...more);
  };
});

afterEach(() => {
  for (const tab of tabs.splice(0)) tab.stop();
  refusing.clear();
  Object.assign(IDBFactory.prototype, { open });
  Object.assign(IDBObjectStore.prototype, { add });
});

/** A page with the default storage and protection. */
async function page(provider, now = () => Date.now() / 1000, exclusive = undefined) {
  const tab = await openTab({
    provider,
    protection: undefined,
    environment: { online: () => false, now, ...(exclusive && { exclusive }) },
  });
  tabs.push(tab);
  return tab;
}

/** Everything that is stored, as text. */
function stored() {
  return new Promise((resolve, reject) => {
    const opening = open.call(indexedDB, "tokenward");
    opening.onerror = reject;
    opening.onsuccess = () => {
      const reading = opening.result.transaction("values").objectStore("values").getAll();
      reading.onsuccess = () => {
        opening.result.close();
        resolve(reading.result.join("\n"));
      };
    };
  });
}

test("a key that is refused while somebody signs in: nothing is stored in clear, and all of it once the key is there", async () => {
  const provider = strictProvider();
  refusing.add("tokenward-keys");
  const tab = await page(provider);
  assert.deepEqual([tab.state.persistent, tab.state.error.code], [false, "unavailable"]);
  await tab.signIn(provider.signIn("ada"));
  assert.deepEqual([who(tab), tab.state.access, tab.state.persistent], ["ada", "full", false]);
  // Its answer could not be kept, and access is still good.
  assert.deepEqual([await tab.refresh(), provider.asked], ["unavailable", []]);
  assert.doesNotMatch(await stored(), /access_token/);
  refusing.clear();
  await tab.sync();
  assert.deepEqual(
    [who(tab), tab.state.persistent, tab.state.protectedBy, tab.state.error],
    ["ada", true, "device", undefined],
  );
  assert.doesNotMatch(await stored(), /access_token/);
  tab.stop();
  const again = await page(provider);
  assert.deepEqual([who(again), await again.refresh()], ["ada", "refreshed"]);
});

test("a key that is refused while a page starts: who is stored is in again as soon as it is there", async () => {
  const provider = strictProvider();
  const before = await page(provider);
  await before.signIn(provider.signIn("ada"));
  before.stop();
  refusing.add("tokenward-keys");
  const tab = await page(provider);
  await tab.sync();
  assert.deepEqual([who(tab), tab.state.persistent], ["signed_out", false]);
  refusing.clear();
  await tab.sync();
  assert.deepEqual([who(tab), tab.state.persistent, tab.state.error], ["ada", true, undefined]);
});

test("a key that is refused keeps nobody from signing out, nor another person from signing in", async () => {
  const provider = strictProvider();
  const before = await page(provider);
  await before.signIn(provider.signIn("ada"));
  before.stop();
  refusing.add("tokenward-keys");
  const tab = await page(provider);
  await tab.signOut();
  await tab.signIn(provider.signIn("bob"));
  refusing.clear();
  await tab.sync();
  await soon();
  assert.deepEqual([who(tab), who(await page(provider))], ["bob", "bob"]);
});

test("where IndexedDB is refused for ever a session works in memory, and is refreshed once access is past use", async () => {
  const provider = strictProvider();
  for (const name of ["tokenward", "tokenward-keys"]) refusing.add(name);
  let ahead = 0;
  const tab = await page(provider, () => Date.now() / 1000 + ahead);
  await tab.signIn(provider.signIn("ada"));
  await tab.sync();
  assert.deepEqual([who(tab), tab.state.access, tab.state.persistent], ["ada", "full", false]);
  assert.equal(await tab.refresh(), "unavailable");
  for (ahead of [1000, 2000])
    assert.deepEqual([await tab.refresh(), who(tab), tab.state.access], ["refreshed", "ada", "full"]);
  await tab.signOut().catch(() => {});
  await soon();
  assert.deepEqual([who(tab), provider.families[0].ended], ["signed_out", true]);
});

test("where IndexedDB keeps texts and no keys, as in some private modes, texts are stored in clear", async () => {
  IDBObjectStore.prototype.add = function (value, key) {
    if (value instanceof CryptoKey) throw new DOMException("The object can not be cloned.", "DataCloneError");
    return add.call(this, value, key);
  };
  const provider = strictProvider();
  const tab = await page(provider);
  await tab.signIn(provider.signIn("ada"));
  assert.deepEqual([tab.state.protectedBy, tab.state.persistent, tab.state.error], ["none", true, undefined]);
  tab.stop();
  assert.equal(who(await page(provider)), "ada");
});

test("whoever signs in elsewhere just after the provider's rejection is not sealed with the key that goes with it", async () => {
  const provider = strictProvider();
  const exclusive = turns();
  let late = Promise.resolve();
  // A tab that is slow once its turn at the storage is over.
  const slow = (name, seconds, work) => exclusive(name, seconds, work).then((value) => late.then(() => value));
  const first = await page(provider, undefined, slow);
  await first.signIn(provider.signIn("ada"));
  const second = await page(provider, undefined, exclusive);
  provider.families[0].ended = true;
  const { opened, open: goOn } = gate();
  const { refresh } = provider;
  provider.refresh = (tokens) => {
    late = opened;
    return refresh(tokens);
  };
  const refreshing = first.refresh();
  for (let times = 0; times < 50 && late !== opened; times++) await soon();
  await soon();
  await second.signIn(provider.signIn("bob"));
  goOn();
  await refreshing;
  await soon();
  assert.deepEqual([who(second), who(await page(provider, undefined, exclusive))], ["bob", "bob"]);
});
