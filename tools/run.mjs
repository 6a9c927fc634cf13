// Runs commands: shows what they print, keeps it, and says so when one is silent for long.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** A failure whose message says everything a person needs: shown without a stack. */
export class Failure extends Error {}

/**
 * Runs a command in the repository and answers what it printed. Throws a `Failure` when it does not succeed.
 * `quiet` shows its output only when it fails; `seconds` bounds its time; `env` is added to the environment; `signal` ends it;
 * `silent` does not say that it is still running.
 */
export async function run(
  command,
  args,
  { cwd = root, env = {}, quiet = false, silent = false, seconds = Infinity, signal } = {},
) {
  const line = [command === process.execPath ? "node" : command, ...args].join(" ");
  const { code, output, late } = await new Promise((resolve, reject) => {
    const stdio = ["ignore", "pipe", "pipe"];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, signal });
    const heartbeat = silent ? { heard() {}, stop() {} } : watchSilence(line);
    const timer = seconds < Infinity && setTimeout(() => child.kill(), seconds * 1000);
    const chunks = [];
    const collect = (stream) => (chunk) => {
      chunks.push(chunk);
      heartbeat.heard(quiet);
      if (!quiet) stream.write(chunk);
    };
    child.stdout.on("data", collect(process.stdout));
    child.stderr.on("data", collect(process.stderr));
    child.on("error", (error) => {
      heartbeat.stop();
      clearTimeout(timer);
      reject(new Failure(`\`${line}\` cannot be started: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      heartbeat.stop();
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(chunks).toString(), late: signal !== null && seconds < Infinity });
    });
  });
  if (code === 0) return output;
  const why = late ? `did not finish in ${seconds} s` : `failed (exit code ${code})`;
  const failure = new Failure(quiet && output ? `${output.trimEnd()}\n\`${line}\` ${why}` : `\`${line}\` ${why}`);
  throw Object.assign(failure, { output });
}

/** Runs one of the programs of an npm package: its own JavaScript, so that it is the same on every system. */
export function runPackage(path, args, options) {
  return run(process.execPath, [join(root, "node_modules", path), ...args], options);
}

/** What a command prints, or `undefined` when it cannot be run. */
export async function ask(command, args, options) {
  try {
    return (await run(command, args, { ...options, quiet: true })).trim();
  } catch {
    return undefined;
  }
}

/** The full path of a program on the PATH, or `undefined`. */
export function which(name) {
  const places = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const names = process.platform === "win32" ? [`${name}.exe`, `${name}.cmd`] : [name];
  return places.flatMap((place) => names.map((each) => join(place, each))).find(existsSync);
}

/** Says what is done and how long it took. */
export async function step(title, work) {
  const started = performance.now();
  console.log(process.stdout.isTTY ? `\x1b[1m▸ ${title}\x1b[0m` : `▸ ${title}`);
  const answer = await work();
  console.log(`  ${title}: ${duration(performance.now() - started)}`);
  return answer;
}

export function duration(ms) {
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/**
 * The frame of every command; does nothing when the file (`import.meta.url`) is imported, not run.
 * A `Failure` is told without a stack, and any error ends with a failing exit code.
 */
export async function main(url, work) {
  if (fileURLToPath(url) !== realpathSync(process.argv[1] ?? ".")) return;
  await undefined; // until the file is read to its end, so that it can call this at its top
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Failure ? `\n✖ ${error.message}` : error);
    process.exitCode = 1;
  }
}

function watchSilence(line) {
  const started = performance.now();
  let last = started;
  const timer = setInterval(() => {
    if (performance.now() - last < 20_000) return;
    last = performance.now();
    console.log(`  … still running after ${Math.round((last - started) / 1000)} s: ${line.slice(0, 90)}`);
  }, 5000);
  return {
    heard: (quiet) => {
      if (!quiet) last = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}
