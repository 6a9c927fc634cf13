// The end of the stack, wherever it comes: an engine's own error, and every later answer is right.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "tokenward";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import { mlDsaKeys } from "../conformance/ml-dsa.mjs";
import { signed } from "../conformance/tokens.mjs";
import { overflow } from "../runtimes/overflow.mjs";
import { overflowGiven } from "../runtimes/overflow-given.mjs";

const given = overflowGiven();
const ML_DSA = mlDsaKeys().map(({ alg, jwk, ...key }) => {
  const token = signed(key, { alg });
  return { jwk, token, forged: `${token.slice(0, -8)}AAAAAAAA` };
});
const require = createRequire(import.meta.url);

for (const [name, api, dives, what = given] of [
  ["our engine", esm, 60],
  ["CommonJS", require("tokenward"), 10],
  ["the reference engine", reference, 10],
  ["ML-DSA", mlDsa, 3, { ...given, kinds: ML_DSA }],
]) {
  test(`${name}: thousands of stack overflows around every call change no answer, then or later`, () => {
    const { calls, overflows, wrong } = overflow(api, what, dives);
    assert.deepEqual(wrong, []);
    assert.ok(overflows > 20 * dives && overflows < calls, `${overflows} of ${calls} calls met the end of the stack`);
  });
}
