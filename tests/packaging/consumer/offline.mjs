import { readFileSync } from "node:fs";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { passkeyProtection } from "tokenward/passkey";
import { pinProtection } from "tokenward/pin";
import { oauthProvider } from "tokenward/providers";
import { createSession, noProtection } from "tokenward/session";
import { memoryStorage } from "tokenward/storage";

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
