// A device that many people use, one after another: the storage knows the last 32 sessions that have ended, and no more.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  channels,
  gate,
  hearingLater,
  mapStorage,
  openTab,
  soon,
  strictProvider,
  turns,
  who,
} from "./strict-provider.mjs";

const MANY = 40;

/** People who come and go in a tab. */
async function comeAndGo(tab, provider) {
  for (let count = 0; count < MANY; count += 1) {
    await tab.signIn(provider.signIn(`person ${count}`));
    await tab.signOut();
  }
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
  const ended = () => JSON.parse(storage.values.get("default.ended")).map(({ sessionId }) => sessionId);
  return { provider, storage, writes, channel, open, ended };
}

test("tabs that have heard of many ends write nothing on their own, nor forget the latest ones", async () => {
  const { provider, writes, channel, open, ended } = device();
  const tab = await open({ channel });
  const other = await open({ channel });
  const ids = [];
  for (let count = 0; count < MANY; count += 1) {
    await tab.signIn(provider.signIn(`person ${count}`));
    ids.push(tab.state.sessionId);
    await tab.signOut();
    await soon();
    assert.equal(who(other), "signed_out");
  }
  const late = await open({ channel });
  await soon();
  writes.length = 0;
  for (const each of [tab, other, late, tab, other, late]) await each.sync();
  assert.deepEqual(writes, []);
  assert.deepEqual(ended(), ids.slice(-32));
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
  assert.equal(storage.values.has("default.session"), false);
});

test("where many came and went, whoever is signed in outlasts what the browser evicts", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await comeAndGo(tab, provider);
  await tab.signIn(provider.signIn("ada"));
  storage.values.clear();
  await tab.sync();
  assert.equal(who(tab), "ada");
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
  assert.equal(storage.values.has("default.session"), false);
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
  const { provider, writes, open, ended } = device();
  const { channel, listen } = hearingLater();
  const tab = await open({ channel });
  const asleep = [await open({ channel }), await open({ channel })];
  await comeAndGo(tab, provider);
  const known = ended();
  writes.length = 0;
  for (const place of [1, 2]) await listen(place);
  await Promise.all(asleep.map((each) => each.sync()));
  assert.deepEqual(asleep.map(who), ["signed_out", "signed_out"]);
  assert.deepEqual(writes, []);
  assert.deepEqual(ended(), known);
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

test("a tab that tells the storage of an end does not delete what another stores meanwhile", async () => {
  const { provider, storage, open } = device();
  const tab = await open();
  await tab.signIn(provider.signIn("ada"));
  const { set, values } = storage;
  // The word of ada's end is refused, and so is told later: when bob is stored already.
  storage.set = (key, value) => (key.endsWith(".ended") ? Promise.reject(new Error("no")) : set(key, value));
  await tab.signOut().catch(() => {});
  storage.set = set;
  const another = await open();
  const remove = storage.delete;
  let bob;
  storage.delete = async (key) => {
    bob ??= another.signIn(provider.signIn("bob"));
    await bob;
    return remove(key);
  };
  await tab.sync();
  storage.delete = remove;
  await (bob ?? another.signIn(provider.signIn("bob")));
  await soon();
  assert.match(values.get("default.session") ?? "", /^[0-9a-f]{32} /);
  await tab.sync();
  assert.equal(who(tab), "bob");
});
