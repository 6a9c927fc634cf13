// ML-DSA keys and tokens (RFC 9964), and how they are judged beside other keys. Signed by noble-post-quantum.
import { sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44, ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import { AUDIENCE, CLAIMS, ISSUER, segment, signed, withSignature } from "./tokens.mjs";

const EXPECTED = { issuer: ISSUER, audience: AUDIENCE };
const ACCEPTED = { claims: CLAIMS };
const [NOT_FOUND, UNUSABLE, WRONG] = ["key_not_found", "key_unusable", "bad_signature"].map((code) => ({ code }));

const SETS = { "ML-DSA-44": ml_dsa44, "ML-DSA-65": ml_dsa65, "ML-DSA-87": ml_dsa87 };
const LAST_OF_HINTS = { "ML-DSA-44": 4, "ML-DSA-65": 6, "ML-DSA-87": 8 };

/** A key for each algorithm, the same in each run: `{ jwk, privateJwk, sign(alg, message), signWith(message, options) }`. */
export function mlDsaKeys(seed = 7) {
  return Object.entries(SETS).map(([alg, algorithm]) => {
    const seeds = new Uint8Array(32).fill(seed);
    const { publicKey, secretKey } = algorithm.keygen(seeds);
    const jwk = { kty: "AKP", alg, pub: segment(publicKey) };
    const signWith = (message, options, signer = algorithm) =>
      signer.sign(message, secretKey, { extraEntropy: false, ...options });
    return {
      alg,
      jwk,
      privateJwk: { ...jwk, priv: segment(seeds) },
      sign: (_, message) => signWith(message),
      signWith,
      prehashed: (message) => signWith(message, {}, algorithm.prehash(sha512)),
      internal: (message) => algorithm.internal.sign(message, secretKey, { extraEntropy: false }),
      publicKey,
    };
  });
}

export function groups(keys) {
  const own = mlDsaKeys();
  return [...own.map(signatures), ...own.flatMap(uses), ...own.flatMap(refused), ...mixed(own, keys), algorithms(own)];
}

/** Each of the right key over the right bytes, and all but the first not as they must be. */
function signatures(key) {
  const { alg } = key;
  const right = (message) => Buffer.from(key.sign(alg, message));
  const changedAt = (place) => (message) => {
    const signature = right(message);
    signature[place < 0 ? signature.length + place : place] ^= 1;
    return signature;
  };
  const cases = {
    "as it should be": [right, true],
    "with other randomness": [(message) => key.signWith(message, { extraEntropy: new Uint8Array(32).fill(1) }), true],
    "with a context": [(message) => key.signWith(message, { context: Buffer.from("JWS") })],
    "HashML-DSA": [(message) => key.prehashed(message)],
    "of the bytes without the context's length": [(message) => key.internal(message)],
    "of another message": [(message) => key.sign(alg, Buffer.concat([message, Buffer.from([0])]))],
    "a bit of the challenge changed": [changedAt(0)],
    "a bit of the response changed": [changedAt(1000)],
    "a bit of the hints changed": [changedAt(-LAST_OF_HINTS[alg] - 1)],
    "a bit of the count of hints changed": [changedAt(-1)],
    "a byte less": [(message) => right(message).subarray(0, -1)],
    "a byte more": [(message) => Buffer.concat([right(message), Buffer.alloc(1)])],
    none: [Buffer.alloc(0)],
    "all bytes zero": [(message) => right(message).fill(0)],
    "all bits set": [(message) => right(message).fill(0xff)],
  };
  return {
    name: `${alg} signatures`,
    options: { ...EXPECTED, jwks: [{ ...key.jwk, kid: "key" }] },
    cases: Object.entries(cases).map(([name, [signature, holds]]) => ({
      name,
      token: withSignature({ alg, kid: "key" }, CLAIMS, signature),
      expect: holds ? { ...ACCEPTED, key: { index: 0, kid: "key", kty: "AKP", alg } } : WRONG,
    })),
  };
}

/** What a JWK says about its own use counts as it does elsewhere. */
function uses(key) {
  const { alg, jwk } = key;
  const named = { ...jwk, kid: "key" };
  const token = signed(key, { alg, kid: "key" });
  const group = (name, jwks, expect) => ({
    name: `${alg} keys / ${name}`,
    options: { ...EXPECTED, jwks },
    cases: [{ name: "", token, expect }],
  });
  const other = mlDsaKeys(9).find((one) => one.alg === alg);
  return [
    group("for signatures", [{ ...named, use: "sig", key_ops: ["verify"] }], ACCEPTED),
    group("members of other types are ignored", [{ ...named, crv: "Ed25519", x: 5, n: "" }], ACCEPTED),
    group("another key", [{ ...other.jwk, kid: "key" }], WRONG),
    group("another key without kid", [named, other.jwk], ACCEPTED),
    group(
      "for encryption",
      [
        { ...named, use: "enc" },
        { ...other.jwk, kid: "other" },
      ],
      UNUSABLE,
    ),
    group("a byte short", [{ ...named, pub: segment(key.publicKey.subarray(1)) }, other.jwk], UNUSABLE),
    group("padded", [{ ...named, pub: `${jwk.pub}=` }, other.jwk], UNUSABLE),
    group("without pub", [{ kty: "AKP", alg, kid: "key" }, other.jwk], UNUSABLE),
    group("without alg", [{ ...named, alg: undefined }, other.jwk], NOT_FOUND),
  ];
}

/** Sets that no verifier takes. */
function refused({ alg, jwk, privateJwk }) {
  const noUsableKey = { code: "no_usable_key", option: "jwks" };
  const { alg: _, ...withoutAlg } = jwk;
  const sets = {
    "a private key": [[privateJwk], { code: "private_key", option: "jwks" }],
    "without alg": [[withoutAlg], noUsableKey],
    "alg in lower case": [[{ ...jwk, alg: alg.toLowerCase() }], noUsableKey],
    "alg of another type": [[{ ...jwk, alg: "ES256" }], noUsableKey],
    "alg of another size": [[{ ...jwk, alg: alg === "ML-DSA-44" ? "ML-DSA-65" : "ML-DSA-44" }], noUsableKey],
    "kty of another type": [[{ ...jwk, kty: "OKP" }], noUsableKey],
    "an empty key": [[{ ...jwk, pub: "" }], noUsableKey],
  };
  return Object.entries(sets).map(([name, [jwks, error]]) => ({
    name: `${alg} keys / ${name}`,
    options: { ...EXPECTED, jwks },
    refused: error,
  }));
}

/** One set of all types, and one that becomes another. */
function mixed(own, { p256, ed25519, rsa2048 }) {
  const others = Object.entries({ ES256: p256, EdDSA: ed25519, RS256: rsa2048 }).map(([alg, key]) => ({
    alg,
    jwk: key.jwk,
    sign: (name, message) => key.sign(name, message),
  }));
  const all = [...own, ...others];
  const jwks = all.map(({ alg, jwk }) => ({ ...jwk, kid: alg }));
  const [first, second] = own;
  return [
    {
      name: "keys of all types in one set",
      options: { ...EXPECTED, jwks },
      cases: [
        ...all.flatMap((key) => [
          { name: key.alg, token: signed(key, { alg: key.alg, kid: key.alg }), expect: ACCEPTED },
          { name: `${key.alg} without kid`, token: signed(key, { alg: key.alg }), expect: ACCEPTED },
        ]),
        ...all.map((key, index) => ({
          name: `${key.alg} by another's kid`,
          token: signed(key, { alg: key.alg, kid: all[(index + 1) % all.length].alg }),
          expect: NOT_FOUND,
        })),
        {
          name: "signed by ML-DSA-65, and says that it is ML-DSA-44",
          token: signed(second, { alg: first.alg, kid: first.alg }),
          expect: WRONG,
        },
        {
          name: "in another letter case",
          token: signed(first, { alg: "ml-dsa-44", kid: first.alg }),
          expect: { code: "unsupported_algorithm" },
        },
      ],
    },
    {
      name: "from a curve to ML-DSA",
      options: { ...EXPECTED, jwks: [ed25519.jwk] },
      cases: [
        { name: "before", token: signed(first, { alg: first.alg }), expect: NOT_FOUND },
        { name: "the keys change", setKeys: [first.jwk], expect: { keys: [{ index: 0, kty: "AKP", alg: first.alg }] } },
        { name: "after", token: signed(first, { alg: first.alg }), expect: ACCEPTED },
      ],
    },
  ];
}

/** The option `algorithms`, and the bound of a token's size. */
function algorithms(own) {
  const jwks = own.map(({ jwk }) => jwk);
  return {
    name: "only ML-DSA-65",
    options: { ...EXPECTED, jwks, algorithms: ["ML-DSA-65"], maxTokenBytes: 5000 },
    cases: own.map((key) => ({
      name: key.alg,
      token: signed(key, { alg: key.alg }),
      expect:
        key.alg === "ML-DSA-65" ? ACCEPTED : { code: key.alg === "ML-DSA-44" ? "algorithm_not_allowed" : "too_large" },
    })),
  };
}
