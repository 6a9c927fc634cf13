// Turns between tabs where there are no Web Locks: a lease in IndexedDB.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { IDBObjectStore } from "fake-indexeddb";
import { leaseLock } from "../../pkg/esm/platform/lease.js";
import { gate, mapStorage, openTab, soon, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import "fake-indexeddb/auto";

/** From now on nothing more goes into IndexedDB. Answers how to make room. */
function fill() {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = () => {
    throw new DOMException("no room", "QuotaExceededError");
  };
  return () => {
    IDBObjectStore.prototype.put = put;
  };
}

/** Ada, where each turn is a lease. */
async function signedIn() {
  const provider = strictProvider();
  const session = await openTab({ provider, storage: mapStorage(), environment: { exclusive: leaseLock() } });
  await session.signIn(provider.signIn("ada"));
  return { provider, session };
}

test("a full IndexedDB stops no refresh, no sign-out and no sign-in", async (t) => {
  const { provider, session } = await signedIn();
  t.after(fill());
  assert.equal(await session.refresh(), "refreshed");
  await session.signOut();
  assert.equal(who(session), "signed_out");
  await session.signIn(provider.signIn("bob"));
  assert.equal(who(session), "bob");
});

test("an IndexedDB that is full when the answer comes loses no one-time token", async (t) => {
  const { provider, session } = await signedIn();
  const { refresh } = provider;
  let makeRoom;
  t.after(() => makeRoom());
  provider.refresh = async (tokens) => {
    const answer = await refresh(tokens);
    makeRoom = fill();
    return answer;
  };
  assert.equal(await session.refresh(), "refreshed");
  makeRoom();
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(provider.families[0].ended, false);
});

test("what fails under a lease fails, and the next has its turn", async () => {
  const exclusive = leaseLock();
  await assert.rejects(
    exclusive("failing", 1, () => Promise.reject(new Error("no"))),
    { message: "no" },
  );
  assert.equal(await leaseLock()("failing", 0, async () => "done"), "done");
});

test("what a turn has come to is not held any longer, however many turns follow one another", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const exclusive = leaseLock();
  const results = [];
  const work = () => {
    const result = {};
    results.push(new WeakRef(result));
    return Promise.resolve(result);
  };
  // Each turn is asked for while the one before it is still running, so that there is never none.
  const take = async (count) => {
    let turn = exclusive("chain", 5, work);
    for (; count > 1; count -= 1) {
      const next = exclusive("chain", 5, work);
      await turn;
      turn = next;
    }
    await turn;
  };
  await take(40);
  await soon();
  collect();
  assert.equal(results.length, 40);
  assert.equal(results.filter((result) => result.deref() !== undefined).length, 0);
});

for (const seconds of [-2, 130]) {
  test(`a clock that is set by ${seconds} seconds ends nobody's lease`, async (t) => {
    const { opened, open } = gate();
    const first = leaseLock()(`clock ${seconds}`, 1, () => opened);
    await soon();
    const { now } = Date;
    t.mock.method(Date, "now", () => now() + seconds * 1000);
    assert.equal(await leaseLock()(`clock ${seconds}`, 0.2, async () => "at the same time"), undefined);
    open();
    await first;
    assert.equal(await leaseLock()(`clock ${seconds}`, 0.2, async () => "then"), "then");
  });
}

test("a crashed tab's lease runs out when others have waited two minutes for it, one page after the other", async (t) => {
  void leaseLock()("crashed", 1, () => new Promise(() => {}));
  await soon();
  const now = performance.now.bind(performance);
  // 0.2 seconds are 30.
  t.mock.method(performance, "now", () => now() * 150);
  const page = () => leaseLock()("crashed", 0.4, async () => "has its turn");
  assert.deepEqual([await page(), await page()], [undefined, "has its turn"]);
});

test("a tab that lives keeps its lease, however long others have waited for it", async (t) => {
  const renewals = [];
  t.mock.method(globalThis, "setInterval", (renew) => renewals.push(renew));
  const { opened, open } = gate();
  const first = leaseLock()("alive", 1, () => opened);
  await soon();
  const now = performance.now.bind(performance);
  // 0.2 seconds are 30.
  t.mock.method(performance, "now", () => now() * 150);
  const page = () => leaseLock()("alive", 0.4, async () => "has its turn");
  for (let times = 0; times < 3; times++) {
    assert.equal(await page(), undefined);
    renewals[0]();
    await soon();
  }
  open();
  await first;
  assert.equal(await page(), "has its turn");
});
