// Tokenward beside other verifiers, in every runtime, on this machine. Prints tables; a whole run also writes RESULTS.md,
// results.json, ratios.svg and times.svg.
//
//   npm run bench                                        everything
//   npm run bench -- node24 chromium                     some runtimes
//   npm run bench -- --rows ES256,RSA-4096 --quick       some rows, fewer rounds
//   npm run bench -- kernels                             the two RSA kernels side by side (bench/kernels.mjs)
//   npm run bench -- uses                                a key's first uses (bench/uses.mjs)
//   npm run bench -- edge                                a worker under load: bench/edge.mjs
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "../tools/build.mjs";
import { Failure, main, root, step } from "../tools/run.mjs";
import { quartiles } from "./measure.mjs";

const THOROUGH = { rounds: 25, sliceMs: 20, warmUpMs: 250 };
const QUICK = { rounds: 7, sliceMs: 20, warmUpMs: 100 };
const SEEN_BEFORE = "RS256";
const FRESH = { processes: 15, algorithms: ["RS256", "ES256"], libraries: ["tokenward", "jose"] };
const PACKAGES = ["jose", "hono", "fast-jwt", "aws-jwt-verify", "jsonwebtoken"];
const NATIVE = { "@node-rs/jsonwebtoken": "bench/runtimes/node_modules/@node-rs/jsonwebtoken-linux-x64-gnu" };
const MODULES = ["tokenward.wasm", "relaxed.wasm", "reference.wasm", "ml-dsa.wasm"];

main(import.meta.url, async () => {
  await build();
  if (process.argv[2] === "kernels") return (await import("./kernels.mjs")).main();
  if (process.argv[2] === "uses") return (await import("./uses.mjs")).main();
  if (process.argv[2] === "edge") return (await import("./edge.mjs")).edge({ quick: process.argv.includes("--quick") });
  // Only now: what they import is installed by the build.
  const { installRuntimes, nodePath, runtimes } = await import("./runtimes.mjs");
  const { newKeyRows, rows, subject, TOKEN_LENGTH } = await import("./tokens.mjs");
  const { markdown, picture, table, times } = await import("./report.mjs");
  const { names, chosen, quick } = asked(Object.keys(runtimes), rows);
  await installRuntimes();

  const method = quick ? QUICK : THOROUGH;
  const subjects = Object.fromEntries(chosen.map((row) => [row, subject(row)]));
  const results = {
    machine: { cpu: cpus()[0].model.trim(), cores: cpus().length, system: `${platform()} ${arch()}` },
    date: new Date().toISOString().slice(0, 10),
    versions: versions(),
    method: { ...method, tokenLength: TOKEN_LENGTH, rsaBits: 2048, freshProcesses: FRESH.processes },
    runtimes: {},
    moduleBytes: Object.fromEntries(MODULES.map((name) => [name, bytesOf(name)])),
  };
  for (const name of names) {
    results.runtimes[name] = await step(runtimes[name].title, () =>
      runtime(runtimes[name], subjects, newKeyRows, method),
    );
    console.log(`\n${table(results.runtimes[name], results.machine)}\n`);
  }
  const whole = names.length === Object.keys(runtimes).length && chosen.length === rows.length && !quick;
  if (!whole) return;
  results.firstVerification = await step("First verifications in fresh processes", () =>
    Object.fromEntries(
      FRESH.algorithms.map((algorithm) => [algorithm, fresh(nodePath("node24"), subjects[algorithm])]),
    ),
  );
  write("RESULTS.md", markdown(results));
  write("ratios.svg", picture(results));
  write("times.svg", times(results));
  write("results.json", `${JSON.stringify(results, rounded, 2)}\n`);
});

/** The command's arguments: names of runtimes, `--rows A,B`, `--quick`. */
function asked(runtimes, rows) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: "string" }, quick: { type: "boolean" } },
  });
  const chosen = values.rows?.split(",") ?? rows;
  known(positionals, runtimes, "runtime");
  known(chosen, rows, "row");
  return { names: positionals.length > 0 ? positionals : runtimes, chosen, quick: values.quick ?? false };
}

function known(names, all, what) {
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Failure(`There is no ${what} "${unknown}": ${all.join(", ")}.`);
}

/** One runtime's figures: `{ title, version, prepared: { [row]: figures }, "new key": …, "seen before": figures }`. */
async function runtime({ title, open }, subjects, newKeyRows, method) {
  const opened = await open();
  try {
    const times = async (subject, mode) => figures(await opened.compare({ subject, mode, method }));
    const all = async (mode, rows = Object.keys(subjects)) => {
      const answer = {};
      for (const row of rows.filter((row) => row in subjects)) answer[row] = await times(subjects[row], mode);
      return answer;
    };
    const seenBefore = subjects[SEEN_BEFORE] ?? Object.values(subjects)[0];
    return {
      title,
      version: opened.version,
      prepared: await all("prepared"),
      newKey: await all("new key", newKeyRows),
      seenBefore: await times(seenBefore, "seen before"),
    };
  } finally {
    await opened.close();
  }
}

/** Each peer's microseconds, and how many times the peer's time Tokenward took: round by round, as both were disturbed. */
function figures({ times, absent }) {
  for (const [name, why] of Object.entries(absent)) console.log(`  without ${name}: ${why}`);
  return Object.fromEntries(
    Object.entries(times).map(([name, seconds]) => {
      const microseconds = quartiles(seconds.map((each) => each * 1e6));
      const ratio = quartiles(seconds.map((each, round) => times.tokenward[round] / each));
      return [name, { microseconds, ratio }];
    }),
  );
}

/** The milliseconds to a first verification, by library, each time in a fresh process of Node and in turns. */
function fresh(node, { algorithm, jwks, good }) {
  const input = JSON.stringify({ jwks, token: good, algorithm });
  const times = Object.fromEntries(FRESH.libraries.map((library) => [library, []]));
  const script = fileURLToPath(new URL("first.mjs", import.meta.url));
  // The first of each only fills the system's file cache.
  for (let turn = 0; turn <= FRESH.processes; turn++) {
    for (const library of FRESH.libraries) {
      const { status, stdout, stderr } = spawnSync(node, [script, library], { input, encoding: "utf8" });
      if (status !== 0) throw new Failure(`The first verification with ${library} failed:\n${stderr}`);
      if (turn > 0) times[library].push(Number(stdout));
    }
  }
  return Object.fromEntries(FRESH.libraries.map((library) => [library, quartiles(times[library])]));
}

function bytesOf(name) {
  const wasm = readFileSync(new URL(`../pkg/${name}`, import.meta.url));
  return { raw: wasm.length, gzip: gzipSync(wasm, { level: 9 }).length, brotli: brotliCompressSync(wasm).length };
}

/** Of every library that is measured here. */
function versions() {
  const folders = {
    tokenward: ".",
    ...Object.fromEntries(PACKAGES.map((name) => [name, `node_modules/${name}`])),
    ...NATIVE,
  };
  const files = Object.entries(folders).map(([name, folder]) => [name, `${root}/${folder}/package.json`]);
  const version = (file) => JSON.parse(readFileSync(file, "utf8")).version;
  return Object.fromEntries(files.filter(([, file]) => existsSync(file)).map(([name, file]) => [name, version(file)]));
}

function rounded(_, value) {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

function write(name, text) {
  writeFileSync(new URL(name, import.meta.url), text);
}
