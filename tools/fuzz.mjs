// npm run fuzz: runs the fuzz targets of fuzz/, each from the same seeds and with the same random numbers.
//
//   npm run fuzz                        each for a minute
//   npm run fuzz -- rsa_power json      only these
//   npm run fuzz -- --seconds 600
//   npm run fuzz -- --record            and keeps what the fuzzer found worth keeping: fuzz/inputs, docs/fuzzing.md
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { ask, Failure, main, root, run, step } from "./run.mjs";

const VERSION = "0.13.2";
// In bytes, of one input and of all that are kept for a target.
const LONGEST = 512;
const KEPT = 32_768;

const PAGE = join(root, "docs/fuzzing.md");
const TABLE = /(<!-- made by npm run fuzz -->\n)[\s\S]*(<!-- end of what npm run fuzz makes -->)/;

main(import.meta.url, async () => {
  const targets = readdirSync(join(root, "fuzz/fuzz_targets")).map((file) => file.replace(".rs", ""));
  const options = { seconds: { type: "string" }, record: { type: "boolean" } };
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const seconds = Number(values.seconds ?? 60);
  const unknown = positionals.find((name) => !targets.includes(name));
  if (unknown || !(seconds > 0)) throw new Failure(`Targets: ${targets.join(", ")}; --seconds takes a number.`);
  if (values.record && positionals.length > 0) throw new Failure("--record is about all targets: name none.");
  const installed = await ask("cargo", ["fuzz", "--version"]);
  if (installed === undefined) {
    const install = ["install", "cargo-fuzz", "--locked", "--version", VERSION];
    await step("Installing cargo-fuzz", () => run("cargo", install));
  }
  await step("cargo fuzz build", () => cargoFuzz(["build"]));
  const found = [];
  for (const name of positionals.length > 0 ? positionals : targets) {
    const runs = await step(name, () => fuzz(name, seconds));
    found.push({ name, runs });
  }
  console.log(found.map(({ name, runs }) => `${name}: ${runs} runs`).join("\n"));
  if (values.record) await step("Recording", () => record(found, seconds));
});

/** The instruments of the fuzzer are features that rustc keeps for its nightly versions. */
const cargoFuzz = (args) => run("cargo", ["fuzz", ...args], { env: { RUSTC_BOOTSTRAP: "1" }, quiet: true });

const corpusOf = (name) => `fuzz/corpus/${name}`;
const seedsOf = (name) => `fuzz/seeds/${name}`;
const inputsOf = (name) => join(root, `fuzz/inputs/${name}.txt`);

/** Answers how many inputs were tried; a failure tells which input it was. */
async function fuzz(name, seconds) {
  const inputs = existsSync(inputsOf(name)) ? readFileSync(inputsOf(name), "utf8").split("\n").filter(Boolean) : [];
  const seeds = [...(SEEDS[name]?.() ?? []), ...inputs.map((line) => Buffer.from(line, "base64"))];
  emptyFolder(seedsOf(name));
  for (const [at, seed] of seeds.entries()) writeFileSync(join(root, seedsOf(name), `${at}`), seed);
  mkdirSync(join(root, corpusOf(name)), { recursive: true });
  const limits = ["-seed=1", `-max_total_time=${seconds}`, "-max_len=4096", "-print_final_stats=1"];
  const output = await cargoFuzz(["run", name, corpusOf(name), seedsOf(name), "--", ...limits]);
  return Number(/number_of_executed_units: (\d+)/.exec(output)[1]);
}

function emptyFolder(path) {
  rmSync(join(root, path), { recursive: true, force: true });
  mkdirSync(join(root, path), { recursive: true });
}

