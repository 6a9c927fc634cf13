// Turns between tabs where there are no Web Locks: a lease in IndexedDB.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBObjectStore } from "fake-indexeddb";
import { leaseLock } from "../../pkg/esm/session/lease.js";
import { mapStorage, openTab, strictProvider, who } from "./strict-provider.mjs";
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
