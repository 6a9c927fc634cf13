// A storage that cannot be read for a while: what people do meanwhile is done once it can.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageError } from "tokenward/storage";
import { channels, isStored, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

/** Ada is stored; the storage fails from now on, from the start of a tab or only after it has found that it can be read. */
async function outage({ from = "the start", ...more } = {}) {
  const provider = strictProvider();
  const storage = mapStorage();
  const environment = { exclusive: turns(), online: () => false };
  const open = (options) => openTab({ provider, storage, environment, ...options });
  const before = await open();
  await before.signIn(provider.signIn("ada"));
  let fails = true;
  let reads = from === "the start" ? 0 : 1;
  const guard =
    (work) =>
    (...parts) =>
      fails && reads-- <= 0 ? Promise.reject(new StorageError("unavailable", "busy")) : work(...parts);
  const failing = { get: guard(storage.get), set: guard(storage.set), delete: guard(storage.delete) };
  const tab = await open({ storage: failing, ...more });
  const end = () => {
    fails = false;
  };
  return { provider, storage, before, open, tab, end };
}

for (const from of ["the start", "after the start"]) {
  test(`who signs in while the storage fails from ${from} is stored then, and who was stored is signed out`, async () => {
    const { provider, before, open, tab, end } = await outage({ from });
    assert.equal(who(tab), from === "the start" ? "signed_out" : "ada");
    await tab.signIn(provider.signIn("bob"));
    assert.deepEqual([who(tab), tab.state.persistent], ["bob", false]);
    end();
    await tab.sync();
    assert.deepEqual([who(tab), tab.state.persistent], ["bob", true]);
    await before.sync();
    assert.deepEqual([who(before), who(await open())], ["bob", "bob"]);
    await soon();
    assert.equal(await tab.refresh(), "refreshed");
    await tab.signOut();
    assert.deepEqual([who(await open()), provider.families[0].ended], ["signed_out", true]);
  });

  test(`who signs out while the storage fails from ${from} is told so, and stays signed out`, async () => {
    const { provider, storage, before, open, tab, end } = await outage({ from });
    await assert.rejects(tab.signOut(), { name: "StorageError", code: "unavailable" });
    assert.equal(who(tab), "signed_out");
    end();
    await tab.sync();
    assert.deepEqual([who(tab), tab.state.ended, isStored(storage)], ["signed_out", "signed_out", false]);
    assert.equal(who(await open()), "signed_out");
    await before.sync();
    assert.equal(who(before), "signed_out");
    await soon();
    assert.equal(provider.families[0].ended, true);
  });
}

test("the same person signs in while the storage fails: the new tokens count, and nothing is revoked", async () => {
  const { provider, before, open, tab, end } = await outage();
  await tab.signIn(provider.signIn("ada"));
  end();
  await tab.sync();
  await before.sync();
  for (const one of [tab, before, await open()]) assert.equal(one.accessToken, tab.accessToken);
  await tab.refresh();
  assert.deepEqual(provider.asked, ["1.0"]);
  assert.equal(provider.families[0].ended, false);
});

test("a sign-in in memory and a sign-out: who was stored before is not back either", async () => {
  const { provider, open, tab, end } = await outage();
  await tab.signIn(provider.signIn("ada"));
  await assert.rejects(tab.signOut(), { code: "unavailable" });
  assert.equal(who(tab), "signed_out");
  end();
  await tab.sync();
  assert.deepEqual([who(tab), who(await open())], ["signed_out", "signed_out"]);
});

test("who signs in in another tab after a sign-out that the storage did not take stays", async () => {
  const { provider, before, tab, end } = await outage();
  await assert.rejects(tab.signOut(), { code: "unavailable" });
  await soon();
  await before.signIn(provider.signIn("bob"));
  end();
  await tab.sync();
  await before.sync();
  assert.deepEqual([who(tab), who(before)], ["bob", "bob"]);
  await soon();
  assert.equal(provider.families[1].ended, false);
});

test("of two sign-ins, one of them in memory, the later counts, and the other is revoked", async () => {
  const { provider, before, tab, end } = await outage();
  await tab.signIn(provider.signIn("bob"));
  await soon();
  await before.signIn(provider.signIn("carol"));
  end();
  await tab.sync();
  await before.sync();
  assert.deepEqual([who(tab), who(before)], ["carol", "carol"]);
  await tab.signOut();
  await soon();
  assert.deepEqual(
    provider.families.map(({ ended }) => ended),
    [true, true, true],
  );
});

test("a tab that cannot read what another has stored hears of it, and spends nothing", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const environment = { exclusive: turns(), channel: channels(), online: () => false };
  const one = await openTab({ provider, storage, environment });
  await one.signIn(provider.signIn("ada"));
  let fails = false;
  const get = (key) => (fails ? Promise.reject(new StorageError("unavailable", "busy")) : storage.get(key));
  const other = await openTab({ provider, storage: { ...storage, get }, environment });
  fails = true;
  assert.equal(await one.refresh(), "refreshed");
  await soon();
  for (let attempt = 0; attempt < 3; attempt++) {
    await other.refresh();
    await soon();
  }
  // It has the newest token, and does not spend it either: it could not keep the answer.
  assert.deepEqual([provider.asked, who(other), other.accessToken], [["0.0"], "ada", one.accessToken]);
  assert.deepEqual([other.state.error.name, other.state.error.code], ["SessionError", "not_readable"]);
});
