// Signs the sample tokens. The private keys live in this process only and end with it: nobody, not even this project,
// can sign another token for the keys in samples.json.

import { constants, createHmac, sign } from "node:crypto";
import { generateKeyPair } from "../../tools/keypair.mjs";

/** Every sample is judged at a moment of its own, so that it means the same today and in ten years. */
export const ISSUED = Date.UTC(2026, 2, 12, 9, 0, 0) / 1000;
export const MOMENT = ISSUED + 5 * 60;

export const ISSUER = "https://login.example";
export const AUDIENCE = "https://api.example";

export const CLAIMS = {
  iss: ISSUER,
  sub: "ada",
  aud: AUDIENCE,
  iat: ISSUED,
  nbf: ISSUED,
  exp: ISSUED + 15 * 60,
  scope: "read write",
  role: "engineer",
};

const KEYS = {
  "ec-256": generateKeyPair("ec", { namedCurve: "P-256" }),
  "ec-384": generateKeyPair("ec", { namedCurve: "P-384" }),
  "ec-521": generateKeyPair("ec", { namedCurve: "P-521" }),
  "rsa-2048": generateKeyPair("rsa", { modulusLength: 2048 }),
  "rsa-1024": generateKeyPair("rsa", { modulusLength: 1024 }),
  "ed-25519": generateKeyPair("ed25519"),
  stranger: generateKeyPair("ec", { namedCurve: "P-256" }),
};

const PKCS1 = { kid: "rsa-2048" };
const pss = (saltLength) => ({ kid: "rsa-2048", padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
const ECDSA = { dsaEncoding: "ieee-p1363" };

/** How `node:crypto` signs for each algorithm, and with which key. */
export const SIGNING = {
  RS256: { ...PKCS1, hash: "sha256" },
  RS384: { ...PKCS1, hash: "sha384" },
  RS512: { ...PKCS1, hash: "sha512" },
  PS256: { ...pss(32), hash: "sha256" },
  PS384: { ...pss(48), hash: "sha384" },
  PS512: { ...pss(64), hash: "sha512" },
  ES256: { ...ECDSA, kid: "ec-256", hash: "sha256" },
  ES384: { ...ECDSA, kid: "ec-384", hash: "sha384" },
  ES512: { ...ECDSA, kid: "ec-521", hash: "sha512" },
  EdDSA: { kid: "ed-25519", hash: null },
};

export function publicJwk(kid) {
  return { kid, ...KEYS[kid].publicKey.export({ format: "jwk" }) };
}

/** A token as it should be, but for what is given. */
export function token({ alg = "ES256", header, claims, key, dsaEncoding } = {}) {
  const { kid } = SIGNING[alg];
  const input = `${encode({ alg, kid, typ: "at+jwt", ...header })}.${encode({ ...CLAIMS, ...claims })}`;
  return signed(input, { alg, key, dsaEncoding });
}

export function signed(input, { alg = "ES256", key = SIGNING[alg].kid, dsaEncoding } = {}) {
  const { hash, kid: _kid, ...scheme } = SIGNING[alg];
  const options = { ...scheme, ...(dsaEncoding && { dsaEncoding }), key: KEYS[key].privateKey };
  return `${input}.${sign(hash, Buffer.from(input), options).toString("base64url")}`;
}

/** Signed with HMAC, the public key's text as the secret. */
export function confused() {
  const secret = KEYS["rsa-2048"].publicKey.export({ type: "spki", format: "pem" });
  const input = `${encode({ alg: "HS256", kid: "rsa-2048", typ: "at+jwt" })}.${encode(CLAIMS)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

/** @param {object | string} value an object, or text that is to be encoded as it is */
export function encode(value) {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}
