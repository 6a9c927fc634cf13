// npm test: sets up, builds, runs every check and every test, and ends with what took how long and what was slowest.
//
//   node tools/test.mjs                  everything
//   node tools/test.mjs packaging rust   only these folders of tests/, or `rust`, or `checks`
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { browsers } from "./browsers.mjs";
import { build } from "./build.mjs";
import { checksByLanguage, ensureRustTools } from "./check.mjs";
import { duration, Failure, main, root, run } from "./run.mjs";
import { setup } from "./setup.mjs";
import { BARE_METAL, toolchain } from "./toolchain.mjs";

// A browser that hangs must not hang the whole run.
const STAGE_SECONDS = 1500;
// A file that hangs is named before its stage is ended.
const FILE_SECONDS = 1200;

// The other core is the other lane's, or the browser's.
const CONCURRENCY = 1;

const SLOWEST = 10;
// A failure's text may be as long as a page that was compared.
const LONGEST_TEXT = 4000;
// Where tools/test-events.mjs writes how long each test file took, and what failed.
const EVENTS = "target/tokenward/test-events.jsonl";

// What compares times has the machine for itself.
const MEASURES = ["tests/gate/target.test.mjs"];

main(import.meta.url, async () => {
  const only = process.argv.slice(2);
  const wants = (name) => only.length === 0 || only.includes(name);
  const report = new Report();

  const rust = await report.stage("setup", setup);
  if (rust === undefined) return report.end();
  // What may install packages comes before the lanes, since apt allows no two at once.
  await report.stage("browsers", async () => console.log(Object.values(await browsers()).join("\n")));
  if (wants("checks")) await report.stage("tools of the checks", () => ensureCheckTools(rust));

  // Cargo and LLVM have one thread for much of the time, and so has a test file: beside each other they use two cores.
  const folders = nodeTests().filter(([folder]) => wants(folder));
  const [rustChecks, javascriptChecks] = wants("checks") ? checksByLanguage(rust) : [[], []];
  await lanes(
    async () => {
      for (const [title, work] of rustChecks) await report.stage(title, work);
      if (wants("rust")) await report.tests("Rust", () => rustTests(rust));
    },
    async () => {
      await report.stage("build", build);
      for (const [title, work] of javascriptChecks) await report.stage(title, work);
      for (const [folder, { together }] of folders) {
        if (together.length > 0) await report.tests(`tests/${folder}`, () => runNodeTests(together));
      }
    },
  );
  for (const [folder, { alone }] of folders) {
    if (alone.length > 0) await report.tests(`tests/${folder}, alone`, () => runNodeTests(alone));
  }
  report.end();
});

/** Debian's packages for the checks, and the target that only a check needs. */
async function ensureCheckTools(rust) {
  await ensureRustTools(rust);
  await toolchain(BARE_METAL);
}

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

/** Folders of tests/ with the files that Node's test runner is to run: together with others, or alone. */
function nodeTests() {
  const inFolder = (folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => file.endsWith(".test.mjs"))
      .map((file) => join(folder, file))
      .sort();
  return readdirSync(join(root, "tests"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const files = inFolder(join("tests", name));
      return [name, { together: files.filter((file) => !runsAlone(file)), alone: files.filter(runsAlone) }];
    });
}

/** A test drives a browser when it imports what opens one, or the playground, or a driver itself. */
function runsAlone(file) {
  const path = file.replaceAll("\\", "/");
  return MEASURES.includes(path) || DRIVES_A_BROWSER.test(readFileSync(join(root, file), "utf8"));
}

const DRIVES_A_BROWSER = /from "(?:[^"]*\/(?:browsers|playground)\/|[^"]*\b(?:puppeteer|playwright|selenium))/;

/** What is printed is what is answered, but for the events, which come last. */
async function runNodeTests(files) {
  const events = join(root, EVENTS);
  mkdirSync(dirname(events), { recursive: true });
  rmSync(events, { force: true });
  const reporters = [
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...["--test-reporter=./tools/test-events.mjs", `--test-reporter-destination=${EVENTS}`],
  ];
  const readEvents = () => (existsSync(events) ? readFileSync(events, "utf8") : "");
  try {
    const limits = [`--test-concurrency=${CONCURRENCY}`, `--test-timeout=${FILE_SECONDS * 1000}`];
    const args = ["--test", ...limits, ...reporters, ...files];
    return `${await run(process.execPath, args, { seconds: STAGE_SECONDS })}\n${readEvents()}`;
  } catch (error) {
    if (error instanceof Failure) error.output = `${error.output ?? ""}\n${readEvents()}`;
    throw error;
  }
}

/** What tools/test-events.mjs has written of the files' times, or of the failures. */
const eventsOf = (output, key) =>
  output
    .split("\n")
    .filter((line) => line.startsWith(`{"${key}":`))
    .map((line) => JSON.parse(line));

/** How long each test file took. */
const fileTimes = (output) => eventsOf(output, "file").map(({ file, took }) => ({ title: relative(root, file), took }));

/** What Node's tests and Rust's said when they failed. */
function failures(output) {
  const node = eventsOf(output, "failed").map(({ failed, in: file = "", said }) => ({
    title: `${failed} (${relative(root, file)})`,
    said,
  }));
  const pattern = /^---- (\S+) .*----\n([\s\S]*?)(?=^---- |^failures:$)/gm;
  const rust = [...stripVTControlCharacters(output).matchAll(pattern)].map(([, title, said]) => ({ title, said }));
  return [...node, ...rust];
}

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

/** Does several things at once; what a stage prints is held back until the stage is over, so that each is read in one piece. */
async function lanes(...works) {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = (chunk, ...rest) => {
      const held = heldBack.getStore();
      if (held === undefined) return write(chunk, ...rest);
      held.push(chunk);
      return true;
    };
  }
  inLanes = true;
  await Promise.all(works.map((work) => work()));
  inLanes = false;
}

const heldBack = new AsyncLocalStorage();
let inLanes = false;

/** Runs stages, all of them whatever fails, and remembers how they went. */
class Report {
  #rows = [];
  /** What `#rows` is made of, where that is known: test files and Rust test programs. */
  #parts = [];
  #failures = [];

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
    if (!inLanes) return this.#inOnePiece(title, work);
    console.log(`… ${title}`);
    const held = [];
    try {
      return await heldBack.run(held, () => this.#inOnePiece(title, work));
    } finally {
      for (const chunk of held) process.stdout.write(chunk);
    }
  }

  async #inOnePiece(title, work) {
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
      const known = failures(error.output ?? "");
      this.#failures.push(...(known.length > 0 ? known : [{ title, said: error.message }]));
      Object.assign(row, { passed: Math.max(row.passed, passed), failed: Math.max(1, failed) });
    } finally {
      row.took = performance.now() - started;
    }
  }

  #remember(row, output) {
    const parts = [...fileTimes(output), ...rustTimes(output)];
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
    // Last, since a CI's page shows the end of what was printed.
    for (const { title, said } of this.#failures) console.log(`\n✖ ${title}\n${said.trim().slice(0, LONGEST_TEXT)}`);
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
