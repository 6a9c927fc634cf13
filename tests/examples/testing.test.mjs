// examples/testing, from the packed tarball: tokenward/testing in the test runners that people have.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { browsers } from "../../tools/browsers.mjs";
import { fromTarball } from "./example.mjs";

describe("examples/testing", () => {
  let folder;
  before(async () => {
    folder = await fromTarball("testing");
  });
  after(() => folder?.remove());

  /** What a script of the example prints. It runs as its user would start it: not inside this test runner, and without colors. */
  async function run(script) {
    const { chromium } = await browsers();
    const { NODE_TEST_CONTEXT: _inside, FORCE_COLOR: _colors, ...env } = process.env;
    const options = { cwd: folder.path, encoding: "utf8", env: { ...env, NO_COLOR: "1", CHROMIUM: chromium } };
    const { status, stdout, stderr } = spawnSync("npm", ["run", script], options);
    assert.equal(status, 0, stdout + stderr);
    return stdout + stderr;
  }

  for (const [script, passed] of [
    ["test:node", /^# pass 3$|^ℹ pass 3$/m],
    ["test:vitest", /Tests +3 passed \(3\)/],
    ["test:jest", /Tests: +3 passed, 3 total/],
    ["test:playwright", /1 passed/],
  ]) {
    test(script, async () => assert.match(await run(script), passed));
  }
});
