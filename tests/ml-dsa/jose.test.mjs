// jose has ML-DSA where WebCrypto has it: in Deno, in Bun, and in Node from 24 on.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bunProgram, denoProgram } from "../runtimes/programs.mjs";

const script = fileURLToPath(new URL("jose-inside.mjs", import.meta.url));
const programs = { Deno: [denoProgram(), "run", "--allow-read"], Bun: [bunProgram(), "run"] };
// TOKENWARD_NODE=/path/to/node tells of another one than this.
const node = process.env.TOKENWARD_NODE ?? (Number.parseInt(process.versions.node, 10) >= 24 && process.execPath);
if (node) programs.Node = [node, "--no-warnings"];

for (const [name, [program, ...args]] of Object.entries(programs)) {
  test(`jose in ${name}: the same answers, each with keys and tokens of the other's form`, async () => {
    const { stdout } = await promisify(execFile)(program, [...args, script], { maxBuffer: 2 ** 26 });
    const { agent, agreed, wrong } = JSON.parse(stdout);
    assert.deepEqual(wrong, []);
    assert.equal(agreed, 120);
    console.log(`${agent ?? name}: ${agreed} answers are those of jose`);
  });
}
