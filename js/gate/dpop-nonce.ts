/** Nonces that a server gives to clients for their proofs (RFC 9449 section 9). */
import { ConfigError } from "../errors.js";
import { base64url } from "../thumbprint.js";

/** The nonces that are accepted at a time, in Unix seconds: the one that clients are given first. */
export type Nonces = (now: number) => Promise<readonly string[]>;

/**
 * Nonces that nobody has to store: an HMAC of the number of the period, which is `lifetime` seconds long. All clients of
 * all servers with that secret get the same one, which RFC 9449 section 8 allows. The periods before and after this one count too: a
 * client keeps its nonce a while, and another server's clock may be ahead.
 */
export function rotatingNonces(secret: Uint8Array<ArrayBuffer>, lifetime: number): Nonces {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  let key: Promise<CryptoKey> | undefined;
  let last: { readonly period: number; readonly nonces: Promise<readonly string[]> } | undefined;
  const nonceOf = async (period: number) => {
    key ??= crypto.subtle.importKey("raw", secret, hmac, false, ["sign"]);
    const text = new TextEncoder().encode(`DPoP-Nonce ${lifetime} ${period}`);
    return base64url(await crypto.subtle.sign(hmac, await key, text));
  };
  return (now) => {
    const period = Math.floor(now / lifetime);
    if (last?.period !== period) last = { period, nonces: Promise.all([period, period - 1, period + 1].map(nonceOf)) };
    return last.nonces;
  };
}

/** Nonces of the app's own: one text, or several with the newest first. */
export function givenNonces(give: () => unknown): Nonces {
  return async () => {
    const given: unknown = await give();
    const nonces: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (nonces.length > 0 && nonces.every(isNonce)) return nonces;
    const expected =
      "a nonce or an array of nonces, the newest first: printable ASCII without spaces, quotes and backslashes";
    throw new ConfigError("invalid_option", `the function "nonce" should give ${expected}`, "nonce");
  };
}

/** RFC 9449 section 8.1. */
function isNonce(value: unknown): value is string {
  return typeof value === "string" && /^[!#-[\]-~]+$/.test(value);
}
