// A PIN, and a lock that comes at the worst moment: no one-time token is lost by it, and nobody is let in by it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pinProtection } from "tokenward/pin";
import { StorageError } from "tokenward/storage";
import { channels, gate, isStored, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

const PIN = "123456";
/** Longer than an access token lasts here, so that access is past use. */
const PAST_USE = 1000;
const pinOf = (storage) => pinProtection({ storage, memory: 19_456, iterations: 2 });

/** Ada, behind a PIN, in a tab that hears what the test says, and whose reading the test may hold up. */
async function adaBehindPin({ get, clock = { ahead: 0 }, now = () => Date.now() / 1000 + clock.ahead } = {}) {
  const provider = strictProvider();
  const storage = mapStorage();
  const read = storage.get;
  if (get !== undefined) storage.get = (key) => get(key, read);
  const protection = pinOf(storage);
  await protection.setup(PIN);
  const tab = { provider, storage, protection, posted: [], clock };
  const channel = (_name, listener) => {
    tab.hear = listener;
    return { post: (message) => tab.posted.push(message), close() {} };
  };
  const environment = { exclusive: turns(), online: () => false, now };
  tab.session = await openTab({ provider, storage, protection, environment: { ...environment, channel } });
  tab.open = (own = pinOf(storage)) => openTab({ provider, storage, protection: own, environment });
  await tab.session.signIn(provider.signIn("ada"));
  return tab;
}

/** From now on the storage takes no session any more. Answers how to make room. */
function fill(storage) {
  const { set } = storage;
  storage.set = (key, value) =>
    key.endsWith(".session") ? Promise.reject(new StorageError("full", "no room")) : set(key, value);
  return () => {
    storage.set = set;
  };
}

/** A token that was used before, or lost, ends the family. */
async function goesOn({ provider, session }) {
  assert.deepEqual([who(session), await session.refresh(), provider.families[0].ended], ["ada", "refreshed", false]);
}

test("a lock while the only copy of a token is in memory, because the storage was full", async () => {
  const tab = await adaBehindPin();
  const { storage, session } = tab;
  const makeRoom = fill(storage);
  tab.clock.ahead = PAST_USE;
  assert.equal(await session.refresh(), "refreshed");
  session.lock();
  await soon();
  assert.deepEqual([who(session), session.state.access, session.state.persistent], ["locked", "none", false]);
  makeRoom();
  await session.unlock(PIN);
  await soon();
  await session.sync();
  assert.equal(session.state.persistent, true);
  await goesOn(tab);
});

test("a lock just when the storage has room again: what it had refused is sealed, and there after a restart", async () => {
  const tab = await adaBehindPin();
  const { storage, session, open } = tab;
  const makeRoom = fill(storage);
  tab.clock.ahead = PAST_USE;
  assert.equal(await session.refresh(), "refreshed");
  makeRoom();
  session.lock();
  await soon();
  assert.equal(session.state.persistent, true);
  session.stop();
  tab.session = await open();
  assert.equal(who(tab.session), "locked");
  await tab.session.unlock(PIN);
  await goesOn(tab);
});

test("a sign-out while locked ends also what waits in memory", async () => {
  const { clock, storage, session, open } = await adaBehindPin();
  const makeRoom = fill(storage);
  clock.ahead = PAST_USE;
  assert.equal(await session.refresh(), "refreshed");
  session.lock();
  await soon();
  await session.signOut();
  makeRoom();
  await session.sync();
  assert.deepEqual([who(session), session.state.ended], ["signed_out", "signed_out"]);
  assert.equal(who(await open()), "signed_out");
});

test("a first session that a full storage never took is there again after the PIN", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const protection = pinOf(storage);
  await protection.setup(PIN);
  fill(storage);
  const clock = { ahead: 0 };
  const now = () => Date.now() / 1000 + clock.ahead;
  const session = await openTab({ provider, storage, protection, environment: { online: () => false, now } });
  await session.signIn(provider.signIn("ada"));
  session.lock();
  await soon();
  await session.sync();
  assert.equal(who(session), "locked");
  await session.unlock(PIN);
  clock.ahead = PAST_USE;
  await goesOn({ provider, session });
  session.stop();
});

for (const full of [false, true]) {
  test(`a lock between an answer and its sealing${full ? ", by a storage that is full" : ""}`, async () => {
    let countdown = Number.POSITIVE_INFINITY;
    const tab = await adaBehindPin({
      get(key, read) {
        if (key === "default.session" && --countdown === 0) tab.session.lock();
        return read(key);
      },
    });
    const { provider, storage, session } = tab;
    const { refresh } = provider;
    provider.refresh = async (tokens) => {
      const answer = await refresh(tokens);
      // Read once more to see what happened meanwhile, and then to write.
      countdown = 2;
      return answer;
    };
    const makeRoom = full ? fill(storage) : () => {};
    tab.clock.ahead = full ? PAST_USE : 0;
    assert.equal(await session.refresh(), "locked");
    assert.deepEqual([who(session), session.state.persistent], ["locked", !full]);
    provider.refresh = refresh;
    makeRoom();
    await session.unlock(PIN);
    await goesOn(tab);
  });
}

