// npm test: sets up, builds, runs every check and every test, and ends with what took how long and what was slowest.
//
//   node tools/test.mjs                  everything
//   node tools/test.mjs packaging rust   only these folders of tests/, or `rust`, or `checks`
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { browsers } from "./browsers.mjs";
import { build } from "./build.mjs";
import { checks, ensureRustTools } from "./check.mjs";
import { duration, Failure, main, root, run } from "./run.mjs";
import { setup } from "./setup.mjs";

// A browser that hangs must not hang the whole run.
const STAGE_SECONDS = 1500;

const SLOWEST = 10;
// Where tools/file-times.mjs writes how long each test file took.
const FILE_TIMES = "target/tokenward/file-times.jsonl";

// These files compare times, so nothing runs beside them.
const MEASURES = ["tests/gate/target.test.mjs"];

main(import.meta.url, async () => {
  const only = process.argv.slice(2);
  const wants = (name) => only.length === 0 || only.includes(name);
  const report = new Report();

  const rust = await report.stage("setup", setup);
  if (rust === undefined) return report.end();
  await report.stage("build", build);
  await report.stage("browsers", async () => console.log(Object.values(await browsers()).join("\n")));
  if (wants("checks")) {
    await report.stage("rustfmt and clippy are there", () => ensureRustTools(rust));
    for (const [title, work] of checks(rust)) await report.stage(title, work);
  }
  if (wants("rust")) await report.tests("Rust", () => rustTests(rust));
  for (const [folder, files] of nodeTests()) {
    if (wants(folder)) await report.tests(`tests/${folder}`, () => runNodeTests(files));
  }
  report.end();
});

/** One package at a time: together they would share features, and the example would be compiled once more for its own. */
async function rustTests(rust) {
  const test = (...more) => rust.native(["test", "--locked", ...more], { seconds: STAGE_SECONDS });
  const vectors = ["wycheproof", "rfc_examples", "adversarial"].flatMap((name) => ["--test", name]);
  return (
    (await test()) +
    (await test("--features", "reference", ...vectors)) +
    (await test("-p", "tokenward-argon2")) +
    (await test("-p", "tokenward-relaxed"))
  );
}

/** Folders of tests/ with the files that Node's test runner is to run. */
function nodeTests() {
  const inFolder = (folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => file.endsWith(".test.mjs"))
      .map((file) => join(folder, file))
      .sort();
  return readdirSync(join(root, "tests"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => [name, inFolder(join("tests", name))])
    .filter(([, files]) => files.length > 0);
}

/** Two files at a time; on two cores Node's own choice is one. Files that drive browsers or measure follow one by one. */
async function runNodeTests(files) {
  const alone = files.filter(runsAlone);
  const together = files.filter((file) => !runsAlone(file));
  const outputs = [];
  const failures = [];
  for (const [group, concurrency] of [
    [together, 2],
    [alone, 1],
  ]) {
    if (group.length === 0) continue;
    try {
      outputs.push(await runNodeFiles(group, concurrency));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      outputs.push(error.output ?? "");
      failures.push(error.message);
    }
  }
  const output = outputs.join("\n");
  if (failures.length > 0) throw Object.assign(new Failure(failures.join("\n")), { output });
  return output;
}

/** A test drives a browser when it imports what opens one, or the playground, or a driver itself. */
function runsAlone(file) {
  const path = file.replaceAll("\\", "/");
  return MEASURES.includes(path) || DRIVES_A_BROWSER.test(readFileSync(join(root, file), "utf8"));
}

const DRIVES_A_BROWSER = /from "(?:[^"]*\/(?:browsers|playground)\/|[^"]*\b(?:puppeteer|playwright|selenium))/;

async function runNodeFiles(files, concurrency) {
  const times = join(root, FILE_TIMES);
  mkdirSync(dirname(times), { recursive: true });
  rmSync(times, { force: true });
  const reporters = [
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...["--test-reporter=./tools/file-times.mjs", `--test-reporter-destination=${FILE_TIMES}`],
  ];
  const args = ["--test", `--test-concurrency=${concurrency}`, ...reporters, ...files];
  try {
    return await run(process.execPath, args, { seconds: STAGE_SECONDS });
  } finally {
    if (existsSync(times)) fileTimes.push(...readTimes(times));
  }
}

function readTimes(path) {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).map(({ file, took }) => ({ title: relative(root, file), took }));
}

