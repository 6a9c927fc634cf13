// The conformance suite in Node: as ES module, as CommonJS, without the inlined module, with the reference engine, and with
// ML-DSA.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "tokenward";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import * as slim from "tokenward/slim";
import { run } from "../conformance/suite.mjs";
import { conformanceTable, mlDsaTable } from "../conformance/table.mjs";

const require = createRequire(import.meta.url);
const table = await conformanceTable();

test("ES module", () => passes("Node, ES module", esm));

test("CommonJS", () => passes("Node, CommonJS", require("tokenward")));

test("the reference engine", () => {
  passes("Node, reference engine, ES module", reference);
  passes("Node, reference engine, CommonJS", require("tokenward/reference"));
});

test("ML-DSA beside the other algorithms", () => {
  for (const [format, api] of Object.entries({ "ES module": mlDsa, CommonJS: require("tokenward/ml-dsa") })) {
    passes(`Node, tokenward/ml-dsa, ${format}`, api);
    passes(`Node, tokenward/ml-dsa, ${format}, ML-DSA`, api, mlDsaTable());
  }
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

function passes(name, api, cases = table) {
  const { passed, failures } = run(api, cases);
  assert.deepEqual(failures, []);
  assert.ok(passed > 0);
  console.log(`${name}: ${passed} answers as they should be`);
}
