// What stands around the rules: stopping, listeners, PINs, answers that come late, and storages that refuse or were tampered with.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { pinProtection } from "tokenward/pin";
import { StorageError } from "tokenward/storage";
import { channels, gate, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { ISSUER, KEY, signer } from "../support/tokens.mjs";

const start = Math.floor(Date.now() / 1000);
const full = () => Promise.reject(new StorageError("full", "no room"));
const inTime = (work) =>
  Promise.race([
    work,
    soon()
      .then(soon)
      .then(soon)
      .then(() => "too late"),
  ]);

/** A device with tabs that hear each other, a clock that the test sets, and timers that it lets run. */
function device({ online = false } = {}) {
  const clock = { now: start };
  const timers = new Set();
  const after = (seconds, run) => {
    const timer = { at: clock.now + seconds, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const environment = { now: () => clock.now, after, online: () => online, exclusive: turns(), channel: channels() };
  const storage = mapStorage();
  const provider = strictProvider();
  const open = (more) => openTab({ provider, storage, environment: { ...environment, ...more?.environment }, ...more });
  /** Sets the clock, and runs what is due by then. */
  const passUntil = async (time) => {
    clock.now = time;
    for (const timer of [...timers]) if (timer.at <= time && timers.delete(timer)) timer.run();
    await soon();
  };
  return { clock, storage, provider, open, passUntil, timers };
}

/** Two tabs of Ada's, in the first of which the provider has been asked for fresh tokens and `answer` has not come yet. */
async function refreshing() {
  const { storage, provider, open } = device();
  const answer = gate();
  const [one, other] = [await open(), await open()];
  await one.signIn(provider.signIn("ada"));
  await soon();
  provider.delay = answer.opened;
  const first = one.refresh();
  await soon();
  return { storage, provider, one, other, first, answer };
}

test("a session that is stopped during a refresh keeps the turn until its answer is stored", async () => {
  const { provider, one, other, first, answer } = await refreshing();
  one.stop();
  const second = other.refresh();
  await soon();
  assert.deepEqual(provider.asked, ["0.0"]);
  answer.open();
  await first;
  assert.deepEqual([await second, who(other), provider.asked], ["adopted", "ada", ["0.0"]]);
});

test("a session that is stopped while only it knows the answer keeps no other tab waiting", async () => {
  const { storage, provider, one, other, first, answer } = await refreshing();
  const { set } = storage;
  storage.set = full;
  answer.open();
  await first;
  await soon();
  one.stop();
  storage.set = set;
  const outcome = await inTime(other.refresh());
  assert.ok(["refreshed", "adopted"].includes(outcome), outcome);
  assert.deepEqual([who(other), provider.families[0].ended], ["ada", false]);
});

test("a refresh while nobody is signed in leaves the PIN that the next person has just chosen", async () => {
  const { storage, provider, open } = device();
  const protection = pinProtection({ storage, memory: 19_456, iterations: 2, database: "stays" });
  const session = await open({ protection });
  await protection.setup("123456");
  assert.equal(await session.refresh(), "signed_out");
  assert.equal((await protection.status()).isSetUp, true);
  await session.signIn(provider.signIn("bob"));
  assert.equal(who(session), "bob");
});

test("by the provider's word that a token is of no more use its PIN goes too", async () => {
  const { storage, provider, open } = device();
  const protection = pinProtection({ storage, memory: 19_456, iterations: 2, database: "goes" });
  const session = await open({ protection });
  await protection.setup("123456");
  await session.signIn(provider.signIn("ada"));
  provider.families[0].ended = true;
  assert.deepEqual([await session.refresh(), session.state.ended], ["signed_out", "rejected"]);
  assert.equal((await protection.status()).isSetUp, false);
});

test("a sign-out that could not forget its PIN does not forget the next person's later", async () => {
  const { storage, provider, open } = device();
  const pins = mapStorage();
  const options = { storage: pins, memory: 19_456, iterations: 2, database: "next" };
  const protection = pinProtection(options);
  const session = await open({ protection });
  await protection.setup("123456");
  await session.signIn(provider.signIn("ada"));
  const { delete: remove } = pins;
  pins.delete = () => Promise.reject(new StorageError("unavailable", "not now"));
  await assert.rejects(session.signOut());
  assert.equal(who(session), "signed_out");
  pins.delete = remove;
  const others = pinProtection(options);
  await others.forget();
  await others.setup("654321");
  await session.sync();
  assert.equal((await others.status()).isSetUp, true);
  assert.equal(storage.values.size, 1);
});

test("a sign-out that could not forget its PIN does so later", async () => {
  const { provider, open } = device();
  const pins = mapStorage();
  const protection = pinProtection({ storage: pins, memory: 19_456, iterations: 2, database: "later" });
  const session = await open({ protection });
  await protection.setup("123456");
  await session.signIn(provider.signIn("ada"));
  const { delete: remove } = pins;
  pins.delete = () => Promise.reject(new StorageError("unavailable", "not now"));
  await assert.rejects(session.signOut());
  pins.delete = remove;
  await session.sync();
  assert.equal((await protection.status()).isSetUp, false);
});

test("a listener that asks for access does not make a session that cannot save read for ever", async () => {
  for (const refuse of ["set", "get"]) {
    const { clock, storage, provider, open } = device();
    const session = await open();
    await session.signIn(provider.signIn("ada"));
    let reads = 0;
    let changes = 0;
    const { get } = storage;
    storage.get = (key) => {
      reads += 1;
      return refuse === "get" ? Promise.reject(new Error(`not now ${reads}`)) : get(key);
    };
    if (refuse === "set") storage.set = () => Promise.reject(new Error("no"));
    session.addEventListener("change", () => {
      changes += 1;
      session.access();
    });
    clock.now -= 3600;
    session.access();
    for (let times = 0; times < 5; times++) await soon();
    assert.ok(reads < 20 && changes < 10, `${refuse}: ${reads} reads, ${changes} changes`);
    assert.equal(session.access().reason, "clock_rolled_back");
  }
});

test("a stored record whose tokens are in clear was not written by a session, and is not taken up", async () => {
  const { storage, provider, open } = device();
  await (await open()).signIn(provider.signIn("ada"));
  const stored = JSON.parse(storage.values.get("default.session"));
  const { sealed, marks: _, ...record } = stored.record;
  storage.values.set("default.session", JSON.stringify({ ...stored, record: { ...record, clear: sealed } }));
  const session = await open();
  assert.equal(who(session), "signed_out");
  await session.sync();
  assert.doesNotMatch(storage.values.get("default.session") ?? "", /"sealed"/);
});

test("an answer after its limit, when the same person has signed in again, is not revoked with that", async () => {
  const { clock, provider, open, passUntil } = device();
  const session = await open();
  await session.signIn(provider.signIn("ada"));
  const revoked = [];
  provider.revoke = async ({ refresh_token }) => void revoked.push(refresh_token);
  const answer = gate();
  provider.delay = answer.opened;
  const refreshing = session.refresh();
  await soon();
  await passUntil(clock.now + 42);
  assert.equal(await refreshing, "unavailable");
  await session.signIn(provider.signIn("ada"));
  answer.open();
  await soon();
  assert.deepEqual([revoked, who(session)], [[], "ada"]);
});

test("where nothing can be stored, access past a token's end waits for no back-off", async () => {
  const { storage, provider, open, passUntil } = device({ online: true });
  provider.token = (claims) => KEY.token({ ...claims, exp: start + 900 });
  const session = await open();
  storage.set = full;
  await session.signIn(provider.signIn("ada"));
  for (const time of [700, 760, 820, 880, 899]) await passUntil(start + time);
  assert.deepEqual(provider.asked, []);
  provider.token = (claims) => KEY.token({ ...claims, exp: start + 1800 });
  await passUntil(start + 1000);
  assert.deepEqual([provider.asked.length, session.access().access], [1, "full"]);
});

test("what was seen of time is not worth the cached pages, which a full storage would have to give", async () => {
  const deleted = [];
  const caches = {
    keys: async () => ["tokenward:default:x"],
    has: async () => true,
    open: async () => ({ keys: async () => [] }),
    delete: async (name) => deleted.push(name) > 0,
  };
  const { clock, storage, provider, open } = device();
  const session = await open({ environment: { caches } });
  await session.signIn(provider.signIn("ada"));
  await soon();
  deleted.length = 0;
  storage.set = full;
  clock.now += 120;
  session.access();
  await soon();
  assert.deepEqual(deleted, []);
});

test("a read that hung, and fails after a sign-out, does not bring the person back", async () => {
  const { storage, provider, open } = device();
  const session = await open({ environment: { exclusive: (_name, _seconds, work) => work() } });
  await session.signIn(provider.signIn("ada"));
  const { get } = storage;
  const late = gate();
  storage.get = (key) => (key.endsWith("session") ? late.opened.then(() => Promise.reject(new Error("no"))) : get(key));
  const syncing = session.sync();
  await soon();
  storage.get = get;
  await session.signOut();
  late.open();
  await syncing;
  assert.deepEqual([who(session), session.access().access, session.accessToken], ["signed_out", "none", undefined]);
});

test("a listener that syncs at each change comes to rest, also where the token is not genuine any more", async () => {
  const { provider, open } = device();
  const known = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app" });
  const others = createVerifier({ jwks: [signer("other").jwk], issuer: ISSUER, audience: "app" });
  let verifier = known;
  const session = await open({ verifier: { assess: (...parts) => verifier.assess(...parts) } });
  await session.signIn(provider.signIn("ada"));
  verifier = others;
  let changes = 0;
  session.addEventListener("change", () => changes++ < 50 && void session.sync());
  await session.sync();
  await soon();
  assert.deepEqual([session.state.reason, changes], ["invalid_token", 1]);
});

test("who is stored in a storage that refuses a sign-out is revoked once, and not at each look", async () => {
  const { storage, provider, open } = device();
  const session = await open();
  await session.signIn(provider.signIn("ada"));
  const revoked = [];
  provider.revoke = async ({ refresh_token }) => void revoked.push(refresh_token);
  storage.set = full;
  storage.delete = full;
  await assert.rejects(session.signOut());
  for (let times = 0; times < 5; times++) await session.sync();
  await session.signOut().catch(() => {});
  await soon();
  assert.deepEqual(revoked, ["0.0"]);
});

test("a sign-in that finds another PIN in use says so, and so does the state", async () => {
  const { provider, open } = device();
  const pins = mapStorage();
  const options = { storage: pins, memory: 19_456, iterations: 2, database: "replaced" };
  const protection = pinProtection(options);
  const session = await open({ protection });
  await protection.setup("123456");
  await session.signIn(provider.signIn("ada"));
  await pinProtection(options).forget();
  await assert.rejects(session.signIn(provider.signIn("ada")), { code: "locked" });
  assert.deepEqual([session.state.status, session.state.access], ["locked", "none"]);
});

test("a start with nothing to revoke takes one turn at the storage, which may be a lease that costs two writes", async () => {
  const { open } = device();
  const names = [];
  const exclusive = (name, _seconds, work) => {
    names.push(name);
    return work();
  };
  await open({ environment: { exclusive } });
  await soon();
  assert.deepEqual(names, ["tokenward:default:storage"]);
});
