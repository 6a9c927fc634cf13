// npm run build: src/ and js/ become pkg/, what npm publishes.
//
//   node tools/build.mjs            builds what has changed
//   node tools/build.mjs --record   writes the modules' SHA-256 to wasm.sha256 as well, after a change of Rust
//
// cargo -> wasm-bindgen -> wasm-opt -> js/wasm/ (generated) -> tsc twice -> pkg/. A step whose inputs did not change is
// left out. There are five WebAssembly modules: Tokenward's, a faster RSA kernel for engines that fuse multiply-adds, the whole
// with the reference engine for whoever imports tokenward/reference and with ML-DSA for tokenward/ml-dsa, and Argon2id for
// tokenward/pin.
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { bundleOauth4webapi } from "./commonjs.mjs";
import { importWebTypes } from "./declarations.mjs";
import { shorterGlue } from "./glue.mjs";
import {
  builtHashes,
  compareWithRecord,
  FUNCTIONS,
  functionNames,
  MODULES,
  RECORD,
  readRecord,
  sourcesHash,
  writeRecord,
} from "./modules.mjs";
import { Failure, main, root, runPackage, step } from "./run.mjs";
import { setup } from "./setup.mjs";

const CARGO_OUT = "target/wasm32-unknown-unknown/wasm";
const GLUE = "target/tokenward/glue";
const PKG = "target/tokenward/pkg";

/** Builds pkg/ from a fresh clone or from whatever changed since. */
export async function build() {
  const rust = await setup();
  console.log(`  Node ${process.versions.node} · ${rust.description}`);
  const tools = [
    "tools/bindgen",
    "tools/build.mjs",
    "tools/glue.mjs",
    "tools/inline.mjs",
    "tools/panics.mjs",
    "tools/order.mjs",
    "tools/short-names.mjs",
    "tools/wasm-module.mjs",
    "js/inlined.ts",
    "tools/toolchain.mjs",
    "node_modules/binaryen/package.json",
  ];
  const wasmInputs = ["Cargo.toml", "Cargo.lock", ...tools];
  await whenChanged("wasm", [...wasmInputs, "src"], CORE_FILES, rust.description, () => buildCore(rust));
  await whenChanged("reference", [...wasmInputs, "src"], REFERENCE_FILES, rust.description, () => buildReference(rust));
  await whenChanged("ml-dsa", [...wasmInputs, "src"], ML_DSA_FILES, rust.description, () => buildMlDsa(rust));
  const kernel = [...wasmInputs, "relaxed"];
  await whenChanged("relaxed", kernel, RELAXED_FILES, rust.description, () => buildRelaxed(rust));
  await whenChanged("argon2", [...wasmInputs, "argon2"], [ARGON2_FILE, ARGON2_WASM], rust.description, () =>
    buildArgon2(rust),
  );
  const packages = ["typescript", "esbuild", "oauth4webapi"].map((name) => `node_modules/${name}/package.json`);
  const jsInputs = [
    "js",
    "tsconfig.json",
    "tools/build.mjs",
    "tools/commonjs.mjs",
    "tools/declarations.mjs",
    ...packages,
  ];
  await whenChanged("pkg", jsInputs, ["pkg/esm", "pkg/cjs", "pkg/unplugin-client.d.ts"], "", buildPackage);
  const { billOfMaterials, SBOM } = await import("./sbom.mjs");
  write(SBOM, await billOfMaterials(rust));
  reportSize();
  return thisBuild(rust);
}

/** What `wasm.sha256` says of a build: the toolchain, a hash of the sources, and those of the modules. */
function thisBuild(rust) {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/binaryen/package.json"), "utf8"));
  return {
    toolchain: `${rust.description}; binaryen ${version}; ${process.platform} ${process.arch}`,
    sources: sourcesHash(filesIn),
    hashes: builtHashes(),
  };
}

const outputs = (functions, names) => [`${FUNCTIONS}/${functions}.json`, ...names.map((name) => `js/wasm/${name}`)];
const CORE_FILES = outputs("tokenward.wasm", ["inline.ts", "tokenward_bg.js", "tokenward_bg.wasm"]);
const REFERENCE_FILES = outputs("reference.wasm", ["reference.ts", "reference_bg.js", "reference_bg.wasm"]);
const ML_DSA_FILES = outputs("ml-dsa.wasm", ["ml-dsa.ts", "ml-dsa_bg.wasm"]);
const RELAXED_FILES = ["relaxed.ts", "relaxed_bg.wasm"].map((name) => `js/wasm/${name}`);
const ARGON2_FILE = "js/wasm/argon2.ts";
const ARGON2_WASM = "target/tokenward/argon2.wasm";

