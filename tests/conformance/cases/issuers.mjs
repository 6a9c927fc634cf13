// Several issuers in one verifier: each with keys, audience and options of its own, chosen by `iss` and nothing else.
import { CLAIMS, signed } from "../tokens.mjs";

const [A, B, B2] = ["https://a.example", "https://b.example", "https://b.example/two"];

export function groups(keys) {
  return [chosen(keys), ownOptions(keys), rotation(keys), ...impossible(keys), onlyOne(keys)];
}

function two({ rsa2048, p256 }) {
  return [
    { jwks: [{ ...rsa2048.jwk, kid: "same" }], issuer: A, audience: "for a" },
    { jwks: [{ ...p256.jwk, kid: "same" }], issuer: [B, B2], audience: "for b" },
  ];
}

const of = (iss, aud, more) => ({ ...CLAIMS, iss, aud, ...more });
const byA = (keys, claims) => signed(keys.rsa2048, { alg: "RS256", kid: "same" }, claims);
const byB = (keys, claims) => signed(keys.p256, { alg: "ES256", kid: "same" }, claims);

function chosen(keys) {
  const ofA = of(A, "for a");
  const ofB = of(B, "for b");
  const { iss: _, ...nobody } = ofA;
  const keyOfA = { index: 0, kid: "same", kty: "RSA" };
  const keyOfB = { index: 0, kid: "same", kty: "EC", crv: "P-256" };
  const unknown = { code: "claim_mismatch", claim: "iss", expected: [A, B, B2], actual: undefined };
  const cases = [
    ["the first", byA(keys, ofA), { claims: ofA, key: keyOfA }],
    ["the second", byB(keys, ofB), { claims: ofB, key: keyOfB }],
    ["another name of the second", byB(keys, of(B2, "for b")), { key: keyOfB }],
    ["the first's claims by the second's key", byB(keys, ofA), { code: "key_not_found" }],
    ["the second's claims by the first's key", byA(keys, ofB), { code: "key_not_found" }],
    ["the first's key type, not its key", signed(keys.otherRsa, { alg: "RS256" }, ofA), { code: "bad_signature" }],
    ["the second's audience at the first", byA(keys, of(A, "for b")), { code: "claim_mismatch", claim: "aud" }],
    ["both audiences at the first", byA(keys, of(A, ["for b", "for a"])), { key: keyOfA }],
    ["an unknown issuer", byA(keys, of("https://c.example", "for a")), unknown],
    ["an issuer with a slash after", byA(keys, of(`${A}/`, "for a")), unknown],
    ["an issuer in capitals", byA(keys, of(A.toUpperCase(), "for a")), unknown],
    ["the beginning of an issuer", byA(keys, of(A.slice(0, -1), "for a")), unknown],
    ["an empty issuer", byA(keys, of("", "for a")), unknown],
    ["an array of issuers", byA(keys, of([A], "for a")), { code: "claim_mismatch", claim: "iss", actual: undefined }],
    ["no issuer", byA(keys, nobody), { code: "missing_claim", claim: "iss" }],
    ["two issuers", byA(keys, `{"iss":"${A}",${JSON.stringify(ofB).slice(1)}`), { code: "malformed" }],
    ["an issuer in the header only", signed(keys.rsa2048, { alg: "RS256", iss: A }, nobody), { code: "missing_claim" }],
    ["no token", "", { code: "malformed" }],
    ["no JSON", byA(keys, "text"), { code: "malformed" }],
    ["too large", { $: "repeated", text: ".", times: 20_000 }, { code: "too_large" }],
  ];
  return { name: "several issuers", options: two(keys), cases: table(cases) };
}

/** Each issuer's rules are its own: what one allows, the other does not. */
function ownOptions(keys) {
  const [a, b] = two(keys);
  const options = [
    { ...a, algorithms: ["RS256"], maxTokenBytes: 600, clockTolerance: 0 },
    { ...b, typ: "at+jwt", requireExp: false, subject: "user-1", clockTolerance: 60 },
  ];
  const { exp, ...timeless } = of(B, "for b");
  const atB = (claims) => signed(keys.p256, { alg: "ES256", typ: "at+jwt" }, claims);
  const long = "x".repeat(600);
  const cases = [
    ["PS256 at the first", signed(keys.rsa2048, { alg: "PS256" }, of(A, "for a")), { code: "algorithm_not_allowed" }],
    [
      "typ at the first does not matter",
      byA(keys, of(A, "for a", { typ: "x" })),
      { claims: of(A, "for a", { typ: "x" }) },
    ],
    ["typ at the second does", byB(keys, of(B, "for b")), { code: "unexpected_type" }],
    ["no exp at the second", atB(timeless), { claims: timeless }],
    ["no exp at the first", byA(keys, { ...timeless, iss: A, aud: "for a" }), { code: "missing_claim", claim: "exp" }],
    ["another subject at the first", byA(keys, of(A, "for a", { sub: "b" })), { claims: of(A, "for a", { sub: "b" }) }],
    ["another subject at the second", atB(of(B, "for b", { sub: "b" })), { code: "claim_mismatch", claim: "sub" }],
    ["long at the first", byA(keys, of(A, "for a", { long })), { code: "too_large", expected: 600 }],
    ["long at the second", atB(of(B, "for b", { long })), { claims: of(B, "for b", { long }) }],
  ];
  const late = [
    ["a second after exp at the first", byA(keys, of(A, "for a")), { code: "expired" }],
    ["a second after exp at the second", atB(of(B, "for b")), { claims: of(B, "for b") }],
  ];
  return {
    name: "several issuers, each with its own options",
    options,
    cases: [...table(cases), ...table(late).map((one) => ({ ...one, now: exp + 1 }))],
  };
}

