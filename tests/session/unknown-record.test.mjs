// What is stored and no session of this version: nobody is signed in by it, and it goes with the next sign-out or sign-in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isStored, mapStorage, openTab, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";

const ID = "0".repeat(32);
const tokens = { access_token: KEY.token({ sub: "ada" }), refresh_token: "0.0" };
const record = (more) => ({
  version: 1,
  generation: 1,
  sessionId: ID,
  user: ["https://login.example", "ada"],
  tokens,
  checkIn: { at: Math.floor(Date.now() / 1000), skew: 0, generation: 1 },
  ...more,
});
const stored = (more, generation = more.generation ?? 1) => `${ID} ${generation} ${JSON.stringify(record(more))}`;

/** A tab that finds a text where the session should be. */
async function finding(text) {
  const provider = strictProvider();
  provider.signIn("ada");
  const storage = mapStorage();
  storage.values.set("default.session", text);
  const session = await openTab({ provider, storage });
  return { provider, storage, session };
}

test("what this version wrote is a session", async () => {
  const { session } = await finding(stored({ unverified: tokens }));
  assert.equal(who(session), "ada");
});

for (const [what, text] of [
  ["null for tokens that wait for their key", stored({ unverified: null })],
  ["such tokens without one that is judged", stored({ unverified: { refresh_token: "0.1" } })],
  ["such tokens that are none", stored({ unverified: { ...tokens, access_token: 5 } })],
  ["a refresh token that is no text", stored({ tokens: { ...tokens, refresh_token: null } })],
  ["an ID token that is no text", stored({ tokens: { ...tokens, id_token: {} } })],
  ["the last generation that has 15 digits", stored({ generation: 999_999_999_999_999 })],
  ["another generation before the seal than in it", stored({}, 999_999_999_999)],
  ["something else", "something else"],
]) {
  test(`${what}: no session, and nothing of it stays after a sign-out`, async () => {
    const { provider, storage, session } = await finding(text);
    assert.equal(who(session), "signed_out");
    assert.equal(await session.refresh(), "signed_out");
    assert.deepEqual(provider.asked, []);
    await session.signOut();
    assert.equal(isStored(storage), false);
  });

  test(`${what}: whoever signs in next is stored in its place`, async () => {
    const { provider, storage, session } = await finding(text);
    await session.signIn(provider.signIn("bob"));
    assert.equal(session.state.persistent, true);
    assert.equal(who(await openTab({ provider, storage })), "bob");
  });
}
