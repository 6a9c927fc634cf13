// The examples with a package of their own, as they stand, with the package that was built.
import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
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
