// Options that cannot work: a ConfigError that names the option, before any token is seen.
import { AUDIENCE, CLAIMS, ISSUER, signed, special } from "../tokens.mjs";

export function groups(keys) {
  const { ed25519 } = keys;
  const good = { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE };
  const refused = (name, options, code, option) => ({
    name: `options: ${name}`,
    options,
    refused: { code, ...(option && { option }) },
  });
  return [
    ...shapes(good).map(([name, options, ...rest]) => refused(name, options, ...rest)),
    ...invalid().flatMap(([option, values]) =>
      values.map((value) =>
        refused(`${option} ${JSON.stringify(value)}`, { ...good, [option]: value }, "invalid_option", option),
      ),
    ),
    ...keySets(keys).map(([name, jwks, code]) => refused(`jwks, ${name}`, { ...good, jwks }, code, "jwks")),
    ...secrets(keys).map(([name, jwk, code]) =>
      refused(`jwks with ${name}`, { ...good, jwks: [ed25519.jwk, jwk] }, code, "jwks"),
    ),
    refused("only keys for other algorithms", { ...good, algorithms: ["RS256", "ES256"] }, "no_usable_key", "jwks"),
    ...clocks(ed25519, good),
    ...unusual(ed25519, good),
  ];
}

function shapes({ jwks, issuer, audience }) {
  const good = { jwks, issuer, audience };
  return [
    ["an unknown one", { ...good, iss: issuer }, "unknown_option", "iss"],
    ["one in another case", { ...good, Algorithms: ["RS256"] }, "unknown_option", "Algorithms"],
    ["one in the plural", { ...good, audiences: [audience] }, "unknown_option", "audiences"],
    ["one that objects inherit", { ...good, toString: 1 }, "unknown_option", "toString"],
    ["an unknown one that is undefined", { ...good, issuers: special.undefined }, "unknown_option", "issuers"],
    ["no issuer", { jwks, audience }, "missing_option", "issuer"],
    ["no audience", { jwks, issuer }, "missing_option", "audience"],
    ["no jwks", { issuer, audience }, "missing_option", "jwks"],
    ["an undefined issuer", { ...good, issuer: special.undefined }, "missing_option", "issuer"],
    ["an undefined audience", { ...good, audience: special.undefined }, "missing_option", "audience"],
    ["an issuer that is no Unicode text", { ...good, issuer: "\ud800" }, "invalid_option"],
    ["none at all", special.undefined, "invalid_option"],
    ["null", null, "invalid_option"],
    ["a string", "options", "invalid_option"],
    ["an empty list", [], "invalid_option"],
    ["a list with null", [good, null], "invalid_option"],
  ];
}

function invalid() {
  const { NaN: nan, Infinity: infinity } = special;
  const names = ["", [], [""], ["a", ""], 5, true, {}, [5], ["a", null]];
  return [
    ["issuer", names],
    ["audience", names],
    ["algorithms", [[], "RS256", ["none"], ["HS256"], ["RS256", "HS256"], ["rs256"], ["ES256K"], [5], {}, null, [""]]],
    ["clockTolerance", [-1, -0.001, nan, infinity, "5", "5 s", "-5s", "5S", "", ["5s"], null, true, special.bigint]],
    ["maxTokenAge", [-1, nan, infinity, "60", "1y", "60s ", ["60s"], null]],
    ["maxTokenBytes", [0, -1, 0.5, nan, infinity, (1 << 20) + 1, 2 ** 40, "16384", null]],
    ["now", [5, "now", null, {}]],
    ["typ", [5, null, [], [5], ["JWT", null], [["JWT"]], {}]],
    ["subject", [5, null, ["user-1"]]],
    ["requiredClaims", ["scope", [5], [null], {}, null]],
    [
      "claims",
      [
        null,
        "role",
        ["role"],
        { a: special.undefined },
        { a: special.NaN },
        { a: special.function },
        { a: special.symbol },
      ],
    ],
    [
      "claims",
      [
        { a: { b: special.Infinity } },
        { a: [special.undefined] },
        { a: special.bigint },
        { a: special.stringObject("x") },
      ],
    ],
    ["schema", [{}, null, special.function, { "~standard": {} }, "schema"]],
    [
      "cache",
      [
        5,
        "yes",
        null,
        {},
        { maxTokens: 0 },
        { maxTokens: -1 },
        { maxTokens: 1.5 },
        { maxTokens: "9" },
        { maxTokens: 1e9 },
      ],
    ],
    ["requireExp", ["false", 0, null]],
    ["anyRsaExponent", ["true", 1, null]],
  ];
}

