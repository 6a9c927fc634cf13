// A key and tokens for each row, signed by node:crypto, or by noble where Node 20 cannot: one good token and the ones every peer must refuse.
import { randomBytes, sign } from "node:crypto";
import { ml_dsa44, ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import { generateKeyPair } from "../tools/keypair.mjs";
import { AUDIENCE, ISSUER } from "./expected.mjs";
import { schemeOf } from "./native-peers.mjs";

/** Of a token without its signature, in characters: with one of RSA-2048, about what an OpenID provider's tokens have. */
const SIGNED_LENGTH = 558;
export const TOKEN_LENGTH = 900;

const KID = "2026-11";
/** The rows: algorithms, and how their keys are made. */
const ROWS = {
  RS256: ["RS256", "rsa", { modulusLength: 2048 }],
  PS256: ["PS256", "rsa", { modulusLength: 2048 }],
  RS512: ["RS512", "rsa", { modulusLength: 2048 }],
  "RSA-4096": ["RS256", "rsa", { modulusLength: 4096 }],
  ES256: ["ES256", "ec", { namedCurve: "P-256" }],
  ES384: ["ES384", "ec", { namedCurve: "P-384" }],
  ES512: ["ES512", "ec", { namedCurve: "P-521" }],
  EdDSA: ["EdDSA", "ed25519", {}],
  "ML-DSA-44": ["ML-DSA-44", ml_dsa44, 17],
  "ML-DSA-65": ["ML-DSA-65", ml_dsa65, 18],
  "ML-DSA-87": ["ML-DSA-87", ml_dsa87, 19],
};

export const rows = Object.keys(ROWS);
/** Of those, the ones whose new keys are measured too: what differs in the others is the signature alone. */
export const newKeyRows = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"];

/** A fresh key in the forms the peers take, as JSON can hold them, a good token, and bad ones: by what is wrong, signed where that is not it. */
export function subject(row) {
  const [algorithm, ...made] = ROWS[row];
  const key = algorithm.startsWith("ML") ? noble(algorithm, ...made) : opened(algorithm, ...made);
  const jwk = { ...key.jwk, kid: KID, alg: algorithm, use: "sig" };
  const signed = (changes) => {
    const message = (filling) => {
      const content = [
        { alg: algorithm, typ: "JWT", kid: KID },
        { ...claims(), ...changes, scope: filling },
      ];
      return content.map((part) => segment(JSON.stringify(part))).join(".");
    };
    const missing = SIGNED_LENGTH - message("").length;
    const text = message("read:orders ".repeat(SIGNED_LENGTH).slice(0, Math.round((missing * 3) / 4)));
    return `${text}.${segment(key.sign(text))}`;
  };
  const good = signed({});
  return {
    algorithm,
    pem: key.pem,
    jwk,
    jwks: { keys: [jwk] },
    good,
    forged: { "a corrupted signature": corruptSignature(good), "a changed payload": changePayload(good) },
    wrong: {
      "an expired token": signed({ iat: now() - 7200, exp: now() - 3600 }),
      "another issuer's token": signed({ iss: "https://other.example" }),
      "another audience's token": signed({ aud: "other" }),
    },
  };
}

/** A key of OpenSSL's. */
function opened(algorithm, type, options) {
  const [hash, scheme] = schemeOf(algorithm);
  const { privateKey, publicKey } = generateKeyPair(type, options);
  return {
    pem: publicKey.export({ format: "pem", type: "spki" }),
    jwk: publicKey.export({ format: "jwk" }),
    sign: (text) => sign(hash, Buffer.from(text), { key: privateKey, ...scheme }),
  };
}

/** A key of ML-DSA's, whose object identifier (RFC 9881 section 2) ends in this number. */
function noble(alg, scheme, identifier) {
  const { publicKey, secretKey } = scheme.keygen(randomBytes(32));
  const oid = Buffer.from([0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, identifier]);
  const bits = Buffer.concat([Buffer.from([0]), publicKey]);
  const spki = der(0x30, Buffer.concat([oid, der(0x03, bits)])).toString("base64");
  return {
    pem: `-----BEGIN PUBLIC KEY-----\n${spki.replace(/.{64}/g, "$&\n")}\n-----END PUBLIC KEY-----\n`,
    jwk: { kty: "AKP", alg, pub: segment(publicKey) },
    sign: (text) => scheme.sign(Buffer.from(text), secretKey),
  };
}

/** An element of 256 to 65535 bytes. */
function der(tag, content) {
  return Buffer.concat([Buffer.from([tag, 0x82, content.length >> 8, content.length & 0xff]), content]);
}

function segment(bytes) {
  return Buffer.from(bytes).toString("base64url");
}

function claims() {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "248289761001",
    iat: now(),
    exp: now() + 86_400,
    email: "jane@example.com",
  };
}

function now() {
  return Math.floor(Date.now() / 1000);
}

/** Of the same length and still canonical base64url: only arithmetic can tell. */
function corruptSignature(token) {
  const at = token.lastIndexOf(".") + 20;
  return `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
}

function changePayload(token) {
  const [header, payload, signature] = token.split(".");
  const text = Buffer.from(payload, "base64url").toString().replace("248289761001", "248289761002");
  return [header, Buffer.from(text).toString("base64url"), signature].join(".");
}
