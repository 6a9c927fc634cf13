// The conformance suite in workerd, the runtime of Cloudflare Workers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { conformanceTable, mlDsaTable } from "../conformance/table.mjs";
import { overflowGiven } from "./overflow-given.mjs";
import { startWorkerd } from "./workerd.mjs";

test("workerd", async (t) => {
  await conformanceTable();
  mlDsaTable();
  overflowGiven();
  const worker = await startWorkerd(fileURLToPath(new URL("workerd-worker.mjs", import.meta.url)));
  t.after(worker.close);
  const own = await passes(worker.url, "");
  assert.equal(own.instances, 2, "with the kernel for relaxed SIMD");
  const reference = await passes(new URL("reference", worker.url), ", reference engine");
  assert.equal(reference.instances, 3, "which has a module of its own");
  const mlDsa = await passes(new URL("ml-dsa", worker.url), ", ML-DSA");
  assert.equal(mlDsa.instances, 5, "which has a module of its own too, with the kernel for relaxed SIMD");
  const { wrong, overflows } = await (await fetch(new URL("overflow", worker.url))).json();
  assert.deepEqual(wrong, []);
  assert.ok(overflows > 100, `${overflows} stack overflows`);
});

test("workerd of 2024, which has no FinalizationRegistry: replaced keys and disposed verifiers leave no memory behind", async (t) => {
  await conformanceTable();
  mlDsaTable();
  overflowGiven();
  const source = fileURLToPath(new URL("workerd-worker.mjs", import.meta.url));
  const worker = await startWorkerd(source, { compatibilityDate: "2024-01-01" });
  t.after(worker.close);
  assert.deepEqual(await (await fetch(new URL("memory", worker.url))).json(), {
    hasRegistry: false,
    setKeys: 0,
    refused: 0,
    disposed: 0,
  });
});

async function passes(url, engine) {
  const { passed, failures, instances, agent } = await (await fetch(url)).json();
  assert.deepEqual(failures, []);
  assert.ok(passed > 0);
  console.log(`workerd (${agent})${engine}: ${passed} answers as they should be`);
  return { instances };
}
