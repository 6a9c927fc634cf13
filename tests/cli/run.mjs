// The command as a process: as a script calls it, and as a person does on a terminal.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CLI = fileURLToPath(new URL("../../pkg/esm/cli.js", import.meta.url));

/** Runs `tokenward` to its end: `{ code, out, err }`. Nothing of the tester's own environment changes what it prints. */
export function run(args, options) {
  return ended(spawn(process.execPath, [CLI, ...args], { env: environment(options) }), options);
}

/** The same on a pseudo-terminal, which mixes both outputs; what is typed comes from `input`. */
export function runOnTerminal(args, options) {
  const command = [process.execPath, CLI, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return ended(spawn("script", ["-qec", command, "/dev/null"], { env: environment(options) }), options);
}

/** The one JSON object that it prints. */
export async function runJson(args, options) {
  const { code, out, err } = await run([...args, "--json"], options);
  return { code, err, ...JSON.parse(out) };
}

function environment({ env = {} } = {}) {
  return { PATH: process.env.PATH, TERM: "xterm-256color", NODE_NO_WARNINGS: "1", ...env };
}

function ended(child, { input = "" } = {}) {
  const text = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text.out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    text.err += chunk;
  });
  // It may have ended without reading.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...text }));
  });
}

/** A folder for a test's files. */
export function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), "tokenward-cli-"));
  return { path, file: (name) => join(path, name), remove: () => rmSync(path, { recursive: true }) };
}
