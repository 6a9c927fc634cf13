// Those compared: each makes a verifier for one key, once, the way its documentation says, and then verifies with it.
import { verify as cryptoVerify, webcrypto } from "node:crypto";
import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier as createFastVerifier } from "fast-jwt";
import { verify as honoVerify } from "hono/jwt";
import { importJWK, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { createVerifier } from "tokenward";
import { AUDIENCE, ISSUER } from "./tokens.mjs";

/**
 * `make` answers a function that takes a token and throws, or rejects when `asynchronous`, if it is not good.
 * `cannot` names the algorithms a peer does not have; `claims` says whether it checks iss, aud and exp.
 * `makeCached` is the same with the library's own memory of tokens switched on.
 */
export const peers = [
  {
    name: "tokenward",
    claims: true,
    make: ({ jwks }) => createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE }).verify,
    makeCached: ({ jwks }) => createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE, cache: true }).verify,
  },
  {
    name: "jose",
    claims: true,
    asynchronous: true,
    make: async ({ jwk, algorithm }) => {
      const key = await importJWK(jwk);
      const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE };
      return (token) => jwtVerify(token, key, options);
    },
  },
  {
    name: "fast-jwt",
    claims: true,
    make: (subject) => fastJwt(subject, false),
    makeCached: (subject) => fastJwt(subject, true),
  },
  {
    name: "aws-jwt-verify",
    claims: true,
    cannot: ["PS256"],
    make: ({ jwks }) => {
      const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/jwks.json` });
      verifier.cacheJwks(jwks);
      return (token) => verifier.verifySync(token);
    },
  },
  {
    name: "jsonwebtoken",
    claims: true,
    cannot: ["EdDSA"],
    make: ({ publicKey, algorithm }) => {
      const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE };
      return (token) => jsonwebtoken.verify(token, publicKey, options);
    },
  },
  {
    name: "hono",
    claims: true,
    asynchronous: true,
    make: async ({ jwk, publicKey, algorithm }) => {
      const spki = publicKey.export({ format: "der", type: "spki" });
      const key = await webcrypto.subtle.importKey("spki", spki, webCryptoName(jwk, algorithm), false, ["verify"]);
      const options = { alg: algorithm, iss: ISSUER, aud: AUDIENCE };
      return (token) => honoVerify(token, key, options);
    },
  },
  {
    name: "node:crypto",
    claims: false,
    make: ({ publicKey, hash, scheme }) => {
      const key = { key: publicKey, ...scheme };
      return (token) => {
        const end = token.lastIndexOf(".");
        const signature = Buffer.from(token.slice(end + 1), "base64url");
        if (!cryptoVerify(hash, Buffer.from(token.slice(0, end)), key, signature)) throw new Error("bad signature");
      };
    },
  },
];

function fastJwt({ pem, algorithm }, cache) {
  return createFastVerifier({ key: pem, algorithms: [algorithm], allowedIss: ISSUER, allowedAud: AUDIENCE, cache });
}

function webCryptoName({ crv }, algorithm) {
  if (algorithm === "EdDSA") return { name: "Ed25519" };
  if (algorithm.startsWith("ES")) return { name: "ECDSA", namedCurve: crv };
  return { name: algorithm.startsWith("PS") ? "RSA-PSS" : "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
}
