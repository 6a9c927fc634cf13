// What some code of the page has put on every object there is, is no option, and nothing a provider has said.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { pinProtection } from "tokenward/pin";
import { fusionAuthProvider, oauthProvider } from "tokenward/providers";
import { memoryStorage } from "tokenward/storage";
import { ISSUER, KEY } from "../support/tokens.mjs";

/** Runs something while all objects inherit these. */
async function inheriting(members, work) {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
  }
  try {
    return await work();
  } finally {
    for (const name of Object.keys(members)) delete Object.prototype[name];
  }
}

const EVIL = "https://evil.example";

/** A fetch that notes where it was sent. */
function noting(answer) {
  const asked = [];
  const fetch = (url) => {
    asked.push(new URL(url).origin);
    return Promise.resolve(Response.json(answer(String(url))));
  };
  return { asked, fetch };
}

test("a key store asks its own issuer", async () => {
  const bundled = { keys: [KEY.jwk] };
  const verifier = createVerifier({ jwks: bundled, issuer: ISSUER, audience: "app" });
  const { asked, fetch } = noting((url) =>
    url.endsWith("openid-configuration") ? { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` } : bundled,
  );
  await inheriting({ jwksUri: `${EVIL}/keys`, jwks_uri: `${EVIL}/keys`, pin: true }, () => {
    const options = { verifier, bundled, issuer: ISSUER, storage: memoryStorage(), fetch };
    return createKeyStore(options).refresh();
  });
  assert.deepEqual([...new Set(asked)], [ISSUER]);
});

test("metadata without a key set have none", async () => {
  const bundled = { keys: [KEY.jwk] };
  const verifier = createVerifier({ jwks: bundled, issuer: ISSUER, audience: "app" });
  const { asked, fetch } = noting(() => ({ issuer: ISSUER }));
  await inheriting({ jwks_uri: `${EVIL}/keys` }, () => {
    const store = createKeyStore({ verifier, bundled, issuer: ISSUER, storage: memoryStorage(), fetch });
    return assert.rejects(store.refresh(), { code: "invalid_set" });
  });
  assert.deepEqual([...new Set(asked)], [ISSUER]);
});

test("refresh tokens go to the provider's own endpoint", async () => {
  const token = { access_token: "x", token_type: "Bearer" };
  const { asked, fetch } = noting((url) =>
    url.includes("well-known") ? { issuer: ISSUER, token_endpoint: `${ISSUER}/token` } : token,
  );
  const server = { issuer: EVIL, token_endpoint: `${EVIL}/token` };
  const answer = await inheriting({ server, tenantId: "evil", refresh_token: "evil" }, () =>
    oauthProvider({ issuer: ISSUER, clientId: "app", fetch }).refresh({ access_token: "x", refresh_token: "own" }),
  );
  assert.equal(answer.refresh_token, "own");
  await inheriting({ tenantId: "evil" }, () => {
    const look = (_url, { headers }) => {
      assert.deepEqual(Object.keys(headers).sort(), ["Accept", "Content-Type"]);
      return Promise.resolve(Response.json({ token: "x" }));
    };
    return fusionAuthProvider({ url: ISSUER, fetch: look }).refresh({ access_token: "x", refresh_token: "own" });
  });
  assert.deepEqual([...new Set(asked)], [ISSUER]);
});

test("a PIN costs what the app has said", async () => {
  await inheriting({ memory: 19_456, iterations: 1, minLength: 1 }, async () => {
    const protection = pinProtection({ storage: memoryStorage() });
    await assert.rejects(protection.setup("12345"), { code: "weak_secret" });
  });
});

test("what should be a function is one", () => {
  assert.throws(() => oauthProvider({ issuer: ISSUER, clientId: "app", fetch: 5 }), { option: "fetch" });
  assert.throws(() => oauthProvider({ issuer: ISSUER, clientId: "app", rejects: 5 }), { option: "rejects" });
  assert.throws(() => fusionAuthProvider({ url: ISSUER, fetch: 5 }), { option: "fetch" });
  assert.throws(() => pinProtection({ storage: memoryStorage(), now: 5 }), { option: "now" });
});
