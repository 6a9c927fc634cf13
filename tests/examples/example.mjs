// The examples with a package of their own, as they stand, with the package that was built.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * A copy of an example in which `tokenward` is the built package: its folder. Other packages are found among those that the
 * tests have (`target/` is inside the repository).
 */
export function copyOf(name) {
  const folder = join(root, "target/examples", name);
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  const isSource = (path) => !path.includes("node_modules");
  cpSync(join(root, "examples", name), folder, { recursive: true, filter: isSource });
  const own = join(modules, "tokenward");
  rmSync(own, { recursive: true, force: true });
  // As npm installs it, and no link: a bundler then finds what it needs where it would in an app.
  mkdirSync(own);
  cpSync(join(root, "package.json"), join(own, "package.json"));
  symlinkSync(join(root, "pkg"), join(own, "pkg"), "dir");
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
