const { readFileSync } = require("node:fs");
const { createVerifier } = require("tokenward");
const { createGate } = require("tokenward/gate");
const { createKeyStore } = require("tokenward/keys");
const { passkeyProtection } = require("tokenward/passkey");
const { pinProtection } = require("tokenward/pin");
const { oauthProvider } = require("tokenward/providers");
const { createSession, noProtection } = require("tokenward/session");
const { memoryStorage } = require("tokenward/storage");

async function main() {
  const { token, jwks, issuer, audience } = JSON.parse(readFileSync("given.json", "utf8"));
  const storage = memoryStorage();
  const keys = createKeyStore({
    verifier: createVerifier({ jwks, issuer, audience }),
    bundled: jwks,
    jwksUri: `${issuer}/jwks`,
    storage,
  });
  const provider = oauthProvider({ issuer, clientId: audience });
  const session = createSession({ verifier: keys, provider, storage, protection: noProtection() });
  await session.start();
  const { claims } = await session.signIn({ access_token: token });
  const gate = createGate({ session, origin: "https://app.example", rules: [{ match: "/*" }] });
  const { allowed } = gate.decide({ url: "https://app.example/page", method: "GET" });
  const locked = pinProtection({ storage }).locked && passkeyProtection({ storage }).locked;
  console.log(claims.sub, allowed, locked);
  session.stop();
}

main();
