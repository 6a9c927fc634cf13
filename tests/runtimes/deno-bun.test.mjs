// The conformance suite in Deno and in Bun.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { conformanceTable, mlDsaTable } from "../conformance/table.mjs";
import { overflowGiven } from "./overflow-given.mjs";
import { bunProgram, denoProgram } from "./programs.mjs";

const script = fileURLToPath(new URL("process.mjs", import.meta.url));

for (const [name, program, permissions] of [
  ["Deno", denoProgram(), ["run", "--allow-read"]],
  ["Bun", bunProgram(), ["run"]],
]) {
  test(name, async () => {
    await conformanceTable();
    mlDsaTable();
    overflowGiven();
    const { stdout } = await promisify(execFile)(program, [...permissions, script], { maxBuffer: 2 ** 26 });
    const { agent, own, reference, mlDsa, overflowed } = JSON.parse(stdout);
    assert.match(agent, new RegExp(`^${name}/`));
    assert.equal(own.instances, 2, "with the kernel for relaxed SIMD");
    for (const [engine, { passed, failures }] of Object.entries({ own, reference, "ML-DSA": mlDsa })) {
      assert.deepEqual(failures, []);
      assert.ok(passed > 0);
      console.log(`${agent}, ${engine} engine: ${passed} answers as they should be`);
    }
    assert.deepEqual(overflowed.wrong, []);
    assert.ok(overflowed.overflows > 100, `${overflowed.overflows} stack overflows`);
    console.log(`${agent}: ${overflowed.overflows} stack overflows changed nothing`);
  });
}
