// A session that is locked while something is under way: nobody has signed out, and what was cached stays.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createGate, purgeUserCaches } from "tokenward/gate";
import { soon } from "../support/soon.mjs";
import { answers, ask, contents, FakeCaches, FakeSession, ORIGIN, offline } from "./fakes.mjs";

const OWN = "tokenward:default:id-1";
const rules = [{ match: "/app/*", cache: "user" }];
const gateFor = () => createGate({ session, origin: ORIGIN, rules });

let caches;
let session;
let gate;
beforeEach(async () => {
  caches = new FakeCaches();
  globalThis.caches = caches;
  session = new FakeSession();
  session.become("id-1");
  gate = gateFor();
  await ask(gate, "/app/a", answers("of A"));
  await ask(gate, "/app/b", answers("of A"));
});
afterEach(() => {
  delete globalThis.caches;
});

/** Once, before an operation of the caches. */
function when(operation, happen) {
  caches.before = async (one) => {
    if (one !== operation) return;
    caches.before = async () => {};
    await happen();
  };
}

describe("what a person has cached stays when the session is locked", () => {
  const both = { [OWN]: ["/app/a", "/app/b"] };

  it("while an answer arrives", async () => {
    when("put", () => session.lock());
    assert.equal((await ask(gate, "/app/b", answers("new"))).status, 401);
    await soon();
    assert.deepEqual(await contents(caches), both);
    session.become("id-1");
    assert.equal(await (await ask(gate, "/app/a", offline)).text(), "of A");
  });

  it("while a restarted worker finds out who is signed in", async () => {
    const restarted = gateFor();
    const { sync } = session;
    session.sync = async () => {
      await sync.call(session);
      session.lock();
    };
    assert.equal((await ask(restarted, "/app/a", offline)).status, 401);
    assert.deepEqual(await contents(caches), both);
  });

  it("while what is not that person's is deleted", async () => {
    await caches.open("tokenward:default:id-0");
    when("keys", () => session.lock());
    await gate.purge();
    assert.deepEqual(await contents(caches), both, "the other's is deleted");
  });
});

describe("what a person has cached goes", () => {
  it("when the session is over before what is locked was put", async () => {
    when("put", async () => {
      session.lock();
      session.become(undefined);
      await purgeUserCaches("default");
    });
    await ask(gate, "/app/c", answers("of A"));
    await soon();
    assert.deepEqual(await contents(caches), {});
  });

  it("when another one signs in after the lock", async () => {
    session.lock();
    session.become("id-2");
    await soon();
    assert.deepEqual(await contents(caches), {});
  });
});
