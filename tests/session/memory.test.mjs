// Where a restart loses everything, a session says so, and works all the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStorage } from "tokenward/storage";
import { mapStorage, openTab, soon, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

for (const [what, storage, persistent] of [
  ["memory", memoryStorage(), false],
  ["the default storage where there is no IndexedDB", undefined, false],
  ["a storage that says so itself", { ...mapStorage(), persistent: false }, false],
  ["a storage that says nothing", mapStorage(), true],
]) {
  test(`a session in ${what} is ${persistent ? "" : "not "}persistent`, async () => {
    const provider = strictProvider();
    const session = await openTab({ provider, storage });
    assert.equal(session.state.persistent, persistent);
    await session.signIn(provider.signIn("ada"));
    assert.deepEqual([who(session), session.state.persistent], ["ada", persistent]);
    assert.equal(await session.refresh(), "refreshed");
    assert.deepEqual([session.state.persistent, session.state.error], [persistent, undefined]);
  });
}

test("what is in memory only is still shared by those who have that memory, and over at a sign-out", async () => {
  const provider = strictProvider();
  const storage = memoryStorage();
  const one = await openTab({ provider, storage });
  await one.signIn(provider.signIn("ada"));
  const other = await openTab({ provider, storage });
  assert.equal(who(other), "ada");
  await one.signOut();
  await other.sync();
  await soon();
  assert.deepEqual([who(other), provider.families[0].ended], ["signed_out", true]);
});
