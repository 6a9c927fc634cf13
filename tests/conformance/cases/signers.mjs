// Tokens by signers that have nothing to do with this project: every algorithm, every RSA size in use.
import { createSigner } from "fast-jwt";
import { SignJWT } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { AUDIENCE, CLAIMS, ISSUER, signed } from "../tokens.mjs";

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const BY_KEY = {
  rsa2048: RSA,
  rsa3072: RSA,
  rsa4096: RSA,
  p256: ["ES256"],
  p384: ["ES384"],
  p521: ["ES512"],
  ed25519: ["EdDSA", "Ed25519"],
};

const SIGNERS = {
  jose: (key, header) => new SignJWT(CLAIMS).setProtectedHeader(header).sign(key.privateKey),
  "node:crypto": (key, header) => signed(key, header),
  jsonwebtoken(key, { alg, kid }) {
    if (key.jwk.kty === "OKP") return undefined;
    return jsonwebtoken.sign(CLAIMS, key.privateKey, { algorithm: alg, keyid: kid, header: { typ: undefined } });
  },
  "fast-jwt"(key, { alg, kid }) {
    if (alg === "Ed25519") return undefined;
    const pem = key.privateKey.export({ format: "pem", type: "pkcs8" });
    return createSigner({ key: pem, algorithm: alg, kid })(CLAIMS);
  },
};

export async function groups(keys) {
  const all = [];
  for (const [name, algorithms] of Object.entries(BY_KEY)) {
    const jwks = { keys: [{ ...keys[name].jwk, kid: name }] };
    for (const alg of algorithms) {
      const cases = await tokens(keys[name], { alg, kid: name });
      all.push({ name: `${alg} with ${name}`, options: { jwks, issuer: ISSUER, audience: AUDIENCE }, cases });
    }
  }
  return [...all, byDefinition(keys.rsa8192)];
}

async function tokens(key, header) {
  const cases = [];
  for (const [signer, sign] of Object.entries(SIGNERS)) {
    const token = await sign(key, header);
    if (token === undefined) continue;
    const { kty, crv } = key.jwk;
    const expected = { index: 0, kid: header.kid, kty, ...(crv && { crv }) };
    cases.push({ name: `signed by ${signer}`, token, expect: { claims: CLAIMS, key: expected } });
    cases.push({ name: `signed by ${signer}, altered`, token: altered(token), expect: { code: "bad_signature" } });
  }
  return cases;
}

/** With one bit of the signature's middle changed. */
function altered(token) {
  const [header, payload, signature] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  bytes[bytes.length >> 1] ^= 1;
  return `${header}.${payload}.${bytes.toString("base64url")}`;
}

/** The greatest RSA key that is accepted. Its signature is computed as RFC 8017 defines it. */
function byDefinition(key) {
  const header = { alg: "RS256", kid: "rsa8192" };
  return {
    name: "RS256 with rsa8192",
    options: { jwks: [{ ...key.jwk, kid: "rsa8192" }], issuer: ISSUER, audience: AUDIENCE },
    cases: [
      { name: "signed by its definition", token: signed(key, header), expect: { claims: CLAIMS } },
      { name: "altered", token: altered(signed(key, header)), expect: { code: "bad_signature" } },
    ],
  };
}
