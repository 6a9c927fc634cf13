// The examples with a package of their own, as they stand, with the package that was built.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { npm, pack, runIn } from "../packaging/packed.mjs";
import { freePort } from "../runtimes/workerd.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));

let packed;

/**
 * A copy of an example in which `tokenward` is the packed package, as npm unpacks it: its folder. Other packages are found among
 * those that the tests have (`target/` is inside the repository).
 */
export async function copyOf(name) {
  const folder = join(root, "target/examples", name);
  const isSource = (path) => !path.includes("node_modules");
  cpSync(join(root, "examples", name), folder, { recursive: true, filter: isSource });
  const own = join(folder, "node_modules/tokenward");
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  packed ??= pack();
  const { tarball, remove } = await packed;
  process.once("exit", remove);
  await runIn(own, "tar", "-xzf", tarball, "--strip-components=1");
  return folder;
}

/**
 * An example with the packages of its own lock file, which are too large for everybody: its folder. They are installed where
 * its user would have them, once for each lock file.
 */
export function installed(name, size) {
  const folder = join(root, "examples", name);
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  const record = join(folder, "node_modules/.installed");
  if (!existsSync(record) || readFileSync(record, "utf8") !== lock) {
    console.log(`Installing the packages of examples/${name} from npm (${size})`);
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
    const args = [...npm.slice(1), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, stderr } = spawnSync(npm[0], args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`npm ci failed in examples/${name}:\n${stderr}`);
    writeFileSync(record, lock);
  }
  // npm copies the package only when it installs it: tested is the one that was built now.
  const own = join(folder, "node_modules/tokenward");
  rmSync(join(own, "pkg"), { recursive: true });
  cpSync(join(root, "pkg"), join(own, "pkg"), { recursive: true });
  cpSync(join(root, "package.json"), join(own, "package.json"));
  return folder;
}

/**
 * An example as its user has it: in a folder of its own, far from the repository, with the packages of its lock file, of which
 * `tokenward` is the packed one. `{ path, remove }`.
 */
export async function fromTarball(name) {
  const { tarball, remove } = await pack();
  const path = mkdtempSync(join(tmpdir(), `tokenward-${name}-`));
  try {
    const filter = (source) => !/[\\/](?:node_modules|dist)$/.test(source);
    cpSync(join(root, "examples", name), path, { recursive: true, filter });
    for (const file of ["package.json", "package-lock.json"]) {
      const text = readFileSync(join(path, file), "utf8");
      writeFileSync(join(path, file), text.replaceAll('"file:../.."', JSON.stringify(`file:${tarball}`)));
    }
    const args = ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    await npm(path, ...args);
  } finally {
    remove();
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Starts an example with a provider of its own, by what its package.json calls "start": `{ url, issuer, close }`. It is there
 * once it says where it is. `close` stops app, API and provider.
 */
export async function started(path, env = {}) {
  const [port, providerPort] = [await freePort(), await freePort()];
  const issuer = `http://127.0.0.1:${providerPort}`;
  const [program, ...args] = JSON.parse(readFileSync(join(path, "package.json"), "utf8")).scripts.start.split(" ");
  if (program !== "node") throw new Error(`"start" is not a program for Node: ${program}`);
  const own = { ...process.env, ...env, PORT: String(port), VITE_ISSUER: issuer };
  const server = spawn(process.execPath, args, { cwd: path, env: own, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const close = () => {
    server.kill();
    return ended;
  };
  const said = [];
  server.stderr.on("data", (chunk) => said.push(`${chunk}`));
  const ready = (async () => {
    for await (const line of createInterface(server.stdout)) {
      said.push(`${line}\n`);
      if (/http:\/\/127\.0\.0\.1:\d+$/.test(line)) return;
    }
    throw new Error(`"npm start" ended in ${path}:\n${said.join("")}`);
  })();
  await ready;
  server.stdout.resume();
  return { url: `http://127.0.0.1:${port}`, issuer, close };
}
