// What other tabs read, store and say while somebody signs in or out: the later one counts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gate, hearingLater, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

for (const next of ["signed_out", "bob"]) {
  test(`a look that is slow and began before the sign-out does not count more than a later one: ${next}`, async () => {
    const provider = strictProvider();
    const storage = mapStorage();
    const environment = { exclusive: turns() };
    const page = await openTab({ provider, storage, environment });
    const worker = await openTab({ provider, storage, environment });
    await page.signIn(provider.signIn("ada"));
    const { get } = storage;
    /** The next reading of a name is not answered before it is let go. */
    const holdUp = (name) => {
      const held = gate();
      storage.get = async (key) => {
        const value = await get(key);
        if (key === name) {
          storage.get = get;
          await held.opened;
        }
        return value;
      };
      return held;
    };
    const first = holdUp("default.marks");
    const looking = worker.sync();
    await soon();
    storage.get = get;
    await page.signOut();
    if (next === "bob") await page.signIn(provider.signIn("bob"));
    const second = holdUp("default.ended");
    const lookingAgain = worker.sync();
    await soon();
    first.open();
    await looking;
    second.open();
    await lookingAgain;
    assert.equal(who(worker), next);
  });
}

test("who signs in just when another tab can store somebody else at last is who is signed in", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const exclusive = turns();
  const { get, set } = storage;
  storage.get = storage.set = () => Promise.reject(new Error("no"));
  const theirs = { ...storage, get: (key) => storage.get(key), set: (key, value) => storage.set(key, value) };
  const other = await openTab({ provider, storage: theirs, environment: { exclusive } });
  await other.signIn(provider.signIn("ada"));
  Object.assign(storage, { get, set });
  let recovering;
  const channel = () => ({
    close() {},
    post({ begun }) {
      if (begun === undefined) return;
      slow.get = (key) => soon().then(() => get(key));
      recovering = other.sync();
    },
  });
  const slow = { get, set, delete: storage.delete };
  const tab = await openTab({ provider, storage: slow, environment: { exclusive, channel } });
  await tab.signIn(provider.signIn("bob"));
  slow.get = get;
  await recovering;
  assert.equal(who(tab), "bob");
  await other.sync();
  assert.equal(who(other), "bob");
});

test("an end that is heard of while the same person signs in anew does not end that", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const { channel, listen } = hearingLater();
  const open = () => openTab({ provider, storage, environment: { exclusive: turns(), channel } });
  const [one, two] = [await open(), await open()];
  const refuses = () => Promise.reject(new Error("no"));
  storage.set = refuses;
  await one.signIn(provider.signIn("ada"));
  await listen(1);
  assert.equal(who(two), "ada");
  await assert.rejects(one.signOut());
  storage.set = async (key) => {
    if (key.endsWith(".session")) {
      storage.set = refuses;
      await listen(1);
    }
    return refuses();
  };
  await two.signIn(provider.signIn("ada"));
  assert.equal(who(two), "ada");
});

test("whoever is stored by another tab, while this one finds out who is, is not taken for somebody else", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const { get, set } = storage;
  const exclusive = turns();
  const { channel, listen } = hearingLater();
  const theirs = {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value),
    delete: storage.delete,
  };
  const own = { ...theirs };
  const tab = await openTab({ provider, storage: own, environment: { exclusive, channel } });
  const other = await openTab({ provider, storage: theirs, environment: { exclusive, channel } });
  await (await openTab({ provider, storage, environment: { exclusive } })).signIn(provider.signIn("carol"));
  const refuses = () => Promise.reject(new Error("no"));
  Object.assign(storage, { get: refuses, set: refuses });
  await tab.signIn(provider.signIn("ada"));
  await listen(1);
  assert.equal(who(other), "ada");
  Object.assign(storage, { get, set });
  let looks = 0;
  own.get = async (key) => {
    const value = await get(key);
    // The tab finds carol's, and the other tab stores ada as soon as it has the turn.
    looks += key.endsWith(".session") ? 1 : 0;
    if (key.endsWith(".session") && looks === 1) void other.sync();
    return value;
  };
  await tab.sync();
  await soon();
  for (const each of [tab, other]) {
    await each.sync();
    assert.equal(who(each), "ada");
  }
});

test("whom a later sign-in displaced before being stored does not come back when that one has gone", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const exclusive = turns();
  const { channel, listen, miss } = hearingLater();
  const open = () => openTab({ provider, storage, environment: { exclusive, channel } });
  const [one, two, asleep] = [await open(), await open(), await open()];
  const { set } = storage;
  storage.set = () => Promise.reject(new Error("full"));
  await one.signIn(provider.signIn("ada"));
  storage.set = set;
  miss(1);
  await two.signIn(provider.signIn("bob"));
  await listen(0);
  assert.equal(who(one), "bob");
  await two.signOut();
  for (const place of [0, 2]) await listen(place);
  await asleep.sync();
  assert.equal(who(asleep), "signed_out");
  await one.signIn(provider.signIn("carol"));
  await soon();
  assert.equal(provider.families[0].ended, true, "and the displaced token is revoked");
});
