// A gate that takes tokens bound to a key (DPoP, RFC 9449), two clients, and what is asked of it.
import assert from "node:assert/strict";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { client, proofBy } from "../support/dpop.mjs";
import { ISSUER, signer } from "../support/tokens.mjs";

export const ORIGIN = "https://api.example";
export const NOW = 1_800_000_000;
export const URL_ = `${ORIGIN}/notes/1`;
export const KEY = signer("k");
export const ADA = client();
export const EVE = client();
export const ALGS = "ES256 ES384 ES512 Ed25519 EdDSA PS256 PS384 PS512 RS256 RS384 RS512";
export const clock = { now: NOW };
export const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app", now: () => clock.now });
export const RULES = [
  { match: "/open", needs: null },
  { match: "/admin/*", needs: { scope: "admin" } },
  { match: "/pay", needs: { acr: "mfa" } },
  { match: "/*" },
];

export const gateOf = (dpop = true, options = {}) =>
  createGate({ verifier, rules: RULES, origin: ORIGIN, dpop, ...options });
export const tokenOf = (claims = {}) =>
  KEY.token({ sub: "ada", iat: NOW, exp: NOW + 600, cnf: { jkt: ADA.jkt }, ...claims });
export const proof = (token, facts = {}) => proofBy(facts.by ?? ADA, { url: URL_, token, now: NOW, ...facts });

/** What a gate answers to a request: its decision, and what the client sees of it. */
export async function ask(gate, { token, scheme = "DPoP", method = "GET", url = URL_, dpop, headers = {} }) {
  const all = new Headers(headers);
  if (token !== undefined) all.set("authorization", `${scheme} ${token}`);
  for (const one of [dpop ?? []].flat()) all.append("dpop", one);
  const { decision, response } = await gate.admit({ url, method, headers: all });
  const challenge = response?.headers.get("www-authenticate") ?? null;
  const [, error] = /error="(\w+)"/.exec(challenge ?? "") ?? [];
  return { decision, response, challenge, error, status: response?.status ?? 200 };
}

/** That a request is refused, by whom and why. */
export async function refused(gate, request, status, error, dpop) {
  const answer = await ask(gate, request);
  assert.deepEqual(
    [answer.status, answer.error, answer.decision.dpop, answer.decision.allowed],
    [status, error, dpop, false],
  );
  assert.equal(answer.decision.claims, undefined);
  if (dpop !== undefined) assert.match(answer.decision.detail, /\w/);
  return answer;
}