/** How long each test file took that has been run. */
const fileTimes = [];

/** What `cargo test` says of its compiling and of each test program, in milliseconds. */
function rustTimes(output) {
  const pattern =
    /^ *(?:Running (?:unittests )?(\S+)|Doc-tests (\S+)|Finished .* in (?:(\d+)m )?([\d.]+)s)|finished in ([\d.]+)s/gm;
  const times = [];
  let program = "Rust";
  for (const [, file, docs, minutes = 0, seconds, took] of stripVTControlCharacters(output).matchAll(pattern)) {
    if (file ?? docs) program = file ?? `documentation of ${docs}`;
    else if (took) times.push({ title: program, took: 1000 * took });
    else times.push({ title: "compiling Rust tests", took: 60_000 * minutes + 1000 * seconds });
  }
  return times;
}

/** Runs stages, all of them whatever fails, and remembers how they went. */
class Report {
  #rows = [];
  /** What `#rows` is made of, where that is known: test files and Rust test programs. */
  #parts = [];

  /** A stage that succeeds or throws: counts as one test. */
  stage(title, work) {
    return this.#run(title, async () => [await work(), { passed: 1, failed: 0 }]);
  }

  /** A stage that prints how many tests it ran. */
  tests(title, work) {
    return this.#run(title, async () => {
      const output = await work();
      return [output, counted(output), output];
    });
  }

  async #run(title, work) {
    const started = performance.now();
    console.log(`\n━━ ${title}`);
    const row = { title, passed: 0, failed: 0 };
    this.#rows.push(row);
    try {
      const [answer, counts, output] = await work();
      Object.assign(row, counts);
      this.#remember(row, output ?? "");
      if (row.passed + row.failed === 0) throw new Failure("no test was run");
      if (row.skipped > 0) throw new Failure(`${row.skipped} tests were skipped: none may be`);
      return answer;
    } catch (error) {
      console.error(`✖ ${title}: ${error instanceof Failure ? error.message : error.stack}`);
      const { passed, failed } = counted(error.output ?? "");
      this.#remember(row, error.output ?? "");
      Object.assign(row, { passed: Math.max(row.passed, passed), failed: Math.max(1, failed) });
    } finally {
      row.took = performance.now() - started;
    }
  }

  #remember(row, output) {
    const parts = [...fileTimes.splice(0), ...rustTimes(output)];
    row.hasParts = parts.length > 0;
    this.#parts.push(...parts);
  }

  end() {
    const total = (key) => this.#rows.reduce((sum, row) => sum + row[key], 0);
    const width = Math.max(...this.#rows.map(({ title }) => title.length));
    const line = (title, passed, failed, took) =>
      console.log(`${title.padEnd(width)}  ${String(passed).padStart(6)}  ${String(failed).padStart(6)}  ${took}`);
    console.log("");
    line("", "passed", "failed", "time");
    for (const { title, passed, failed, took } of this.#rows) line(title, passed, failed || "", duration(took));
    line("total", total("passed"), total("failed") || "", duration(total("took")));
    this.#slowest();
    console.log(`\n${total("passed")} passed, ${total("failed")} failed`);
    if (total("failed") > 0) process.exitCode = 1;
  }

  #slowest() {
    const all = [...this.#rows.filter(({ hasParts }) => !hasParts), ...this.#parts];
    const slowest = all.sort((one, other) => other.took - one.took).slice(0, SLOWEST);
    console.log(`\nthe ${slowest.length} slowest`);
    for (const { title, took } of slowest) console.log(`${duration(took).padStart(12)}  ${title}`);
  }
}

/** Adds up the closing lines of Node's test runner and of cargo test. */
function counted(output) {
  const text = stripVTControlCharacters(output);
  const sum = (...patterns) =>
    patterns.flatMap((pattern) => [...text.matchAll(pattern)]).reduce((total, [, count]) => total + Number(count), 0);
  return {
    passed: sum(/^ℹ pass (\d+)$/gm, /^test result: .* (\d+) passed/gm),
    failed: sum(/^ℹ fail (\d+)$/gm, /^ℹ cancelled (\d+)$/gm, /^test result: .* (\d+) failed/gm),
    skipped: sum(/^ℹ skipped (\d+)$/gm, /^ℹ todo (\d+)$/gm, /^test result: .* (\d+) ignored/gm),
  };
}
