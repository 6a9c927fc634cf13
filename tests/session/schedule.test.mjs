// Whatever the provider answers and however the clock is set: a session asks neither too often nor too late.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Device, settled, World } from "./simulated.mjs";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const step = (weight, what, more) => ({ weight, arbitrary: fc.record({ what: fc.constant(what), ...more }) });
const retryAfter = fc.integer({ min: 0, max: 2 * HOUR }).map((seconds) => ({ retryAfter: seconds }));
const STEPS = [
  step(2, "answers", { fault: fc.constant(undefined) }),
  step(3, "fails", { fault: fc.oneof(fc.constantFrom("5xx", "request lost", "portal"), retryAfter) }),
  step(2, "tokens", { lifetime: fc.constantFrom(-100, 600, 900, 3600), repeats: fc.boolean() }),
  step(3, "clock", {
    offset: fc.oneof(fc.integer({ min: -90, max: 90 }), fc.integer({ min: -40 * DAY, max: 40 * DAY })),
  }),
  step(2, "visible", {}),
  step(1, "reload", {}),
];
/** What happens in an hour, each time with the moment at which it does. */
const hour = fc.array(fc.tuple(fc.nat({ max: HOUR - 1 }), fc.oneof(...STEPS)), { maxLength: 16, size: "max" });

/** While nothing happens, tokens of 10 minutes that the provider repeats until they expire; and each step may begin a wait anew. */
const MOST = 60;
const MOST_MORE = 6;
/** The longest wait that a provider may ask for, and the longest time until a session looks at the clock again. */
const IN_TIME = HOUR + 15 * MINUTE;

test("an hour of anything brings a bounded number of requests; what is put right is refreshed in a bounded time", () =>
  fc.assert(
    fc.asyncProperty(hour, fc.nat(), fc.integer({ min: 1, max: 2 }), async (happening, seed, tabs) => {
      const world = new World(seed);
      const device = new Device(world);
      try {
        const { session } = await device.open();
        await session.signIn(world.provider.signIn("ada"));
        while (device.tabs.length < tabs) await device.open();
        const begun = world.time;
        for (const [at, one] of happening.sort(([a], [b]) => a - b)) {
          await world.pass(begun + at - world.time);
          await take(one, world, device);
        }
        await world.pass(begun + HOUR - world.time);
        const { tokens } = world.requests;
        assert.ok(tokens <= MOST + MOST_MORE * happening.length, `${tokens} requests in an hour`);

        Object.assign(world, { fault: undefined, lifetime: 900, requests: { tokens: 0, keys: 0 } });
        world.provider.repeats = false;
        device.offset = 0;
        await world.pass(IN_TIME);
        assert.ok(world.requests.tokens > 0, "no request");
        for (const tab of device.tabs) assert.equal(tab.session.access().reason, "valid");
      } finally {
        for (const tab of [...device.tabs]) device.kill(tab);
      }
    }),
    // A failure is made smaller for so long at most, in milliseconds.
    { numRuns: 300, interruptAfterTimeLimit: 240_000 },
  ));

async function take({ what, ...more }, world, device) {
  if (what === "answers" || what === "fails") world.fault = more.fault;
  if (what === "clock") device.offset = more.offset;
  if (what === "visible") device.reconnect("visible");
  if (what === "tokens") {
    world.lifetime = more.lifetime;
    world.provider.repeats = more.repeats;
  }
  if (what === "reload") {
    device.kill(device.tabs[0]);
    await device.open();
  }
  await settled();
}
