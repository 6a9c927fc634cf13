// What the header says: alg, crit and b64, typ, kid, and the keys that it brings along.
import { createHmac, createPublicKey } from "node:crypto";
import { AUDIENCE, CLAIMS, ISSUER, signed, withSignature } from "../tokens.mjs";

const EXPECTED = { issuer: ISSUER, audience: AUDIENCE };
const ACCEPTED = { claims: CLAIMS };
const unsupported = { code: "unsupported_algorithm" };

export function groups(keys) {
  return [
    ...algorithms(keys),
    ...confusions(keys),
    ...extensions(keys),
    ...types(keys),
    ...names(keys),
    ...broughtKeys(keys),
    ...order(keys),
  ];
}

function algorithms({ rsa2048, p256, ed25519 }) {
  const options = { ...EXPECTED, jwks: [rsa2048.jwk, p256.jwk, ed25519.jwk] };
  // With the names of the keys, so that nothing but alg is at fault.
  const named = {
    ...EXPECTED,
    jwks: [
      { ...rsa2048.jwk, kid: "rsa" },
      { ...ed25519.jwk, kid: "ed" },
    ],
  };
  const notSupported = [
    ...["none", "None", "NONE", "nOnE", "none ", ""],
    ...["HS256", "HS384", "HS512", "hs256", "HS1"],
    ...["rs256", "Rs256", "RS256 ", " RS256", "RS256\0", "RS256\n", "RS-256", "RSA256", "RS", "RS1", "SHA256withRSA"],
    ...["es256", "ES256K", "ES256 ", "eddsa", "EDDSA", "Eddsa", "ed25519", "ED25519", "Ed448", "ps256", "ESP256"],
    ...["RSA-OAEP", "dir", "A256GCM", "ML-DSA", "SLH-DSA-SHA2-128s", "toString", "__proto__", "constructor"],
    ...["RS256,none", "\uff32\uff33256", "RS256\u200b", "\u0435dDSA"],
  ];
  const notStrings = { null: null, true: true, "a number": 256, "an array": ["EdDSA"], "an object": { alg: "EdDSA" } };
  const all = { ...Object.fromEntries(notSupported.map((alg) => [JSON.stringify(alg), alg])), ...notStrings };
  const kid = "rsa";
  const cases = Object.entries(all).flatMap(([name, alg]) => [
    { name: `alg ${name}, signed`, token: signed(rsa2048, { alg, kid }, CLAIMS, "RS256"), expect: unsupported },
    { name: `alg ${name}, without a signature`, token: withSignature({ alg, kid }, CLAIMS, ""), expect: unsupported },
  ]);
  const eddsa = (header) => signed(ed25519, { ...header, kid: "ed" }, CLAIMS, "EdDSA");
  return [
    {
      name: "alg",
      options: named,
      cases: [
        ...cases,
        { name: "no alg", token: eddsa({ typ: "JWT" }), expect: unsupported },
        { name: "alg in other case", token: eddsa({ ALG: "EdDSA" }), expect: unsupported },
        { name: "as it should be", token: signed(rsa2048, { alg: "RS256", kid }), expect: ACCEPTED },
      ],
    },
    { name: "HS with a public key as the secret", options: named, cases: publicKeyAsSecret(rsa2048) },
    {
      name: "algorithms",
      options: { ...options, algorithms: ["RS256", "EdDSA"] },
      cases: [
        { name: "one that is allowed", token: signed(rsa2048, { alg: "RS256" }), expect: ACCEPTED },
        { name: "the other name of one that is allowed", token: signed(ed25519, { alg: "Ed25519" }), expect: ACCEPTED },
        ...[
          ["RS512", rsa2048],
          ["PS256", rsa2048],
          ["ES256", p256],
        ].map(([alg, key]) => ({
          name: `${alg}, which is not`,
          token: signed(key, { alg }),
          expect: { code: "algorithm_not_allowed", expected: ["RS256", "EdDSA"], actual: alg },
        })),
      ],
    },
    {
      name: "algorithms, by the other name",
      options: { ...options, algorithms: ["Ed25519"] },
      cases: ["EdDSA", "Ed25519"].map((alg) => ({ name: alg, token: signed(ed25519, { alg }), expect: ACCEPTED })),
    },
  ];
}

