// Those compared in every runtime: each makes a verifier for one key, once, the way its documentation says.
import { verify as honoVerify } from "hono/jwt";
import { importJWK, jwtVerify } from "jose";
import { createVerifier } from "tokenward";
import { createVerifier as createMlDsaVerifier } from "tokenward/ml-dsa";
import { createVerifier as createReferenceVerifier } from "tokenward/reference";
import { AUDIENCE, ISSUER } from "./expected.mjs";

export const ML_DSA = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];

const tokenward =
  (create, more = {}) =>
  ({ jwks, algorithm }) =>
    (ML_DSA.includes(algorithm) ? createMlDsaVerifier : create)({ jwks, issuer: ISSUER, audience: AUDIENCE, ...more })
      .verify;

/**
 * `make` answers a function that takes a token and throws, or rejects when `asynchronous`, if it is not good.
 * `makeCached` is the same with the library's own memory of tokens switched on. `unchecked`: only signatures are checked.
 * `cannot` names the algorithms that a peer does not have. `beside`: shown, but none to be compared with.
 */
export const peers = [
  { name: "tokenward", make: tokenward(createVerifier), makeCached: tokenward(createVerifier, { cache: true }) },
  { name: "tokenward/reference", beside: true, cannot: ML_DSA, make: tokenward(createReferenceVerifier) },
  {
    name: "jose",
    asynchronous: true,
    make: async ({ jwk, algorithm }) => {
      const key = await importJWK(jwk);
      const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE };
      return (token) => jwtVerify(token, key, options);
    },
  },
  {
    name: "hono",
    asynchronous: true,
    cannot: ML_DSA,
    make: async ({ jwk: { kid: _, alg: _alg, use: _use, ...jwk }, algorithm }) => {
      const key = await crypto.subtle.importKey("jwk", jwk, webCryptoName(jwk, algorithm), false, ["verify"]);
      const options = { alg: algorithm, iss: ISSUER, aud: AUDIENCE };
      return (token) => honoVerify(token, key, options);
    },
  },
];

function webCryptoName({ crv }, algorithm) {
  if (algorithm === "EdDSA") return { name: "Ed25519" };
  if (algorithm.startsWith("ES")) return { name: "ECDSA", namedCurve: crv };
  return { name: algorithm.startsWith("PS") ? "RSA-PSS" : "RSASSA-PKCS1-v1_5", hash: `SHA-${algorithm.slice(2)}` };
}
