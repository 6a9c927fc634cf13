// What README and docs show compiles, strictly, against the built package.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { blocksOf, makeFolder, PAGES, root, writeBlocks } from "./blocks.mjs";

const OPTIONS = {
  target: "es2022",
  module: "nodenext",
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  resolveJsonModule: true,
  allowJs: true,
  checkJs: true,
  skipLibCheck: true,
  noEmit: true,
};

/** A page of prose alone. */
const PROSE = [
  "docs/audit.md",
  "docs/concepts.md",
  "docs/decisions.md",
  "docs/fuzzing.md",
  "docs/mutants.md",
  "docs/vectors.md",
];

describe("the code in README and docs", () => {
  let folder;
  before(() => {
    folder = makeFolder();
    for (const name of ["given.d.ts", "express.d.ts", "jsonwebtoken.d.ts", "node.d.ts"]) {
      copyFileSync(new URL(name, import.meta.url), join(folder.path, name));
    }
    // A package finds its own types by its name in imports, and not in a reference to types as an app has it.
    copyFileSync(join(root, "pkg/unplugin-client.d.ts"), join(folder.path, "unplugin-client.d.ts"));
    for (const page of PAGES) writeBlocks(page, join(folder.path, folderOf(page)));
    // As docs/fusionauth.md says: its auth.ts, beside the other files of the guide.
    for (const page of ["docs/offline.md", "docs/fusionauth.md"]) writeBlocks(page, join(folder.path, "fusionauth"));
  });
  after(() => folder.remove());

  test("is there to be compiled, under names of its own", () => {
    for (const page of PAGES) {
      const names = blocksOf(page).map(({ name }) => name);
      assert.equal(names.length > 0, !PROSE.includes(page), page);
      assert.equal(new Set(names).size, names.length, page);
    }
  });

  test("compiles in a page", () => compile(folder.path, { lib: ["es2022", "dom"], exclude: ["**/sw.ts"] }));

  test("compiles in a service worker", () =>
    compile(folder.path, { lib: ["es2022", "webworker"], include: ["*.d.ts", "**/env.d.ts", "**/sw.ts"] }));
});

const folderOf = (page) => page.replace(/\W/g, "-");

async function compile(path, { lib, ...files }) {
  const project = join(path, "tsconfig.json");
  writeFileSync(project, JSON.stringify({ compilerOptions: { ...OPTIONS, lib }, ...files }));
  try {
    await promisify(execFile)(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project]);
  } catch (error) {
    assert.fail(`${error.stdout}${error.stderr}\n(folders are pages, files are their blocks in order)`);
  }
}
