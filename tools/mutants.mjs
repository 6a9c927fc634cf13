// npm run mutants: changes the engine's code in over a thousand ways, one at a time, each of which a test must notice.
//
//   npm run mutants                     all of src/engine/fast, with the tests of the library and those of tests/ that are about it
//   npm run mutants -- --file field.rs  of one file
//   npm run mutants -- --part 3/40      every 40th, from the third on
//   npm run mutants -- --jobs 2         so many at once; else one for each core
//   npm run mutants -- --seconds 2      only with the tests that take no longer: quick, and says less about what survives
//   npm run mutants -- --again          goes on with what was built last: judges what was not caught yet
//   npm run mutants -- --alone 10       and at the end builds so many of them alone, by chance, which must come to the same end
//
// cargo-mutants says what the mutants are. All are built at once (tools/mutants/): an environment variable chooses the active one, so
// that each costs a run of tests and no build. The few in constants, which only the compiler computes, are built one by one.
// What survives must stand in tests/mutants.json with the reason; anything else fails, as does a reason that nothing needs.
import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ask, duration, Failure, main, root, run, step } from "./run.mjs";

const VERSION = "27.1.0";
const FOLDER = "src/engine/fast";
// Tests of the engine, and a door for them: no verification comes here.
const NOT_THE_ENGINE = [`${FOLDER}/**/tests.rs`, `${FOLDER}/field_operation.rs`];
const OUTPUT = join(root, "target/mutants");
const COPY = join(OUTPUT, "copy");
/** Where mutants are built that cannot be chosen by a running program. */
const ALONE = join(OUTPUT, "alone");
const PUBLIC_TESTS = "rfc_examples fiat curves wycheproof rsa".split(" ").flatMap((name) => ["--test", name]);
const TESTS = ["--lib", ...PUBLIC_TESTS];
/** Seconds of processor time that any test may take, and how many times what it takes without a mutant. */
const LEAST_SECONDS = 5;
const TIMES = 10;

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

/** The mutants that an error of the compiler belongs to: those between whose marks it stands, the innermost of each place. */
export function mutantsAt(source, places) {
  // Looked ahead for, since marks may stand inside others.
  const marks = [...source.matchAll(/(?=(\/\*(\d+)<\*\/[\s\S]*?\/\*>\2\*\/))/g)].map(
    ({ 1: text, 2: number, index }) => ({
      number: Number(number),
      start: index,
      end: index + text.length,
    }),
  );
  return places.flatMap((place) => {
    const around = marks.filter(({ start, end }) => start <= place && place < end);
    return around.toSorted((a, b) => a.end - a.start - (b.end - b.start))[0]?.number ?? [];
  });
}

main(import.meta.url, async () => {
  const numbers = ["jobs", "seconds", "alone"];
  const text = Object.fromEntries(["part", "file", ...numbers].map((name) => [name, { type: "string" }]));
  const options = { ...text, again: { type: "boolean" } };
  const { values } = parseArgs({ options });
  if (values.part !== undefined && !/^\d+\/\d+$/.test(values.part)) throw new Failure("--part takes k/n, such as 3/40");
  for (const name of numbers) {
    if (values[name] !== undefined && !/^[1-9]\d*$/.test(values[name]))
      throw new Failure(`--${name} takes a number from 1 on`);
  }
  if (process.platform === "win32")
    throw new Failure("not on Windows: it bounds the processor time of tests by ulimit");
  const started = performance.now();
  const all = values.again ? listedBefore() : await step("Listing the mutants", listed);
  const [part, parts] = (values.part ?? "0/1").split("/").map(Number);
  const isWanted = ({ file, number }) =>
    (!values.file || file.endsWith(`/${values.file}`)) && (number - 1) % parts === part % parts;
  if (!all.some(isWanted)) {
    const files = new Set(all.map(({ file }) => file.slice(FOLDER.length + 1)));
    throw new Failure(
      `no mutant is meant: --file takes the name of one of ${[...files].join(", ")}; of k/n, n is at most ${all.length}`,
    );
  }
  const { mutants, programs } = values.again ? builtBefore() : await built(all, isWanted);
  const wanted = mutants.filter(isWanted);
  const jobs = Number(values.jobs ?? availableParallelism());
  const longest = Number(values.seconds ?? Infinity);
  const measure = () => measured(programs, jobs, longest, values.again);
  const tests = await step("The tests without a mutant", measure);
  const judged = await step(`${wanted.length} mutants`, () => judge(wanted, tests, jobs, values.again));
  if (values.alone) {
    await step(`${values.alone} of them alone`, () => compareAlone(judged, tests, Number(values.alone)));
  }
  report(judged, performance.now() - started);
});

