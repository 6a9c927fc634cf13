// The conformance suite in Node: as ES module, as CommonJS, without the inlined module, and with the reference engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "tokenward";
import * as reference from "tokenward/reference";
import * as slim from "tokenward/slim";
import { run } from "../conformance/suite.mjs";
import { conformanceTable } from "../conformance/table.mjs";

const require = createRequire(import.meta.url);
const table = await conformanceTable();

test("ES module", () => passes("Node, ES module", esm));

test("CommonJS", () => passes("Node, CommonJS", require("tokenward")));

test("the reference engine", () => {
  passes("Node, reference engine, ES module", reference);
  passes("Node, reference engine, CommonJS", require("tokenward/reference"));
});

test("slim, with a module that was compiled elsewhere", () => {
  const slimCjs = require("tokenward/slim");
  slimCjs.init(new WebAssembly.Module(readFileSync(require.resolve("tokenward/tokenward.wasm"))));
  passes("Node, slim, CommonJS", slimCjs);
  slim.init(
    readFileSync(require.resolve("tokenward/tokenward.wasm")),
    readFileSync(require.resolve("tokenward/relaxed.wasm")),
  );
  passes("Node, slim, ES module", slim);
});

function passes(name, api) {
  const { passed, failures } = run(api, table);
  assert.deepEqual(failures, []);
  assert.ok(passed > 0);
  console.log(`${name}: ${passed} answers as they should be`);
}
