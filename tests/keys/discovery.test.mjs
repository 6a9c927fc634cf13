// Finding the key set by the issuer's metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3).
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { k1, k2, providerFor } from "./stores.mjs";

const OPENID = "/.well-known/openid-configuration";
const OAUTH = "/.well-known/oauth-authorization-server";

async function discovering(test, path = "") {
  const provider = await providerFor(test, [k2]);
  const issuer = provider.url + path;
  const verifier = createVerifier({ jwks: [k1], issuer, audience: null });
  const store = createKeyStore({ verifier, bundled: [k1], issuer, storage: memoryStorage(), timeout: 5 });
  const kids = () => store.keys.map(({ kid }) => kid);
  const paths = () => provider.requests.map((request) => request.path);
  return { provider, issuer, store, kids, paths, metadata: { issuer, jwks_uri: provider.jwksUri } };
}

test("by OpenID metadata, each time anew", async (t) => {
  const { provider, store, kids, paths, metadata } = await discovering(t);
  provider.discovery[OPENID] = metadata;
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(kids(), ["k2"]);
  provider.discovery[OPENID] = { ...metadata, jwks_uri: `${provider.url}/moved` };
  assert.deepEqual(await store.refresh(), { outcome: "unchanged" });
  assert.deepEqual(paths(), [OPENID, "/keys", OPENID, "/moved"]);
  // An ETag is of the address it came from.
  assert.equal(provider.requests[3].headers["if-none-match"], undefined);
});

test("of an issuer with a path, after it; OAuth's metadata, where there are no others, before it", async (t) => {
  const { provider, store, kids, paths, metadata } = await discovering(t, "/tenant");
  provider.discovery[`${OAUTH}/tenant`] = metadata;
  await store.refresh();
  assert.deepEqual(kids(), ["k2"]);
  assert.deepEqual(paths(), [`/tenant${OPENID}`, `${OAUTH}/tenant`, "/keys"]);
});

test("metadata that are another issuer's, by one character, are refused", async (t) => {
  const { provider, issuer, store, kids, metadata } = await discovering(t);
  for (const other of [`${issuer}/`, `${issuer}/tenant`, "https://login.example", issuer.replace("http", "HTTP")]) {
    provider.discovery[OPENID] = { ...metadata, issuer: other };
    await assert.rejects(store.refresh(), (error) => {
      assert.equal(error.code, "issuer_mismatch");
      for (const named of [issuer, other]) assert.ok(error.message.includes(JSON.stringify(named)), error.message);
      return true;
    });
  }
  assert.deepEqual(kids(), ["k1"]);
});

test("what another issuer is called is shown shortened and escaped", async (t) => {
  const { provider, store, metadata } = await discovering(t);
  for (const [other, shown] of [
    [`https://login.example/${"a".repeat(10_000)}`, /^.{0,600}$/],
    ["https://login.example/\u202e\n\u0007\u{1f600}", /\\u202e\\n\\u0007\\ud83d\\ude00/],
  ]) {
    provider.discovery[OPENID] = { ...metadata, issuer: other };
    await assert.rejects(store.refresh(), { code: "issuer_mismatch", message: shown });
  }
});

test("what is no metadata is refused", async (t) => {
  const { provider, issuer, store, kids, metadata } = await discovering(t);
  const answers = ["<!doctype html><title>Wi-Fi</title>", "", "null", "[]", "{}", '{"issuer":7}', { issuer }];
  for (const answer of [...answers, { ...metadata, jwks_uri: "/keys" }, { ...metadata, jwks_uri: 7 }]) {
    provider.discovery[OPENID] = answer;
    await assert.rejects(store.refresh(), { code: "invalid_set" }, JSON.stringify(answer));
  }
  provider.discovery[OPENID] = `{"pad":"${" ".repeat(524_288)}"}`;
  await assert.rejects(store.refresh(), { code: "too_large" });
  assert.deepEqual(kids(), ["k1"]);
});

test("no metadata at all: http_status", async (t) => {
  const { store } = await discovering(t);
  await assert.rejects(store.refresh(), { code: "http_status", status: 404 });
});

test("a key set that is not on https is not fetched", async (t) => {
  const { provider, store, kids, metadata } = await discovering(t);
  for (const jwks_uri of ["http://login.example/keys", "file:///keys", "http://127.0.0.1.example/keys"]) {
    provider.discovery[OPENID] = { ...metadata, jwks_uri };
    await assert.rejects(store.refresh(), { code: "insecure_url" }, jwks_uri);
  }
  assert.deepEqual(kids(), ["k1"]);
});

test("an issuer on https cannot send the app to this device", async () => {
  const issuer = "https://login.example";
  const fetch = () => Promise.resolve(Response.json({ issuer, jwks_uri: "http://127.0.0.1:9/keys" }));
  const verifier = createVerifier({ jwks: [k1], issuer, audience: null });
  const store = createKeyStore({ verifier, bundled: [k1], issuer, storage: memoryStorage(), fetch });
  await assert.rejects(store.refresh(), { code: "insecure_url" });
});
