// Whether a session can get fresh tokens is told before it runs out of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mapStorage, openTab } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";

const access_token = KEY.token({ sub: "ada" });

for (const [what, provider, refresh_token, refreshable] of [
  ["a provider and a refresh token", strictProvider(), "0.0", true],
  ["a provider, and no refresh token", strictProvider(), undefined, false],
  ["a refresh token, and no provider", null, "0.0", false],
]) {
  test(`with ${what}, a session is ${refreshable ? "" : "not "}refreshable, also after a restart`, async () => {
    const storage = mapStorage();
    const session = await openTab({ provider, storage });
    assert.equal(session.state.refreshable, false, "nobody is signed in");
    await session.signIn({ access_token, refresh_token });
    assert.deepEqual([session.state.reason, session.state.refreshable], ["valid", refreshable]);
    assert.equal((await openTab({ provider, storage })).state.refreshable, refreshable);
    await session.signOut();
    assert.equal(session.state.refreshable, false);
  });
}

test("a refresh token that comes with a later sign-in of the same person is news", async () => {
  const session = await openTab({ provider: strictProvider(), storage: mapStorage() });
  await session.signIn({ access_token });
  let changes = 0;
  session.addEventListener("change", () => changes++);
  await session.signIn({ access_token, refresh_token: "0.0" });
  assert.deepEqual([session.state.refreshable, changes > 0], [true, true]);
});
