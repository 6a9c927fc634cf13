// The conformance suite in workerd, the runtime of Cloudflare Workers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { conformanceTable } from "../conformance/table.mjs";
import { startWorkerd } from "./workerd.mjs";

test("workerd", async (t) => {
  await conformanceTable();
  const worker = await startWorkerd(fileURLToPath(new URL("workerd-worker.mjs", import.meta.url)));
  t.after(worker.close);
  const { passed, failures, instances, agent } = await (await fetch(worker.url)).json();
  assert.deepEqual(failures, []);
  assert.ok(passed > 0);
  assert.equal(instances, 2, "with the kernel for relaxed SIMD");
  console.log(`workerd (${agent}): ${passed} answers as they should be`);
});
