// Clients of a test's own that hold keys: their proofs (RFC 9449 section 4.2), good and bad, made by hand.
import { constants, createHash, sign } from "node:crypto";
import { generateKeyPair } from "../../tools/keypair.mjs";

export const sha256 = (text) => createHash("sha256").update(text).digest("base64url");
const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const KEYS = {
  ES: (alg) => ["ec", { namedCurve: { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[alg] }],
  RS: () => ["rsa", { modulusLength: 2048 }],
  PS: () => ["rsa", { modulusLength: 2048 }],
  Ed: () => ["ed25519"],
};

/** RFC 7638. */
export function thumbprintOf({ kty, crv, x, y, n, e }) {
  if (kty === "RSA") return sha256(JSON.stringify({ e, kty, n }));
  return sha256(JSON.stringify(kty === "EC" ? { crv, kty, x, y } : { crv, kty, x }));
}

/** A client with a key of its own. */
export function client(alg = "ES256") {
  const { publicKey, privateKey } = generateKeyPair(...KEYS[alg.slice(0, 2)](alg));
  const jwk = publicKey.export({ format: "jwk" });
  return { alg, jwk, privateKey, privateJwk: privateKey.export({ format: "jwk" }), jkt: thumbprintOf(jwk) };
}

/** A compact JWS over what stands there, whatever it is. */
export function signedBy({ alg, privateKey }, header, payload) {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${signature(alg, privateKey, Buffer.from(input)).toString("base64url")}`;
}

function signature(alg, key, input) {
  if (alg.startsWith("Ed")) return sign(null, input, key);
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith("ES")) return sign(hash, input, { key, dsaEncoding: "ieee-p1363" });
  if (alg.startsWith("RS")) return sign(hash, input, key);
  return sign(hash, input, {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
}

let serial = 0;

/** A proof for a request, with whatever of it is to be otherwise; `undefined` leaves it out. */
export function proofBy(holder, { method = "GET", url, token, now, header = {}, claims = {} }) {
  const protectedHeader = { typ: "dpop+jwt", alg: holder.alg, jwk: holder.jwk, ...header };
  const payload = { jti: `proof-${serial++}`, htm: method, htu: url, iat: now, ath: sha256(token ?? ""), ...claims };
  return signedBy(holder, protectedHeader, payload);
}
