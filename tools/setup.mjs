// Everything a build needs: Node, the npm packages, a Rust toolchain. Quick when nothing is missing.
//
//   node tools/setup.mjs
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root, run, step } from "./run.mjs";
import { toolchain, WASM } from "./toolchain.mjs";

/** Ensures that everything is there and says which Rust toolchain it is: see `toolchain`. */
export async function setup() {
  checkNode();
  await installPackages();
  return toolchain(WASM);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Failure(`Node 20.19 or newer is needed, this is ${process.versions.node}.`);
}

/** No package needs its install script: esbuild and workerd find their binaries among the optional packages without. */
async function installPackages() {
  if (packagesMatchLock()) return;
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  await step("npm ci", () =>
    run(npm[0], [...npm.slice(1), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]),
  );
}

/** npm records what it installed; packages for other systems are optional and may be absent. */
function packagesMatchLock() {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const present = JSON.parse(readFileSync(record, "utf8")).packages;
  const { "": _, ...wanted } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return (
    Object.keys(present).every((path) => wanted[path]) &&
    Object.entries(wanted).every(([path, { version, optional }]) =>
      present[path] ? present[path].version === version : optional === true,
    )
  );
}

main(import.meta.url, async () => {
  const { description } = await setup();
  console.log(`Node ${process.versions.node} · ${description}`);
});
