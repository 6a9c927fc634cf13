/**
 * Walks through every interleaving of events up to a bound, and prints the shortest way to whatever does not hold.
 *
 *   npm run model -- [check|mutants|all] [--seconds 600] [--states 8000000] [--only text] [--part 0/2]
 */
import { parseArgs } from "node:util";
import { explore } from "./explore.mjs";
import { mutantOf, mutants } from "./mutants.mjs";
import { replay } from "./replay.mjs";
import { scenarios } from "./scenarios.mjs";
import { makeWorld } from "./world.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "600" },
    states: { type: "string", default: "8000000" },
    only: { type: "string", default: "" },
    part: { type: "string", default: "0/1" },
  },
});
const limits = { maxSeconds: Number(values.seconds), maxStates: Number(values.states) };
const what = positionals[0] ?? "all";
const [part, parts] = values.part.split("/").map(Number);
const chosen = (table) =>
  Object.entries(table).filter(([name], at) => name.includes(values.only) && at % parts === part);

let isWrong = false;
const expect = (holds, text) => {
  if (holds) return;
  isWrong = true;
  console.log(`  WRONG: ${text}`);
};

for (const [name, config] of what === "mutants" ? [] : chosen(scenarios)) {
  const world = makeWorld(config);
  const found = explore(world, limits);
  tell(name, world, found);
  for (const [text, times] of [...world.stats].sort()) console.log(`    ${times} x ${text}`);
  expect(found.bad === null, "this should hold");
}
for (const [name, config] of what === "check" ? [] : chosen(mutants)) {
  const world = makeWorld({ ...config, code: config.code && (await mutantOf(config.code)) });
  const found = explore(world, limits);
  tell(name, world, found);
  expect(found.bad !== null, "this mutant should have been found");
}
process.exitCode = isWrong ? 1 : 0;

function tell(name, world, { states, edges, depth, seconds, bad, trace, complete }) {
  const how = complete ? "all states" : `cut off, every state up to depth ${depth - 1}`;
  console.log(name);
  console.log(
    `  ${states} states, ${edges} steps, depth ${depth}, ${seconds.toFixed(1)} s: ${bad === null ? how : "violated"}`,
  );
  if (bad === null) return;
  console.log(`  ${trace.length} steps to: ${bad}`);
  for (const [at, line] of replay(world, trace).entries()) console.log(`    ${at + 1}. ${line}`);
}
