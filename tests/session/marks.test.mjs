// What a session knows of time, against clocks that are moved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtectionError } from "tokenward/session";
import { isStored, mapStorage, openTab, soon, turns } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";
import { Device, settled, World } from "./simulated.mjs";

async function signedIn({ policy, offset = 0 } = {}) {
  const world = new World(1);
  const device = new Device(world, policy);
  device.offset = offset;
  const tab = await device.open();
  const tokens = world.provider.signIn("ada");
  await tab.session.signIn(tokens);
  return { world, device, session: tab.session, tokens };
}

test("a clock behind another answer of the provider is not believed, until the provider was asked", async () => {
  const { world, device, session } = await signedIn();
  session.observe(world.time + 30);
  assert.equal(session.access().reason, "valid", "within the tolerance");
  world.online = false;
  session.observe(world.time + 600);
  assert.equal(session.access().reason, "clock_rolled_back");
  await world.pass(700);
  assert.equal(session.access().reason, "clock_rolled_back", "time alone does not mend it");
  world.online = true;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().reason, "valid");
  device.offset = -3600;
  assert.equal(session.access().reason, "clock_rolled_back");
});

test("a mark far in the future does not lock the device out for ever: a check-in starts afresh", async () => {
  const { world, session } = await signedIn();
  session.observe(world.time + 100 * 365 * 86_400);
  assert.equal(session.access().reason, "clock_rolled_back");
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().access, "full");
});

test("a clock set forward for a day and back again is believed after a check-in", async () => {
  const { world, device, session } = await signedIn();
  world.online = false;
  device.offset = 86_400 + 1000;
  assert.equal(session.access().reason, "expired");
  device.offset = 0;
  assert.equal(session.access().reason, "clock_rolled_back");
  world.online = true;
  device.reconnect();
  await settled();
  await world.pass(60);
  assert.equal(session.access().access, "full");
});

test("a check-in starts afresh, also within the same second as the one before", async () => {
  const { device, session } = await signedIn();
  const other = await device.open();
  const reasons = () => [session, other.session].map((tab) => tab.access().reason);
  assert.equal(await session.refresh(), "refreshed");
  await settled();
  device.offset = 2 * 86_400;
  assert.deepEqual(reasons(), ["expired", "expired"]);
  await settled();
  device.offset = 0;
  assert.deepEqual(reasons(), ["clock_rolled_back", "clock_rolled_back"]);
  assert.equal(await session.refresh(), "refreshed");
  await settled();
  assert.deepEqual(reasons(), ["valid", "valid"]);
});

test("a clock that is a day ahead all the time is corrected by what a refresh shows", async () => {
  const { world, device, session } = await signedIn();
  device.offset = 86_400;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().access, "full");
  await world.pass(600);
  assert.equal(session.access().access, "full");
});

for (const rollbackTolerance of [0, 20, 60]) {
  for (const offset of [-10, -30, -59, -90, 30]) {
    test(`a clock ${offset} s off is no rollback where ${rollbackTolerance} s are tolerated`, async () => {
      const { world, session } = await signedIn({ policy: { rollbackTolerance }, offset });
      assert.equal(session.access().access, "full");
      for (let time = 0; time < 3; time += 1) {
        await world.pass(100);
        assert.equal(await session.refresh(), "refreshed");
        assert.equal(session.access().access, "full");
      }
    });
  }

  test(`where ${rollbackTolerance} s are tolerated, a clock set back further is noticed after a restart, too`, async () => {
    const { world, device } = await signedIn({ policy: { rollbackTolerance } });
    const [tab] = device.tabs;
    world.online = false;
    for (let time = 0; time < 7; time += 1) {
      await world.pass(4);
      tab.session.access();
      await settled();
    }
    device.kill(tab);
    device.offset = -Math.max(2, 1.6 * rollbackTolerance);
    const { session } = await device.open();
    assert.equal(session.access().reason, "clock_rolled_back");
  });
}

test("an old token signed in with again does not start the marks afresh", async () => {
  const { world, device, session, tokens } = await signedIn();
  world.online = false;
  await world.pass(5 * 3600);
  assert.equal(session.access().access, "limited");
  device.offset = -5 * 3600;
  await session.signIn(tokens);
  assert.equal(session.access().reason, "clock_rolled_back");
});

test("a newer token signed in with ends what a wrong serverTime has made of the first", async () => {
  const { world, session } = await signedIn();
  const { provider } = world;
  world.online = false;
  await world.pass(60);
  await session.signIn(provider.signIn("ada"), { serverTime: world.time + 86_400 });
  await world.pass(60);
  const newer = provider.signIn("ada");
  await session.signIn(newer);
  assert.equal(session.access().access, "full");
  await session.signIn(newer, { serverTime: world.time + 86_400 });
  await session.signIn(newer);
  assert.equal(session.access().access, "limited", "the same token again proves nothing");
});

