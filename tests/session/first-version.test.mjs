// What version 0.1 stored is taken over: read once, and written anew.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pinProtection } from "tokenward/pin";
import { isStored, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";

const ID = "0123456789abcdef".repeat(2);
const PIN = "123456";
const now = Math.floor(Date.now() / 1000);
const checkIn = { at: now, skew: 0, generation: 3 };

/** A device on which Ada was signed in by version 0.1, sealed by a protection or not at all. */
async function upgraded({ protection, ended = [], marks = {} } = {}) {
  const provider = strictProvider();
  const tokens = provider.signIn("ada");
  const storage = mapStorage();
  const sealing = protection?.(storage);
  await sealing?.setup(PIN);
  const seal = (value, name) => sealing?.seal(JSON.stringify(value), name) ?? JSON.stringify(value);
  const user = ["https://login.example", "ada"];
  const record = { version: 1, generation: 3, sessionId: ID, user, signedInAt: now, tokens, checkIn };
  storage.values.set("default.session", `${ID} 3 ${await seal(record, "default.session")}`);
  const seen = { sessionId: ID, checkIn, highest: now, rolledBack: false, skew: 0, ...marks };
  storage.values.set("default.marks", await seal(seen, "default.marks"));
  storage.values.set("default.postponed", "{}");
  storage.values.set("default.ended", JSON.stringify(ended));
  const environment = { exclusive: turns(), online: () => false };
  const open = (more) =>
    openTab({ provider, storage, environment, ...(sealing && { protection: protection(storage) }), ...more });
  return { provider, storage, open };
}

test("who was signed in is, under the same session id, and refreshes", async () => {
  const { provider, storage, open } = await upgraded();
  const session = await open();
  assert.deepEqual([who(session), session.state.sessionId, session.state.access], ["ada", ID, "full"]);
  assert.deepEqual([session.state.persistent, isStored(storage)], [true, true]);
  assert.deepEqual([...storage.values.keys()].sort(), ["default.ended", "default.session"]);
  assert.deepEqual([await session.refresh(), who(await open()), provider.asked], ["refreshed", "ada", ["0.0"]]);
});

test("a tab that still runs version 0.1 finds that its session has ended", async () => {
  const ended = [{ sessionId: "f".repeat(32), cause: "rejected" }];
  const { storage, open } = await upgraded({ ended });
  await open();
  assert.deepEqual(JSON.parse(storage.values.get("default.ended")), [...ended, { sessionId: ID, cause: "signed_out" }]);
});

test("tabs that start at once take over one and the same session", async () => {
  const { storage, open } = await upgraded();
  const tabs = await Promise.all([open(), open(), open()]);
  assert.deepEqual(tabs.map(who), ["ada", "ada", "ada"]);
  const text = storage.values.get("default.session");
  for (const tab of tabs) await tab.sync();
  assert.equal(storage.values.get("default.session"), text);
});

test("what version 0.1 saw of time counts", async () => {
  const { open } = await upgraded({ marks: { rolledBack: true } });
  assert.equal((await open()).access().reason, "clock_rolled_back");
});

test("where what version 0.1 saw of time was deleted, no clock is believed", async () => {
  const { storage, open } = await upgraded();
  storage.values.delete("default.marks");
  assert.deepEqual([(await open()).access().reason, (await open()).access().access], ["clock_rolled_back", "none"]);
});

test("who was signed out stays signed out", async () => {
  const { storage, open } = await upgraded({ ended: [{ sessionId: ID, cause: "signed_out" }] });
  assert.deepEqual([who(await open()), isStored(storage)], ["signed_out", false]);
});

test("behind a PIN it is locked first, and whole after the PIN", async () => {
  const { open } = await upgraded({
    protection: (storage) => pinProtection({ storage, memory: 19_456, iterations: 2 }),
  });
  assert.equal(who(await open()), "locked");
  const session = await open();
  assert.equal(who(session), "locked");
  await session.unlock(PIN);
  assert.deepEqual([who(session), session.state.sessionId, await session.refresh()], ["ada", ID, "refreshed"]);
});

test("a sign-out while it is still locked ends it", async () => {
  const { storage, open } = await upgraded({
    protection: (storage) => pinProtection({ storage, memory: 19_456, iterations: 2 }),
  });
  const session = await open();
  await session.signOut();
  await soon();
  assert.deepEqual([who(session), isStored(storage), who(await open())], ["signed_out", false, "signed_out"]);
});

test("whoever signs in next is later", async () => {
  const { provider, open } = await upgraded();
  const session = await open();
  await session.signIn(provider.signIn("bob"));
  assert.deepEqual([who(await open()), KEY.jwk.kid], ["bob", "first"]);
});

test("a sign-in by a page of version 0.1, beside a session of this one, signs both out: nobody knows who was later", async () => {
  const { storage: old } = await upgraded();
  const { storage, provider, open } = await upgraded();
  storage.values.clear();
  const session = await open();
  await session.signIn(provider.signIn("bob"));
  storage.values.set("default.session", old.values.get("default.session"));
  await session.sync();
  assert.deepEqual([who(session), session.state.ended, isStored(storage)], ["signed_out", "evicted", false]);
  assert.equal(who(await open()), "signed_out");
});