/** All that there are: what cargo-mutants says, and a number. */
async function listed() {
  if ((await ask("cargo", ["mutants", "--version"])) === undefined) {
    await run("cargo", ["install", "cargo-mutants", "--locked", "--version", VERSION]);
  }
  rmSync(OUTPUT, { recursive: true, force: true });
  mkdirSync(OUTPUT, { recursive: true });
  const not = NOT_THE_ENGINE.flatMap((glob) => ["-e", glob]);
  const text = await run("cargo", ["mutants", "--list", "--json", "-f", `${FOLDER}/**/*.rs`, ...not], { quiet: true });
  writeFileSync(LIST, text);
  return numbered(text);
}

const LIST = join(OUTPUT, "list.json");
const BUILT = join(OUTPUT, "built.json");
const OUTCOMES = join(OUTPUT, "outcomes.json");
const TIMES_OF_TESTS = join(OUTPUT, "tests.json");
const numbered = (text) => JSON.parse(text).map(({ name, file }, at) => ({ number: at + 1, name, file }));

function listedBefore() {
  if (!existsSync(BUILT)) throw new Failure("nothing has been built before: run it without --again");
  return numbered(readFileSync(LIST, "utf8"));
}

/** What `built` answered last. */
function builtBefore() {
  const { mutants, programs } = JSON.parse(readFileSync(BUILT, "utf8"));
  return { mutants, programs: new Map(programs) };
}

/** The mutants, and the programs of the tests by their targets. */
async function built(all, isWanted) {
  const mutants = await step("Building them at once", () => builtAtOnce(all, isWanted));
  const programs = await step("Building the tests", () => build(COPY, TESTS));
  writeFileSync(BUILT, JSON.stringify({ mutants, programs: [...programs] }));
  return { mutants, programs };
}

/** Makes the copy of the repository that holds the wanted mutants, and answers these; `unviable` are those that do not compile. */
async function builtAtOnce(all, isWanted) {
  const wanted = all.filter(isWanted);
  const chosen = new Set(wanted.map(({ number }) => number));
  await copyTo(COPY);
  withMutation(COPY);
  // What a constant says and what a running program does differ by an intrinsic function of the compiler's, which only it may use.
  writeFileSync(WRAPPER, '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec "$@"\n');
  chmodSync(WRAPPER, 0o755);
  const unviable = new Set();
  for (;;) {
    const known = await instrument(COPY, (number) => chosen.has(number) && !unviable.has(number), all);
    const found = await errors();
    if (found.length === 0) {
      return wanted.map((mutant) => ({
        ...mutant,
        ...known.get(mutant.number),
        unviable: unviable.has(mutant.number),
      }));
    }
    const before = unviable.size;
    for (const number of found) unviable.add(number);
    if (unviable.size === before) throw new Failure("the copy with all mutants does not compile, and not by a mutant");
    console.log(`  ${unviable.size} that do not compile are taken out`);
  }
}

/** The repository without what git leaves out, and without the lints: what people read is not checked here. */
async function copyTo(folder) {
  const files = (await run("git", ["ls-files", "-co", "--exclude-standard"], { quiet: true })).trim().split("\n");
  for (const file of files.filter((file) => existsSync(join(root, file)))) cpSync(join(root, file), join(folder, file));
  const manifest = join(folder, "Cargo.toml");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/\[lints\.\w+\][^[]*/g, ""));
}

/** Gives a copy the module that says which mutant is active. */
function withMutation(folder) {
  cpSync(join(root, "tools/mutants/mutation.rs"), join(folder, "src/mutation.rs"));
  const library = join(folder, "src/lib.rs");
  const features = "#![feature(core_intrinsics, const_eval_select)]\n#![allow(internal_features)]\n";
  const source = readFileSync(library, "utf8");
  writeFileSync(library, `${source.replace("#![no_std]", `${features}$&`)}\nmod mutation;\n`);
}

