// npm run rebuild: builds everything once more, from nothing and in another folder, and compares the modules byte for byte with
// those here. As long as a first build takes; `npm run build` comes first.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { builtHashes, MODULES } from "./modules.mjs";
import { ask, Failure, main, root, run, step } from "./run.mjs";

main(import.meta.url, async () => {
  const here = builtHashes();
  const folder = mkdtempSync(join(tmpdir(), "tokenward-rebuild-"));
  try {
    // What git knows, as it is now: nothing that a build left behind.
    const files = (await ask("git", ["ls-files", "-z"]))?.split("\0").filter(Boolean);
    if (files === undefined) throw new Failure("npm run rebuild needs git, which knows what belongs to the sources");
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(root, file), join(folder, file));
    }
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
    await step("The build in another folder", () =>
      run(process.execPath, ["tools/build.mjs"], { cwd: folder, quiet: true }),
    );
    const there = builtHashes(folder);
    const differ = Object.keys(MODULES).filter((name) => here[name] !== there[name]);
    if (differ.length > 0) throw new Failure(`other bytes in another folder: ${differ.join(", ")}`);
    for (const [name, hash] of Object.entries(there)) console.log(`${hash}  ${name}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
