// Key stores for tests: a fake clock, memory for a storage, keys with names.
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";
import { startProvider } from "./provider.mjs";

export const MINUTE = 60;
export const DAY = 86_400;

const keys = testKeys();
/** Four keys: `k1`, the bundled one, and others. */
export const k1 = { ...keys.ed25519.jwk, kid: "k1" };
export const k2 = { ...keys.otherEd25519.jwk, kid: "k2" };
export const k3 = { ...keys.p256.jwk, kid: "k3" };
export const k4 = { ...keys.otherP256.jwk, kid: "k4" };
export const privateKey = { ...keys.p256.privateJwk, kid: "private" };

/** A token of each key, valid for years. */
const claims = { ...CLAIMS, exp: NOW + 3000 * DAY };
const token = (key, alg, kid) => signed(key, { alg, kid }, claims);
export const tokens = {
  k1: token(keys.ed25519, "EdDSA", "k1"),
  k2: token(keys.otherEd25519, "EdDSA", "k2"),
  k3: token(keys.p256, "ES256", "k3"),
  k4: token(keys.otherP256, "ES256", "k4"),
};
export const invented = (number) => token(keys.ed25519, "EdDSA", `invented-${number}`);

/** A provider that is closed when the test ends. */
export async function providerFor(test, published) {
  const provider = await startProvider(published);
  test.after(() => provider.close());
  return provider;
}

/** `{ store, verifier, storage, clock, errors }`; another one over the same storage is another tab, or a reload. */
export function openStore(provider, { storage = memoryStorage(), clock = { now: NOW }, bundled = [k1], ...more } = {}) {
  const now = () => clock.now;
  const errors = [];
  const verifier = createVerifier({ jwks: bundled, issuer: ISSUER, audience: AUDIENCE, now });
  const where = more.issuer ? {} : { jwksUri: provider.jwksUri };
  const onError = (error) => errors.push(error);
  const store = createKeyStore({ verifier, bundled, storage, now, onError, ...where, ...more });
  return { store, verifier, storage, clock, errors };
}

/** The kids whose tokens a store takes. */
export function accepted(store) {
  return Object.keys(tokens).filter((kid) => store.safeVerify(tokens[kid]).ok);
}

/** Waits for something that happens elsewhere in this process. */
export async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
