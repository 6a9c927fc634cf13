// The key stores of docs/edge.md, as they stand: one with KV, and one for Entra beside another issuer.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ISSUER, signer } from "../support/tokens.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const [old, fresh] = [signer("old"), signer("fresh")];

/** The block of that name, built beside these keys; `answer` stands for the network. */
async function built(t, name, jwks, answer) {
  const folder = makeFolder();
  t.after(() => folder.remove());
  t.mock.method(globalThis, "fetch", async (input) => answer(String(input)));
  await writePrograms("docs/edge.md", folder.path, { jwks, replace: { '"RS256"': '"EdDSA"' } });
  return import(pathToFileURL(join(folder.path, `${name}.js`)));
}

const bundle = (key, at) => ({ keys: [key.jwk], tokenward: { fetched_at: new Date(at).toISOString() } });

test("a bundle that is fresher than the set in KV is used in its place, and a withdrawn key with it is not", async (t) => {
  const values = new Map();
  const KEYS = {
    get: async (key) => values.get(key) ?? null,
    put: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
  };
  const kidsOf = ({ keys }) => keys.keys.map(({ kid }) => kid);
  const now = Date.now();
  const publish = (url) => {
    const metadata = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` };
    return Response.json(url.endsWith("/jwks") ? { keys: [old.jwk] } : metadata);
  };
  const first = (await built(t, "keys", bundle(old, now - 60_000), publish)).gateOf({ KEYS });
  await first.keys.refresh();
  assert.ok(values.size > 0);

  const down = () => assert.fail("the network was asked");
  const older = (await built(t, "keys", bundle(fresh, now - 60_000), down)).gateOf({ KEYS });
  await older.keys.load();
  assert.deepEqual(kidsOf(older), ["old"], "a bundle made before is no fresher");
  const redeployed = (await built(t, "keys", bundle(fresh, now + 60_000), down)).gateOf({ KEYS });
  await redeployed.keys.load();
  assert.deepEqual(kidsOf(redeployed), ["fresh"]);
});

test("one key store for Entra and another issuer asks each for its own keys", async (t) => {
  const asked = [];
  const { keys } = await built(t, "tenants", { keys: [old.jwk] }, (url) => {
    asked.push(url);
    throw new TypeError("fetch failed");
  });
  await assert.rejects(keys.refresh(), { code: "unreachable" });
  assert.deepEqual(asked.sort(), [
    "https://example.eu.auth0.com/.well-known/openid-configuration",
    "https://login.microsoftonline.com/common/discovery/v2.0/keys",
  ]);
});
