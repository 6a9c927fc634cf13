// Keys that are weak or invalid: kept, so that a token naming one is told so, and never used.
import { pkcs1Encoding } from "../keys.mjs";
import { fixedBytes, fromBytes, toBytes } from "../numbers.mjs";
import { AUDIENCE, CLAIMS, ISSUER, signed, withSignature } from "../tokens.mjs";

const EXPECTED = { issuer: ISSUER, audience: AUDIENCE };
const ACCEPTED = { claims: CLAIMS };

export function groups(keys) {
  const weak = { ...rsa(keys), ...ec(keys), ...ed25519(keys) };
  const named = Object.entries(weak).map(([name, [jwk]]) => ({ ...jwk, kid: name }));
  const cases = Object.entries(weak).map(([name, [, alg, signature]]) => ({
    name,
    token: withSignature({ alg, kid: name }, CLAIMS, signature),
    expect: { code: "key_unusable" },
  }));
  return [
    { name: "weak keys", options: { ...EXPECTED, jwks: [keys.ed25519.jwk, ...named], anyRsaExponent: true }, cases },
    ...Object.entries(weak).map(([name, [jwk]]) => ({
      name: `only a weak key: ${name}`,
      options: { ...EXPECTED, jwks: [jwk], anyRsaExponent: true },
      refused: { code: "no_usable_key", option: "jwks" },
    })),
    ...exponents(keys),
    acceptedForms(keys),
  ];
}

/** Each: the key, an algorithm, and a signature that holds where there can be one. */
function rsa({ rsa1024, rsa2048, roca, rsa4096 }) {
  const { n, e } = rsa2048.jwk;
  const modulus = fromBytes(Buffer.from(n, "base64url"));
  const by = (key) => (message) => key.sign("RS256", message);
  const random = fixedBytes(256, "weak key 1");
  const withModulus = (number, signature = random) => [{ kty: "RSA", n: text(number), e }, "RS256", signature];
  const withExponent = (exponent, signature = by(rsa2048)) => [
    { kty: "RSA", n, e: text(exponent) },
    "RS256",
    signature,
  ];
  return {
    "RSA, 1024 bits": [rsa1024.jwk, "RS256", by(rsa1024)],
    "RSA, 2047 bits": withModulus((modulus >> 1n) | 1n),
    "RSA, 2040 bits": withModulus((modulus >> 8n) | 1n),
    "RSA, 8193 bits": withModulus((1n << 8192n) + 1n, fixedBytes(1025, "weak key 2")),
    "RSA, 16384 bits": withModulus(
      fromBytes(fixedBytes(2048, "weak key 3")) | (1n << 16383n) | 1n,
      fixedBytes(2048, "weak key 4"),
    ),
    "RSA, 512 bits": withModulus((modulus >> 1536n) | 1n, fixedBytes(64, "weak key 5")),
    "RSA, a modulus of one": withModulus(1n, Buffer.from([0])),
    "RSA, a modulus of zero": withModulus(0n, Buffer.from([0])),
    "RSA, an even modulus": withModulus(modulus - 1n),
    "RSA, a modulus that is a power of two": withModulus(1n << 2047n),
    // With an exponent of 1 the signature is the encoded message itself: anyone can write it.
    "RSA, e = 1": withExponent(1n, (message) => pkcs1Encoding("sha256", message, 256)),
    "RSA, e = 0": withExponent(0n),
    "RSA, e = 2": withExponent(2n),
    "RSA, e even": withExponent(65536n),
    "RSA, e of 33 bits": withExponent((1n << 32n) + 1n),
    "RSA, e as long as the modulus": withExponent(modulus - 2n),
    "RSA, ROCA": [roca.jwk, "RS256", by(roca)],
    "RSA, ROCA with PSS": [roca.jwk, "PS512", (message) => roca.sign("PS512", message)],
    "RSA, no modulus": [{ kty: "RSA", e }, "RS256", random],
    "RSA, no exponent": [{ kty: "RSA", n }, "RS256", by(rsa2048)],
    "RSA, an empty exponent": [{ kty: "RSA", n, e: "" }, "RS256", by(rsa2048)],
    "RSA, a number for e": [{ kty: "RSA", n, e: 65537 }, "RS256", by(rsa2048)],
    "RSA, padded base64url": [{ kty: "RSA", n: `${n}==`, e }, "RS256", by(rsa2048)],
    "RSA, standard base64": [
      { kty: "RSA", n: `+/${rsa4096.jwk.n.slice(2)}`, e },
      "RS256",
      fixedBytes(512, "weak key 6"),
    ],
    "RSA, a line end in n": [{ kty: "RSA", n: `${n}\n`, e }, "RS256", by(rsa2048)],
  };
}

