// A storage that is full, or refuses, or fails for a moment: what was answered is kept in memory, said, and stored later.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProviderUnavailable } from "tokenward/providers";
import { noProtection } from "tokenward/session";
import { StorageError } from "tokenward/storage";
import { channels, isStored, mapStorage, openTab, reconnection, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";

/** Longer than an access token lasts here, so that access is past use. */
const PAST_USE = 1000;

/** Ada, in a tab that others can hear. */
async function signedIn(more) {
  const provider = strictProvider();
  const storage = mapStorage();
  const environment = { exclusive: turns(), channel: channels(), ...more };
  const session = await openTab({ provider, storage, environment });
  await session.signIn(provider.signIn("ada"));
  return { provider, storage, environment, session };
}

const noRoom = () => Promise.reject(new StorageError("full", "no room"));

/** From now on nothing more goes in. Answers how to make room. */
function fill(storage) {
  const { set } = storage;
  storage.set = noRoom;
  return () => {
    storage.set = set;
  };
}

test("a storage that fails for a moment costs nobody the cached pages, nor the session", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const names = new Set();
  const caches = { keys: async () => [...names], delete: async (name) => names.delete(name) };
  const session = await openTab({ provider, storage, environment: { caches } });
  await session.signIn(provider.signIn("ada"));
  names.add(`tokenward:default:${session.state.sessionId}`);
  let fails = true;
  const get = (key) => (fails ? Promise.reject(new Error("busy")) : storage.get(key));
  const late = await openTab({ provider, storage: { ...storage, get }, environment: { caches } });
  await soon();
  fails = false;
  await late.sync();
  assert.deepEqual([who(late), names.size], ["ada", 1]);
});

test("marks that cannot be read for a moment do not hide that the clock was set back", async () => {
  const storage = mapStorage();
  let ahead = 0;
  const now = () => Date.now() / 1000 + ahead;
  const session = await openTab({ provider: null, storage, environment: { now } });
  await session.signIn({ access_token: KEY.token({ sub: "ada" }) });
  ahead = 600;
  session.access();
  await soon();
  ahead = 100;
  assert.equal(session.access().reason, "clock_rolled_back");
  await soon();
  let fails = true;
  const get = (key) => (fails && key.endsWith("marks") ? Promise.reject(new Error("busy")) : storage.get(key));
  const unsure = await openTab({ provider: null, storage: { ...storage, get }, environment: { now } });
  assert.equal(unsure.access().access, "none");
  fails = false;
  await unsure.sync();
  assert.equal(unsure.access().reason, "clock_rolled_back");
  assert.equal((await openTab({ provider: null, storage, environment: { now } })).access().reason, "clock_rolled_back");
});

test("a clock found set back is noted once the storage takes it, though it refused before", async () => {
  const storage = mapStorage();
  let ahead = 600;
  const environment = { now: () => Date.now() / 1000 + ahead };
  const session = await openTab({ provider: null, storage, environment });
  await session.signIn({ access_token: KEY.token({ sub: "ada" }) });
  session.access();
  await soon();
  const makeRoom = fill(storage);
  ahead = 100;
  assert.equal(session.access().reason, "clock_rolled_back");
  await soon();
  makeRoom();
  ahead = 110;
  session.access();
  await soon();
  ahead = 700;
  assert.equal((await openTab({ provider: null, storage, environment })).access().reason, "clock_rolled_back");
});

test("while access is good, a storage that refuses costs no token: nothing is spent, and that is said", async () => {
  const { provider, storage, session } = await signedIn();
  const makeRoom = fill(storage);
  assert.deepEqual([await session.refresh(), provider.asked], ["unavailable", []]);
  const { access, persistent, error } = session.state;
  assert.deepEqual([access, persistent, error.code], ["full", true, "full"]);
  makeRoom();
  assert.deepEqual([await session.refresh(), session.state.error], ["refreshed", undefined]);
});

test("a sign-out that a full storage has no room to write is a sign-out in every tab, and no eviction", async () => {
  const { provider, storage, environment, session } = await signedIn();
  const second = await openTab({ provider, storage, environment });
  const { set } = storage;
  // What is there stays; nothing goes in beside it.
  storage.set = (key, text) => (storage.values.has(key) ? noRoom() : set(key, text));
  await session.signOut();
  await second.sync();
  await soon();
  for (const tab of [session, second, await openTab({ provider, storage, environment })])
    assert.deepEqual([who(tab), tab.state.ended], ["signed_out", "signed_out"]);
  assert.equal(isStored(storage), false);
});

test("cached pages of whoever was evicted are deleted by a tab that runs", async () => {
  const names = new Set(["other"]);
  const caches = { keys: async () => [...names], delete: async (name) => names.delete(name) };
  const { storage, session } = await signedIn({ caches });
  names.add(`tokenward:default:${session.state.sessionId}`);
  await session.sync();
  assert.equal(names.size, 2);
  storage.values.clear();
  await session.sync();
  assert.deepEqual([session.state.ended, [...names]], ["evicted", ["other"]]);
});

test("cached pages that cannot be deleted hide neither that the storage is full, nor a global cache from who has none", async () => {
  const { provider, storage } = await signedIn();
  fill(storage);
  let asked = 0;
  const keys = () => {
    asked += 1;
    return Promise.reject(new Error("no caches today"));
  };
  globalThis.caches = { keys };
  try {
    for (const [caches, times] of [
      [undefined, 0],
      [{ keys }, 1],
    ]) {
      asked = 0;
      const protection = { ...noProtection(), kind: "pin", locked: true, unlock: noRoom };
      const session = await openTab({ provider, storage: mapStorage(), protection, environment: { caches } });
      asked = 0;
      await assert.rejects(session.unlock("123456"), { code: "full" });
      assert.equal(asked, times);
    }
  } finally {
    delete globalThis.caches;
  }
});

