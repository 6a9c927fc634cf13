// Fetches an issuer's public keys as a key store does it (OpenID Connect Discovery, or OAuth's form of it: RFC 8414), and
// keeps them for when there is no network. Keys are public; nothing of a token is ever sent or kept here.

import { ConfigError, createVerifier } from "tokenward";
import { KeyStoreError } from "../../pkg/esm/errors.js";
import { allowedUrl } from "../../pkg/esm/keys/fetch.js";
import { readSet, withoutSecrets } from "../../pkg/esm/keys/jwks.js";
import { fetchKeys, fetchMetadata } from "../../pkg/esm/keys/source.js";

const KEPT = "tokenward.keys:";
/** In seconds, of each request. */
const WAIT = 10;
/** In bytes, of each answer: as in a key store. */
export const MAX_BYTES = 524_288;
const MAX_KEYS = 100;

/** Why there are no keys. `code` is that of a `KeyStoreError`, or `cors` or `stopped`. */
export class KeysProblem extends Error {
  constructor(code, message) {
    super(message);
    this.name = "KeysProblem";
    this.code = code;
  }
}

/**
 * @param {string} issuer
 * @param {{ signal?: AbortSignal, progress?: (bytes: number, total: number | undefined) => void }} [options] `progress` is
 *   told how much of the answer under way is there, and of how much, if the server says so
 * @returns {Promise<{ jwks: string, at: number, fetched: boolean, secrets: number }>} `at` in Unix seconds; not `fetched`:
 *   kept from before; `secrets`: how many keys were left out because the set has their private halves
 */
export async function keysOf(issuer, { signal, progress = () => {} } = {}) {
  allowedUrl(addressOf(issuer), true);
  try {
    const { text } = await fetchKeys({ issuer }, undefined, limits({ signal, progress }), now());
    const { jwks, secrets } = read(text);
    const at = Math.floor(now());
    keep(issuer, { jwks, at });
    return { jwks, at, fetched: true, secrets };
  } catch (error) {
    if (signal?.aborted) throw new KeysProblem("stopped", "you stopped it");
    const kept = isOffline(error) ? keptFor(issuer) : undefined;
    if (kept) return { ...kept, fetched: false, secrets: 0 };
    if (error.code === "unreachable" && (await answersAnybody(issuer, signal))) throw new KeysProblem("cors", CORS);
    throw error;
  }
}

const CORS =
  "the issuer answers, but does not let pages of other origins read it (CORS). Its keys can be pasted: npx tokenward keys fetch prints them";

/** What an issuer publishes about itself. */
export function discover(issuer) {
  return fetchMetadata(issuer, limits({}), now());
}

/** The set as a text for people; strictly read before, since what is printed anew has no duplicate members any more. */
function read(text) {
  const set = readSet(text, MAX_KEYS);
  const harmless = withoutSecrets(set);
  const secrets = set.keys.length - harmless.keys.length;
  if (secrets > 0 && harmless.keys.length === 0) {
    throw new KeyStoreError("private_key", "the set has no key but such whose private half it publishes");
  }
  try {
    createVerifier({ jwks: secrets > 0 ? harmless.text : text, issuer: null, audience: null });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Keys of ML-DSA alone are none for this entry; the page has another for them.
    if (error.code !== "no_usable_key") throw new KeyStoreError("invalid_set", error.message);
  }
  return { jwks: JSON.stringify({ ...JSON.parse(text), keys: harmless.keys }, null, 2), secrets };
}

function limits({ signal, progress }) {
  const ask = async (url, init) => {
    const response = await fetch(url, { ...init, signal: either(init.signal, signal) });
    return progress && response.ok ? counted(response, progress) : response;
  };
  return { fetch: ask, timeout: WAIT, maxBytes: MAX_BYTES };
}

/** `AbortSignal.any`, which Safari has not had for long. */
function either(...signals) {
  const stop = new AbortController();
  for (const signal of signals) {
    if (signal?.aborted) stop.abort();
    signal?.addEventListener("abort", () => stop.abort(), { once: true });
  }
  return stop.signal;
}

/** The same answer, whose bytes are counted as they are read. */
function counted(response, progress) {
  const { body, status, headers, url } = response;
  const total = Number(headers.get("content-length")) || undefined;
  let bytes = 0;
  progress(bytes, total);
  const counter = new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      progress(bytes, total);
      controller.enqueue(chunk);
    },
  });
  const same = new Response(body?.pipeThrough(counter) ?? null, { status, headers });
  // Where redirects have led to: it is checked.
  return Object.defineProperty(same, "url", { value: url });
}

/** Whether there is an answer at all, which the page may not read: then only permission was missing. */
async function answersAnybody(issuer, signal) {
  const init = { mode: "no-cors", credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" };
  try {
    await fetch(issuer, { ...init, signal: either(AbortSignal.timeout(WAIT * 1000), signal) });
    return true;
  } catch {
    return false;
  }
}

/** As builds see it: another answer than "not now" is not to be papered over. */
function isOffline({ code, status }) {
  if (status === undefined) return code === "unreachable" || code === "timeout";
  return code === "http_status" && (status === 429 || status >= 500);
}

function addressOf(issuer) {
  try {
    return new URL(issuer);
  } catch {
    throw new KeysProblem("insecure_url", "an issuer is an address such as https://login.example");
  }
}

function keep(issuer, keys) {
  try {
    localStorage.setItem(KEPT + issuer, JSON.stringify(keys));
  } catch {
    // Storage is refused or full: the keys are used all the same, only not kept.
  }
}

function keptFor(issuer) {
  try {
    return JSON.parse(localStorage.getItem(KEPT + issuer) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

const now = () => Date.now() / 1000;
