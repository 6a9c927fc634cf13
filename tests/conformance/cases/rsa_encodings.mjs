// RSA signatures whose encoded block is wrong in one place (RFC 8017 sections 9.1 and 9.2), or whose number is not the
// least one, made with the private key.

import { pkcs1Encoding } from "../keys.mjs";
import { fromBytes, toBytes } from "../numbers.mjs";
import { pssEncoding } from "../pss.mjs";
import { AUDIENCE, CLAIMS, ISSUER, segment, withSignature } from "../tokens.mjs";

const WRONG = { code: "bad_signature" };

export function groups({ rsa2048, rsa3072 }) {
  const group = (name, key, cases) => ({
    name: `RSA encodings, ${name}`,
    options: { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE },
    cases,
  });
  return [
    group("PKCS #1 v1.5", rsa2048, pkcs1(rsa2048)),
    ...["PS256", "PS384", "PS512"].map((alg) => group(alg, rsa3072, pss(rsa3072, alg))),
    group("numbers", rsa2048, numbers(rsa2048)),
  ];
}

function pkcs1(key) {
  const changed = (from, to, value) => (message) => pkcs1Encoding("sha256", message, 256).fill(value, from, to);
  const blocks = {
    "a first byte that is not zero": changed(0, 1, 1),
    "padding of zeros": changed(2, 204, 0),
    "a last byte of padding that is not FF": changed(203, 204, 0xfe),
    "no zero after the padding": changed(204, 205, 0xff),
    "the object identifier of SHA-512": changed(219, 220, 3),
    "a hash without its last byte": changed(255, 256, 0),
    "much after the hash": (message) => pkcs1Encoding("sha256", message, 256, { after: "ab".repeat(150) }),
  };
  return Object.entries(blocks).map(([name, encode]) => ({
    name,
    token: withSignature({ alg: "RS256" }, CLAIMS, (message) => key.power(encode(message))),
    expect: WRONG,
  }));
}

function pss(key, alg) {
  const size = Number(alg.slice(2)) / 8;
  const right = { hash: `sha${alg.slice(2)}`, salt: size, bits: 8 * key.size - 1 };
  const encodings = {
    "as it should be": {},
    "no salt": { salt: 0 },
    "a salt one byte longer": { salt: size + 1 },
    "a mask by SHA-1": { maskHash: "sha1" },
    "another trailer": { trailer: 0xcc },
    "another separator": { separator: 2 },
    "padding that is not zero": { padding: 1 },
    "the bit beyond the modulus set": { unusedBit: true },
  };
  return Object.entries(encodings).map(([name, wrong]) => ({
    name,
    token: withSignature({ alg }, CLAIMS, (message) => key.power(pssEncoding({ ...right, ...wrong }, message))),
    expect: Object.keys(wrong).length === 0 ? { claims: CLAIMS } : WRONG,
  }));
}

function numbers(key) {
  const n = fromBytes(Buffer.from(key.jwk.n, "base64url"));
  const plusModulus = (signature) => fromBytes(signature) + n;
  return [
    ...searched(
      key,
      "the signature plus the modulus",
      (signature) => plusModulus(signature) < 2n ** 2048n,
      (signature) => toBytes(plusModulus(signature), 256),
    ),
    ...searched(
      key,
      "without its leading zero byte",
      ([first]) => first === 0,
      (signature) => signature.subarray(1),
    ),
  ];
}

/** Not every signature can be changed so: another `jti` until one can, which is then also shown to hold unchanged. */
function searched(key, name, fits, change) {
  for (let jti = 0; ; jti += 1) {
    const claims = { ...CLAIMS, jti: String(jti) };
    const message = `${segment({ alg: "RS256" })}.${segment(claims)}`;
    const signature = key.sign("RS256", Buffer.from(message));
    if (!fits(signature)) continue;
    return [
      { name: `${name}: before`, token: `${message}.${segment(signature)}`, expect: { claims } },
      { name, token: `${message}.${segment(change(signature))}`, expect: WRONG },
    ];
  }
}