function publicKeyAsSecret({ jwk }) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const pem = key.export({ type: "spki", format: "pem" });
  const secrets = {
    PEM: pem,
    "PEM without the last line end": pem.trimEnd(),
    "PKCS#1 PEM": key.export({ type: "pkcs1", format: "pem" }),
    DER: key.export({ type: "spki", format: "der" }),
    "the JWK": JSON.stringify(jwk),
    "the modulus": Buffer.from(jwk.n, "base64url"),
    nothing: "",
  };
  return Object.entries(secrets).flatMap(([name, secret]) =>
    ["HS256", "HS384", "HS512"].map((alg) => ({
      name: `${alg}, ${name}`,
      token: withSignature({ alg, kid: "rsa" }, CLAIMS, (message) =>
        createHmac(`sha${alg.slice(2)}`, secret)
          .update(message)
          .digest(),
      ),
      expect: unsupported,
    })),
  );
}

/** A signature by one algorithm under the name of another, and keys of another type. */
function confusions({ rsa2048, p256, p384, p521, ed25519 }) {
  const jwks = Object.entries({ rsa2048, p256, p384, p521, ed25519 }).map(([kid, { jwk }]) => ({ ...jwk, kid }));
  const notFound = { code: "key_not_found" };
  const wrong = { code: "bad_signature" };
  const rows = [
    ["RS256 as PS256", rsa2048, "rsa2048", "PS256", "RS256", wrong],
    ["PS256 as RS256", rsa2048, "rsa2048", "RS256", "PS256", wrong],
    ["RS256 as RS512", rsa2048, "rsa2048", "RS512", "RS256", wrong],
    ["PS256 as PS384", rsa2048, "rsa2048", "PS384", "PS256", wrong],
    ["RS256 naming an EC key", rsa2048, "p256", "RS256", "RS256", notFound],
    ["ES256 naming an RSA key", p256, "rsa2048", "ES256", "ES256", notFound],
    ["ES256 naming a P-384 key", p256, "p384", "ES256", "ES256", notFound],
    ["ES256 as ES384", p256, "p256", "ES384", "ES256", notFound],
    ["P-384 with SHA-256 as ES256", p384, "p384", "ES256", "ES256", notFound],
    ["P-256 with SHA-512 as ES256", p256, "p256", "ES256", "ES512", wrong],
    ["P-521 with SHA-256 as ES512", p521, "p521", "ES512", "ES256", wrong],
    ["EdDSA naming an EC key", ed25519, "p256", "EdDSA", "EdDSA", notFound],
    ["EdDSA as ES256", ed25519, "p256", "ES256", "EdDSA", wrong],
    ["ES256 as EdDSA", p256, "ed25519", "EdDSA", "ES256", wrong],
  ];
  const cases = rows.map(([name, key, kid, alg, signedAs, expect]) => ({
    name,
    token: signed(key, { alg, kid }, CLAIMS, signedAs),
    expect,
  }));
  return [{ name: "confusion", options: { ...EXPECTED, jwks }, cases }];
}

function extensions({ ed25519 }) {
  const headers = {
    "crit with an unknown name": { crit: ["unknown"], unknown: 1 },
    "crit with a registered name": { crit: ["exp"], exp: 1 },
    "crit with b64": { crit: ["b64"], b64: false },
    "crit with b64 true": { crit: ["b64"], b64: true },
    "crit with a name that is absent": { crit: ["absent"] },
    "crit, empty": { crit: [] },
    "crit twice the same": { crit: ["x", "x"], x: 1 },
    "crit, a string": { crit: "exp" },
    "crit, null": { crit: null },
    "crit, a number": { crit: 0 },
    "crit, false": { crit: false },
    "crit, an object": { crit: {} },
    "crit of numbers": { crit: [1] },
    "b64 false": { b64: false },
    "b64 true": { b64: true },
    "b64 null": { b64: null },
    "b64, a string": { b64: "false" },
  };
  const cases = Object.entries(headers).map(([name, header]) => ({
    name,
    token: signed(ed25519, { alg: "EdDSA", ...header }),
    expect: { code: "unsupported_critical" },
  }));
  const unencoded = `${Buffer.from('{"alg":"EdDSA","b64":false,"crit":["b64"]}').toString("base64url")}.${JSON.stringify(CLAIMS)}`;
  const token = `${unencoded}.${ed25519.sign("EdDSA", Buffer.from(unencoded)).toString("base64url")}`;
  return [
    {
      name: "extensions",
      options: { ...EXPECTED, jwks: [ed25519.jwk] },
      cases: [
        ...cases,
        { name: "an unencoded payload", token, expect: { code: "malformed" } },
        {
          name: "claims of those names",
          token: signed(ed25519, { alg: "EdDSA" }, { ...CLAIMS, crit: ["x"], b64: false }),
          expect: { claims: { ...CLAIMS, crit: ["x"], b64: false } },
        },
        {
          name: "parameters nobody knows",
          token: signed(ed25519, { alg: "EdDSA", zip: "DEF", cty: "JWT", enc: 1, epk: {}, Crit: ["x"] }),
          expect: ACCEPTED,
        },
      ],
    },
  ];
}

