// Signatures that some verifier takes, or could: each is of the right key over the right bytes, but not as it must be.
import { createECDH, createHash } from "node:crypto";
import { pkcs1Encoding } from "../keys.mjs";
import { fromBytes, toBytes } from "../numbers.mjs";
import { pssEncoding } from "../pss.mjs";
import { AUDIENCE, CLAIMS, ISSUER, segment, withSignature } from "../tokens.mjs";

const EXPECTED = { issuer: ISSUER, audience: AUDIENCE };
const ACCEPTED = { claims: CLAIMS };
const WRONG = { code: "bad_signature" };

export function groups(keys) {
  const { rsa2048, p256, p384, p521, ed25519 } = keys;
  return [
    group("RSA signatures, PKCS #1 v1.5", "RS256", rsa2048, pkcs1(rsa2048)),
    group("RSA signatures, PSS", "PS256", rsa2048, pss(rsa2048)),
    group("RSA signatures, PSS with SHA-512", "PS512", rsa2048, pssSalts(rsa2048, "sha512", 64)),
    group("ECDSA signatures, ES256", "ES256", p256, ecdsa(p256, "ES256", ORDERS.ES256, 32)),
    group("ECDSA signatures, ES384", "ES384", p384, ecdsa(p384, "ES384", ORDERS.ES384, 48)),
    group("ECDSA signatures, ES512", "ES512", p521, {
      ...ecdsa(p521, "ES512", ORDERS.ES512, 66),
      ...beyondOrder(p521),
    }),
    group("Ed25519 signatures", "EdDSA", ed25519, eddsa(ed25519)),
    lowExponent(keys.rsaExponent3),
    movedSegments(ed25519),
  ];
}

/** Each signature is bytes, or made from the message; `true` says that it holds. */
function group(name, alg, key, signatures) {
  const token = (signature) => withSignature({ alg, kid: "key" }, CLAIMS, signature);
  const cases = Object.entries(signatures).map(([title, [signature, holds]]) => ({
    name: title,
    token: token(signature),
    expect: holds ? ACCEPTED : WRONG,
  }));
  return { name, options: { ...EXPECTED, jwks: [{ ...key.jwk, kid: "key" }] }, cases };
}

function pkcs1(key) {
  const right = (message) => key.sign("RS256", message);
  const encoded = (options) => (message) => key.power(pkcs1Encoding("sha256", message, 256, options));
  const modulus = fromBytes(Buffer.from(key.jwk.n, "base64url"));
  // SEQUENCE(SEQUENCE(OID sha256)) without the NULL, and with lengths in the long form.
  const withoutNull = "302f300b0609608648016503040201" + "0420";
  const longForm = "308131300d060960864801650304020105000420";
  return {
    ...lengths(right),
    "as it should be": [right, true],
    "by its definition": [encoded({}), true],
    "without NULL": [encoded({ prefix: withoutNull })],
    "lengths in the long form": [encoded({ prefix: longForm })],
    "no DigestInfo": [encoded({ prefix: "" })],
    "something after the hash": [encoded({ after: "00" })],
    "a zero byte in the padding": [(message) => key.power(changed(pkcs1Encoding("sha256", message, 256), 40, 0))],
    "block type 2": [(message) => key.power(changed(pkcs1Encoding("sha256", message, 256), 1, 2))],
    "block type 0": [(message) => key.power(changed(pkcs1Encoding("sha256", message, 256), 1, 0))],
    "padding of another byte": [(message) => key.power(changed(pkcs1Encoding("sha256", message, 256), 9, 0xfe))],
    "no padding": [
      (message) =>
        key.power(
          Buffer.concat([Buffer.from([0, 1, 0]), pkcs1Encoding("sha256", message, 62).subarray(11), Buffer.alloc(202)]),
        ),
    ],
    "SHA-1": [(message) => key.power(pkcs1Encoding("sha1", message, 256))],
    "SHA-512": [(message) => key.power(pkcs1Encoding("sha512", message, 256))],
    "the hash signed twice": [(message) => key.sign("RS256", createHash("sha256").update(message).digest())],
    zero: [Buffer.alloc(256)],
    one: [toBytes(1n, 256)],
    "the modulus": [toBytes(modulus, 256)],
    "the modulus minus one": [toBytes(modulus - 1n, 256)],
    "all bits set": [Buffer.alloc(256, 0xff)],
    negative: [(message) => toBytes(modulus - fromBytes(right(message)), 256)],
  };
}

function pss(key) {
  return {
    ...lengths((message) => key.sign("PS256", message)),
    ...pssSalts(key, "sha256", 32),
    "PKCS #1 v1.5": [(message) => key.sign("RS256", message)],
    zero: [Buffer.alloc(256)],
    "all bits set": [Buffer.alloc(256, 0xff)],
  };
}

/** RFC 7518 section 3.5: the salt is as long as the hash. */
function pssSalts(key, hash, right) {
  const salted = (salt) => (message) => key.power(pssEncoding({ hash, salt, bits: 8 * key.size - 1 }, message));
  const greatest = key.size - right - 2;
  const wrong = [0, 1, 20, right - 1, right + 1, greatest];
  return {
    "a salt as long as the hash": [salted(right), true],
    ...Object.fromEntries(wrong.map((length) => [`a salt of ${length} bytes`, [salted(length)]])),
  };
}