function ec({ p256, p384, p521 }) {
  const all = { ES256: [p256, 32], ES384: [p384, 48], ES512: [p521, 66] };
  const entries = Object.entries(all).flatMap(([alg, [key, size]]) => {
    const { kty, crv, x, y } = key.jwk;
    const sign = (message) => key.sign(alg, message);
    const [xBytes, yBytes] = [x, y].map((number) => Buffer.from(number, "base64url"));
    const point = (first, second) => [
      { kty, crv, x: first.toString("base64url"), y: second.toString("base64url") },
      alg,
      sign,
    ];
    const zero = Buffer.alloc(1);
    const flipped = Buffer.from(yBytes);
    flipped[size - 1] ^= 1;
    return Object.entries({
      "off the curve": point(xBytes, flipped),
      "coordinates exchanged": point(yBytes, xBytes),
      "the point (0, 0)": point(Buffer.alloc(size), Buffer.alloc(size)),
      "x = p": point(PRIMES[crv], yBytes),
      "y beyond p": point(xBytes, Buffer.alloc(size, 0xff)),
      "x one byte longer": point(Buffer.concat([zero, xBytes]), yBytes),
      "y one byte shorter": point(xBytes, yBytes.subarray(1)),
      "both one byte longer": point(Buffer.concat([zero, xBytes]), Buffer.concat([zero, yBytes])),
      "no y": [{ kty, crv, x }, alg, sign],
      empty: [{ kty, crv, x: "", y: "" }, alg, sign],
      "SEC1 in x": [
        { kty, crv, x: Buffer.concat([Buffer.from([4]), xBytes, yBytes]).toString("base64url"), y },
        alg,
        sign,
      ],
      "x not base64url": [{ kty, crv, x: `${x}=`, y }, alg, sign],
    }).map(([name, entry]) => [`${crv}, ${name}`, entry]);
  });
  return Object.fromEntries(entries);
}

/** The primes of the curves' fields, as coordinates. */
const PRIMES = {
  "P-256": toBytes(2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n, 32),
  "P-384": toBytes(2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n, 48),
  "P-521": toBytes(2n ** 521n - 1n, 66),
};

// Every encoding, canonical or not, of the eight points whose order divides 8 on edwards25519.
const SMALL_ORDER = {
  "order 1": "0100000000000000000000000000000000000000000000000000000000000000",
  "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "order 4": "0000000000000000000000000000000000000000000000000000000000000000",
  "order 4, negative": "0000000000000000000000000000000000000000000000000000000000000080",
  "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "order 8, negative": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "order 8, other": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "order 8, other, negative": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "order 1, sign of zero": "0100000000000000000000000000000000000000000000000000000000000080",
  "order 1, not canonical": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "order 1, not canonical, sign of zero": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "order 2, sign of zero": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "order 4, not canonical": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "order 4, not canonical, negative": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

function ed25519({ ed25519: good }) {
  const x = Buffer.from(good.jwk.x, "base64url");
  const key = (bytes) => [
    { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") },
    "EdDSA",
    // R the neutral element and S = 0: holds for a key of small order about once in its order.
    Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]),
  ];
  const small = Object.entries(SMALL_ORDER).map(([name, hex]) => [`Ed25519, ${name}`, key(Buffer.from(hex, "hex"))]);
  // y = 2 is on no point of the curve; y = p + 3 is a second spelling of one that is.
  return {
    ...Object.fromEntries(small),
    "Ed25519, not on the curve": key(Buffer.concat([Buffer.from([2]), Buffer.alloc(31)])),
    "Ed25519, not canonical": key(Buffer.from(`f0${"ff".repeat(30)}7f`, "hex")),
    "Ed25519, 31 bytes": key(x.subarray(1)),
    "Ed25519, 33 bytes": key(Buffer.concat([x, Buffer.alloc(1)])),
    "Ed25519, empty": key(Buffer.alloc(0)),
    "Ed25519, uncompressed": key(Buffer.concat([Buffer.from([4]), x, x])),
    "Ed25519, no x": [{ kty: "OKP", crv: "Ed25519" }, "EdDSA", Buffer.alloc(64)],
  };
}

/** Exponents other than 65537 only on request. */
function exponents({ ed25519: good, rsaExponent3, rsaGreatExponent }) {
  const jwks = [good.jwk, { ...rsaExponent3.jwk, kid: "3" }, { ...rsaGreatExponent.jwk, kid: "great" }];
  const tokens = [
    ["e = 3", signed(rsaExponent3, { alg: "RS256", kid: "3" })],
    ["e = 3, PSS", signed(rsaExponent3, { alg: "PS384", kid: "3" })],
    ["e of 32 bits", signed(rsaGreatExponent, { alg: "RS256", kid: "great" })],
  ];
  const group = (name, anyRsaExponent, expect) => ({
    name,
    options: { ...EXPECTED, jwks, ...(anyRsaExponent !== undefined && { anyRsaExponent }) },
    cases: tokens.map(([title, token]) => ({ name: title, token, expect })),
  });
  return [
    group("RSA exponents by default", undefined, { code: "key_unusable" }),
    group("RSA exponents, not wanted", false, { code: "key_unusable" }),
    group("RSA exponents, wanted", true, ACCEPTED),
    {
      name: "only a key with e = 3",
      options: { ...EXPECTED, jwks: [rsaExponent3.jwk] },
      refused: { code: "no_usable_key" },
    },
  ];
}

/** What is unusual and sound: RFC 7518 section 6.3.1.1 tells of a zero byte that some libraries put in front. */
function acceptedForms({ rsa2048 }) {
  const zero = (number) => Buffer.concat([Buffer.alloc(1), Buffer.from(number, "base64url")]).toString("base64url");
  const { n, e } = rsa2048.jwk;
  return {
    name: "an RSA key with zero bytes in front",
    options: { ...EXPECTED, jwks: [{ kty: "RSA", n: zero(n), e: zero(e) }] },
    cases: ["RS256", "PS256"].map((alg) => ({ name: alg, token: signed(rsa2048, { alg }), expect: ACCEPTED })),
  };
}

function text(number) {
  return toBytes(number).toString("base64url");
}