test("locked when the answer comes, and unlocked by another page before the storage was looked at", async () => {
  let held = 0;
  const slow = [gate(), gate()];
  const tab = await adaBehindPin({
    async get(key, read) {
      const value = await read(key);
      if (held > 0 && key === "default.session") await slow[2 - held--].opened;
      return value;
    },
  });
  const { provider, protection, session, hear } = tab;
  const key = protection.share();
  const answer = gate();
  provider.delay = answer.opened;
  const refresh = session.refresh();
  await soon();
  session.lock();
  held = 2;
  answer.open();
  await soon();
  hear({ key });
  await soon();
  slow[0].open();
  await soon();
  slow[1].open();
  assert.equal(await refresh, "refreshed");
  provider.delay = Promise.resolve();
  await goesOn(tab);
});

for (const moment of ["while the answer is under way", "while nothing is"]) {
  test(`a clock found set back stays so over a lock ${moment}, though the storage was full`, async () => {
    let ahead = 0;
    const tab = await adaBehindPin({ now: () => Date.now() / 1000 + ahead });
    const { provider, storage, session } = tab;
    ahead = 7200;
    session.access();
    await soon();
    const makeRoom = fill(storage);
    ahead = 0;
    assert.equal(session.access().reason, "clock_rolled_back");
    const answer = gate();
    provider.delay = answer.opened;
    const refresh = moment === "while nothing is" ? undefined : session.refresh();
    await soon();
    session.lock();
    ahead = 7210;
    answer.open();
    await refresh;
    makeRoom();
    // No keys are asked for, so that the answer is not taken as a check-in.
    provider.refresh = () => new Promise(() => {});
    const before = session.access().reason;
    await session.unlock(PIN);
    // The answer, where there was one, is a check-in: by that, the token has expired.
    const after = moment === "while nothing is" ? "clock_rolled_back" : "grace";
    assert.deepEqual([before, session.access().reason], ["locked", after]);
  });
}

test("the key of another page comes while a page that starts locked looks at the storage", async () => {
  const { storage, protection, provider } = await adaBehindPin();
  const slow = gate();
  let isFirst = true;
  const get = async (key) => {
    const value = await storage.get(key);
    if (key === "default.session" && isFirst) {
      isFirst = false;
      await slow.opened;
    }
    return value;
  };
  let hear;
  const channel = (_name, listener) => {
    hear = listener;
    return { post() {}, close() {} };
  };
  const environment = { channel, online: () => false };
  const starting = openTab({ provider, storage: { ...storage, get }, protection: pinOf(storage), environment });
  await soon();
  hear({ key: protection.share() });
  await soon();
  slow.open();
  const { state } = await starting;
  assert.deepEqual([state.status, state.access], ["signed_in", "full"]);
});

test("a lock comes while a page that starts unlocked looks at the storage", async () => {
  const { storage, protection, provider } = await adaBehindPin();
  const slow = gate();
  const get = async (key) => {
    const value = await storage.get(key);
    if (key === "default.session") await slow.opened;
    return value;
  };
  const environment = { online: () => false };
  const own = pinOf(storage);
  await own.adopt(protection.share());
  const starting = openTab({ provider, storage: { ...storage, get }, protection: own, environment });
  await soon();
  own.lock();
  slow.open();
  const { state } = await starting;
  assert.deepEqual([state.status, state.access], ["locked", "none"]);
});

test("who signs in where another tab has forgotten the PIN has to set one up first, and nothing changes", async () => {
  const { provider, storage, protection, session, open } = await adaBehindPin();
  const own = pinOf(storage);
  await own.adopt(protection.share());
  const other = await open(own);
  assert.equal(who(other), "ada");
  await session.signOut();
  await other.sync();
  await assert.rejects(other.signIn(provider.signIn("bob")), { name: "SessionError", code: "locked" });
  assert.deepEqual([who(other), other.state.persistent, isStored(storage)], ["signed_out", true, false]);
  await own.setup("654321");
  await other.signIn(provider.signIn("bob"));
  assert.deepEqual([who(other), other.state.persistent], ["bob", true]);
});

