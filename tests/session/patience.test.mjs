// How often a session asks its provider in an hour in which things go wrong: often enough to recover, never a storm.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Device, settled, World } from "./simulated.mjs";

const MINUTE = 60;
const HOUR = 60 * MINUTE;

async function hourOf({ lifetime = 900, tabs = 1, prepare = () => {}, during = (world) => world.pass(HOUR) }) {
  const world = new World(7);
  world.lifetime = lifetime;
  const device = new Device(world);
  const { session } = await device.open();
  await session.signIn(world.provider.signIn("ada"));
  for (let more = 1; more < tabs; more++) await device.open();
  prepare(world, device);
  world.requests = { tokens: 0, keys: 0 };
  await during(world, device);
  return { ...world.requests, session };
}

for (const [name, most, life] of [
  ["all is well", 8, {}],
  ["all is well in three tabs", 8, { tabs: 3 }],
  ["the provider is overloaded", 20, { prepare: (world) => Object.assign(world, { fault: "5xx" }) }],
  ["a captive portal answers", 20, { prepare: (world) => Object.assign(world, { fault: "portal" }) }],
  [
    "requests are lost, in three tabs",
    60,
    { tabs: 3, prepare: (world) => Object.assign(world, { fault: "request lost" }) },
  ],
  ["the network is gone", 0, { prepare: (world) => Object.assign(world, { online: false }) }],
  ["tokens last ten seconds", 800, { lifetime: 10 }],
  ["tokens have expired when they come", 20, { prepare: (world) => Object.assign(world, { lifetime: -100 }) }],
  [
    "the provider repeats a token until it expires",
    50,
    { prepare: ({ provider }) => Object.assign(provider, { repeats: true }) },
  ],
  [
    "the keys of fresh tokens are not to be had",
    30,
    {
      prepare(world) {
        world.provider.rotate();
        world.provider.jwks = () => {
          throw new TypeError("no keys");
        };
      },
    },
  ],
]) {
  test(`asks at most ${most} times in an hour when ${name}`, async () => {
    const { tokens, keys, session } = await hourOf(life);
    assert.ok(tokens <= most, `${tokens} requests for tokens`);
    assert.ok(keys <= Math.max(most, 1), `${keys} requests for keys`);
    assert.equal(session.state.status, "signed_in");
  });
}

test("a network that comes and goes each second is not asked each time", async () => {
  const { tokens } = await hourOf({
    async during(world, device) {
      for (let second = 0; second < 600; second++) {
        world.online = second % 2 === 0;
        if (world.online) device.reconnect();
        await settled();
        await world.pass(1);
      }
    },
  });
  assert.ok(tokens <= 15, `${tokens} requests for tokens`);
});

test("a request that failed while the clock was a month ahead holds up nothing once it is put right", async () => {
  const { tokens, session } = await hourOf({
    async during(world, device) {
      Object.assign(world, { fault: "5xx" });
      device.offset = 30 * 24 * HOUR;
      await world.pass(900);
      Object.assign(world, { fault: undefined, requests: { tokens: 0, keys: 0 } });
      device.offset = 0;
      await world.pass(900);
    },
  });
  assert.equal(session.access().reason, "valid");
  assert.ok(tokens <= 2, `${tokens} requests for tokens`);
});

test("a token that the provider repeats is asked for again when it expires", async () => {
  const reasons = [];
  await hourOf({
    prepare: ({ provider }) => Object.assign(provider, { repeats: true }),
    async during(world, { tabs: [{ session }] }) {
      for (let second = 0; second < 2000; second++) {
        await world.pass(1);
        reasons.push(session.access().reason);
      }
    },
  });
  assert.deepEqual([...new Set(reasons)], ["valid"]);
});

const eachMinute = (what) => async (world, device) => {
  for (let minute = 0; minute < 60; minute++) {
    await world.pass(MINUTE);
    await what(world, device);
    await settled();
  }
};

for (const [what, life] of [
  ["in three tabs", { tabs: 3 }],
  ["whoever looks at the page", { during: eachMinute((_, device) => device.reconnect("visible")) }],
  ["when the network comes and goes", { during: eachMinute((_, device) => device.reconnect("online")) }],
  [
    "when the page is loaded anew",
    {
      during: eachMinute((_, device) => {
        device.kill(device.tabs[0]);
        return device.open();
      }),
    },
  ],
]) {
  test(`a provider that wants to be asked in an hour is asked once, ${what}`, async () => {
    const prepare = (world) => Object.assign(world, { fault: { retryAfter: HOUR } });
    const { tokens } = await hourOf({ ...life, prepare });
    assert.equal(tokens, 1);
  });
}

test("a provider that wants to be asked later is asked then, or when somebody wants it now", async () => {
  const { session } = await hourOf({
    tabs: 2,
    prepare: (world) => Object.assign(world, { fault: { retryAfter: 10 * MINUTE } }),
    async during(world, { tabs }) {
      await world.pass(15 * MINUTE);
      assert.equal(world.requests.tokens, 1);
      await world.pass(10 * MINUTE);
      assert.equal(world.requests.tokens, 2);
      assert.equal(await tabs[1].session.refresh(), "unavailable");
      world.fault = undefined;
      assert.equal(await tabs[1].session.refresh(), "refreshed");
      assert.equal(world.requests.tokens, 4);
      // What held up the old tokens holds up no fresh ones, in any tab.
      await world.pass(14 * MINUTE);
      assert.equal(world.requests.tokens, 5);
    },
  });
  assert.equal(session.access().reason, "valid");
});

test("somebody who changes between windows all the time has the provider asked once a minute at most", async () => {
  const { tokens } = await hourOf({
    prepare: (world) => Object.assign(world, { fault: "5xx" }),
    async during(world, device) {
      for (let second = 0; second < HOUR; second += 5) {
        await world.pass(5);
        device.reconnect("visible");
        await settled();
      }
    },
  });
  assert.ok(tokens <= HOUR / MINUTE, `${tokens} requests for tokens`);
});
