// In a fresh clone no package is installed yet: whatever the commands of the README load before they install must be our own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const tools = fileURLToPath(new URL("../../tools/", import.meta.url));

/** What a file imports when it is loaded; not what it imports later, by `import()`. */
function importsOf(file) {
  const statement = /^(?:import|export \*|export \{[^}]*\})(?:\s[^;"]*)?\s"([^"]+)";/gm;
  return [...readFileSync(file, "utf8").matchAll(statement)].map(([, name]) => name);
}

for (const command of ["start.mjs", "test.mjs", "build.mjs", "check.mjs", "setup.mjs"]) {
  test(`${command} loads without an installed package`, () => {
    const seen = new Set();
    const left = [join(tools, command)];
    for (const file of left) {
      for (const name of importsOf(file)) {
        if (name.startsWith("node:")) continue;
        assert.match(
          name,
          /^\.\.?\//,
          `${file.slice(tools.length)} imports ${name}: use import() once it is installed`,
        );
        const next = join(file, "..", name);
        if (!seen.has(next)) left.push(next);
        seen.add(next);
      }
    }
    assert.ok(seen.size > 0);
  });
}
