// `npm run bench -- edge`, for a moment: it works, and finds no wrong answer of ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { edge } from "../../bench/edge.mjs";

test("a worker under load, whose key server rotates, is down, slow, or lies", async () => {
  const { rates, phases } = await edge({ quick: true });
  for (const { open, guarded } of Object.values(rates)) assert.ok(Math.min(...open, ...guarded) > 0);
  for (const { tokenward } of Object.values(phases)) {
    assert.ok(tokenward.open.length > 0 && tokenward.good.length > 0);
    assert.deepEqual(tokenward.wrong, []);
  }
});
