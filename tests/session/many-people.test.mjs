// A device that many people use, one after another: what the storage and the tabs know of them does not grow.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channels, gate, hearingLater, isStored, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

const MANY = 40;

/**
 * People who come and go in a tab. Each sign-in takes a number of its own, a millisecond at least: a machine that is faster than
 * people would leave the clock behind the numbers, which only a clock that was ahead does otherwise.
 */
async function comeAndGo(tab, provider) {
  for (let count = 0; count < MANY; count += 1) {
    await tab.signIn(provider.signIn(`person ${count}`));
    await tab.signOut();
  }
  await new Promise((resolve) => setTimeout(resolve, 2 * MANY));
}

/** Tabs of one device, and what is written to its storage. */
function device() {
  const provider = strictProvider();
  const storage = mapStorage();
  const writes = [];
  const counted = {
    get: (key) => storage.get(key),
    set: (key, value) => {
      writes.push(key);
      return storage.set(key, value);
    },
    delete: (key) => storage.delete(key),
  };
  const exclusive = turns();
  const channel = channels();
  const open = (environment) => openTab({ provider, storage: counted, environment: { exclusive, ...environment } });
  return { provider, storage, writes, channel, open };
}

test("tabs that have heard of many ends write nothing on their own, and what they know does not grow", async () => {
  const { provider, storage, writes, channel, open } = device();
  const tab = await open({ channel });
  const other = await open({ channel });
  const sizes = new Set();
  for (let count = 0; count < MANY; count += 1) {
    await tab.signIn(provider.signIn(`person ${count}`));
    await tab.signOut();
    sizes.add(storage.values.get("default.session").length);
    await soon();
    assert.equal(who(other), "signed_out");
  }
  const late = await open({ channel });
  await soon();
  writes.length = 0;
  for (const each of [tab, other, late, tab, other, late]) await each.sync();
  assert.deepEqual(writes, []);
  assert.equal(sizes.size, 1);
});

test("a tab that slept while many came and went has nobody in it, and brings nobody back", async () => {
  const { provider, storage, open } = device();
  const asleep = await open();
  await asleep.signIn(provider.signIn("ada"));
  const tab = await open();
  await tab.signOut();
  await comeAndGo(tab, provider);
  await asleep.sync();
  assert.equal(who(asleep), "signed_out");
  await soon();
  assert.equal(isStored(storage), false);
});

test("whoever is evicted is signed out, with that cause, and not written again", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await comeAndGo(tab, provider);
  await tab.signIn(provider.signIn("ada"));
  storage.values.clear();
  await tab.sync();
  assert.deepEqual([who(tab), tab.state.ended, isStored(storage)], ["signed_out", "evicted", false]);
});

test("where many came and went, whoever signs in and cannot be stored stays", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await comeAndGo(tab, provider);
  const { set } = storage;
  storage.set = (key, value) => (key.endsWith(".session") ? Promise.reject(new Error("no")) : set(key, value));
  await tab.signIn(provider.signIn("ada"));
  await tab.sync();
  assert.equal(who(tab), "ada");
});

test("whoever signed in while the storage could not be read stays when it can be, and is full", async () => {
  const { provider, storage, open } = device();
  await comeAndGo(await open(), provider);
  const { get, set } = storage;
  storage.get = () => Promise.reject(new Error("no"));
  const tab = await open();
  await tab.signIn(provider.signIn("ada"));
  storage.get = get;
  storage.set = (key, value) => (key.endsWith(".session") ? Promise.reject(new Error("full")) : set(key, value));
  await tab.sync();
  assert.equal(who(tab), "ada");
});

test("a refresh that takes so long that many come and go brings nobody back", async () => {
  const { provider, storage, open } = device();
  const asleep = await open();
  await asleep.signIn(provider.signIn("ada"));
  const tab = await open();
  const answer = gate();
  provider.delay = answer.opened;
  const refreshing = asleep.refresh();
  await soon();
  provider.delay = Promise.resolve();
  await tab.signOut();
  await comeAndGo(tab, provider);
  answer.open();
  await refreshing;
  for (const each of [asleep, tab]) {
    await each.sync();
    assert.equal(who(each), "signed_out");
  }
  assert.equal(isStored(storage), false);
});

test("a tab that read just while somebody signed out, and slept while many came and went, brings nobody back", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await tab.signIn(provider.signIn("ada"));
  const asleep = await open();
  const { get } = storage;
  const read = gate();
  storage.get = async (key) => {
    const value = await get(key);
    if (key.endsWith(".ended")) {
      storage.get = get;
      await read.opened;
    }
    return value;
  };
  const reading = asleep.sync();
  await soon();
  await tab.signOut();
  read.open();
  await reading;
  await comeAndGo(tab, provider);
  await asleep.sync();
  assert.equal(who(asleep), "signed_out");
});

test("a tab that knew of an eviction, and slept while many came and went, brings nobody back", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await tab.signIn(provider.signIn("ada"));
  const asleep = await open();
  storage.values.clear();
  await asleep.sync();
  await tab.signOut();
  await comeAndGo(tab, provider);
  await asleep.sync();
  assert.equal(who(asleep), "signed_out");
});

test("tabs that hear at once of many ends, when they wake, write nothing and forget nothing", async () => {
  const { provider, storage, writes, open } = device();
  const { channel, listen } = hearingLater();
  const tab = await open({ channel });
  const asleep = [await open({ channel }), await open({ channel })];
  await comeAndGo(tab, provider);
  const known = storage.values.get("default.session");
  writes.length = 0;
  for (const place of [1, 2]) await listen(place);
  await Promise.all(asleep.map((each) => each.sync()));
  assert.deepEqual(asleep.map(who), ["signed_out", "signed_out"]);
  assert.deepEqual(writes, []);
  assert.equal(storage.values.get("default.session"), known);
});

test("whoever just signed in stays when another tab, telling of an end, deletes what it should not", async () => {
  const { provider, storage, channel, open } = device();
  const tab = await open({ channel });
  await comeAndGo(tab, provider);
  await tab.signIn(provider.signIn("ada"));
  const other = await open({ channel });
  await soon();
  const { set, delete: remove } = storage;
  storage.set = () => Promise.reject(new Error("full"));
  storage.delete = storage.set;
  // In ada's place, of which the storage hears nothing.
  await tab.signIn(provider.signIn("bob"));
  await soon();
  assert.equal(who(other), "bob");
  storage.set = set;
  const held = gate();
  storage.delete = async (key) => {
    if (key.endsWith(".session")) {
      storage.delete = remove;
      await held.opened;
    }
    return remove(key);
  };
  // The other one has read that ada is stored, and is about to delete that.
  const telling = other.sync();
  await soon();
  await tab.signIn(provider.signIn("bob"));
  held.open();
  await telling;
  await soon();
  for (const each of [tab, other, tab]) {
    await each.sync();
    assert.equal(who(each), "bob");
  }
});

test("a tab that deletes the session whose end a storage refuses does not delete what another stores meanwhile", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await tab.signIn(provider.signIn("ada"));
  const { set, delete: remove } = storage;
  const another = await open();
  let bob;
  storage.set = () => Promise.reject(new Error("no"));
  storage.delete = (key) => {
    storage.set = set;
    bob ??= another.signIn(provider.signIn("bob"));
    return remove(key);
  };
  await tab.signOut();
  storage.delete = remove;
  await bob;
  await soon();
  assert.equal(isStored(storage), true);
  await tab.sync();
  assert.equal(who(tab), "bob");
});
