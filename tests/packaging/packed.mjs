// The package as npm would publish it, installed into an app of its own.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Packs the package: the path of the tarball and what is in it, `[{ path, size }]`. */
export async function pack() {
  const folder = mkdtempSync(join(tmpdir(), "tokenward-pack-"));
  const [{ filename, files }] = JSON.parse(await npm(root, "pack", "--json", "--pack-destination", folder));
  return { tarball: join(folder, filename), files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Makes an app from the files in `consumer/` and `extra` ones, with the tarball installed and `linked` packages of ours. */
export async function makeApp(tarball, { extra = {}, linked = [] } = {}) {
  const app = mkdtempSync(join(tmpdir(), "tokenward-app-"));
  cpSync(new URL("consumer", import.meta.url), app, { recursive: true });
  for (const [name, content] of Object.entries(extra)) writeFileSync(join(app, name), content);
  await npm(app, "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", tarball);
  for (const name of linked) {
    const place = join(app, "node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(root, "node_modules", name), place);
  }
  return { path: app, remove: () => rmSync(app, { recursive: true }) };
}

/** Runs a program in a folder and answers what it printed; what it printed is part of the error when it fails. */
export async function runIn(cwd, command, ...args) {
  try {
    return (await promisify(execFile)(command, args, { cwd, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    error.message += `\n${error.stdout}${error.stderr}`;
    throw error;
  }
}

/** Runs the program of one of our development packages, by the path of its JavaScript. */
export function runTool(cwd, path, ...args) {
  return runIn(cwd, process.execPath, join(root, "node_modules", path), ...args);
}

/** Runs npm in a folder. */
export function npm(cwd, ...args) {
  const path = process.env.npm_execpath;
  return path ? runIn(cwd, process.execPath, path, ...args) : runIn(cwd, "npm", ...args);
}
