/** Key sets as `npx tokenward` and builds read them: form and size checked, the very text taken by the strict reader. */
import { ConfigError, KeyStoreError } from "../errors.js";
import { createVerifier } from "../ml-dsa.js";
import type { FetchLimits } from "./fetch.js";
import { type KeySet, readSet } from "./jwks.js";
import { type Fetched, fetchKeys, type KeySource } from "./source.js";

/** As in a key store. */
export const MAX_BYTES = 524_288;
const MAX_KEYS = 100;

/**
 * A key for a verifier that only reads, from RFC 8037 appendix A.2. Its private half is published there: what it verifies is
 * worth nothing.
 */
export const READING_KEY = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };

/** Fetches a key set that the strict reader takes, or throws a {@link KeyStoreError}. `now` is in Unix seconds. */
export async function fetchPublished(
  source: KeySource,
  limits: FetchLimits,
  now: number,
): Promise<{ readonly set: KeySet; readonly fetched: Fetched }> {
  const fetched = await fetchKeys(source, undefined, limits, now);
  const set = readSet(fetched.text as string, MAX_KEYS);
  try {
    return { set: readStrictly(set), fetched };
  } catch (error) {
    throw error instanceof ConfigError ? new KeyStoreError("invalid_set", error.message) : error;
  }
}

/** The set, if the strict reader takes its very text; whether its keys can serve is another question. */
export function readStrictly(set: KeySet): KeySet {
  try {
    const reader = createVerifier({ jwks: [READING_KEY], issuer: null, audience: null });
    // Read to its end, whatever secret it holds.
    reader.setKeys(set.text, undefined, { published: true });
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code === "invalid_jwks") throw error;
  }
  return set;
}
