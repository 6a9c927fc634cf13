// The session's own rules in a model of everything around them: every interleaving up to a bound. `npm run model` goes further.
import assert from "node:assert/strict";
import { test } from "node:test";
import { explore } from "./model/explore.mjs";
import { mutantOf, mutants } from "./model/mutants.mjs";
import { replay } from "./model/replay.mjs";
import { QUICK } from "./model/scenarios.mjs";
import { makeWorld } from "./model/world.mjs";

for (const [name, config] of Object.entries(QUICK)) {
  test(`every state holds: ${name}`, () => {
    const world = makeWorld(config);
    const { bad, trace, complete, states } = explore(world, { maxSeconds: 600, maxStates: 1e6 });
    assert.equal(bad, null, `${bad}\n${bad === null ? "" : replay(world, trace).join("\n")}`);
    assert.ok(complete);
    console.log(`  ${states} states`);
  });
}

/** How many steps the shortest way has; the explorer must find one of that length. */
const SHORTEST = {
  "skip the turn": 8,
  "spend before reserving": 11,
  "compare the generation the wrong way round": 8,
  "forget to merge what has ended": 2,
  "no order between sign-ins of one number": 3,
  "a rejection ends whoever is known then": 10,
  "a lock forgets the key that a turn needs": 10,
  "read, merge and write, but not in one transaction": 6,
  "a storage that refuses stops also who is past use": 3,
  "answers have no turn": 13,
  "turns have no random id": 15,
  "causes of equal ends have no order": 15,
  "what was evicted is written again": 4,
  "go on past use also where the storage cannot be read": 11,
  "go on past use without keeping the turn": 11,
  "blind acts are ordered by number only": 5,
  "a sign-out ends up to the clock": 3,
  "who notices an eviction forgets what it knew to be over": 5,
  "accepted: a clock set back and a blind act lose a later sign-in": 5,
};

for (const [name, config] of Object.entries(mutants)) {
  test(`a broken rule is found: ${name}`, async () => {
    const world = makeWorld({ ...config, code: config.code && (await mutantOf(config.code)) });
    const { bad, trace } = explore(world, { maxSeconds: 600, maxStates: 1e6 });
    assert.notEqual(bad, null);
    const way = replay(world, trace);
    assert.equal(way.length, SHORTEST[name], `${bad}\n${way.join("\n")}`);
    console.log(`  ${bad}:\n${way.map((line, at) => `    ${at + 1}. ${line}`).join("\n")}`);
  });
}

test("every broken rule has its length here", () =>
  assert.deepEqual(Object.keys(SHORTEST).sort(), Object.keys(mutants).sort()));