// The orders of the curves' groups (SEC 2 section 2).
const ORDERS = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512: BigInt(`0x1${"f".repeat(65)}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
};

function ecdsa(key, alg, n, size) {
  const right = (message) => key.sign(alg, message);
  const pair = (r, s) => [Buffer.concat([toBytes(r, size), toBytes(s, size)])];
  const halves = (change) => (message) => {
    const signature = right(message);
    return Buffer.concat(change(signature.subarray(0, size), signature.subarray(size)));
  };
  const zero = Buffer.alloc(size);
  const der = (message) => derOf(right(message), size);
  return {
    ...lengths(right),
    "as it should be": [right, true],
    // ECDSA has two signatures for each; RFC 7518 asks for neither.
    "n - s": [halves((r, s) => [r, toBytes(n - fromBytes(s), size)]), true],
    DER: [der],
    "DER cut to the right length": [(message) => Buffer.concat([der(message), zero]).subarray(0, 2 * size)],
    "DER after zero bytes": [(message) => Buffer.concat([zero, zero, der(message)]).subarray(-2 * size)],
    "s before r": [halves((r, s) => [s, r])],
    "n - r": [halves((r, s) => [toBytes(n - fromBytes(r), size), s])],
    "little-endian": [halves((r, s) => [Buffer.from(r).reverse(), Buffer.from(s).reverse()])],
    "a zero byte before each": [halves((r, s) => [Buffer.alloc(1), r, Buffer.alloc(1), s])],
    "r = 0": [halves((_, s) => [zero, s])],
    "s = 0": [halves((r) => [r, zero])],
    "r = n": [halves((_, s) => [toBytes(n, size), s])],
    "s = n": [halves((r) => [r, toBytes(n, size)])],
    "all bits set": [Buffer.alloc(2 * size, 0xff)],
    "r = s = 0": pair(0n, 0n),
    "r = s = 1": pair(1n, 1n),
    "r = s = n": pair(n, n),
    "r = s = n - 1": pair(n - 1n, n - 1n),
    "r = s = n + 1": pair(n + 1n, n + 1n),
    "r = 1, s = 0": pair(1n, 0n),
    "r = 0, s = 1": pair(0n, 1n),
    "r = n, s = 1": pair(n, 1n),
    "r = 1, s = n": pair(1n, n),
    "r = s = the generator's x": pair(generator(CURVES[alg]), generator(CURVES[alg])),
  };
}

/** The SEQUENCE of two INTEGERs that X.509 has for an ECDSA signature (RFC 3279 section 2.2.3). */
function derOf(signature, size) {
  const integer = (bytes) => {
    const least = toBytes(fromBytes(bytes));
    const content = least[0] & 0x80 ? Buffer.concat([Buffer.alloc(1), least]) : least;
    return Buffer.concat([Buffer.from([2, content.length]), content]);
  };
  const content = Buffer.concat([integer(signature.subarray(0, size)), integer(signature.subarray(size))]);
  return Buffer.concat([
    Buffer.from(content.length < 128 ? [0x30] : [0x30, 0x81]),
    Buffer.from([content.length]),
    content,
  ]);
}

const CURVES = { ES256: "prime256v1", ES384: "secp384r1", ES512: "secp521r1" };

/** The x coordinate of a curve's generator: the public key of the private key 1. */
function generator(curve) {
  const keys = createECDH(curve);
  keys.setPrivateKey(Buffer.from([1]));
  return fromBytes(keys.getPublicKey(undefined, "compressed").subarray(1));
}

/** In 66 bytes there is room for numbers beyond the order of P-521: the same signature, were they reduced. */
function beyondOrder(key) {
  const n = ORDERS.ES512;
  const plus = (bytes) => toBytes(fromBytes(bytes) + n, 66);
  const changes = {
    "r + n": (r, s) => [plus(r), s],
    "s + n": (r, s) => [r, plus(s)],
    "r + n and s + n": (r, s) => [plus(r), plus(s)],
  };
  return Object.fromEntries(
    Object.entries(changes).map(([name, change]) => [
      name,
      [
        (message) => {
          const signature = key.sign("ES512", message);
          return Buffer.concat(change(signature.subarray(0, 66), signature.subarray(66)));
        },
      ],
    ]),
  );
}

function eddsa(key) {
  const right = (message) => key.sign("EdDSA", message);
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const number = (bytes) => fromBytes(Buffer.from(bytes).reverse());
  const bytes = (value) => toBytes(value, 32).reverse();
  const plus = (more) => (message) => {
    const signature = right(message);
    return Buffer.concat([signature.subarray(0, 32), bytes(number(signature.subarray(32)) + more)]);
  };
  /** S for an R of small order: the equation holds without R, or once both sides are multiplied by 8. */
  const withSmallR = (hex) => (message) => {
    const R = Buffer.from(hex, "hex");
    const hash = createHash("sha512").update(R).update(Buffer.from(key.jwk.x, "base64url")).update(message).digest();
    return Buffer.concat([R, bytes((number(hash) * scalar(key)) % L)]);
  };
  return {
    ...lengths(right),
    "as it should be": [right, true],
    "S + L": [plus(L)],
    "S + 2 L": [plus(2n * L)],
    "S + 8 L": [plus(8n * L)],
    "S + 15 L": [plus(15n * L)],
    "R of order 1": [withSmallR("0100000000000000000000000000000000000000000000000000000000000000")],
    "R of order 1, not canonical": [withSmallR("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")],
    "R of order 1, sign of zero": [withSmallR("0100000000000000000000000000000000000000000000000000000000000080")],
    "R of order 2": [withSmallR("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")],
    "R of order 4": [withSmallR("0000000000000000000000000000000000000000000000000000000000000000")],
    "R of order 8": [withSmallR("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")],
    "S before R": [(message) => Buffer.concat([right(message).subarray(32), right(message).subarray(0, 32)])],
    "of the hash (Ed25519ph)": [(message) => right(createHash("sha512").update(message).digest())],
    zero: [Buffer.alloc(64)],
    "all bits set": [Buffer.alloc(64, 0xff)],
    "R of order 1, S = 0": [Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])],
  };
}

/** The secret scalar of a key (RFC 8032 section 5.1.5). */
function scalar(key) {
  const half = createHash("sha512").update(Buffer.from(key.privateJwk.d, "base64url")).digest().subarray(0, 32);
  half[0] &= 248;
  half[31] = (half[31] & 127) | 64;
  return fromBytes(half.reverse());
}

/** Bleichenbacher's forgery of 2006: with e = 3, a cube that begins like an encoded message. */
function lowExponent(key) {
  const forged = (message) => {
    const start = pkcs1Encoding("sha256", message, 75).subarray(12);
    const padding = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 0xff), Buffer.from([0]), start]);
    const target = fromBytes(Buffer.concat([padding, Buffer.alloc(256 - padding.length, 0xff)]));
    return toBytes(cubeRoot(target), 256);
  };
  const token = withSignature({ alg: "RS256" }, CLAIMS, forged);
  return {
    name: "RSA signatures with e = 3",
    options: { ...EXPECTED, jwks: [key.jwk], anyRsaExponent: true },
    cases: [
      { name: "a forged cube", token, expect: WRONG },
      {
        name: "a sound one",
        token: withSignature({ alg: "RS256" }, CLAIMS, (message) => key.sign("RS256", message)),
        expect: ACCEPTED,
      },
    ],
  };
}

/** The greatest number whose cube is not beyond. */
function cubeRoot(number) {
  let root = 0n;
  for (let bit = 1n << 700n; bit > 0n; bit >>= 1n) {
    if ((root + bit) ** 3n <= number) root += bit;
  }
  return root;
}

/** The signature covers the segments as they are written, and the dot between them. */
function movedSegments(key) {
  const sign = (message) => key.sign("EdDSA", Buffer.from(message)).toString("base64url");
  const [header, payload] = [segment({ alg: "EdDSA" }), segment(CLAIMS)];
  const other = segment({ ...CLAIMS, sub: "admin" });
  const spaced = segment(JSON.stringify(CLAIMS, null, 1));
  const tokens = {
    "of another payload": `${header}.${other}.${sign(`${header}.${payload}`)}`,
    "of the same claims, written differently": `${header}.${spaced}.${sign(`${header}.${payload}`)}`,
    "of another header": `${segment({ alg: "EdDSA", kid: "x" })}.${payload}.${sign(`${header}.${payload}`)}`,
    "of the payload alone": `${header}.${payload}.${sign(payload)}`,
    "without the dot": `${header}.${payload}.${sign(header + payload)}`,
    "of the decoded JSON": `${header}.${payload}.${sign(JSON.stringify(CLAIMS))}`,
    "of nothing": `${header}.${payload}.${sign("")}`,
  };
  return {
    name: "what is signed",
    options: { ...EXPECTED, jwks: [key.jwk] },
    cases: Object.entries(tokens).map(([name, token]) => ({
      name,
      token,
      expect: name === "of another header" ? { code: "key_not_found" } : WRONG,
    })),
  };
}

/** The right signature in the wrong length. */
function lengths(sign) {
  const zero = Buffer.alloc(1);
  return {
    "no signature": [Buffer.alloc(0)],
    "one byte": [zero],
    "one byte too few": [(message) => sign(message).subarray(0, -1)],
    "the first byte missing": [(message) => sign(message).subarray(1)],
    "a zero byte after": [(message) => Buffer.concat([sign(message), zero])],
    "a zero byte before": [(message) => Buffer.concat([zero, sign(message)])],
    "half of it": [(message) => sign(message).subarray(0, sign(message).length / 2)],
    twice: [(message) => Buffer.concat([sign(message), sign(message)])],
  };
}

function changed(bytes, index, value) {
  bytes[index] = value;
  return bytes;
}
