// Those that need Node: they call OpenSSL, or other code compiled for the processor.
import { constants, createPublicKey, verify as cryptoVerify } from "node:crypto";
import { createRequire } from "node:module";
import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier as createFastVerifier } from "fast-jwt";
import jsonwebtoken from "jsonwebtoken";
import { AUDIENCE, ISSUER } from "./expected.mjs";
import { ML_DSA } from "./peers.mjs";

// What is compiled for one system stands with the runtimes: no other system needs it for `npm test`.
const requireNearRuntimes = createRequire(new URL("runtimes/package.json", import.meta.url));

/** As in peers.mjs. */
export const nativePeers = [
  {
    name: "fast-jwt",
    cannot: ML_DSA,
    make: (subject) => fastJwt(subject, false),
    makeCached: (subject) => fastJwt(subject, true),
  },
  {
    name: "aws-jwt-verify",
    cannot: ["PS256", ...ML_DSA],
    make: ({ jwks }) => {
      const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/jwks.json` });
      verifier.cacheJwks(jwks);
      return (token) => verifier.verifySync(token);
    },
  },
  {
    name: "jsonwebtoken",
    cannot: ["EdDSA", ...ML_DSA],
    make: ({ jwk, algorithm }) => {
      const key = createPublicKey({ key: jwk, format: "jwk" });
      const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE };
      return (token) => jsonwebtoken.verify(token, key, options);
    },
  },
  {
    name: "@node-rs/jsonwebtoken",
    cannot: ["ES512", ...ML_DSA],
    make: ({ pem, algorithm }) => {
      const nodeRs = requireNearRuntimes("@node-rs/jsonwebtoken-linux-x64-gnu");
      const options = { algorithms: [algorithm], iss: [ISSUER], aud: [AUDIENCE] };
      return (token) => nodeRs.verifySync(token, pem, options);
    },
  },
  {
    name: "node:crypto",
    beside: true,
    unchecked: true,
    make: ({ pem, algorithm }) => {
      const [hash, scheme] = schemeOf(algorithm);
      const key = { key: createPublicKey(pem), ...scheme };
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

/** What node:crypto is told to sign and verify (RFC 7518 section 3, RFC 8037). */
export function schemeOf(algorithm) {
  if (algorithm === "EdDSA" || ML_DSA.includes(algorithm)) return [null, {}];
  const hash = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith("ES")) return [hash, { dsaEncoding: "ieee-p1363" }];
  if (algorithm.startsWith("RS")) return [hash, {}];
  return [hash, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(algorithm.slice(2)) / 8 }];
}
