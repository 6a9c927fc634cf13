// The example of the reference, run as it stands.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { FLAWS } from "tokenward/testing";
import { makeFolder, writePrograms } from "../docs/blocks.mjs";

let folder;
before(async () => {
  folder = makeFolder();
  await writePrograms("docs/reference.md", folder.path, { jwks: { keys: [] } });
});
after(() => folder.remove());

test("says what its comments say, of every flaw too", async () => {
  const said = [];
  mock.method(console, "log", (...words) => said.push(words));
  await import(pathToFileURL(join(folder.path, "testing.js")));
  mock.restoreAll();
  assert.deepEqual(said, [["ada"], ...Object.entries(FLAWS), [true, false]]);
});
