// From when until when a verifier accepts a genuine token: told by `validity`, and tried with `verify` before and after.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { ISSUER, signed } from "../support/tokens.mjs";

const NOW = 1_800_000_000;
const SOON = 0.001;
const { privateKey, publicKey } = generateKeyPair("ed25519");
const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k" }] };

const token = (claims) => signed(privateKey, { kid: "k" }, { iss: ISSUER, aud: "api", ...claims });

for (const [title, claims, options, from, until] of [
  ["exp and the tolerance", { exp: 60 }, {}, null, 65],
  ["nbf, exp and another tolerance", { nbf: -60, exp: 60 }, { clockTolerance: 0.5 }, -60.5, 60.5],
  ["an age that ends before exp", { iat: 0, exp: 900 }, { maxTokenAge: 60 }, -5, 65],
  ["the later of nbf and iat, with a greatest age", { iat: 0, nbf: 20, exp: 900 }, { maxTokenAge: 900 }, 15, 905],
  ["an iat that nobody asks for", { iat: 500, exp: 900 }, {}, null, 905],
  ["no limit at all", {}, { requireExp: false }, null, null],
]) {
  test(`a token is accepted exactly then: ${title}`, () => {
    let now = NOW;
    const verifier = createVerifier({ jwks, issuer: ISSUER, audience: "api", now: () => now, ...options });
    const text = token(Object.fromEntries(Object.entries(claims).map(([name, time]) => [name, NOW + time])));
    const validity = verifier.validity(text);
    const at = (time) => (time === null ? null : NOW + time);
    assert.deepEqual(validity, { from: at(from), until: at(until) });
    const isAccepted = (moment) => {
      now = moment;
      return verifier.safeVerify(text).ok;
    };
    if (from !== null) assert.deepEqual([isAccepted(at(from) - SOON), isAccepted(at(from) + SOON)], [false, true]);
    if (until !== null) assert.deepEqual([isAccepted(at(until) - SOON), isAccepted(at(until) + SOON)], [true, false]);
  });
}

test("a token that is too old before it begins is never accepted, and is told so when it would begin", () => {
  const options = { jwks, issuer: ISSUER, audience: "api", now: () => NOW, maxTokenAge: 1 };
  const verifier = createVerifier(options);
  const times = { iat: NOW - 100, nbf: NOW + 37, exp: NOW + 900 };
  assert.deepEqual(verifier.validity(token(times)), { from: NOW + 32, until: NOW + 32 });
  assert.deepEqual(verifier.validity(token({ ...times, exp: NOW + 10 })), { from: NOW + 32, until: NOW + 15 });
});

test("a token that is not genuine has no validity", () => {
  const verifier = createVerifier({ jwks, issuer: ISSUER, audience: "api" });
  assert.throws(() => verifier.validity(token({ exp: NOW, aud: "other" })), { code: "claim_mismatch" });
  assert.throws(() => verifier.validity(`${token({ exp: NOW }).slice(0, -4)}AAAA`), { code: "bad_signature" });
  assert.throws(() => verifier.validity(undefined), { code: "malformed" });
});

test("of several issuers, the one that the token names says it; a key store says what its verifier does", () => {
  const one = { jwks, issuer: ISSUER, audience: "api", clockTolerance: 7 };
  const verifier = createVerifier([{ ...one, issuer: "https://other.test", clockTolerance: 1 }, one]);
  const store = createKeyStore({ verifier, bundled: jwks, issuer: ISSUER, storage: memoryStorage() });
  for (const asked of [verifier, store]) {
    assert.deepEqual(asked.validity(token({ exp: NOW })), { from: null, until: NOW + 7 });
  }
});

test("the time by which a token is judged is that of its issuer's option, or the system's", () => {
  const one = { jwks, issuer: ISSUER, audience: "api", now: () => NOW };
  const verifier = createVerifier([{ ...one, issuer: "https://other.test", now: () => NOW + 9 }, one]);
  const store = createKeyStore({ verifier, bundled: jwks, issuer: ISSUER, storage: memoryStorage() });
  for (const asked of [verifier, store]) {
    assert.equal(asked.now(token({ exp: NOW })), NOW);
    assert.equal(asked.now(token({ iss: "https://other.test" })), NOW + 9);
  }
  const before = Date.now() / 1000;
  const told = createVerifier({ jwks, issuer: ISSUER, audience: "api" }).now(token({}));
  assert.ok(told >= before && told <= Date.now() / 1000);
  assert.throws(() => createVerifier({ ...one, now: () => Number.NaN }).now(token({})), { option: "now" });
});
