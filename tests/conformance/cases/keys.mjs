// Choosing among keys, and what a JWK says about its own use.
import { AUDIENCE, CLAIMS, ISSUER, signed } from "../tokens.mjs";

const EXPECTED = { issuer: ISSUER, audience: AUDIENCE };
const ACCEPTED = { claims: CLAIMS };
const [NOT_FOUND, UNUSABLE, WRONG] = ["key_not_found", "key_unusable", "bad_signature"].map((code) => ({ code }));

export function groups(keys) {
  return [...forms(keys), ...uses(keys), ...sameNames(keys), ...manyKeys(keys), ...unknownKeys(keys), rsaOnly(keys)];
}

/** A JWK Set, an array or text of either; members nobody knows are ignored. */
function forms({ ed25519 }) {
  const jwk = {
    ...ed25519.jwk,
    kid: "a",
    use: "sig",
    key_ops: ["verify"],
    alg: "EdDSA",
    x5c: ["AAAA"],
    exp: 1,
    custom: {},
  };
  const key = { index: 0, kid: "a", kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" };
  const sets = {
    "a set": { keys: [jwk], expires: 5 },
    "an array": [jwk],
    "text of a set": ` ${JSON.stringify({ keys: [jwk] }, null, 2)}\n`,
    "text of an array": JSON.stringify([jwk]),
  };
  const token = signed(ed25519, { alg: "EdDSA", kid: "a" });
  return Object.entries(sets).map(([name, jwks]) => ({
    name: `keys as ${name}`,
    options: { ...EXPECTED, jwks },
    cases: [{ name: "verifies", token, expect: { claims: CLAIMS, header: { alg: "EdDSA", kid: "a" }, key } }],
  }));
}

/** `use`, `key_ops` and `alg`: by kid the key is unusable, without kid it is passed over. */
function uses({ ed25519, otherEd25519 }) {
  const forbidden = {
    "use enc": { use: "enc" },
    "use, empty": { use: "" },
    "use SIG": { use: "SIG" },
    "use, not a string": { use: ["sig"] },
    "key_ops sign": { key_ops: ["sign"] },
    "key_ops, empty": { key_ops: [] },
    "key_ops of encryption": { key_ops: ["encrypt", "wrapKey"] },
    "key_ops, a string": { key_ops: "verify" },
    "key_ops verify twice": { key_ops: ["verify", "verify"] },
    "key_ops with another twice": { key_ops: ["verify", "sign", "sign"] },
    "key_ops with a number": { key_ops: ["verify", 5] },
    "key_ops with null": { key_ops: [null, "verify"] },
    "key_ops with an array": { key_ops: ["verify", ["verify"]] },
    "key_ops, an object": { key_ops: { 0: "verify" } },
    "key_ops VERIFY": { key_ops: ["VERIFY"] },
    "alg of another type": { alg: "RS256" },
    "alg nobody knows": { alg: "XX256" },
    "alg in another case": { alg: "eddsa" },
    "alg, not a string": { alg: 5 },
    "alg of key agreement": { alg: "ECDH-ES" },
  };
  const allowed = {
    "use sig": { use: "sig" },
    "key_ops verify": { key_ops: ["verify"] },
    "key_ops verify and more": { key_ops: ["sign", "verify"] },
    "alg EdDSA": { alg: "EdDSA" },
    "alg Ed25519": { alg: "Ed25519" },
    "an unknown member": { ext: true, oth2: 1 },
    "key_ops nobody knows beside verify": { key_ops: ["verify", "Verify", ""] },
    "null for what is absent": {
      use: null,
      key_ops: null,
      alg: null,
      d: null,
      p: null,
      k: null,
      oth: null,
      priv: null,
    },
    "no further primes": { oth: [] },
  };
  const good = { ...otherEd25519.jwk, kid: "good" };
  const group = (name, members, cases) => ({
    name,
    options: { ...EXPECTED, jwks: [good, { ...ed25519.jwk, kid: "key", ...members }] },
    cases,
  });
  const byKid = signed(ed25519, { alg: "EdDSA", kid: "key" });
  const withoutKid = signed(ed25519, { alg: "EdDSA" });
  return [
    ...Object.entries(forbidden).flatMap(([name, members]) => [
      group(`a key with ${name}`, members, [
        { name: "by kid", token: byKid, expect: UNUSABLE },
        { name: "without kid", token: withoutKid, expect: WRONG },
      ]),
      {
        name: `only a key with ${name}`,
        options: { ...EXPECTED, jwks: [{ ...ed25519.jwk, ...members }] },
        refused: { code: "no_usable_key", option: "jwks" },
      },
    ]),
    ...Object.entries(allowed).map(([name, members]) =>
      group(`a key with ${name}`, members, [
        { name: "by kid", token: byKid, expect: ACCEPTED },
        { name: "without kid", token: withoutKid, expect: ACCEPTED },
      ]),
    ),
    {
      name: "a key whose kid is not a string",
      options: { ...EXPECTED, jwks: [good, { ...ed25519.jwk, kid: 5 }] },
      cases: [{ name: "by kid", token: signed(ed25519, { alg: "EdDSA", kid: "5" }), expect: NOT_FOUND }],
    },
    {
      name: "a key whose kid is null",
      options: { ...EXPECTED, jwks: [{ ...ed25519.jwk, kid: null }] },
      cases: [
        { name: "without kid", token: withoutKid, expect: ACCEPTED },
        { name: "by kid", token: byKid, expect: NOT_FOUND },
        { name: "by the kid null", token: signed(ed25519, { alg: "EdDSA", kid: "null" }), expect: NOT_FOUND },
      ],
    },
  ];
}

function sameNames({ ed25519, otherEd25519, p256, rsa2048 }) {
  const kid = "same";
  const token = signed(ed25519, { alg: "EdDSA", kid });
  const [right, wrong] = [ed25519, otherEd25519].map(({ jwk }) => ({ ...jwk, kid }));
  const unusable = { ...right, use: "enc" };
  const rows = {
    "the second fits": [[wrong, right], { claims: CLAIMS, key: { index: 1, kid, kty: "OKP", crv: "Ed25519" } }],
    "the first fits": [[right, wrong], { claims: CLAIMS, key: { index: 0, kid, kty: "OKP", crv: "Ed25519" } }],
    "neither fits": [[wrong, wrong], WRONG],
    "one is of another type": [[{ ...p256.jwk, kid }, { ...rsa2048.jwk, kid }, right], { claims: CLAIMS }],
    "one is unusable, the other fits": [[unusable, right], { claims: CLAIMS }],
    "one is unusable, the other does not fit": [[unusable, wrong], WRONG],
    "all of another type": [
      [
        { ...p256.jwk, kid },
        { ...rsa2048.jwk, kid },
      ],
      NOT_FOUND,
    ],
    "the right one has another name": [[wrong, { ...right, kid: "other" }], WRONG],
  };
  return Object.entries(rows).map(([name, [jwks, expect]]) => ({
    name: `keys of one kid: ${name}`,
    options: { ...EXPECTED, jwks },
    cases: [{ name: "verify", token, expect }],
  }));
}

/** A token without kid is tried with 16 keys that fit, no more; keys that do not fit do not count. */
function manyKeys({ ed25519, otherEd25519, p256, rsa2048, p384 }) {
  const others = (count) => Array.from({ length: count }, () => otherEd25519.jwk);
  const unfit = Array.from({ length: 30 }, () => [
    p256.jwk,
    rsa2048.jwk,
    p384.jwk,
    { ...otherEd25519.jwk, use: "enc" },
  ]).flat();
  const token = signed(ed25519, { alg: "EdDSA" });
  const group = (name, jwks, expect, given = token) => ({
    name: `many keys: ${name}`,
    options: { ...EXPECTED, jwks },
    cases: [{ name: "verify", token: given, expect }],
  });
  const byKid = signed(ed25519, { alg: "EdDSA", kid: "last" });
  return [
    group("the 16th fits", [...others(15), ed25519.jwk], { key: { index: 15, kty: "OKP", crv: "Ed25519" } }),
    group("the 17th fits", [...others(16), ed25519.jwk], WRONG),
    group("the 17th fits, by kid", [...others(16), { ...ed25519.jwk, kid: "last" }], ACCEPTED, byKid),
    group("120 that do not fit before", [...unfit, ...others(15), ed25519.jwk], ACCEPTED),
    group(
      "the 17th of one kid",
      [...others(16), ed25519.jwk].map((jwk) => ({ ...jwk, kid: "last" })),
      WRONG,
      byKid,
    ),
    group("a thousand", [...others(999), { ...ed25519.jwk, kid: "last" }], ACCEPTED, byKid),
    group("none of the right type", [p256.jwk, rsa2048.jwk], NOT_FOUND),
    group("none but an unusable one", [p256.jwk, { ...ed25519.jwk, use: "enc" }], NOT_FOUND),
  ];
}

/** RFC 7517 section 5: keys of unknown type are skipped. */
function unknownKeys({ ed25519, secp256k1, ed448 }) {
  const unknown = [
    { kty: "AKP", alg: "SLH-DSA-SHA2-128s", pub: "AAAA", kid: "key" },
    { kty: "XYZ", kid: "key" },
    { kid: "key" },
    {},
    { kty: 5, kid: "key" },
    { kty: "rsa", n: "AQ", e: "AQAB", kid: "key" },
    { kty: "EC", crv: "P-192", x: "AA", y: "AA" },
    { kty: "EC" },
    { kty: "OKP", crv: "X25519", x: ed25519.jwk.x, kid: "key" },
    { ...secp256k1.jwk, kid: "key" },
    { ...ed448.jwk, kid: "key" },
  ];
  const header = { alg: "EdDSA", kid: "key" };
  return [
    {
      name: "keys of unknown type",
      options: { ...EXPECTED, jwks: [...unknown, { ...ed25519.jwk, kid: "key" }] },
      cases: [
        {
          name: "are skipped",
          token: signed(ed25519, header),
          expect: { claims: CLAIMS, key: { index: 0, kid: "key", kty: "OKP", crv: "Ed25519" } },
        },
        { name: "Ed448 is not EdDSA here", token: signed(ed448, header, CLAIMS, "Ed448"), expect: WRONG },
      ],
    },
    { name: "only keys of unknown type", options: { ...EXPECTED, jwks: unknown }, refused: { code: "no_usable_key" } },
  ];
}

function rsaOnly({ rsa2048, ed25519 }) {
  return {
    name: "a key for RS256 only",
    options: { ...EXPECTED, jwks: [{ ...rsa2048.jwk, kid: "rsa", alg: "RS256" }, ed25519.jwk] },
    cases: [
      { name: "RS256", token: signed(rsa2048, { alg: "RS256", kid: "rsa" }), expect: ACCEPTED },
      ...["PS256", "RS384", "PS512"].flatMap((alg) => [
        { name: `${alg}, by kid`, token: signed(rsa2048, { alg, kid: "rsa" }), expect: UNUSABLE },
        { name: `${alg}, without kid`, token: signed(rsa2048, { alg }), expect: NOT_FOUND },
      ]),
    ],
  };
}
