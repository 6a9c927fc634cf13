// No two files of js/ need each other, not even for a type: `npm run check` shows whatever circle there is.
import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkImports, importCircles } from "../../tools/import-circles.mjs";

const js = fileURLToPath(new URL("../../js", import.meta.url));

/** What is found in a folder of its own. */
function inFolder(t, fill) {
  const folder = mkdtempSync(join(tmpdir(), "tokenward-imports-"));
  t.after(() => rmSync(folder, { recursive: true }));
  fill(folder);
  return folder;
}

function written(t, files) {
  return inFolder(t, (folder) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  });
}

test("there is no circle", () => assert.deepEqual(importCircles(js), []));

test("one that is added for a type alone fails the check, which shows it", (t) => {
  const copy = inFolder(t, (folder) => cpSync(js, folder, { recursive: true }));
  checkImports(copy);
  appendFileSync(join(copy, "gate/target.ts"), '\nimport type { CheckedRule } from "./rules.js";\n');
  assert.deepEqual(importCircles(copy), [["gate/rules.ts", "gate/target.ts"]]);
  assert.throws(() => checkImports(copy), /gate\/rules\.ts\n +→ gate\/target\.ts\n +→ gate\/rules\.ts$/);
});

for (const [what, line] of [
  ["import", 'import { b } from "./b/b.js";'],
  ["import type", 'import type { B } from "./b/b.js";'],
  ["an import of several lines", 'import {\n  b,\n  type B,\n} from "./b/b.js";'],
  ["an import for its effects", 'import "./b/b.js";'],
  ["export from", 'export { b } from "./b/b.js";'],
  ["export *", 'export * from "./b/b.js";'],
  ["import()", 'const b = await import("./b/b.js");'],
  ["a type's import()", 'type B = import("./b/b.js").B;'],
]) {
  test(`${what} counts`, (t) => {
    const folder = written(t, { "a.ts": line, "b/b.ts": 'import type { A } from "../a.js";' });
    assert.deepEqual(importCircles(folder), [["a.ts", "b/b.ts"]]);
  });
}

test("what only one side imports, packages and other kinds of files are no circle", (t) => {
  const folder = written(t, {
    "a.ts": 'import { b } from "./b.js";\nimport { openDB } from "idb";',
    "b.ts": 'import { c } from "./c.js";\nimport wasm from "./a.wasm";',
    "c.ts": "export const c = 1;",
  });
  assert.deepEqual(importCircles(folder), []);
});

test("of each knot a shortest circle is shown, once", (t) => {
  const folder = written(t, {
    "a.ts": 'import "./b.js";',
    "b.ts": 'import "./c.js";\nimport "./a.js";',
    "c.ts": 'import "./a.js";',
    "self.ts": 'import "./self.js";',
  });
  assert.deepEqual(importCircles(folder), [["a.ts", "b.ts"], ["self.ts"]]);
});
