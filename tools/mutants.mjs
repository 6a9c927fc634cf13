// npm run mutants: changes the engine's code in over a thousand ways, one at a time, each of which a test must notice.
//
//   npm run mutants                     all of src/engine/fast, with the tests of the library: hours
//   npm run mutants -- --part 3/40      every 40th, from the third on
//   npm run mutants -- --file field.rs  of one file
//
// What survives must stand in tests/mutants.json with the reason; anything else fails, as does a reason that nothing needs.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ask, Failure, main, root, run, step } from "./run.mjs";

const VERSION = "27.1.0";
const FOLDER = "src/engine/fast";
// Tests of the engine, and a door for them: no verification comes here.
const NOT_THE_ENGINE = [`${FOLDER}/**/tests.rs`, `${FOLDER}/field_operation.rs`];
const OUTPUT = "target/mutants";
// Beside what the library's own tests notice.
const TESTS = ["--lib", "--test", "rfc_examples", "--test", "wycheproof", "--test", "fiat", "--test", "curves"];

/** `{ classes, survivors }` of tests/mutants.json: see `reasonFor`. */
export function explained() {
  return JSON.parse(readFileSync(join(root, "tests/mutants.json"), "utf8"));
}

/**
 * Why a mutant may survive: `file` and `name` as cargo-mutants tells them, `code` the line that is changed. A class names a
 * file and perhaps a pattern of the change; a survivor names the line itself, since numbers of lines move.
 */
export function reasonFor({ classes, survivors }, { file, change, code }) {
  return (
    survivors.find((one) => one.file === file && one.code === code.trim() && one.change === change) ??
    classes.find((one) => one.file === file && new RegExp(one.change).test(change))
  );
}

/** A mutant's name is `file:line:column: change`. */
export function parseName(name) {
  const [, file, line, change] = /^(\S+?):(\d+):\d+: (.*)$/.exec(name) ?? [];
  if (file === undefined) throw new Failure(`cargo mutants names a mutant in another form: ${name}`);
  return { file, line: Number(line), change };
}

/** With the line of the source that it changes. */
export function located(name) {
  const { file, line, change } = parseName(name);
  return { file, change, line, code: readFileSync(join(root, file), "utf8").split("\n")[line - 1] ?? "" };
}

main(import.meta.url, async () => {
  const { values } = parseArgs({ options: { part: { type: "string" }, file: { type: "string" } } });
  if (values.part !== undefined && !/^\d+\/\d+$/.test(values.part)) throw new Failure("--part takes k/n, such as 3/40");
  const installed = await ask("cargo", ["mutants", "--version"]);
  if (installed === undefined) {
    await step("Installing cargo-mutants", () =>
      run("cargo", ["install", "cargo-mutants", "--locked", "--version", VERSION]),
    );
  }
  rmSync(join(root, OUTPUT), { recursive: true, force: true });
  const what = ["-f", values.file ? `${FOLDER}/**/${values.file}` : `${FOLDER}/**/*.rs`];
  const not = NOT_THE_ENGINE.flatMap((glob) => ["-e", glob]);
  const part = values.part ? ["--shard", values.part, "--sharding", "round-robin"] : [];
  // It fails where mutants survive: what survived is judged here.
  const failure = await run("cargo", ["mutants", ...what, ...not, ...part, "-o", OUTPUT, "--", ...TESTS]).catch(
    (error) => error,
  );
  const outcomes = join(root, OUTPUT, "mutants.out/outcomes.json");
  if (!existsSync(outcomes)) throw failure;
  const list = explained();
  const mutants = JSON.parse(readFileSync(outcomes, "utf8")).outcomes.filter(({ scenario }) => scenario.Mutant);
  const tally = Object.groupBy?.(mutants, ({ summary }) => summary) ?? {};
  for (const [summary, { length }] of Object.entries(tally)) console.log(`${summary}: ${length}`);
  const survived = mutants
    .filter(({ summary }) => summary === "MissedMutant")
    .map(({ scenario }) => located(scenario.Mutant.name));
  const unexplained = survived.filter((mutant) => reasonFor(list, mutant) === undefined);
  console.log(`${mutants.length} mutants, ${survived.length} survived, ${unexplained.length} of them without a reason`);
  if (unexplained.length > 0) {
    const lines = unexplained.map(({ file, line, change, code }) => `${file}:${line}: ${change}\n    ${code.trim()}`);
    throw new Failure(
      `kill these by a test, or say in tests/mutants.json why they change nothing:\n${lines.join("\n")}`,
    );
  }
});
