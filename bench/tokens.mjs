// A key and tokens for each algorithm, signed by node:crypto: one good token and the ones every peer must refuse.
import { sign } from "node:crypto";
import { generateKeyPair } from "../tools/keypair.mjs";
import { AUDIENCE, ISSUER } from "./expected.mjs";
import { schemeOf } from "./native-peers.mjs";

/** Of the whole token, in characters: about what an OpenID provider's tokens have. */
export const TOKEN_LENGTH = 900;

const KID = "2026-11";
/** How each algorithm's keys are made. */
const KEYS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  ES384: ["ec", { namedCurve: "P-384" }],
  ES512: ["ec", { namedCurve: "P-521" }],
  EdDSA: ["ed25519", {}],
};

export const algorithms = Object.keys(KEYS);

/** A fresh key in the forms the peers take, as JSON can hold them, a good token, and bad ones: by what is wrong, signed where that is not it. */
export function subject(algorithm) {
  const [hash, scheme] = schemeOf(algorithm);
  const { privateKey, publicKey } = generateKeyPair(...KEYS[algorithm]);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: KID, alg: algorithm, use: "sig" };
  const signed = (changes) => {
    const token = (filling) => {
      const content = [
        { alg: algorithm, typ: "JWT", kid: KID },
        { ...claims(), ...changes, scope: filling },
      ];
      const message = content.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
      return `${message}.${sign(hash, message, { key: privateKey, ...scheme }).toString("base64url")}`;
    };
    const missing = TOKEN_LENGTH - token("").length;
    return token("read:orders ".repeat(TOKEN_LENGTH).slice(0, Math.round((missing * 3) / 4)));
  };
  const good = signed({});
  return {
    algorithm,
    pem: publicKey.export({ format: "pem", type: "spki" }),
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