/** Writes a copy's sources anew, with the mutants that are wanted; answers what is known of each. */
async function instrument(folder, isWanted, all) {
  cpSync(join(root, FOLDER), join(folder, FOLDER), { recursive: true });
  const tool = ["run", "--quiet", "--manifest-path", "tools/mutants/Cargo.toml", "--target-dir", "target", "--"];
  const leftOut = all.filter(({ number }) => !isWanted(number)).map(({ number }) => number);
  const text = await run("cargo", [...tool, LIST, folder, leftOut.join()], { quiet: true });
  return new Map(JSON.parse(text).map((one) => [one.number, one]));
}

const WRAPPER = join(OUTPUT, "rustc");
/** Unrolled loops in which each operation asks which mutant is active take the optimizer longer than all tests. */
const NOT_OPTIMIZED = ["--config", "profile.test.package.tokenward.opt-level=0"];

function cargo(folder, args, env = {}) {
  return run("cargo", [...args, ...NOT_OPTIMIZED, "--target-dir", join(root, "target"), "--message-format=json"], {
    cwd: folder,
    env: { ...env, RUSTC_WORKSPACE_WRAPPER: WRAPPER },
    quiet: true,
  });
}

const messages = (text) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

/** The mutants that do not compile, as far as this round of the compiler says. */
async function errors() {
  const failure = await cargo(COPY, ["check", "--features", "compare", "--lib"]).then(
    () => undefined,
    (error) => error,
  );
  if (failure === undefined) return [];
  const spans = messages(failure.output ?? "")
    .filter(({ message }) => message?.level === "error")
    .flatMap(({ message }) => message.spans.filter((span) => span.is_primary));
  const found = spans.flatMap(({ file_name: file, byte_start: place }) =>
    // All sources of the engine are ASCII, so that a byte is a character.
    mutantsAt(readFileSync(join(COPY, file), "latin1"), [place]),
  );
  if (found.length === 0) throw failure;
  return found;
}

/** Builds tests, and answers the program of each target. */
async function build(folder, tests, env) {
  const text = await cargo(folder, ["test", "--no-run", ...tests], env);
  const built = messages(text).filter(({ executable, profile }) => executable && profile.test);
  return new Map(built.map(({ executable, target }) => [target.name, executable]));
}

/**
 * Each test by itself, the shortest first: how long it takes, and the functions with mutants that it reaches. What is known of the
 * same programs need not be measured again.
 */
async function measured(programs, jobs, longest, isContinued) {
  const before = isContinued && existsSync(TIMES_OF_TESTS) ? JSON.parse(readFileSync(TIMES_OF_TESTS, "utf8")) : [];
  const tests = before.map((test) => ({ ...test, binary: programs.get(test.target) }));
  const queue = [];
  for (const [target, binary] of programs) {
    const names = (await run(binary, ["--list", "--format", "terse"], { quiet: true }))
      .split("\n")
      .flatMap((line) => /^(.*): test$/.exec(line)?.[1] ?? []);
    const isKnown =
      (name) =>
      ({ target: other, name: another, seconds, atLeast }) =>
        target === other && name === another && (seconds !== undefined || atLeast >= longest);
    const unknown = names.filter((name) => !before.some(isKnown(name)));
    queue.push(...unknown.map((name) => ({ target, binary, name })));
  }
  await atOnce(jobs, queue, async (test) => {
    const path = join(OUTPUT, `reached-${test.target}-${test.name}`);
    rmSync(path, { force: true });
    const most = Math.min(3600, longest);
    const { code, signal, seconds } = await runTest(test, { TOKENWARD_MUTANTS_REACHED: path }, most);
    if (isLate(signal) && most === longest) {
      tests.push({ ...test, atLeast: longest });
      return;
    }
    if (code !== 0) throw new Failure(`${test.name} fails without a mutant`);
    const functions = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
    tests.push({ ...test, seconds, functions });
  });
  writeFileSync(TIMES_OF_TESTS, JSON.stringify(tests.map(({ binary: _, ...test }) => test)));
  return tests
    .filter(({ seconds, functions }) => seconds <= longest && functions.length > 0)
    .map((test) => ({ ...test, functions: new Set(test.functions) }))
    .sort((a, b) => a.seconds - b.seconds);
}