test("a session that ends leaves no access in any tab", async () => {
  const { device, session } = await signedIn();
  const other = await device.open();
  assert.equal(other.session.access().access, "full");
  await session.signOut();
  await settled();
  for (const one of [session, other.session]) {
    assert.equal(one.access().access, "none");
    assert.equal(one.accessToken, undefined);
    assert.equal(one.state.ended, "signed_out");
  }
  assert.equal(isStored(device), false);
});

test("how long an access token lasts says nothing of the time of an ID token", async () => {
  const lasting = 36_000;
  let now = Math.floor(Date.now() / 1000);
  const answer = () => ({
    access_token: "opaque",
    refresh_token: "stays",
    id_token: KEY.token({ sub: "ada", iat: now, exp: now + lasting }),
    expires_in: 300,
  });
  const provider = { refresh: () => Promise.resolve(answer()) };
  const environment = { now: () => now, online: () => false };
  const session = await openTab({ provider, storage: mapStorage(), token: "id_token", environment });
  await session.signIn(answer());
  const { until } = session.state;
  now += 60;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.state.until, until + 60);
});

/** A tab that hears of nothing, on a device whose clock runs ahead as far as it is told. */
function deafTabs() {
  const clock = { ahead: 0 };
  const now = () => Date.now() / 1000 + clock.ahead;
  const provider = strictProvider();
  provider.token = ({ sub }) => {
    const iat = Math.floor(now());
    return KEY.token({ sub, iat, exp: iat + 86_400 });
  };
  const options = { provider, storage: mapStorage(), environment: { now, online: () => false, exclusive: turns() } };
  return { clock, provider, open: () => openTab(options) };
}

test("a tab that has not heard of a check-in leaves its marks alone, and takes it up", async () => {
  const { clock, provider, open } = deafTabs();
  const one = await open();
  await one.signIn(provider.signIn("ada"));
  const other = await open();
  clock.ahead = 10;
  await other.refresh();
  clock.ahead = 7200;
  other.access();
  await soon();
  const changed = new Promise((resolve) => one.addEventListener("change", resolve, { once: true }));
  one.access();
  await changed;
  assert.equal(one.accessToken, other.accessToken);
  clock.ahead = 100;
  for (const tab of [other, one]) {
    assert.equal(tab.access().reason, "clock_rolled_back");
    await soon();
  }
  assert.equal((await open()).access().reason, "clock_rolled_back");
});

test("a roll-back that one tab has noted is not forgotten by another that saw nothing of it", async () => {
  const { clock, provider, open } = deafTabs();
  const one = await open();
  await one.signIn(provider.signIn("ada"));
  const other = await open();
  clock.ahead = 600;
  one.access();
  await soon();
  clock.ahead = 100;
  assert.equal(one.access().reason, "clock_rolled_back");
  await soon();
  clock.ahead = 700;
  other.access();
  await soon();
  assert.deepEqual([other.state.reason, (await open()).access().reason], ["clock_rolled_back", "clock_rolled_back"]);
});

/** Opens what it has sealed itself. */
const sealing = () => ({
  kind: "pin",
  locked: false,
  forget: async () => {},
  seal: async (text, context) => `${context}|${text}`,
  open(text, context) {
    if (text.startsWith(`${context}|`)) return Promise.resolve(text.slice(context.length + 1));
    return Promise.reject(new ProtectionError("damaged", "somebody altered it"));
  },
});

/** Somebody changes, or deletes, what is stored of time. */
function alterMarks({ values }, marks) {
  const stored = JSON.parse(values.get("default.session"));
  values.set("default.session", JSON.stringify({ ...stored, record: { ...stored.record, marks } }));
}

for (const marks of [undefined, "altered"]) {
  test(`marks that are ${marks ?? "deleted"}: no clock is believed until the provider has answered`, async () => {
    const storage = mapStorage();
    const options = {
      provider: strictProvider(),
      storage,
      protection: sealing(),
      environment: { online: () => false },
    };
    const { provider } = options;
    await (await openTab(options)).signIn(provider.signIn("ada"));
    alterMarks(storage, marks);
    const session = await openTab(options);
    assert.equal(session.access().reason, "clock_rolled_back");
    assert.equal(await session.refresh(), "refreshed");
    assert.equal(session.access().reason, "valid");
  });
}

test("marks that somebody altered say nothing against a check-in that came after them", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const session = await openTab({ provider, storage, protection: sealing() });
  await session.signIn(provider.signIn("ada"));
  session.access();
  await soon();
  alterMarks(storage, "altered");
  assert.equal(await session.refresh(), "refreshed");
  session.access();
  await soon();
  await soon();
  assert.equal(session.access().reason, "valid");
  await session.sync();
  assert.equal(session.access().reason, "valid");
});
