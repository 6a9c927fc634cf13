// npm run mutants: changes the engine's code in over a thousand ways, one at a time, each of which a test must notice.
//
//   npm run mutants                     all of src/engine/fast, with the tests of the library and those of tests/ that are about it
//   npm run mutants -- --file field.rs  of one file
//   npm run mutants -- --part 3/40      every 40th, from the third on
//   npm run mutants -- --jobs 2         so many at once; else one for each core
//   npm run mutants -- --seconds 2      only with the tests that take no longer: quick, and says less about what survives
//   npm run mutants -- --again          with what was built last, which takes minutes, and the reasons as they are now
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
/** Where what the compiler computes is built, and where what is built alone. */
const COMPUTED = join(OUTPUT, "computed");
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
  const tests = await step("The tests without a mutant", () => measured(programs, jobs, longest));
  const judged = await step(`${wanted.length} mutants`, () => judge(wanted, all, tests, jobs));
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

/** Each test by itself, the shortest first: how long it takes, and the functions with mutants that it reaches. */
async function measured(programs, jobs, longest) {
  const queue = [];
  for (const [target, binary] of programs) {
    const names = (await run(binary, ["--list", "--format", "terse"], { quiet: true }))
      .split("\n")
      .flatMap((line) => /^(.*): test$/.exec(line)?.[1] ?? []);
    queue.push(...names.map((name) => ({ target, binary, name })));
  }
  const tests = [];
  await atOnce(jobs, queue, async ({ target, binary, name }) => {
    const path = join(OUTPUT, `reached-${target}-${name}`);
    const most = Math.min(3600, longest);
    const { code, signal, seconds } = await runTest({ binary, name }, { TOKENWARD_MUTANTS_REACHED: path }, most);
    if (isLate(signal) && most === longest) return;
    if (code !== 0) throw new Failure(`${name} fails without a mutant`);
    const functions = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
    if (functions.length > 0) tests.push({ target, binary, name, seconds, functions: new Set(functions) });
  });
  return tests.sort((a, b) => a.seconds - b.seconds);
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
async function judge(mutants, all, tests, jobs) {
  const list = explained();
  const wanted = mutants.map((mutant) => ({ ...mutant, reason: reasonFor(list, located(mutant.name)) }));
  const judged = wanted.filter(({ unviable }) => unviable).map((mutant) => ({ ...mutant, summary: "unviable" }));
  const toBuild = wanted.filter(({ unviable, is_constant }) => !unviable && is_constant);
  const queue = wanted.filter(({ unviable, is_constant }) => !unviable && !is_constant);
  const started = performance.now();
  let told = started;
  const tell = (mutant, outcome) => {
    judged.push({ ...mutant, ...outcome });
    writeFileSync(join(OUTPUT, "outcomes.json"), JSON.stringify(judged, null, 1));
    if (performance.now() - told < 30_000) return;
    told = performance.now();
    const survived = judged.filter(({ summary }) => summary === "survived").length;
    console.log(
      `  ${judged.length} of ${wanted.length} after ${duration(told - started)}, ${survived} of them survived`,
    );
  };
  const isComputed = (one) => !one.unviable && (one.is_constant || one.is_const_fn);
  const numbers = new Set(mutants.filter(isComputed).map(({ number }) => number));
  await copyTo(COMPUTED);
  withMutation(COMPUTED);
  await instrument(COMPUTED, (number) => numbers.has(number), all);
  const buildEach = async (mutants) => {
    for (const mutant of mutants) tell(mutant, await builtByItself(mutant, tests));
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

/** A mutant of what the compiler computes: the library's tests first, which take less time to build. */
async function builtByItself(mutant, tests) {
  const env = { TOKENWARD_MUTANT_BUILT: String(mutant.number), CARGO_INCREMENTAL: "1" };
  for (const targets of [["--lib"], PUBLIC_TESTS]) {
    const programs = await build(COMPUTED, targets, env).catch(isOfTheCompiler);
    if (programs === undefined) return { summary: "unviable" };
    const outcome = await firstFailure({ ...mutant, function: null }, withPrograms(tests, programs));
    if (outcome.summary !== "survived") return outcome;
  }
  return { summary: "survived" };
}

/** Nothing, for an error in the source; any other is thrown. */
function isOfTheCompiler(failure) {
  if (!messages(failure.output ?? "").some(({ message }) => message?.level === "error")) throw failure;
}

const withPrograms = (tests, programs) =>
  tests.flatMap((test) => (programs.has(test.target) ? { ...test, binary: programs.get(test.target) } : []));

/** Builds mutants as cargo-mutants would: the one change, in sources that are otherwise as they are. */
async function compareAlone(judged, tests, count) {
  await copyTo(ALONE);
  const list = JSON.parse(readFileSync(LIST, "utf8"));
  const left = judged.filter(({ summary }) => summary !== "unviable");
  for (let compared = 0; compared < count && left.length > 0; compared += 1) {
    const [mutant] = left.splice(Math.floor(Math.random() * left.length), 1);
    const { span, replacement } = list[mutant.number - 1];
    const source = readFileSync(join(root, mutant.file), "latin1");
    const place = ({ line, column }) => source.split("\n", line - 1).join("\n").length + (line > 1) + column - 1;
    const changed = source.slice(0, place(span.start)) + replacement + source.slice(place(span.end));
    writeFileSync(join(ALONE, mutant.file), changed, "latin1");
    const isCaught = mutant.summary !== "survived";
    const wanted = tests.filter(({ name, seconds }) => (isCaught ? name === mutant.by : seconds <= SHORT_SECONDS));
    const programs = await build(ALONE, TESTS, { CARGO_INCREMENTAL: "1" });
    const outcome = await firstFailure({ ...mutant, function: null }, withPrograms(wanted, programs));
    writeFileSync(join(ALONE, mutant.file), source, "latin1");
    console.log(`  ${mutant.name}: ${mutant.summary}, and ${outcome.summary} alone`);
    if ((outcome.summary !== "survived") !== isCaught) throw new Failure(`alone it ends otherwise: ${mutant.name}`);
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
