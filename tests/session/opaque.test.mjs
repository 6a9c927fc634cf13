// An access token that is no JWT cannot be judged: what helps is said with the refusal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mapStorage, openTab, who } from "../support/device.mjs";
import { KEY } from "../support/tokens.mjs";

const remedy = /three segments.*this access_token is no signed JWT: .*"resource" or "audience".*token: "id_token"/;
const isRefused = ({ name, code, message, cause }) => {
  assert.deepEqual([name, code, cause?.code], ["TokenError", "malformed", "malformed"]);
  assert.match(message, remedy);
  assert.doesNotMatch(message, /secret/);
  return true;
};

test("at a sign-in", async () => {
  const session = await openTab({ provider: null, storage: mapStorage() });
  await assert.rejects(session.signIn({ access_token: "opaque-secret" }), isRefused);
  assert.equal(who(session), "signed_out");
});

test("at a refresh, which leaves the session as it was", async () => {
  const provider = { refresh: () => Promise.resolve({ access_token: "opaque-secret" }) };
  const session = await openTab({ provider, storage: mapStorage() });
  await session.signIn({ access_token: KEY.token({ sub: "ada" }), refresh_token: "one" });
  assert.equal(await session.refresh(), "invalid_token");
  assert.equal(isRefused(session.state.error), true);
  assert.equal(who(session), "ada");
});

test("beside an ID token that is judged in its place it is none of the session's business", async () => {
  const session = await openTab({ provider: null, storage: mapStorage(), token: "id_token" });
  await session.signIn({ access_token: "opaque-secret", id_token: KEY.token({ sub: "ada" }) });
  assert.deepEqual([who(session), session.accessToken], ["ada", "opaque-secret"]);
  await assert.rejects(session.signIn({ access_token: "opaque-secret", id_token: "opaque" }), ({ message }) => {
    assert.doesNotMatch(message, /access_token/);
    return true;
  });
});

test("a JWT that is malformed in another way is called no more than that", async () => {
  const session = await openTab({ provider: null, storage: mapStorage() });
  await assert.rejects(session.signIn({ access_token: "a.b.c" }), ({ code, message }) => {
    assert.equal(code, "malformed");
    assert.doesNotMatch(message, /audience/);
    return true;
  });
});