/** New keys for one issuer, all or nothing, and no effect on the others; what was remembered is forgotten. */
function rotation(keys) {
  const [tokenA, tokenB] = [byA(keys, of(A, "for a")), byB(keys, of(B, "for b"))];
  const newA = signed(keys.otherRsa, { alg: "RS256" }, of(A, "for a"));
  const holds = (name, token) => ({
    name,
    token,
    expect: { header: JSON.parse(Buffer.from(token.split(".")[0], "base64url")) },
  });
  const refused = (name, jwks, issuer, config) => ({ name, setKeys: jwks, issuer, expect: { config } });
  const { jwk } = keys.otherRsa;
  return {
    name: "several issuers, new keys",
    options: two(keys),
    cases: [
      holds("the first before", tokenA),
      holds("the second before", tokenB),
      refused("for nobody in particular", [jwk], undefined, { code: "invalid_option", option: "issuer" }),
      refused("for an unknown issuer", [jwk], "https://c.example", { code: "invalid_option", option: "issuer" }),
      refused("for the first, none that is usable", [], A, { code: "no_usable_key" }),
      refused("for the first, one of them private", [jwk, keys.rsa2048.privateJwk], A, { code: "private_key" }),
      refused("for the first, one of them symmetric", [jwk, { kty: "oct", k: "AAAA" }], A, { code: "symmetric_key" }),
      refused("for the first, no JSON", "{", A, { code: "invalid_jwks" }),
      refused("for the first, nothing", null, A, { code: "invalid_jwks" }),
      holds("the first after what was refused", tokenA),
      {
        name: "for the first",
        setKeys: { keys: [jwk] },
        issuer: A,
        expect: {
          keys: [
            { index: 0, kty: "RSA" },
            { index: 0, kid: "same", kty: "EC", crv: "P-256" },
          ],
        },
      },
      { name: "the first, by its old key", token: tokenA, expect: { code: "key_not_found" } },
      holds("the first, by its new key", newA),
      holds("the second, as before", tokenB),
      { name: "for the second by its other name", setKeys: [keys.otherP256.jwk], issuer: B2, expect: {} },
      { name: "the second, by its old key", token: tokenB, expect: { code: "key_not_found" } },
      holds("the second, by its new key", signed(keys.otherP256, { alg: "ES256" }, of(B, "for b"))),
      holds("the first, still by its new key", newA),
    ],
  };
}

function impossible(keys) {
  const [a, b] = two(keys);
  const sets = {
    "no issuer at all": [[], { code: "invalid_option" }],
    "one that accepts any": [[a, { ...b, issuer: null }], { code: "invalid_option", option: "issuer" }],
    "the same issuer twice": [[a, { ...b, issuer: A }], { code: "invalid_option", option: "issuer" }],
    "the same issuer among others": [[b, { ...a, issuer: [A, B2] }], { code: "invalid_option", option: "issuer" }],
    "one without keys": [[a, { ...b, jwks: [] }], { code: "no_usable_key", option: "jwks" }],
    "one without an audience": [[a, { jwks: b.jwks, issuer: B }], { code: "missing_option", option: "audience" }],
    "one with a private key": [[a, { ...b, jwks: [keys.p256.privateJwk] }], { code: "private_key", option: "jwks" }],
    "one with an unknown option": [[a, { ...b, audiences: "x" }], { code: "unknown_option", option: "audiences" }],
    "one that is null": [[a, null], { code: "invalid_option" }],
    "one that is a list": [[a, [b]], { code: "unknown_option" }],
  };
  return Object.entries(sets).map(([name, [options, refused]]) => ({
    name: `several issuers: ${name}`,
    options,
    refused,
  }));
}

/** A list of one is that one: any issuer may be accepted there. */
function onlyOne(keys) {
  const [{ jwks }] = two(keys);
  return {
    name: "a list of one issuer",
    options: [{ jwks, issuer: null, audience: null }],
    cases: table([["any iss", byA(keys, of("anyone", "anything")), { claims: of("anyone", "anything") }]]),
  };
}

function table(rows) {
  return rows.map(([name, token, expect]) => ({ name, token, expect }));
}