const isLate = (signal) => signal === "SIGXCPU" || signal === "SIGKILL";

/** Empties a queue, so many at once. */
async function atOnce(jobs, queue, work) {
  const worker = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** Runs one test, with so many seconds of processor time and 4 GB of memory at most. */
function runTest({ binary, name }, env, seconds) {
  const limits = `ulimit -t ${Math.ceil(seconds)}; ulimit -v 4000000; exec "$@"`;
  const fixed = {
    PROPTEST_RNG_SEED: "1",
    PROPTEST_MAX_SHRINK_ITERS: "0",
    PROPTEST_DISABLE_FAILURE_PERSISTENCE: "true",
  };
  const args = ["-c", limits, "sh", binary, "--exact", name, "--test-threads=1"];
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", args, { cwd: COPY, env: { ...process.env, ...fixed, ...env }, stdio: "ignore" });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, seconds: (performance.now() - started) / 1000 }));
  });
}

/** Who is explained is not asked all that takes long: a survivor would need minutes. */
const SHORT_SECONDS = 1;

/** The first test that fails with a mutant, and whether it was for its time. Of a constant no test says that it is reached. */
async function firstFailure(mutant, tests) {
  for (const test of tests) {
    if (mutant.function !== null && !test.functions.has(mutant.function)) continue;
    if (mutant.reason && test.seconds > SHORT_SECONDS) break;
    const seconds = Math.max(LEAST_SECONDS, TIMES * test.seconds);
    const { code, signal } = await runTest(test, { TOKENWARD_MUTANT: String(mutant.number) }, seconds);
    if (code !== 0) return { summary: isLate(signal) ? "timeout" : "caught", by: test.name };
  }
  return { summary: "survived" };
}

/** How each mutant ends: `unviable`, `caught` or `timeout` by a test, or `survived`. */
async function judge(mutants, tests, jobs, isContinued) {
  const list = explained();
  const wanted = mutants.map((mutant) => ({ ...mutant, reason: reasonFor(list, located(mutant.name)) }));
  const before = isContinued && existsSync(OUTCOMES) ? JSON.parse(readFileSync(OUTCOMES, "utf8")) : [];
  const decided = before.filter(({ summary }) => summary !== "survived");
  const known = new Map(decided.map(({ number, summary, by }) => [number, { summary, by }]));
  const outcome = ({ number, unviable }) => (unviable ? { summary: "unviable" } : known.get(number));
  const judged = wanted.flatMap((mutant) => (outcome(mutant) ? { ...mutant, ...outcome(mutant) } : []));
  const toJudge = wanted.filter((mutant) => !outcome(mutant));
  const toBuild = toJudge.filter(({ is_constant }) => is_constant);
  const queue = toJudge.filter(({ is_constant }) => !is_constant);
  const started = performance.now();
  let told = started;
  const tell = (mutant, outcome) => {
    judged.push({ ...mutant, ...outcome });
    const others = before.filter(({ number }) => !judged.some((one) => one.number === number));
    writeFileSync(OUTCOMES, JSON.stringify([...others, ...judged], null, 1));
    if (performance.now() - told < 30_000) return;
    told = performance.now();
    const survived = judged.filter(({ summary }) => summary === "survived").length;
    console.log(
      `  ${judged.length} of ${wanted.length} after ${duration(told - started)}, ${survived} of them survived`,
    );
  };
  await copyTo(ALONE);
  const buildEach = async (mutants) => {
    for (const mutant of mutants) tell(mutant, await builtAlone(mutant, tests));
  };
  const left = [];
  const judgeEach = atOnce(jobs, queue, async (mutant) => {
    const outcome = await firstFailure(mutant, tests);
    // What no running program notices, the compiler may.
    if (outcome.summary === "survived" && mutant.is_const_fn) left.push(mutant);
    else tell(mutant, outcome);
  });
  await Promise.all([judgeEach, buildEach(toBuild)]);
  await buildEach(left);
  return judged;
}