function types({ ed25519 }) {
  const group = (typ, accepted, refused) => ({
    name: `typ, expecting ${typ}`,
    options: { ...EXPECTED, jwks: [ed25519.jwk], typ },
    cases: [
      ...accepted.map((found) => ({ name: found, token: typed(found), expect: ACCEPTED })),
      ...refused.map((found) => ({
        name: JSON.stringify(found),
        token: typed(found),
        expect: { code: "unexpected_type", expected: typ, actual: found },
      })),
      { name: "no typ", token: signed(ed25519, { alg: "EdDSA" }), expect: { code: "unexpected_type", expected: typ } },
      ...[null, 5, ["at+jwt"], {}].map((found) => ({
        name: `typ that is ${JSON.stringify(found)}`,
        token: typed(found),
        expect: { code: "malformed" },
      })),
    ],
  });
  const typed = (typ) => signed(ed25519, { alg: "EdDSA", typ });
  const same = ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/at+jwt", "Application/AT+JWT"];
  const other = [
    ...["JWT", "", " at+jwt", "at+jwt ", "at+jwt;v=1", "at-jwt", "at+jw", "at+jwts", "text/at+jwt", "/at+jwt"],
    ...[
      "application/",
      "application/x/at+jwt",
      "application/application/at+jwt",
      "application\\/at+jwt",
      "\uff41t+jwt",
    ],
  ];
  return [
    group("at+jwt", same, other),
    group("application/at+jwt", same, other),
    group("JWT", ["JWT", "jwt", "application/jwt"], ["at+jwt", "jwt2", "J"]),
    group("text/x", ["text/x", "TEXT/X"], ["x", "application/text/x"]),
    group(["at+jwt", "JWT"], [...same, "JWT", "application/jwt"], ["x", "", "at+jwt,JWT", "at"]),
    group(["JWT", "JWT"], ["JWT"], ["at+jwt"]),
    {
      name: "typ, not asked for",
      options: { ...EXPECTED, jwks: [ed25519.jwk] },
      cases: [
        { name: "anything", token: typed("anything"), expect: ACCEPTED },
        { name: "not a string", token: typed(1), expect: { code: "malformed" } },
      ],
    },
  ];
}

function names({ ed25519, otherEd25519 }) {
  const named = ["key-1", "", "\u00e9", "../../key", "' OR 1=1", "key-1\n"];
  const jwks = [...named.map((kid) => ({ ...ed25519.jwk, kid })), otherEd25519.jwk];
  const by = (kid, key = ed25519) => signed(key, { alg: "EdDSA", kid });
  const unknown = [
    ...["key-2", "KEY-1", "key-1 ", " key-1", "key", "key-11", "key-1\0", "e\u0301", "undefined", "null"],
    ...["__proto__", "constructor", "toString", "length", "0", "k".repeat(4000)],
  ];
  return [
    {
      name: "kid",
      options: { ...EXPECTED, jwks },
      cases: [
        ...named.map((kid, index) => ({
          name: JSON.stringify(kid),
          token: by(kid),
          expect: { key: { index, kid, kty: "OKP", crv: "Ed25519" } },
        })),
        ...unknown.map((kid) => ({
          name: `${JSON.stringify(kid).slice(0, 20)}, which is not there`,
          token: by(kid),
          expect: { code: "key_not_found" },
        })),
        ...[null, 1, 0, true, ["key-1"], { kid: "key-1" }].map((kid) => ({
          name: `kid that is ${JSON.stringify(kid)}`,
          token: by(kid),
          expect: { code: "malformed" },
        })),
        { name: "of another key", token: by("key-1", otherEd25519), expect: { code: "bad_signature" } },
        { name: "not for a key without one", token: by("key-9", otherEd25519), expect: { code: "key_not_found" } },
        {
          name: "none: every key that fits is tried",
          token: signed(otherEd25519, { alg: "EdDSA" }),
          expect: { key: { index: 6, kty: "OKP", crv: "Ed25519" } },
        },
      ],
    },
  ];
}

