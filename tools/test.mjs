// npm test: sets up, builds, runs every check and every test, and ends with a table of what took how long.
//
//   node tools/test.mjs                  everything
//   node tools/test.mjs packaging rust   only these folders of tests/, or `rust`, or `checks`
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { browsers } from "./browsers.mjs";
import { build } from "./build.mjs";
import { checks, ensureRustTools } from "./check.mjs";
import { duration, Failure, main, root, run } from "./run.mjs";
import { setup } from "./setup.mjs";

// A browser that hangs must not hang the whole run.
const STAGE_SECONDS = 1500;

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

function runNodeTests(files) {
  const args = ["--test", "--test-reporter=spec", "--test-reporter-destination=stdout", ...files];
  return run(process.execPath, args, { seconds: STAGE_SECONDS });
}

/** Runs stages, all of them whatever fails, and remembers how they went. */
class Report {
  #rows = [];

  /** A stage that succeeds or throws: counts as one test. */
  stage(title, work) {
    return this.#run(title, async () => [await work(), { passed: 1, failed: 0 }]);
  }

  /** A stage that prints how many tests it ran. */
  tests(title, work) {
    return this.#run(title, async () => {
      const output = await work();
      return [output, counted(output)];
    });
  }

  async #run(title, work) {
    const started = performance.now();
    console.log(`\n━━ ${title}`);
    const row = { title, passed: 0, failed: 0 };
    this.#rows.push(row);
    try {
      const [answer, counts] = await work();
      Object.assign(row, counts);
      if (row.passed + row.failed === 0) throw new Failure("no test was run");
      if (row.skipped > 0) throw new Failure(`${row.skipped} tests were skipped: none may be`);
      return answer;
    } catch (error) {
      console.error(`✖ ${title}: ${error instanceof Failure ? error.message : error.stack}`);
      const { passed, failed } = counted(error.output ?? "");
      Object.assign(row, { passed: Math.max(row.passed, passed), failed: Math.max(1, failed) });
    } finally {
      row.took = performance.now() - started;
    }
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
    console.log(`\n${total("passed")} passed, ${total("failed")} failed`);
    if (total("failed") > 0) process.exitCode = 1;
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
