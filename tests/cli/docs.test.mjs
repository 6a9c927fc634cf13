// The reference knows every command and option that there is.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COMMANDS, COMMON_OPTIONS } from "../../pkg/esm/cli/commands.js";

const reference = readFileSync(new URL("../../docs/reference.md", import.meta.url), "utf8");

for (const [name, { takes, options, exits }] of Object.entries(COMMANDS)) {
  test(`tokenward ${name} is in the reference, with its options and exit codes`, () => {
    assert.ok(reference.includes(`\`${name} ${takes}\``) || reference.includes(`\`${name} `), name);
    for (const [option, { short }] of Object.entries({ ...options, ...COMMON_OPTIONS })) {
      assert.ok(reference.includes(`\`--${option}\``), option);
      if (short !== undefined) assert.match(reference, new RegExp(`\`--${option}\`, \`-${short}\``));
    }
    assert.equal(exits.length, 2);
  });
}
