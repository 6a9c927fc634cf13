// How long a gate waits, where that is longer than a timer can be.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, ask, FakeCaches, FakeSession, ORIGIN } from "./fakes.mjs";

const FOUR_WEEKS = "4w";
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 30));

afterEach(() => {
  delete globalThis.caches;
});

test("a networkTimeout of weeks waits for the network", async () => {
  globalThis.caches = new FakeCaches();
  const session = new FakeSession();
  session.become("id-1");
  const rules = [{ match: "/*", cache: "user" }];
  const gate = createGate({ session, origin: ORIGIN, networkTimeout: FOUR_WEEKS, rules });
  await ask(gate, "/x", answers("old"));
  const slow = async () => {
    await aMoment();
    return new Response("new");
  };
  assert.equal(await (await ask(gate, "/x", slow)).text(), "new");
});

test("a refreshTimeout of weeks waits for fresh tokens", async () => {
  const session = new FakeSession();
  session.become("id-1", { access: "none", reason: "expired" });
  session.refresh = async () => {
    await aMoment();
    session.become("id-1");
  };
  const gate = createGate({ session, origin: ORIGIN, refreshTimeout: FOUR_WEEKS, rules: [{ match: "/*" }] });
  assert.equal((await ask(gate, "/x", answers("x"))).status, 200);
});
