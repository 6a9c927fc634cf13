// `cache`: tokens whose signature held, and nothing else of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key, otherEd25519: other, rsa4096: slow } = testKeys();
const HEADER = { alg: "EdDSA" };
const options = { issuer: ISSUER, audience: AUDIENCE };

test("times are judged afresh", () => {
  const clock = { now: NOW };
  const verifier = createVerifier({ ...options, jwks: [key.jwk], cache: true, now: () => clock.now, maxTokenAge: 200 });
  const token = signed(key, HEADER, { ...CLAIMS, nbf: NOW });
  const codeAt = (now) => {
    clock.now = now;
    return verifier.safeVerify(token).error?.code;
  };
  assert.equal(codeAt(NOW), undefined);
  assert.equal(codeAt(NOW - 6), "not_yet_valid");
  assert.equal(codeAt(NOW + 196), "too_old");
  assert.equal(codeAt(NOW + 306), "expired");
  assert.equal(codeAt(NOW + 195), undefined);
});

test("a remembered token is judged as a new one, at every edge of its times", () => {
  const lives = [
    { exp: NOW + 100 },
    { exp: NOW + 100, nbf: NOW - 50 },
    { exp: NOW + 100.5, nbf: NOW - 50.25, iat: NOW - 20.75 },
    { exp: NOW + 100, iat: NOW - 10 },
    { exp: NOW + 10, iat: NOW - 10, nbf: NOW - 400 },
    { iat: NOW - 10 },
    {},
  ];
  const clock = { now: NOW };
  const rules = { ...options, jwks: [key.jwk], now: () => clock.now, requireExp: false, clockTolerance: 5 };
  let accepted = 0;
  for (const life of lives) {
    for (const more of life.iat === undefined ? [{}] : [{}, { maxTokenAge: 60 }, { maxTokenAge: 200 }]) {
      const token = signed(key, HEADER, { iss: ISSUER, aud: AUDIENCE, ...life });
      const remembering = createVerifier({ ...rules, ...more, cache: true });
      const other = createVerifier({ ...rules, ...more });
      clock.now = NOW;
      remembering.verify(token);
      const edges = [NOW, ...Object.values(life)].flatMap((time) => [time, time - 5, time + 5, time + 60, time + 65]);
      edges.push(NOW + 190, NOW + 195, NOW - 1e6, NOW + 1e6);
      for (const now of edges.flatMap((edge) => [edge - 1, edge - 0.001, edge, edge + 0.001, edge + 1])) {
        clock.now = now;
        const [told, expected] = [remembering, other].map((verifier) => verifier.safeVerify(token));
        assert.deepEqual(told.error?.message, expected.error?.message, `${JSON.stringify({ life, more })} at ${now}`);
        assert.equal(told.ok, expected.ok);
        accepted += Number(told.ok);
      }
    }
  }
  assert.ok(accepted > 100);
});

test("without exp, as long as that is asked for", () => {
  const token = signed(key, HEADER, { iss: ISSUER, aud: AUDIENCE });
  const verifier = createVerifier({ ...options, jwks: [key.jwk], cache: true, requireExp: false });
  assert.equal(verifier.safeVerify(token).ok, true);
  assert.equal(verifier.safeVerify(token).ok, true);
});

test("setKeys empties it", () => {
  const verifier = createVerifier({ ...options, jwks: [key.jwk], cache: true, now: () => NOW });
  const token = signed(key, HEADER);
  verifier.verify(token);
  verifier.setKeys([other.jwk]);
  assert.throws(() => verifier.verify(token), { code: "bad_signature" });
  assert.throws(() => verifier.setKeys([]), { code: "no_usable_key" });
  assert.throws(() => verifier.verify(token), { code: "bad_signature" });
});

test("the whole token is compared", () => {
  const verifier = createVerifier({ ...options, jwks: [key.jwk], cache: true, now: () => NOW });
  const token = signed(key, HEADER);
  verifier.verify(token);
  const [header, payload, signature] = token.split(".");
  const changed = Buffer.from(signature, "base64url");
  for (const index of [0, 31, 32, 63]) {
    changed[index] ^= 1;
    assert.equal(verifier.safeVerify(`${header}.${payload}.${changed.toString("base64url")}`).ok, false);
    changed[index] ^= 1;
  }
  assert.equal(verifier.safeVerify(`${token}.`).ok, false);
});

test("what fails is not remembered, and what is remembered is the same object for all", () => {
  const verifier = createVerifier({ ...options, jwks: [key.jwk], cache: true, now: () => NOW });
  const token = signed(key, HEADER);
  const { claims } = verifier.verify(token);
  assert.equal(verifier.verify(token).claims, claims);
  assert.throws(() => {
    claims.sub = "other";
  }, TypeError);
  const foreign = signed(other, HEADER);
  for (let times = 0; times < 2; times += 1) assert.equal(verifier.safeVerify(foreign).ok, false);
});

test("it is bounded, and forgets the least recently used first", () => {
  const verifier = createVerifier({ ...options, jwks: [slow.jwk], cache: { maxTokens: 2 }, now: () => NOW });
  const tokens = ["a", "b", "c"].map((sub) => signed(slow, { alg: "RS256" }, { ...CLAIMS, sub }));
  const seen = tokens.map((token) => verifier.verify(token).claims);
  const isRemembered = (index) => verifier.verify(tokens[index]).claims === seen[index];
  assert.equal(isRemembered(1), true);
  assert.equal(isRemembered(2), true);
  assert.equal(isRemembered(1), true);
  seen[0] = verifier.verify(tokens[0]).claims; // pushes c out, not b
  assert.equal(isRemembered(1), true);
  assert.equal(isRemembered(2), false);
});

test("each of several issuers has its own", () => {
  const elsewhere = "https://elsewhere.example";
  const verifier = createVerifier([
    { ...options, jwks: [key.jwk], cache: true, now: () => NOW },
    { jwks: [other.jwk], issuer: elsewhere, audience: AUDIENCE, cache: true, now: () => NOW },
  ]);
  const here = signed(key, HEADER);
  const there = signed(other, HEADER, { ...CLAIMS, iss: elsewhere });
  for (let times = 0; times < 2; times += 1) {
    assert.equal(verifier.verify(here).claims.iss, ISSUER);
    assert.equal(verifier.verify(there).claims.iss, elsewhere);
  }
  verifier.setKeys([key.jwk], elsewhere);
  assert.equal(verifier.safeVerify(there).error.code, "bad_signature");
  assert.equal(verifier.safeVerify(here).ok, true);
  assert.throws(() => verifier.setKeys([key.jwk]), { name: "ConfigError" });
  assert.throws(() => verifier.setKeys([key.jwk], "https://third.example"), { name: "ConfigError" });
});
