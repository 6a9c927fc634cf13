// The quick start of the README, run as it stands.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { makeFolder, writePrograms } from "./blocks.mjs";
import { Provider } from "./provider.mjs";

const provider = new Provider({ audience: "my-app" });
const said = [];
let folder;

before(async () => {
  folder = makeFolder();
  await writePrograms("README.md", folder.path, { jwks: provider.jwks });
  mock.method(globalThis, "fetch", (input, init) => provider.fetch(input, init));
  mock.method(console, "log", (...words) => said.push(words));
});
after(() => {
  mock.restoreAll();
  folder.remove();
});

test("the quick start says what may be done, before and after signing in, online and not", async () => {
  await import(pathToFileURL(join(folder.path, "main.js")));
  const { session } = await import(pathToFileURL(join(folder.path, "auth.js")));
  assert.deepEqual(said, [[false, "none", "signed_out"]]);
  await session.signIn(provider.signIn());
  assert.equal(session.access({ method: "PUT" }).allowed, true);
  assert.equal(await session.refresh(), "refreshed");
  provider.reachable = false;
  assert.equal(await session.refresh(), "unavailable");
  assert.deepEqual([session.state.status, session.state.access], ["signed_in", "full"]);
  session.stop();
});
