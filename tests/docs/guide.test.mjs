// The code in docs/offline.md is the sample's, to the letter.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { guide, SAMPLE } from "../../tools/guide.mjs";
import { blocksOf, root } from "./blocks.mjs";

test("the guide shows the sample's files as they are", () => {
  const { page, wanted } = guide();
  assert.equal(page, wanted, "run `npm run quotes`");
});

test("it leaves out none of the app's source, and has next to no code of its own", () => {
  const { files } = guide();
  const sources = readdirSync(join(root, SAMPLE, "src")).filter((name) => name.endsWith(".ts"));
  assert.deepEqual(files.filter((path) => /^src\//.test(path)).sort(), sources.map((name) => `src/${name}`).sort());
  const own = blocksOf("docs/offline.md").filter(({ name }) => name.startsWith("block-"));
  assert.equal(own.length, 1, "that on a second factor");
});