/** Keeps for each target the fewest inputs that reach what all reach, and writes what they reach. */
async function record(found, seconds) {
  const files = new Map();
  const lines = ["| target | inputs tried | inputs kept |", "| --- | ---: | ---: |"];
  for (const { name, runs } of found) {
    const least = `${corpusOf(name)}.least`;
    emptyFolder(least);
    const merge = ["-set_cover_merge=1", `-max_len=${LONGEST}`];
    await cargoFuzz(["run", name, least, corpusOf(name), seedsOf(name), "--", ...merge]);
    const kept = keep(name, least);
    lines.push(`| \`${name}\` | ${runs.toLocaleString("en-US")} | ${kept} |`);
    const covered = await cargoFuzz(["run", name, corpusOf(name), seedsOf(name), "--", "-runs=0", "-print_coverage=1"]);
    for (const [file, edges] of coverage(covered)) {
      const best = files.get(file);
      if (best === undefined || edges.hit / edges.all > best.hit / best.all) files.set(file, { name, ...edges });
    }
  }
  lines.push("", "| file | edges reached | by |", "| --- | ---: | --- |");
  for (const [file, { name, hit, all }] of [...files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    lines.push(`| \`${file}\` | ${hit} of ${all} (${Math.round((100 * hit) / all)} %) | \`${name}\` |`);
  }
  const date = new Date().toISOString().slice(0, 10);
  const text = `Made on ${date}, with ${seconds} s for each target, beside what earlier runs had kept.\n\n${lines.join("\n")}\n`;
  writeFileSync(
    PAGE,
    readFileSync(PAGE, "utf8").replace(TABLE, (_, before, after) => `${before}${text}${after}`),
  );
}

/** Short ones first; one line each. */
function keep(name, folder) {
  const inputs = readdirSync(join(root, folder)).map((file) => readFileSync(join(root, folder, file)));
  inputs.sort((one, other) => one.length - other.length || Buffer.compare(one, other));
  let bytes = 0;
  const kept = inputs.filter(({ length }) => {
    bytes += length;
    return bytes <= KEPT;
  });
  mkdirSync(join(root, "fuzz/inputs"), { recursive: true });
  writeFileSync(inputsOf(name), kept.map((input) => `${input.toString("base64")}\n`).join(""));
  return kept.length;
}

/** How many of the edges of our functions were reached, by file: `libFuzzer` names functions where llvm-symbolizer is installed. */
function coverage(output) {
  const files = new Map();
  for (const [, hit, all, file] of output.matchAll(/COVERED_FUNC: hits: \d+ edges: (\d+)\/(\d+) .* (\/\S+\.rs):\d+/g)) {
    const name = relative(root, file).replaceAll("\\", "/");
    if (!name.startsWith("src/")) continue;
    const edges = files.get(name) ?? { hit: 0, all: 0 };
    files.set(name, { hit: edges.hit + Number(hit), all: edges.all + Number(all) });
  }
  if (files.size === 0) throw new Failure("no function has a name: install llvm-symbolizer (Debian: llvm)");
  return files;
}

const EXAMPLES = /"(eyJ[\w-]+\.[\w-]+\.[\w-]+)"/g;
const KEYS = /r#"(\{"kty":[^#]+\})"#/g;
const ORDERS = {
  32: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
  48: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
  66: "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
};
const ORDER_25519 = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

const SEEDS = {
  tokens: () => inExamples(EXAMPLES),
  json: () => [
    '{"iss":"joe","exp":1300819380,"http://example.com/is_root":true}',
    String.raw`{"a":[1,-0,2.5e-3,1e308,{"b":null}],"c":"\ud83d\ude00é\"\\\/\b\f\n\r\t","":false}`,
    '{"a":1,"a":2}',
    "{}",
    '{"n":0.1234567890123456789,"m":18446744073709551616,"o":5e-324}',
  ],
  keys: () => inExamples(KEYS),
  rsa_power: () => {
    // All sizes, with moduli and bases of ones, of zeros between ones, and of any bits.
    const patterns = [
      [0xff],
      [0x00, 0x01],
      [0xff, 0xff, 0xff, 0, 0, 0],
      [0x80, 0, 0],
      [0x7f, 0xff, 0xff],
      [0xa7, 0x3c],
    ];
    return Array.from({ length: 12 }, (_, size) =>
      patterns.map((pattern, at) =>
        Buffer.from([size, at, 1, 0, 1, pattern.length, ...pattern, ...patterns[(at + size) % patterns.length]]),
      ),
    ).flat();
  },
  point_sums: () =>
    [32, 48, 66, 32].flatMap((size, kind) => {
      const edges = kind === 3 ? edgesOf(ORDER_25519, size, true) : edgesOf(ORDERS[size], size, false);
      return edges.flatMap((u, at) =>
        [1, 2, 3, 5].map((step) =>
          Buffer.concat([
            Buffer.from([kind + 4 * (at % 8)]),
            u,
            edges[(at + step) % edges.length],
            edges[(at * step) % edges.length],
          ]),
        ),
      );
    }),
  // The last bytes of a signature count its hints, and those before are their places.
  ml_dsa: () => [
    ...Array.from({ length: 12 }, (_, kind) =>
      [[], [0, 0, 1], [1, 0, 1], [9, 0, 1], [60, 0, 255], [0, 4, 1], [0, 8, 64]].map((changes) =>
        Buffer.from([kind, 7, 3, 1, 2, 3, ...changes]),
      ),
    ).flat(),
    '"alg":"ML-DSA-44","pub":"AAAA"',
  ],
  signatures: () =>
    [0, 1, 2, 3].flatMap((kind) =>
      [[], [0, 1], [31, 1], [32, 255], [63, 128]].map((changes) => Buffer.from([kind, 7, 3, 1, 2, 3, ...changes])),
    ),
};

/** The RFCs' tokens or keys, from the test that holds them. */
function inExamples(pattern) {
  return [...readFileSync(join(root, "tests/rfc_examples.rs"), "utf8").matchAll(pattern)].map(([, text]) => text);
}

/** Numbers at which comparisons, carries and the tables' lines turn. */
function edgesOf(order, size, isLittleEndian) {
  const n = BigInt(`0x${order}`);
  const bits = BigInt(n.toString(2).length);
  const row = (bits + 7n) / 8n;
  const powers = [1n, 28n, 29n, row, 2n * row, bits - 2n].flatMap((power) => [(1n << power) - 1n, 1n << power]);
  return [0n, 1n, 2n, n - 1n, n - 2n, n >> 1n, (n >> 1n) + 1n, ...powers].map((number) => {
    const bytes = Buffer.from(number.toString(16).padStart(2 * size, "0"), "hex");
    return isLittleEndian ? bytes.reverse() : bytes;
  });
}
