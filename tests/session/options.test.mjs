// What a session and a policy are told, and what they are not to hear.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, createPolicy } from "tokenward";
import { createSession } from "tokenward/session";
import { mapStorage, openTab } from "../support/device.mjs";
import { KEY } from "../support/tokens.mjs";

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

test("a request for access that is misspelt, or of a wrong type, does not ask for less", async () => {
  const session = await openTab({ provider: null, storage: mapStorage() });
  await session.signIn({ access_token: KEY.token({ sub: "ada", roles: ["editor"] }) });
  const wrong = [{ scope: null }, { scope: [undefined] }, { scope: {} }, { scopes: "admin" }, { access: "Full" }];
  for (const request of [
    ...wrong,
    { method: 5 },
    { method: ["POST"] },
    { role: 1 },
    { claims: true },
    null,
    5,
    "GET",
  ]) {
    assert.throws(() => session.access(request), ConfigError, JSON.stringify(request));
  }
  assert.equal(session.access({ method: "get" }).allowed, true);
  assert.equal(session.access({ role: "editor" }).allowed, true);
});

test("what code of the page has put on every object is no claim", async () => {
  const session = await openTab({ provider: null, storage: mapStorage() });
  await session.signIn({ access_token: KEY.token({ sub: "ada" }) });
  Object.prototype.roles = ["admin"];
  Object.prototype.scope = "write";
  try {
    assert.equal(session.access({ role: "admin" }).allowed, false);
    assert.equal(session.access({ scope: "write" }).allowed, false);
  } finally {
    delete Object.prototype.roles;
    delete Object.prototype.scope;
  }
});