/** Builds a mutant as cargo-mutants would: the one change. The library's tests come first, which take less time to build. */
async function builtAlone(mutant, tests) {
  const { span, replacement } = JSON.parse(readFileSync(LIST, "utf8"))[mutant.number - 1];
  const source = readFileSync(join(root, mutant.file), "latin1");
  const place = ({ line, column }) => source.split("\n", line - 1).join("\n").length + (line > 1) + column - 1;
  const changed = source.slice(0, place(span.start)) + replacement + source.slice(place(span.end));
  writeFileSync(join(ALONE, mutant.file), changed, "latin1");
  try {
    for (const [targets, isMeant] of [
      [["--lib"], ({ target }) => target === "tokenward"],
      [PUBLIC_TESTS, ({ target }) => target !== "tokenward"],
    ]) {
      const meant = tests.filter(isMeant);
      if (meant.length === 0) continue;
      const programs = await build(ALONE, targets, { CARGO_INCREMENTAL: "1" }).catch(isOfTheCompiler);
      if (programs === undefined) return { summary: "unviable" };
      const own = meant.map((test) => ({ ...test, binary: programs.get(test.target) }));
      const outcome = await firstFailure({ ...mutant, function: null }, own);
      if (outcome.summary !== "survived") return outcome;
    }
    return { summary: "survived" };
  } finally {
    writeFileSync(join(ALONE, mutant.file), source, "latin1");
  }
}

/** Nothing, for an error in the source; any other is thrown. */
function isOfTheCompiler(failure) {
  if (!messages(failure.output ?? "").some(({ message }) => message?.level === "error")) throw failure;
}

/** Some mutants by chance, built alone, with the test that caught each, or those that it survived. */
async function compareAlone(judged, tests, count) {
  const known = new Set(tests.map(({ name }) => name));
  const left = judged.filter(({ summary, by }) => summary === "survived" || (summary !== "unviable" && known.has(by)));
  for (let compared = 0; compared < count && left.length > 0; compared += 1) {
    const [mutant] = left.splice(Math.floor(Math.random() * left.length), 1);
    const isCaught = mutant.summary !== "survived";
    const meant = tests.filter(({ name, seconds }) => (isCaught ? name === mutant.by : seconds <= SHORT_SECONDS));
    const { summary } = await builtAlone(mutant, meant);
    console.log(`  ${mutant.name}: ${mutant.summary}, and ${summary} alone`);
    // What the compiler computes with as well, it may refuse before a test does.
    const isSame = summary === "unviable" ? isCaught && mutant.is_const_fn : (summary !== "survived") === isCaught;
    if (!isSame) throw new Failure(`alone it ends otherwise: ${mutant.name}`);
  }
}

function report(judged, time) {
  const list = explained();
  const count = (wanted) => judged.filter(({ summary }) => summary === wanted).length;
  for (const summary of ["caught", "timeout", "unviable", "survived"]) console.log(`${summary}: ${count(summary)}`);
  const survived = judged.filter(({ summary }) => summary === "survived").map(({ name }) => located(name));
  const unexplained = survived.filter((mutant) => reasonFor(list, mutant) === undefined);
  const needed = new Set(survived.map((mutant) => reasonFor(list, mutant)));
  const idle = new Set(judged.map(({ reason }) => reason).filter((reason) => reason && !needed.has(reason)));
  console.log(`${judged.length} mutants in ${duration(time)}, ${unexplained.length} survived without a reason`);
  if (unexplained.length > 0) {
    const lines = unexplained.map(({ file, line, change, code }) => `${file}:${line}: ${change}\n    ${code.trim()}`);
    throw new Failure(
      `kill these by a test, or say in tests/mutants.json why they change nothing:\n${lines.join("\n")}`,
    );
  }
  if (idle.size > 0) {
    const lines = [...idle].map(({ file, code, change }) => `${file}: ${code ?? ""} ${change}`);
    throw new Failure(`these reasons in tests/mutants.json are for mutants that are caught:\n${lines.join("\n")}`);
  }
}