/** No key from the token is ever used, whatever the header says about it. */
function broughtKeys({ ed25519, otherEd25519, rsa2048, otherRsa }) {
  const x5c = ["MIIB"];
  const bring = {
    jwk: { jwk: otherEd25519.jwk },
    "jwk of a good kid": { jwk: { ...otherEd25519.jwk, kid: "good" }, kid: "good" },
    jku: { jku: "https://evil.example/jwks.json" },
    "jku of the right place": { jku: `${ISSUER}/jwks.json`, kid: "good" },
    x5u: { x5u: "https://evil.example/key.pem" },
    x5c: { x5c, x5t: "AAAA", "x5t#S256": "AAAA" },
    "all of them": { jwk: otherEd25519.jwk, jku: "data:application/json,{}", x5u: "file:///key.pem", x5c },
    "wrong types": { jwk: 5, jku: null, x5u: [], x5c: "text" },
  };
  const jwks = [
    { ...ed25519.jwk, kid: "good" },
    { ...rsa2048.jwk, kid: "rsa" },
  ];
  const cases = Object.entries(bring).flatMap(([name, header]) => [
    {
      name: `${name}, of another signer`,
      token: signed(otherEd25519, { alg: "EdDSA", ...header }),
      expect: { code: "bad_signature" },
    },
    { name: `${name}, of the right one`, token: signed(ed25519, { alg: "EdDSA", ...header }), expect: ACCEPTED },
  ]);
  return [
    {
      name: "keys that the header brings along",
      options: { ...EXPECTED, jwks },
      cases: [
        ...cases,
        {
          name: "jwk of an unknown kid",
          token: signed(otherEd25519, { alg: "EdDSA", kid: "evil", jwk: { ...otherEd25519.jwk, kid: "evil" } }),
          expect: { code: "key_not_found" },
        },
        {
          name: "jwk, RSA",
          token: signed(otherRsa, { alg: "RS256", kid: "rsa", jwk: otherRsa.jwk }),
          expect: { code: "bad_signature" },
        },
      ],
    },
  ];
}

/** Of several faults the first in this order is told. */
function order({ ed25519, otherEd25519 }) {
  const options = { ...EXPECTED, algorithms: ["EdDSA"], typ: "at+jwt", jwks: [{ ...ed25519.jwk, kid: "a" }] };
  const bad = { alg: "none", crit: ["x"], typ: "x", kid: "b" };
  const steps = [
    ["unsupported_algorithm", bad],
    ["algorithm_not_allowed", { ...bad, alg: "RS256" }],
    ["unsupported_critical", { ...bad, alg: "EdDSA" }],
    ["unexpected_type", { ...bad, alg: "EdDSA", crit: undefined }],
    ["key_not_found", { ...bad, alg: "EdDSA", crit: undefined, typ: "at+jwt" }],
    ["bad_signature", { alg: "EdDSA", typ: "at+jwt", kid: "a" }],
  ];
  const wrongClaims = { ...CLAIMS, iss: 5, exp: 0 };
  const cases = steps.map(([code, header]) => ({
    name: code,
    token: signed(otherEd25519, header, wrongClaims, "EdDSA"),
    expect: { code },
  }));
  const broken = signed(otherEd25519, bad, '{"exp":}', "EdDSA");
  return [
    {
      name: "order of checks",
      options,
      cases: [
        ...cases,
        { name: "a malformed payload comes before the header's values", token: broken, expect: { code: "malformed" } },
        {
          name: "a malformed signature comes before the header's values",
          token: `${withSignature(bad, CLAIMS, "")}=`,
          expect: { code: "malformed" },
        },
      ],
    },
  ];
}