async function buildCore(rust) {
  const { wasm, glue } = await buildModule(rust, "tokenward.wasm");
  write("js/wasm/tokenward_bg.wasm", wasm);
  write("js/wasm/tokenward_bg.js", glue);
  write("js/wasm/inline.ts", await inlinedModule(wasm));
}

/**
 * A build of the core with its glue; the two find each other by short names. Which functions it has is kept for
 * tests/packaging: what is published has no names.
 */
async function buildModule(rust, name) {
  const { crate, features } = MODULES[name];
  // A second time, over what the first left, saves 0.1 kB of Brotli.
  const wasm = await buildWasm(rust, crate, ["--no-default-features", "--features", features], ["-Oz", "-Oz"]);
  const names = functionNames(readFileSync(join(root, `${CARGO_OUT}/${crate}.wasm`)));
  write(`${FUNCTIONS}/${name}.json`, JSON.stringify(names));
  const { withShortNames } = await import("./short-names.mjs");
  return withShortNames(wasm, glueFactory());
}

/** The same with the other engine. Its glue is a file of its own, since the two import different things. */
async function buildReference(rust) {
  const { wasm, glue } = await buildModule(rust, "reference.wasm");
  write("js/wasm/reference_bg.wasm", wasm);
  write("js/wasm/reference_bg.js", glue);
  write("js/wasm/reference.ts", await inlinedModule(wasm));
}

/** The same with ML-DSA beside the other algorithms. The glue is that of the first, so that tokenward/slim takes either. */
async function buildMlDsa(rust) {
  const { wasm, glue } = await buildModule(rust, "ml-dsa.wasm");
  if (glue !== readFileSync(join(root, "js/wasm/tokenward_bg.js"), "utf8")) {
    throw new Failure(
      "with ML-DSA the module has another glue than tokenward.wasm: what Rust imports or exports differs",
    );
  }
  write("js/wasm/ml-dsa_bg.wasm", wasm);
  write("js/wasm/ml-dsa.ts", await inlinedModule(wasm));
}

/**
 * wasm-bindgen's glue is a module that knows one instance for ever. As a function that makes it, each instance has its own:
 * after the end of the stack or of the memory, `js/core.ts` makes another instance, and nothing of the old one may reach it.
 */
