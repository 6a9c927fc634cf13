// Several issuers in one verifier, each with rules of its own, and with keys of different types under the same kid.
import { CLAIMS, signed, special } from "../tokens.mjs";

const [A, B] = ["https://a.example", "https://b.example"];

export function groups(keys) {
  return [keyTypes(keys), ownRules(keys)];
}

function two({ rsa2048, p256 }) {
  return [
    { jwks: [{ ...rsa2048.jwk, kid: "same" }], issuer: A, audience: "for a" },
    { jwks: [{ ...p256.jwk, kid: "same" }], issuer: B, audience: "for b" },
  ];
}

const ofA = { ...CLAIMS, iss: A, aud: "for a" };
const ofB = { ...CLAIMS, iss: B, aud: "for b" };
const byA = (keys, claims) => signed(keys.rsa2048, { alg: "RS256", kid: "same" }, claims);
const byB = (keys, claims) => signed(keys.p256, { alg: "ES256", kid: "same" }, claims);

function keyTypes(keys) {
  const { iss: _, ...nobody } = ofA;
  const keyOfA = { index: 0, kid: "same", kty: "RSA" };
  const keyOfB = { index: 0, kid: "same", kty: "EC", crv: "P-256" };
  const cases = [
    ["the first", byA(keys, ofA), { claims: ofA, key: keyOfA }],
    ["the second", byB(keys, ofB), { claims: ofB, key: keyOfB }],
    ["the first's claims by the second's key", byB(keys, ofA), { code: "key_not_found" }],
    ["the second's claims by the first's key", byA(keys, ofB), { code: "key_not_found" }],
    ["both audiences at the first", byA(keys, { ...ofA, aud: ["for b", "for a"] }), { key: keyOfA }],
    ["an unknown issuer is not shown", byA(keys, { ...ofA, iss: "https://c.example" }), notShown()],
    ["an issuer in the header only", signed(keys.rsa2048, { alg: "RS256", iss: A }, nobody), { code: "missing_claim" }],
    ["no JSON", byA(keys, "text"), { code: "malformed" }],
  ];
  return { name: "several issuers with keys of several types", options: two(keys), cases: table(cases) };
}

function notShown() {
  return { code: "claim_mismatch", claim: "iss", expected: [A, B], actual: special.undefined };
}

/** What one issuer's rules allow, the other's do not. */
function ownRules(keys) {
  const [a, b] = two(keys);
  const options = [
    { ...a, algorithms: ["RS256"], maxTokenBytes: 600, clockTolerance: 0 },
    { ...b, typ: "at+jwt", requireExp: false, subject: "user-1", clockTolerance: 60 },
  ];
  const { exp, ...timeless } = ofB;
  const atB = (claims) => signed(keys.p256, { alg: "ES256", typ: "at+jwt" }, claims);
  const [longA, longB] = [ofA, ofB].map((claims) => ({ ...claims, long: "x".repeat(600) }));
  const [otherA, otherB] = [ofA, ofB].map((claims) => ({ ...claims, sub: "user-2" }));
  const cases = [
    ["PS256 at the first", signed(keys.rsa2048, { alg: "PS256" }, ofA), { code: "algorithm_not_allowed" }],
    ["no typ at the first", byA(keys, ofA), { claims: ofA }],
    ["no typ at the second", byB(keys, ofB), { code: "unexpected_type" }],
    ["no exp at the first", byA(keys, { ...timeless, iss: A, aud: "for a" }), { code: "missing_claim", claim: "exp" }],
    ["no exp at the second", atB(timeless), { claims: timeless }],
    ["another subject at the first", byA(keys, otherA), { claims: otherA }],
    ["another subject at the second", atB(otherB), { code: "claim_mismatch", claim: "sub" }],
    ["long at the first", byA(keys, longA), { code: "too_large", expected: 600 }],
    ["long at the second", atB(longB), { claims: longB }],
  ];
  const late = [
    ["a second after exp at the first", byA(keys, ofA), { code: "expired" }],
    ["a second after exp at the second", atB(ofB), { claims: ofB }],
  ];
  return {
    name: "several issuers, each with rules of its own",
    options,
    cases: [...table(cases), ...table(late).map((one) => ({ ...one, now: exp + 1 }))],
  };
}

function table(rows) {
  return rows.map(([name, token, expect]) => ({ name, token, expect }));
}