test("when the provider wants to be asked again is remembered where a full storage does not", async () => {
  let ahead = 0;
  const now = () => Date.now() / 1000 + ahead;
  const { onReconnect, reconnect } = reconnection();
  const { provider, storage, session } = await signedIn({ now, onReconnect });
  ahead = PAST_USE;
  fill(storage);
  let asked = 0;
  provider.refresh = () => {
    asked += 1;
    const wait = { sent: true, status: 429, retryAfter: 600 };
    return Promise.reject(new ProviderUnavailable("unexpected_status", "too many requests", wait));
  };
  await session.refresh();
  await session.sync();
  await session.sync();
  ahead = PAST_USE + 300;
  reconnect();
  await soon();
  assert.equal(asked, 1);
  ahead = PAST_USE + 601;
  reconnect();
  await soon();
  assert.equal(asked, 2);
});

test("a tab that starts while another holds what the storage refused uses no token twice", async () => {
  let ahead = 0;
  const { provider, storage, environment, session } = await signedIn({ now: () => Date.now() / 1000 + ahead });
  const makeRoom = fill(storage);
  ahead = PAST_USE;
  assert.equal(await session.refresh(), "refreshed");
  const second = await openTab({ provider, storage, environment });
  for (let times = 0; times < 50 && second.accessToken !== session.accessToken; times++) await soon();
  ahead = 2 * PAST_USE;
  // Whoever has more than the storage keeps the turn.
  const waiting = second.refresh();
  await soon();
  assert.deepEqual(provider.asked, ["0.0"]);
  makeRoom();
  await session.sync();
  await waiting;
  await second.refresh();
  assert.equal(second.state.access, "full");
  assert.deepEqual([provider.asked, provider.families[0].ended], [["0.0", "0.1"], false]);
});

for (const [what, persistent, code, fail] of [
  ["the tokens", false, "not_saved", ({ session, pass }) => pass(PAST_USE) ?? session.refresh()],
  [
    "the marks of time",
    true,
    "full",
    async ({ session, now }) => {
      session.access();
      await soon();
      session.observe(now());
    },
  ],
  [
    "what another tab got",
    false,
    "not_saved",
    ({ another, pass }) => pass(PAST_USE) ?? another.refresh().then(() => another.stop()),
  ],
]) {
  test(`that the storage refused ${what} is said, until it is over`, async () => {
    const { onReconnect, reconnect } = reconnection();
    let ahead = 0;
    const pass = (seconds) => {
      ahead += seconds;
    };
    const now = () => Date.now() / 1000 + ahead;
    const { provider, storage, environment, session } = await signedIn({ onReconnect, now });
    const another = await openTab({ provider, storage, environment: { ...environment, onReconnect: () => () => {} } });
    const makeRoom = fill(storage);
    pass(60);
    await fail({ session, another, now, pass });
    await soon();
    assert.deepEqual([session.state.persistent, session.state.error?.code], [persistent, code]);
    makeRoom();
    pass(60);
    reconnect();
    await soon();
    session.access();
    await soon();
    assert.deepEqual([session.state.persistent, session.state.error], [true, undefined]);
  });
}

test("a tab that starts after a sign-out that the storage refused to note does not bring the person back", async () => {
  const { provider, storage, environment, session } = await signedIn();
  const refuse = () => Promise.reject(new StorageError("failed", "refused"));
  Object.assign(storage, { set: refuse, delete: refuse });
  await session.signOut().catch(() => {});
  const second = await openTab({ provider, storage, environment });
  await soon();
  assert.equal(who(second), "signed_out");
});

test("a full storage does not keep the next person from signing in", async () => {
  const { provider, storage, session } = await signedIn();
  fill(storage);
  await session.signIn(provider.signIn("bob"));
  assert.deepEqual([who(session), session.state.persistent], ["bob", false]);
  assert.equal(isStored(storage), false);
});

test("a sign-out makes room in a full storage for the word that it has ended", async () => {
  const names = new Set();
  let makeRoom;
  const remove = (name) => {
    makeRoom();
    return names.delete(name);
  };
  const caches = { keys: async () => [...names], delete: async (name) => remove(name) };
  const { provider, storage, session } = await signedIn({ caches });
  const asleep = await openTab({ provider, storage, environment: { exclusive: turns() } });
  names.add(`tokenward:default:${session.state.sessionId}`);
  makeRoom = fill(storage);
  await session.signOut();
  await soon();
  assert.deepEqual([names.size, provider.families[0].ended], [0, true]);
  await asleep.sync();
  assert.deepEqual([who(asleep), await asleep.refresh()], ["signed_out", "signed_out"]);
  assert.deepEqual([...storage.values.keys()], ["default.session"]);
});

test("a full storage that only deletes is enough for a sign-out, and what it could not remember to revoke is revoked", async () => {
  const { provider, storage, session } = await signedIn();
  fill(storage);
  await session.signOut();
  await soon();
  assert.deepEqual([who(session), storage.values.size, provider.families[0].ended], ["signed_out", 0, true]);
});

test("a token to revoke that the storage refused while offline is stored when it works again", async () => {
  const { provider, storage, session } = await signedIn();
  const { revoke } = provider;
  provider.revoke = () => Promise.reject(new Error("no network"));
  const makeRoom = fill(storage);
  await session.signOut().catch(() => {});
  await soon();
  makeRoom();
  await session.signIn(provider.signIn("bob"));
  await soon();
  session.stop();
  provider.revoke = revoke;
  await openTab({ provider, storage, environment: {} });
  await soon();
  assert.deepEqual(
    provider.families.map(({ ended }) => ended),
    [true, false],
  );
});