function keySets({ ed25519 }) {
  const { jwk } = ed25519;
  return [
    ["not an object", 5, "invalid_option"],
    ["null", null, "invalid_option"],
    ["an object without keys", {}, "invalid_jwks"],
    ["a single key", jwk, "invalid_jwks"],
    ["keys that are no array", { keys: { a: jwk } }, "invalid_jwks"],
    ["a key that is no object", [jwk, "key"], "invalid_jwks"],
    ["a key that is null", { keys: [null] }, "invalid_jwks"],
    ["a key that is an array", [[jwk]], "invalid_jwks"],
    ["text that is no JSON", "{", "invalid_jwks"],
    ["empty text", "", "invalid_jwks"],
    ["text of something else", '"keys"', "invalid_jwks"],
    ["text with a duplicate member", `{"keys":[],"keys":[${JSON.stringify(jwk)}]}`, "invalid_jwks"],
    ["text with a key's member twice", `[{"kid":"a",${JSON.stringify(jwk).slice(1, -1)},"kid":"b"}]`, "invalid_jwks"],
    ["text with a byte order mark", `\ufeff${JSON.stringify([jwk])}`, "invalid_jwks"],
    ["text nested too deep", "[".repeat(100_000), "invalid_jwks"],
    ["a PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "invalid_jwks"],
    ["a lone surrogate", [{ ...jwk, kid: "\ud800" }], "invalid_jwks"],
    ["a BigInt", [{ ...jwk, x: special.bigint }], "invalid_jwks"],
    ["1001 keys", Array.from({ length: 1001 }, () => ({ kty: "x" })), "invalid_jwks"],
    ["more than a megabyte", special.repeated(" ", (1 << 20) + 1), "invalid_jwks"],
    ["no keys", { keys: [] }, "no_usable_key"],
    ["an empty array", [], "no_usable_key"],
  ];
}

/** A web app must never ship one, whatever else is in the set. */
function secrets({ ed25519, p256, rsa2048, rsa8192 }) {
  const oct = { kty: "oct", k: "AAAA" };
  return [
    ["a private Ed25519 key", ed25519.privateJwk, "private_key"],
    ["a private EC key", p256.privateJwk, "private_key"],
    ["a private RSA key", rsa2048.privateJwk, "private_key"],
    ["a private RSA key without primes", rsa8192.privateJwk, "private_key"],
    ["an RSA prime", { ...rsa2048.jwk, p: rsa2048.privateJwk.p }, "private_key"],
    ["an RSA CRT exponent", { ...rsa2048.jwk, dq: rsa2048.privateJwk.dq }, "private_key"],
    ["further primes", { ...rsa2048.jwk, oth: [{ r: "AQ", d: "AQ", t: "AQ" }] }, "private_key"],
    ["further primes that are no array", { ...rsa2048.jwk, oth: {} }, "private_key"],
    ["a private member that is empty", { ...p256.jwk, d: "" }, "private_key"],
    ["a private member that is an empty array", { ...p256.jwk, d: [] }, "private_key"],
    ["a private member that is false", { ...p256.jwk, d: false }, "private_key"],
    ["a private key of unknown type", { kty: "XYZ", d: "AAAA" }, "private_key"],
    ["a private key for encryption", { ...p256.privateJwk, use: "enc" }, "private_key"],
    ["a private ML-DSA key", { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA", priv: "AAAA" }, "private_key"],
    ["a symmetric key", oct, "symmetric_key"],
    ["a symmetric key without its value", { kty: "oct" }, "symmetric_key"],
    ["a symmetric key for encryption", { ...oct, use: "enc", alg: "A256GCM" }, "symmetric_key"],
    ["a symmetric value in a public key", { ...p256.jwk, k: "AAAA" }, "symmetric_key"],
  ];
}

/** A clock that gives no time is a mistake of the app, found when it is asked. */
function clocks(key, good) {
  const token = signed(key, { alg: "EdDSA" });
  const { returning } = special;
  const wrong = [special.NaN, special.Infinity, special.undefined, null, "1760000000", true, [], {}, special.bigint];
  const group = (name, now) => ({
    name: `a clock that gives ${name}`,
    options: { ...good, now },
    cases: [{ name: "verify", token, expect: { config: { code: "invalid_option", option: "now" } } }],
  });
  return [
    ...wrong.map((value) => group(JSON.stringify(value), returning(value))),
    group("a promise", special.promising(1_760_000_000)),
  ];
}

/** What is unusual and allowed. */
function unusual(key, good) {
  const token = signed(key, { alg: "EdDSA" });
  const options = {
    "everything optional undefined": Object.fromEntries(
      [
        "algorithms",
        "clockTolerance",
        "typ",
        "subject",
        "maxTokenAge",
        "requiredClaims",
        "claims",
        "schema",
        "maxTokenBytes",
      ]
        .concat(["cache", "requireExp", "anyRsaExponent"])
        .map((name) => [name, special.undefined]),
    ),
    "an algorithm twice": { algorithms: ["EdDSA", "EdDSA", "Ed25519"] },
    "nothing required": { requiredClaims: [], claims: {} },
    "many issuers": { issuer: [...Array.from({ length: 200 }, (_, index) => `https://${index}.example`), ISSUER] },
    "the same issuer twice": { issuer: [ISSUER, ISSUER] },
    "a great tolerance": { clockTolerance: 1e12 },
    "no cache": { cache: false },
    "a cache of one": { cache: { maxTokens: 1 } },
    "durations as text": { clockTolerance: "5s", maxTokenAge: "1.5h" },
    "a null beside each key's members": {
      jwks: {
        keys: [
          { ...key.jwk, d: null, k: null, oth: null },
          { kty: null, k: null },
        ],
      },
    },
  };
  return Object.entries(options).map(([name, more]) => ({
    name: `options: ${name}`,
    options: { ...good, ...more },
    cases: [{ name: "verify", token, expect: { claims: CLAIMS } }],
  }));
}
