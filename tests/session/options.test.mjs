// What a session and a policy are told, and what they are not to hear.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, createPolicy } from "tokenward";
import { createSession } from "tokenward/session";

test("durations are seconds or texts with a unit", () => {
  const { grace, checkIn, rollbackTolerance } = createPolicy({ grace: "36h", checkIn: null, rollbackTolerance: 90 });
  assert.deepEqual([grace, checkIn, rollbackTolerance], [129_600, null, 90]);
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, "1 day", "1y", "", "-1h", true, {}, []]) {
    assert.throws(() => createPolicy({ grace: wrong }), ConfigError, String(wrong));
  }
});

test("a misspelt option is refused", () => {
  assert.throws(() => createPolicy({ graze: "1h" }), { code: "unknown_option" });
  assert.throws(() => createPolicy({ limited: { method: [] } }), { code: "unknown_option" });
  assert.throws(() => createSession({ verifier: {}, provider: null }), { code: "missing_option", option: "verifier" });
});

test("what code of the page has put on every object is no option", () => {
  Object.prototype.grace = "1000d";
  Object.prototype.checkIn = null;
  try {
    const { grace, checkIn } = createPolicy({});
    assert.deepEqual([grace, checkIn], [86_400, 604_800]);
  } finally {
    delete Object.prototype.grace;
    delete Object.prototype.checkIn;
  }
});
