// The guide's session behind a PIN, run as it stands: signed in, refreshed, locked and unlocked.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { BUILT, makeFolder, writePrograms } from "./blocks.mjs";
import { Provider } from "./provider.mjs";

const provider = new Provider({ audience: "https://api.example" });
let folder;
let locked;

before(async () => {
  folder = makeFolder();
  await writePrograms("docs/offline.md", folder.path, { jwks: provider.jwks, replace: BUILT });
  mock.method(globalThis, "fetch", (input, init) => provider.fetch(input, init));
  locked = await import(pathToFileURL(join(folder.path, "locked.js")).href);
});
after(() => {
  locked.session.stop();
  mock.restoreAll();
  folder.remove();
});

test("a session behind a PIN refreshes for the same API, and is unlocked by its PIN alone", async () => {
  const { session, choosePin, unlock } = locked;
  await session.start();
  await choosePin("471100");
  // As the token endpoint answers who names the API in each request.
  await session.signIn(provider.signIn({ resource: "https://api.example" }));
  assert.equal(session.state.protectedBy, "pin");
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.state.access, "full");
  await session.lock();
  assert.equal(session.state.status, "locked");
  assert.equal(await unlock("000000"), "That is not the PIN.");
  assert.equal(await unlock("471100"), "unlocked");
  assert.equal(session.state.access, "full");
});
