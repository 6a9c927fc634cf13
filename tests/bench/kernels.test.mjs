// The fused RSA kernel is faster than the exact one where an engine fuses: the order of its instructions survived the toolchain.
// Two times of one run are compared, taken by turns: no time is judged by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BOUND, compareKernels, kernelSubjects } from "../../bench/kernels.mjs";
import { denoProgram } from "../runtimes/programs.mjs";

const TRIES = 3;

/** Node 20 does not know relaxed SIMD; Deno has V8 too, and is always here. */
const RUNTIMES = { "this Node": [process.execPath, []], Deno: [denoProgram(), ["run", "--allow-all"]] };

for (const [name, [program, args]] of Object.entries(RUNTIMES)) {
  test(`the fused kernel in ${name}`, (context) => {
    const subjects = kernelSubjects();
    let best = {};
    for (let time = 0; time < TRIES; time++) {
      const { fuses, ratios } = compareKernels(program, args, subjects);
      if (!fuses) return context.diagnostic("this engine does not fuse here: it never uses the kernel");
      for (const [row, ratio] of Object.entries(ratios)) best = { ...best, [row]: Math.min(best[row] ?? 9, ratio) };
      if (Object.values(best).every((ratio) => ratio < BOUND)) return;
    }
    assert.fail(`the fused kernel takes ${JSON.stringify(best)} of the exact one's time: is its code still in order?`);
  });
}