/** A page and a worker, both unlocked, in each of which the test may hold up the storage. */
async function pageAndWorker() {
  const provider = strictProvider();
  const storage = mapStorage();
  const clock = { ahead: 0 };
  const now = () => Date.now() / 1000 + clock.ahead;
  const environment = { exclusive: turns(), channel: channels(), online: () => false, now };
  const open = async () => {
    const waits = { until: Promise.resolve() };
    const get = async (key) => {
      await waits.until;
      return storage.get(key);
    };
    const own = { ...storage, get, set: (key, value) => storage.set(key, value) };
    const protection = pinOf(own);
    return { waits, protection, session: await openTab({ provider, storage: own, protection, environment }) };
  };
  const page = await open();
  await page.protection.setup(PIN);
  await page.session.signIn(provider.signIn("ada"));
  const worker = await open();
  await soon();
  return { provider, storage, clock, page, worker };
}

test("after a sign-out, a new PIN and a sign-in in a page, a worker that ran all the time is unlocked too", async () => {
  const { provider, page, worker } = await pageAndWorker();
  assert.equal(who(worker.session), "ada");
  await page.session.signOut();
  await soon();
  const slow = gate();
  // What the page stores and the key it posts come both before the worker has looked at either.
  worker.waits.until = slow.opened;
  await page.protection.setup("654321");
  await page.session.signIn(provider.signIn("bob"));
  await soon();
  slow.open();
  await soon();
  assert.deepEqual([who(page.session), who(worker.session)], ["bob", "bob"]);
});

test("a tab that finds itself locked asks the others for the key", async () => {
  const { page, worker } = await pageAndWorker();
  // As after a key that it could not adopt at the time.
  worker.protection.lock();
  await worker.session.sync();
  await soon();
  assert.deepEqual([who(page.session), who(worker.session)], ["ada", "ada"]);
  page.session.lock();
  await soon();
  await worker.session.sync();
  await soon();
  assert.deepEqual([who(page.session), who(worker.session)], ["locked", "locked"]);
});

test("a tab that is unlocked while another holds what the storage refused uses no token twice", async () => {
  const { provider, storage, clock, page, worker } = await pageAndWorker();
  worker.protection.lock();
  const makeRoom = fill(storage);
  clock.ahead = PAST_USE;
  assert.equal(await page.session.refresh(), "refreshed");
  await soon();
  await worker.session.unlock(PIN);
  await soon();
  assert.equal(worker.session.accessToken, page.session.accessToken);
  makeRoom();
  await page.session.sync();
  assert.equal(await worker.session.refresh(), "refreshed");
  assert.deepEqual([provider.asked, provider.families[0].ended], [["0.0", "0.1"], false]);
});

test("a lock while somebody signs in, and others' cached pages are deleted", async () => {
  const slow = gate();
  const caches = { keys: () => slow.opened.then(() => []) };
  const provider = strictProvider();
  const storage = mapStorage();
  const protection = pinOf(storage);
  await protection.setup(PIN);
  const session = await openTab({ provider, storage, protection, environment: { caches, online: () => false } });
  const signIn = session.signIn(provider.signIn("ada"));
  await soon();
  session.lock();
  slow.open();
  await signIn;
  await soon();
  await session.unlock(PIN);
  await goesOn({ provider, session });
});

test("who waits in memory behind a PIN that was forgotten is not let in by a new one", async () => {
  const { storage, clock, protection, session } = await adaBehindPin();
  const makeRoom = fill(storage);
  clock.ahead = PAST_USE;
  assert.equal(await session.refresh(), "refreshed");
  session.lock();
  await soon();
  makeRoom();
  // As after too many wrong attempts.
  await protection.forget();
  await protection.setup("654321");
  await session.sync();
  await soon();
  assert.deepEqual([who(session), session.state.access], ["signed_out", "none"]);
});

test("a sign-out that could not be done while the storage failed forgets the PIN when it is", async () => {
  let fails = false;
  const get = (key, read) => (fails ? Promise.reject(new StorageError("unavailable", "busy")) : read(key));
  const { storage, session } = await adaBehindPin({ get });
  session.lock();
  fails = true;
  storage.delete = (
    (remove) => (key) =>
      fails ? Promise.reject(new Error("busy")) : remove(key)
  )(storage.delete);
  await assert.rejects(session.signOut());
  fails = false;
  await session.sync();
  assert.deepEqual([who(session), [...storage.values.keys()]], ["signed_out", ["default.session"]]);
});

test("who signs in in another tab while this one, locked, has yet to sign somebody out stays", async () => {
  const { provider, page, worker } = await pageAndWorker();
  page.session.lock();
  await soon();
  worker.waits.until = Promise.reject(new StorageError("unavailable", "busy"));
  worker.waits.until.catch(() => {});
  await assert.rejects(worker.session.signOut());
  await page.protection.setup("654321");
  await page.session.signIn(provider.signIn("bob"));
  await soon();
  worker.waits.until = Promise.resolve();
  await worker.session.sync();
  await soon();
  assert.deepEqual([who(page.session), who(worker.session)], ["bob", "bob"]);
});
