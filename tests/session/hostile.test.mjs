// Lives of a device on which everything goes wrong: tabs that are stopped, frozen or killed in the middle of something, listeners
// that throw or call back, a storage that refuses, hangs, forgets or is put back, tabs that cannot hear each other, two people.
// What must hold all the same is in `hostile-life.mjs`.
//
//   SCHEDULES=20000 SEED=1 node --test tests/session/hostile.test.mjs     # VERBOSE=1 prints the log of each life
import assert from "node:assert/strict";
import { test } from "node:test";
import { Life, THROWN } from "./hostile-life.mjs";
import { settled, withWebCrypto } from "./simulated.mjs";

const SCHEDULES = Number(process.env.SCHEDULES ?? 60);
const FIRST_SEED = Number(process.env.SEED ?? 1);
const STEPS = Number(process.env.STEPS ?? 25);

withWebCrypto();

test(`${SCHEDULES} hostile lives of ${STEPS} steps, from seed ${FIRST_SEED}`, async () => {
  const counts = {};
  const most = {};
  const uncaught = process.listeners("uncaughtException");
  const strays = [];
  const stray = (error) => error?.message === THROWN || strays.push(error);
  const unhandled = process.listeners("unhandledRejection");
  for (const [event, listeners] of Object.entries({ uncaughtException: uncaught, unhandledRejection: unhandled })) {
    for (const listener of listeners) process.removeListener(event, listener);
    process.on(event, stray);
  }
  try {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
      const life = new Life(seed, STEPS);
      try {
        await life.run();
        await settled();
        assert.deepEqual(strays.splice(0), [], "a rejection that nobody handles");
      } catch (error) {
        console.log(`seed ${seed} (${life.about}): ${error.stack}\n${life.log.join("\n")}`);
        if (process.env.KEEP_GOING === undefined) throw error;
        process.exitCode = 1;
      } finally {
        for (const tab of [...life.device.tabs]) life.device.kill(tab);
      }
      if (process.env.VERBOSE) console.log(`seed ${seed} (${life.about})\n${life.log.join("\n")}`);
      for (const [name, count] of Object.entries(life.counts)) counts[name] = (counts[name] ?? 0) + count;
      for (const [name, count] of Object.entries(life.most)) most[name] = Math.max(most[name] ?? 0, count);
    }
  } finally {
    for (const [event, listeners] of Object.entries({ uncaughtException: uncaught, unhandledRejection: unhandled })) {
      process.removeListener(event, stray);
      for (const listener of listeners) process.on(event, listener);
    }
  }
  console.log(`  ${JSON.stringify(counts)}\n  at most ${JSON.stringify(most)}`);
});