function glueFactory() {
  const glue = shorterGlue(readFileSync(join(root, GLUE, "tokenward_bg.js"), "utf8"));
  const names = [...glue.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  const body = glue.replaceAll(/^export (?=class|function)/gm, "");
  if (/^(?:export|import)\b/m.test(body) || !names.includes("__wbg_set_wasm")) {
    throw new Failure("wasm-bindgen's glue has another form than glueFactory in tools/build.mjs expects");
  }
  return `export function makeGlue() {\n${body}\nreturn { ${names.join(", ")} };\n}\n`;
}

/** Only numbers cross its boundary: there is no glue, and nothing of wasm-bindgen. */
async function buildRelaxed(rust) {
  const crate = "tokenward-relaxed";
  const compiled = await compile(rust, crate, [], RELAXED);
  const wasm = await optimise(crate, compiled, { levels: ["-O1"], features: ["--enable-relaxed-simd"] });
  write("js/wasm/relaxed_bg.wasm", wasm);
  write("js/wasm/relaxed.ts", await inlinedModule(wasm));
}

/** Only numbers cross its boundary: there is no glue. */
async function buildArgon2(rust) {
  const wasm = await buildWasm(rust, "tokenward-argon2", []);
  write(ARGON2_WASM, wasm);
  write(ARGON2_FILE, await inlinedModule(wasm));
}

async function inlinedModule(wasm) {
  const { inlined } = await import("./inline.mjs");
  return `export const text: string =\n  ${JSON.stringify(inlined(wasm))};\n`;
}

/** A crate of the workspace as a WebAssembly module; its glue is left in GLUE. */
async function buildWasm(rust, crate, options, levels) {
  const compiled = await compile(rust, crate, options);
  await step("wasm-bindgen", async () => {
    // A small profile of its own compiles fast and disturbs no other.
    const settings = ['profile.tools.inherits="release"', "profile.tools.opt-level=0"];
    const profile = ["--profile", "tools", ...settings.flatMap((setting) => ["--config", setting])];
    const bindgen = ["--locked", "--target-dir", "target", "-p", "tokenward-bindgen", ...profile];
    await rust.native(["run", ...bindgen, "--", compiled, GLUE]);
  });
  const wasm = await optimise(crate, join(GLUE, "tokenward_bg.wasm"), { levels });
  const { withoutPanics } = await import("./panics.mjs");
  const { withAlikeTogether } = await import("./order.mjs");
  return withAlikeTogether(withoutPanics(wasm));
}

/** Answers where the module is. The same flags for all that share code, so that it is compiled once. */
async function compile(rust, crate, options, flags = []) {
  await step(`cargo: the WebAssembly module of ${crate}`, async () => {
    await rust.native(["fetch", "--locked"]);
    const what = ["--locked", "--target-dir", "target", "-p", crate, "--lib", "--crate-type", "cdylib", ...options];
    const env = rust.rustflags([...WASM_FLAGS, ...flags]);
    await rust.forTarget(["rustc", ...what, "--profile", "wasm"], { env });
  });
  return `${CARGO_OUT}/${crate.replaceAll("-", "_")}.wasm`;
}

async function optimise(crate, compiled, { levels = ["-Oz"], features = [] } = {}) {
  const optimised = join(GLUE, "tokenward.wasm");
  await step("wasm-opt", () =>
    runPackage("binaryen/bin/wasm-opt", [...levels, ...WASM_OPT, ...features, compiled, "-o", optimised]),
  );
  // Only now: it imports a package that setup installs.
  const { naturallyAligned } = await import("./inline.mjs");
  const wasm = naturallyAligned(readFileSync(join(root, optimised)));
  refuseMachinePaths(`the WebAssembly module of ${crate}`, wasm);
  return wasm;
}

// RSA is twice as fast with SIMD. SHA-2 without unrolled rounds: 3 KB less of Brotli, and hashing is a small part of a
// verification.
export const WASM_FLAGS = [
  ...["-C", "target-feature=+simd128"],
  ...["--cfg", 'sha2_backend="soft"', "--cfg", 'sha2_backend_soft="compact"'],
];

// The RSA kernel with fused multiply-adds lives from the order of its instructions, in which V8 finds registers for all of
// them: LLVM keeps the order of the source and leaves addresses as they are, and wasm-opt does no more than -O1.
export const RELAXED = [
  ...["-C", "target-feature=+relaxed-simd"],
  ...["-C", "llvm-args=-disable-lsr", "-C", "llvm-args=-pre-RA-sched=source"],
];

// Features that every runtime we support has had for years: SIMD, the youngest, is in Chrome 91, Firefox 89, Safari 16.4 and
// Node 16.4.
const WASM_OPT = [
  // The end of the stack is there, where nothing is but after an overflow: then an address and an offset are one instruction.
  "--low-memory-unused",
  // LLVM has inlined what pays. What stands alone is like other functions, of which compressors make more: 0.3 kB of Brotli.
  "--one-caller-inline-max-function-size=30",
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
  "--enable-multivalue",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-reference-types",
  "--enable-sign-ext",
  "--enable-simd",
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

/** Into a folder of its own, then put in place at once: whoever uses pkg/ meanwhile sees the old or the new one. */
async function buildPackage() {
  rmSync(join(root, PKG), { recursive: true, force: true });
  const tsc = (...args) => runPackage("typescript/bin/tsc", ["-p", "tsconfig.json", "--noEmit", "false", ...args]);
  await step("tsc: ES modules", () => tsc("--outDir", `${PKG}/esm`));
  await step("tsc: CommonJS", () =>
    tsc("--outDir", `${PKG}/cjs`, "--module", "commonjs", "--moduleResolution", "bundler"),
  );
  write(`${PKG}/cjs/package.json`, '{ "type": "commonjs" }\n');
  await step("esbuild: oauth4webapi for CommonJS", () => bundleOauth4webapi(`${PKG}/cjs`));
  // workerd knows only ES modules.
  for (const entry of ["workerd", "workerd-reference", "workerd-ml-dsa"]) {
    for (const type of ["js", "d.ts"]) rmSync(join(root, PKG, "cjs", `${entry}.${type}`));
  }
  // The command is an ES module, whoever calls it.
  for (const name of ["cli", "cli.js", "cli.d.ts"]) rmSync(join(root, PKG, "cjs", name), { recursive: true });
  for (const folder of ["esm", "cjs"]) importWebTypes(join(root, PKG, folder));
  cpSync(join(root, "js/unplugin/client.d.ts"), join(root, PKG, "unplugin-client.d.ts"));
  cpSync(join(root, "js/wasm/tokenward_bg.wasm"), join(root, PKG, "tokenward.wasm"));
  cpSync(join(root, "js/wasm/reference_bg.wasm"), join(root, PKG, "reference.wasm"));
  cpSync(join(root, "js/wasm/ml-dsa_bg.wasm"), join(root, PKG, "ml-dsa.wasm"));
  cpSync(join(root, "js/wasm/relaxed_bg.wasm"), join(root, PKG, "relaxed.wasm"));
  for (const file of filesIn(PKG)) refuseMachinePaths(file, readFileSync(join(root, file)));
  rmSync(join(root, "pkg"), { recursive: true, force: true });
  renameSync(join(root, PKG), join(root, "pkg"));
}

function refuseMachinePaths(name, bytes) {
  const found = bytes
    .toString("latin1")
    .match(/(?:\/(?:home|root|Users|tmp|build)\/|\.cargo\/|index\.crates\.io)[ -~]{0,60}/);
  if (found) throw new Failure(`${name} names a folder of this machine: ${found[0]}`);
  if (bytes.includes(root)) throw new Failure(`${name} names ${root}`);
}

function reportSize() {
  const modules = {
    "tokenward.wasm": readFileSync(join(root, "pkg/tokenward.wasm")),
    "relaxed.wasm": readFileSync(join(root, "pkg/relaxed.wasm")),
    "reference.wasm (tokenward/reference)": readFileSync(join(root, "pkg/reference.wasm")),
    "ml-dsa.wasm (tokenward/ml-dsa)": readFileSync(join(root, "pkg/ml-dsa.wasm")),
    "Argon2id (tokenward/pin)": readFileSync(join(root, ARGON2_WASM)),
  };
  for (const [name, wasm] of Object.entries(modules)) {
    const brotli = brotliCompressSync(wasm, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length } }).length;
    const sizes = { raw: wasm.length, gzip: gzipSync(wasm, { level: 9 }).length, brotli };
    const told = Object.entries(sizes).map(([form, bytes]) => `${(bytes / 1000).toFixed(1)} kB ${form}`);
    console.log(`  ${name}: ${told.join(", ")}`);
  }
}

