// tokenward/slim takes ml-dsa.wasm in place of tokenward.wasm.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as slim from "tokenward/slim";
import { run } from "../conformance/suite.mjs";
import { mlDsaTable } from "../conformance/table.mjs";

const require = createRequire(import.meta.url);

test("tokenward/slim with ml-dsa.wasm answers as tokenward/ml-dsa does", () => {
  slim.init(readFileSync(require.resolve("tokenward/ml-dsa.wasm")));
  const { passed, failures } = run(slim, mlDsaTable());
  assert.deepEqual(failures, []);
  assert.ok(passed > 0);
});
