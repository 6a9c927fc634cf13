// The examples of the reference, run as they stand.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { FLAWS } from "tokenward/testing";
import { makeFolder, writePrograms } from "../docs/blocks.mjs";

let folder;
let port;
before(async () => {
  folder = makeFolder();
  port = await freePort();
  await writePrograms("docs/reference.md", folder.path, { jwks: { keys: [] }, replace: { 3017: `${port}` } });
});
after(() => folder.remove());

test("says what its comments say, of every flaw too", async () => {
  const said = [];
  mock.method(console, "log", (...words) => said.push(words));
  await import(pathToFileURL(join(folder.path, "testing.js")));
  mock.restoreAll();
  assert.deepEqual(said, [["ada"], ...Object.entries(FLAWS), [true, false]]);
});

test("an issuer on this device answers a key store, a refresh too, and its tokens hold by the system's clock", async (t) => {
  const { server, token } = await import(pathToFileURL(join(folder.path, "local-issuer.js")));
  t.after(() => server.close());
  if (!server.listening) await once(server, "listening");
  const issuer = `http://127.0.0.1:${port}`;
  const { jwks_uri } = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const jwks = await (await fetch(jwks_uri)).json();
  let now = Date.now();
  t.mock.method(Date, "now", () => now);
  const verifier = createVerifier({ jwks, issuer, audience: "my-api" });
  const keys = createKeyStore({ verifier, bundled: jwks, issuer });
  assert.deepEqual(await keys.refresh(), { outcome: "unchanged" });
  const bound = { sub: "ada", cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } };
  assert.deepEqual(verifier.verify(await token(bound)).claims.cnf, bound.cnf);
  now += 3_600_000;
  assert.equal(verifier.verify(await token({ sub: "ada" })).claims.sub, "ada", "an hour later");

  const form = { method: "POST", body: new URLSearchParams({ refresh_token: "made up" }) };
  const refused = await fetch(`${issuer}/token`, form);
  assert.deepEqual([refused.status, await refused.json()], [400, { error: "invalid_grant" }]);
  assert.equal((await fetch(`${issuer}/`)).status, 404);
});

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