/** Does the work unless the outputs exist and were made from the same inputs (files, folders, and `extra`). */
async function whenChanged(name, inputs, outputs, extra, work) {
  const stamp = join(root, "target/tokenward", `${name}.stamp`);
  const outputFiles = () => outputs.flatMap(filesIn).sort();
  const digest = () => digestOf(inputs.flatMap(filesIn).sort(), extra) + digestOf(outputFiles(), "");
  const complete = outputs.every((output) => existsSync(join(root, output)));
  if (complete && existsSync(stamp) && readFileSync(stamp, "utf8") === digest())
    return console.log(`  ${name}: up to date`);
  await work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest());
}

function digestOf(files, extra) {
  const hash = createHash("sha256").update(extra);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function filesIn(path) {
  const full = join(root, path);
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full).flatMap((name) => filesIn(join(path, name)));
}

function write(path, content) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

main(import.meta.url, async () => {
  const options = process.argv.slice(2);
  if (options.some((option) => option !== "--record")) {
    throw new Failure(`npm run build takes --record and nothing else, and not ${options.join(" ")}`);
  }
  const made = await build();
  if (options.includes("--record")) {
    writeRecord(made);
    console.log(`  ${RECORD}: written`);
    return;
  }
  const { comparable, reason, differ } = compareWithRecord(readRecord(), made);
  if (!comparable) console.log(`  ${RECORD}: not compared: ${reason}`);
  else if (differ.length === 0) console.log(`  ${RECORD}: the modules are those recorded, byte for byte`);
  else console.log(`  ${RECORD}: ${differ.join(", ")} differ from what the same toolchain made of the same sources`);
});
