// Fetches an issuer's public keys (OpenID Connect Discovery, or OAuth's form of it: RFC 8414), and keeps them for when
// there is no network. Keys are public; nothing of a token is ever sent or kept here.

import * as oauth from "oauth4webapi";

const KEPT = "tokenward.keys:";
const WAIT = 10_000;

/**
 * @returns {Promise<{ jwks: string, at: number, fetched: boolean }>} `at` in Unix seconds; not `fetched`: kept from before
 */
export async function keysOf(issuer) {
  const url = issuerUrl(issuer);
  try {
    const server = await discover(url);
    if (!server.jwks_uri) throw new Error("the issuer names no key set");
    const response = await fetch(server.jwks_uri, { ...QUIET, signal: AbortSignal.timeout(WAIT) });
    if (!response.ok) throw new Error(`the key set was answered with status ${response.status}`);
    const jwks = JSON.stringify(await response.json(), null, 2);
    const at = Math.floor(Date.now() / 1000);
    keep(issuer, { jwks, at });
    return { jwks, at, fetched: true };
  } catch (error) {
    const kept = keptFor(issuer);
    if (kept) return { ...kept, fetched: false };
    throw error;
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

export async function discover(url) {
  const options = { [oauth.allowInsecureRequests]: isHere(url), signal: () => AbortSignal.timeout(WAIT) };
  const response = await oauth.discoveryRequest(url, { ...options, algorithm: "oidc" });
  if (response.ok) return oauth.processDiscoveryResponse(url, response);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...options, algorithm: "oauth2" }));
}

/** Plain http is for this machine only. */
export function issuerUrl(issuer) {
  let url;
  try {
    url = new URL(issuer);
  } catch {
    throw new Error("an issuer is an address such as https://login.example");
  }
  if (url.protocol !== "https:" && !isHere(url)) throw new Error("an issuer must be reached by https");
  return url;
}

const QUIET = {
  credentials: "omit",
  referrerPolicy: "no-referrer",
  redirect: "error",
  headers: { accept: "application/json" },
};

function isHere({ protocol, hostname }) {
  return protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}
