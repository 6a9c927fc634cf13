// After a sign-out without a network, the refresh token is revoked as soon as there is one again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mapStorage, openTab, soon } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

/** Ada has signed out while there was no network. Timers run when a test says so. */
async function signedOutOffline() {
  const provider = strictProvider();
  const { revoke } = provider;
  const network = { isThere: false, asked: 0 };
  provider.revoke = (token) => {
    network.asked += 1;
    return network.isThere ? revoke(token) : Promise.reject(new Error("no network"));
  };
  const timers = new Set();
  const after = (seconds, run) => {
    const timer = { seconds, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  let reconnect;
  const onReconnect = (listener) => {
    reconnect = listener;
    return () => {};
  };
  const storage = mapStorage();
  const session = await openTab({ provider, storage, environment: { after, onReconnect, random: () => 1 } });
  await session.signIn(provider.signIn("ada"));
  await session.signOut();
  await soon();
  const nextTimer = async () => {
    const [timer] = timers;
    timers.delete(timer);
    timer?.run();
    await soon();
    return timer?.seconds;
  };
  const isRevoked = () => provider.families[0].ended && !storage.values.has("default.revocations");
  return { session, provider, network, timers, nextTimer, reconnect: (how) => reconnect(how), isRevoked };
}

test("with the next person's sign-in", async () => {
  const { session, provider, network, isRevoked } = await signedOutOffline();
  network.isThere = true;
  await session.signIn(provider.signIn("bob"));
  await soon();
  assert.equal(isRevoked(), true);
});

test("with the next person's first successful refresh", async () => {
  const { session, provider, network, isRevoked } = await signedOutOffline();
  await session.signIn(provider.signIn("bob"));
  await soon();
  assert.equal(isRevoked(), false);
  network.isThere = true;
  assert.equal(await session.refresh(), "refreshed");
  await soon();
  assert.deepEqual([isRevoked(), provider.families[1].ended], [true, false]);
});

for (const how of ["online", "visible"]) {
  test(`when the device is ${how} again, while nobody is signed in`, async () => {
    const { network, reconnect, isRevoked } = await signedOutOffline();
    network.isThere = true;
    reconnect(how);
    await soon();
    assert.equal(isRevoked(), true);
  });
}

test("without any word of the network, after waits that grow up to a quarter of an hour", async () => {
  const { network, timers, nextTimer, isRevoked } = await signedOutOffline();
  const waits = [];
  while (waits.length < 10) waits.push(Math.round(await nextTimer()));
  assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
  assert.equal(network.asked, 11);
  network.isThere = true;
  await nextTimer();
  assert.deepEqual([isRevoked(), timers.size], [true, 0]);
});

test("it waits briefly again once a network has come, and does not stay", async () => {
  const { timers, nextTimer, reconnect } = await signedOutOffline();
  for (let tries = 0; tries < 5; tries++) await nextTimer();
  reconnect("online");
  await soon();
  assert.deepEqual(
    [...timers].map(({ seconds }) => Math.round(seconds)),
    [5],
  );
});

test("a token is not revoked twice at once, whatever reasons there are", async () => {
  const { network, reconnect } = await signedOutOffline();
  network.asked = 0;
  network.isThere = true;
  reconnect("online");
  reconnect("visible");
  await soon();
  assert.equal(network.asked, 1);
});

test("a session that was stopped tries no more", async () => {
  const { session, network, timers, reconnect } = await signedOutOffline();
  reconnect("online");
  session.stop();
  await soon();
  assert.equal(timers.size, 0);
  assert.equal(network.asked, 2);
});
