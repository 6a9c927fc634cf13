// Tokens of a test's own: key pairs, and what they sign.
import { sign } from "node:crypto";
import { generateKeyPair } from "../../tools/keypair.mjs";

export const ISSUER = "https://login.example";

/** A compact JWS by Ed25519. */
export function signed(privateKey, header, claims) {
  const parts = [{ alg: "EdDSA", ...header }, claims];
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
}

/** A key pair with the tokens it signs. */
export function signer(kid) {
  const { publicKey, privateKey } = generateKeyPair("ed25519");
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, alg: "EdDSA" };
  let serial = 0;
  const token = (claims) => {
    const now = Math.floor(Date.now() / 1000);
    const registered = { iss: ISSUER, aud: "app", iat: now, exp: now + 900, jti: `${serial++}` };
    return signed(privateKey, { kid }, { ...registered, ...claims });
  };
  return { jwk, token };
}

export const KEY = signer("first");
