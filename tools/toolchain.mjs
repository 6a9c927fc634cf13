// The Rust toolchain for a target that is not this machine: WebAssembly, or bare metal.
//
// In this order: the cargo on the PATH if it has the target; `rustup target add`; Debian's `rustc-web`, which has no such
// target but the sources of the standard library, so that cargo builds it (-Zbuild-std) for the target.
// TOKENWARD_TOOLCHAIN=rustup or =debian allows only that one.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { debianRelease, installDebian, isDebian } from "./debian.mjs";
import { ask, Failure, root, run, step, which } from "./run.mjs";

export const WASM = "wasm32-unknown-unknown";
export const BARE_METAL = "thumbv7em-none-eabi";

/**
 * A toolchain for the target: `description` for people, `forTarget(args)` and `native(args)` run cargo, and
 * `rustflags` is for code that is published.
 */
export async function toolchain(target) {
  found[target] ??= await find(target);
  return found[target];
}

const found = {};

async function find(target) {
  const only = process.env.TOKENWARD_TOOLCHAIN;
  if (only && !["rustup", "debian"].includes(only)) {
    throw new Failure(`TOKENWARD_TOOLCHAIN is ${only}: it can be rustup or debian.`);
  }
  const reasons = [];
  for (const attempt of [only !== "debian" && installed, only !== "debian" && rustup, only !== "rustup" && debian]) {
    const answer = attempt && (await attempt(target));
    if (typeof answer === "string") reasons.push(answer);
    else if (answer) return answer;
  }
  throw new Failure(`No Rust toolchain can build for ${target}:\n- ${reasons.join("\n- ")}`);
}

async function installed(target) {
  const cargo = which("cargo");
  const rustc = which("rustc");
  if (!cargo || !rustc) return "there is no cargo and rustc on the PATH: install Rust, see https://rustup.rs";
  const version = await ask(rustc, ["--version"]);
  if (!isRecent(version)) return `${version ?? rustc} is too old, ${minimum()} is needed: try \`rustup update\``;
  const libraries = await ask(rustc, ["--print", "target-libdir", "--target", target]);
  const present =
    libraries && existsSync(libraries) && readdirSync(libraries).some((name) => name.startsWith("libcore"));
  if (!present) return `${version} (${rustc}) does not have the target`;
  return describe({ description: `${version}, which has ${target}`, cargo, target });
}

async function rustup(target) {
  if (!which("rustup")) return "there is no rustup to add it";
  const failed = join(root, "target", `rustup-${target}-failed`);
  if (isYoungerThanADay(failed)) return `\`rustup target add\` failed within the last day (${failed} remembers it)`;
  try {
    await step(`rustup target add ${target} (a download; given up after 5 minutes)`, () =>
      run("rustup", ["target", "add", target], { seconds: 300 }),
    );
    rmSync(failed, { force: true });
  } catch (error) {
    mkdirSync(dirname(failed), { recursive: true });
    writeFileSync(failed, "");
    return error.message;
  }
  return installed(target);
}

async function debian(target) {
  if (!isDebian()) return "this is not Debian, whose rustc-web could stand in";
  if (debianRelease() < 12) return "Debian 12 or newer has a rustc-web that could stand in, this is older";
  const cargo = "/usr/bin/cargo";
  const rustc = "/usr/bin/rustc";
  const missing = async () => [
    ...(isRecent(await ask(rustc, ["--version"])) ? [] : ["rustc-web"]),
    ...(existsSync(cargo) ? [] : ["cargo-web"]),
    ...(existsSync("/usr/lib/rustlib/src/rust/library/Cargo.lock") ? [] : ["rust-web-src"]),
    ...(target !== WASM || wasmLinker() ? [] : ["lld-19"]),
  ];
  const packages = await missing();
  if (packages.length > 0) await installDebian(packages, `Rust for ${target}`);
  const still = await missing();
  if (still.length > 0) return `Debian's ${still.join(", ")} cannot be had or is too old`;

  const linker = target === WASM ? { [`CARGO_TARGET_${variable(target)}_LINKER`]: wasmLinker() } : {};
  return describe({
    description: `Debian's ${await ask(rustc, ["--version"])}, building the standard library for ${target}`,
    cargo,
    // By their paths: cargo itself prefers those of rustup, if that is there too, which belong to another compiler.
    subcommands: { fmt: "/usr/bin/cargo-fmt", clippy: "/usr/bin/cargo-clippy" },
    target,
    env: { CARGO: cargo, RUSTC: rustc, RUSTDOC: "/usr/bin/rustdoc", PATH: `/usr/bin${delimiter}${process.env.PATH}` },
    targetEnv: { RUSTC_BOOTSTRAP: "1", ...linker },
    targetArgs: [`-Zbuild-std=${target === WASM ? "std,panic_abort" : "core,alloc"}`],
  });
}

function describe({ description, cargo, subcommands = {}, target, env = {}, targetEnv = {}, targetArgs = [] }) {
  const start = ([command, ...args], options, added) =>
    run(subcommands[command] ?? cargo, [command, ...args], { ...options, env: { ...added, ...options?.env } });
  return {
    description,
    isDebian: targetArgs.length > 0,
    native: (args, options) => start(args, options, env),
    forTarget: ([command, ...args], options) =>
      start([command, "--target", target, ...targetArgs, ...args], options, { ...env, ...targetEnv }),
    rustflags,
  };
}

/** Panics name source files: published code must not name this machine's folders. Needs the sources to be fetched. */
function rustflags(more = []) {
  const sources = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry", "src");
  const registries = existsSync(sources) ? readdirSync(sources).map((name) => join(sources, name)) : [];
  const flags = [...registries, root, "/usr/lib/rustlib/src/rust"].map((path) => `--remap-path-prefix=${path}=`);
  return { CARGO_ENCODED_RUSTFLAGS: [...flags, ...more].join("\x1f") };
}

function isRecent(version) {
  const [major, minor] = (version?.match(/\d+/g) ?? [0, 0]).map(Number);
  const [neededMajor, neededMinor] = minimum().split(".").map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

function minimum() {
  return readFileSync(join(root, "Cargo.toml"), "utf8").match(/^rust-version = "([\d.]+)"/m)[1];
}

function wasmLinker() {
  return ["wasm-ld", "wasm-ld-19", "wasm-ld-20", "wasm-ld-21"].map(which).find(Boolean);
}

function variable(target) {
  return target.toUpperCase().replaceAll("-", "_");
}

function isYoungerThanADay(path) {
  return existsSync(path) && Date.now() - statSync(path).mtimeMs < 86_400_000;
}
