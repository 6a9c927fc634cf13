// Profiles: an access token is no ID token, and neither is anything less than its standard says.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ConfigError, createPolicy, createVerifier, oneOf, TokenError } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { mlDsaKeys } from "../conformance/ml-dsa.mjs";
import { AUDIENCE, ISSUER, NOW, segment, signed } from "../conformance/tokens.mjs";

const keys = testKeys();
const { ed25519: key } = keys;
const base = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const ACCESS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "ada",
  client_id: "web",
  iat: NOW - 10,
  exp: NOW + 300,
  jti: "1",
  scope: "read write",
};
const ID = { iss: ISSUER, aud: AUDIENCE, sub: "ada", iat: NOW - 10, exp: NOW + 300 };
const access = createVerifier({ ...base, profile: "at+jwt" });
const id = createVerifier({ ...base, profile: "id_token" });
const token = (claims, header) => signed(key, { alg: "EdDSA", ...header }, claims);
const at = (claims, typ = "at+jwt") => token(claims, { typ });
const without = (claims, name) => ({ ...claims, [name]: undefined });
const atHash = (text, hash) => {
  const digest = createHash(hash).update(text).digest();
  return segment(digest.subarray(0, digest.length / 2));
};

function outcome(verifier, ...args) {
  const result = verifier.safeVerify(...args);
  return result.ok ? "ok" : [result.error.code, result.error.claim].filter(Boolean).join(" ");
}

const typed = (typ) => [`typ ${JSON.stringify(typ)}`, token(ACCESS, typ === undefined ? {} : { typ })];
for (const [name, given, expected] of [
  ["as the standard says", at(ACCESS), "ok"],
  ["several audiences", at({ ...ACCESS, aud: [AUDIENCE, "other"] }), "ok"],
  ...["application/at+jwt", "AT+JWT", "Application/AT+jwt"].map((typ) => [...typed(typ), "ok"]),
  ...[
    undefined,
    "",
    "JWT",
    "at",
    "jwt+at",
    "at+jwt ",
    "application/x/at+jwt",
    "text/at+jwt",
    "logout+jwt",
    "dpop+jwt",
  ].map((typ) => [...typed(typ), "unexpected_type"]),
  ["typ that is no text", token(ACCESS, { typ: ["at+jwt"] }), "malformed"],
  ...["iss", "exp", "aud", "sub", "client_id", "iat", "jti"].map((name) => [
    `no ${name}`,
    at(without(ACCESS, name)),
    `missing_claim ${name}`,
  ]),
  ...["sub", "client_id", "jti", "scope", "acr", "azp"].map((name) => [
    `${name} that is no text`,
    at({ ...ACCESS, [name]: ["x"] }),
    `invalid_claim ${name}`,
  ]),
  ["client_id null", at({ ...ACCESS, client_id: null }), "invalid_claim client_id"],
  ["auth_time that is no number", at({ ...ACCESS, auth_time: "1" }), "invalid_claim auth_time"],
  ["amr that is no list", at({ ...ACCESS, amr: "pwd" }), "invalid_claim amr"],
  ["amr of a number", at({ ...ACCESS, amr: ["pwd", 1] }), "invalid_claim amr"],
  ["amr of texts", at({ ...ACCESS, amr: ["pwd", "otp"] }), "ok"],
  ["another issuer", at({ ...ACCESS, iss: `${ISSUER}/` }), "claim_mismatch iss"],
  ["another audience", at({ ...ACCESS, aud: "other" }), "claim_mismatch aud"],
  ["expired", at({ ...ACCESS, exp: NOW - 10 }), "expired exp"],
  ["an ID token", token(ID), "unexpected_type"],
]) {
  test(`at+jwt: ${name}`, () => assert.equal(outcome(access, given), expected));
}

for (const [name, given, expected] of [
  ["as the standard says", token(ID), "ok"],
  ["typ JWT", token(ID, { typ: "JWT" }), "ok"],
  ["typ jwt", token(ID, { typ: "application/jwt" }), "ok"],
  ...["at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", ""].map((typ) => [
    `typ ${typ}`,
    token({ ...ACCESS, ...ID }, { typ }),
    "unexpected_type",
  ]),
  ...["iss", "sub", "aud", "exp", "iat"].map((name) => [
    `no ${name}`,
    token(without(ID, name)),
    `missing_claim ${name}`,
  ]),
  ["one audience in a list", token({ ...ID, aud: [AUDIENCE] }), "ok"],
  ["several, without azp", token({ ...ID, aud: [AUDIENCE, "other"] }), "missing_claim azp"],
  ["the same one twice, without azp", token({ ...ID, aud: [AUDIENCE, AUDIENCE] }), "missing_claim azp"],
  ["several, with azp", token({ ...ID, aud: ["other", AUDIENCE], azp: AUDIENCE }), "ok"],
  ["several, for another party", token({ ...ID, aud: [AUDIENCE, "other"], azp: "other" }), "claim_mismatch azp"],
  ["one audience, for another party", token({ ...ID, azp: "other" }), "claim_mismatch azp"],
  ["one audience, with azp", token({ ...ID, azp: AUDIENCE }), "ok"],
  ["azp in another letter case", token({ ...ID, azp: AUDIENCE.toUpperCase() }), "claim_mismatch azp"],
  ["azp that is a list", token({ ...ID, azp: [AUDIENCE] }), "invalid_claim azp"],
  ["no audience at all", token({ ...ID, aud: [] }), "claim_mismatch aud"],
  ["a nonce that nobody asked for", token({ ...ID, nonce: "n" }), "ok"],
  ["a nonce that is a number", token({ ...ID, nonce: 1 }), "invalid_claim nonce"],
  ["at_hash that is a list", token({ ...ID, at_hash: ["x"] }), "invalid_claim at_hash"],
]) {
  test(`id_token: ${name}`, () => assert.equal(outcome(id, given), expected));
}

const hashed = token({ ...ID, nonce: "n-1", at_hash: atHash("access", "sha512"), auth_time: NOW - 100 });
for (const [name, given, expected, found] of [
  ["nothing", hashed, {}, "ok"],
  ["the nonce", hashed, { nonce: "n-1" }, "ok"],
  ["another nonce", hashed, { nonce: "n-2" }, "claim_mismatch nonce"],
  ["a longer nonce", hashed, { nonce: "n-10" }, "claim_mismatch nonce"],
  ["a nonce in another letter case", hashed, { nonce: "N-1" }, "claim_mismatch nonce"],
  ["a nonce that is not there", token(ID), { nonce: "n-1" }, "missing_claim nonce"],
  ["an empty nonce in the token", token({ ...ID, nonce: "" }), { nonce: "n-1" }, "claim_mismatch nonce"],
  ["the access token", hashed, { accessToken: "access" }, "ok"],
  ["another access token", hashed, { accessToken: "other" }, "claim_mismatch at_hash"],
  ["an access token, without at_hash", token(ID), { accessToken: "access" }, "missing_claim at_hash"],
  ...[
    ["of all of the hash", segment(createHash("sha512").update("access").digest())],
    ["of another hash", atHash("access", "sha256")],
    ["padded", `${atHash("access", "sha512")}=`],
    ["cut", atHash("access", "sha512").slice(0, -2)],
    ["empty", ""],
    ["the access token", "access"],
  ].map(([what, at_hash]) => [
    `at_hash ${what}`,
    token({ ...ID, at_hash }),
    { accessToken: "access" },
    "claim_mismatch at_hash",
  ]),
  ["recent", hashed, { maxAge: 100 }, "ok"],
  ["recent, within the tolerance", hashed, { maxAge: 95 }, "ok"],
  ["not recent", hashed, { maxAge: "94s" }, "too_old auth_time"],
  ["just now, for somebody who just was", token({ ...ID, auth_time: NOW }), { maxAge: 0 }, "ok"],
  ["recent, without auth_time", token(ID), { maxAge: "1h" }, "missing_claim auth_time"],
  ["recent, still to come", token({ ...ID, auth_time: NOW + 6 }), { maxAge: "1h" }, "invalid_claim auth_time"],
  ["all", hashed, { nonce: "n-1", accessToken: "access", maxAge: "2m" }, "ok"],
  ["all, of which one fails", hashed, { nonce: "n-1", accessToken: "access", maxAge: 1 }, "too_old auth_time"],
]) {
  test(`id_token expects ${name}`, () => {
    assert.equal(outcome(id, given, expected), found);
    // A token that is remembered is asked the same again.
    const remembering = createVerifier({ ...base, profile: "id_token", cache: true });
    assert.equal(outcome(remembering, given), "ok");
    assert.equal(outcome(remembering, given, expected), found);
    assert.equal(outcome(remembering, given, expected), found);
    assert.equal(outcome(remembering, given), "ok");
  });
}

test("what is expected is not there by a prototype", () => {
  Object.prototype.nonce = "n-1";
  try {
    assert.equal(outcome(id, token(ID), { accessToken: "x" }), "missing_claim at_hash");
    assert.equal(outcome(id, token(ID), Object.assign(Object.create(null), { nonce: "n-1" })), "missing_claim nonce");
  } finally {
    delete Object.prototype.nonce;
  }
});

test("at_hash is by the hash of each algorithm", () => {
  const { rsa2048: rsa, p256, p384, p521 } = keys;
  for (const entry of [{ createVerifier }, reference]) {
    for (const [alg, hash, signer] of [
      ["RS256", "sha256", rsa],
      ["RS384", "sha384", rsa],
      ["RS512", "sha512", rsa],
      ["PS256", "sha256", rsa],
      ["PS384", "sha384", rsa],
      ["PS512", "sha512", rsa],
      ["ES256", "sha256", p256],
      ["ES384", "sha384", p384],
      ["ES512", "sha512", p521],
      ["EdDSA", "sha512", key],
      ["Ed25519", "sha512", key],
    ]) {
      const verifier = entry.createVerifier({ ...base, jwks: [signer.jwk], profile: "id_token" });
      const good = signed(signer, { alg }, { ...ID, at_hash: atHash("access", hash) });
      assert.equal(outcome(verifier, good, { accessToken: "access" }), "ok", alg);
      assert.equal(outcome(verifier, good, { accessToken: "acces" }), "claim_mismatch at_hash", alg);
    }
  }
});

for (const [name, given] of [
  ["an unknown one", { nonces: "n" }],
  ["one of another spelling", { access_token: "a" }],
  ["a nonce that was lost", { nonce: undefined }],
  ["an empty nonce", { nonce: "" }],
  ["a nonce that is a number", { nonce: 5 }],
  ["null", { nonce: null }],
  ["an access token that was lost", { accessToken: undefined }],
  ["an access token with a lone surrogate", { accessToken: "\ud800" }],
  ["a negative age", { maxAge: -1 }],
  ["an age that is not finite", { maxAge: Number.POSITIVE_INFINITY }],
  ["an age that is no duration", { maxAge: "soon" }],
  ["an age that was lost", { maxAge: undefined }],
  ["a text in place of an object", "n-1"],
  ["a list", ["n-1"]],
  ["nothing, as null", null],
]) {
  test(`an expectation that cannot work: ${name}`, () => {
    assert.throws(() => id.verify(hashed, given), ConfigError);
    assert.throws(() => id.safeVerify(hashed, given), ConfigError);
  });
}

test("only ID tokens have expectations", () => {
  assert.throws(() => access.verify(at(ACCESS), { nonce: "n" }), { name: "ConfigError", code: "unknown_option" });
  const plain = createVerifier(base);
  assert.throws(() => plain.verify(token(ID), { nonce: "n" }), { name: "ConfigError", code: "unknown_option" });
  assert.equal([token(ID), token(ID)].map(plain.verify).length, 2, "an array may be mapped");
});

for (const [name, options, option] of [
  ["a profile that does not exist", { profile: "at_jwt" }, "profile"],
  ["no text", { profile: ["at+jwt"] }, "profile"],
  ["any issuer", { profile: "at+jwt", issuer: null }, "issuer"],
  ["any audience", { profile: "id_token", audience: null }, "audience"],
  ["no exp", { profile: "at+jwt", requireExp: false }, "requireExp"],
  ["another typ", { profile: "at+jwt", typ: "JWT" }, "typ"],
  ["another typ beside", { profile: "at+jwt", typ: ["at+jwt", "JWT"] }, "typ"],
]) {
  test(`options that contradict a profile: ${name}`, () => {
    assert.throws(() => createVerifier({ ...base, ...options }), {
      name: "ConfigError",
      code: "invalid_option",
      option,
    });
  });
}

test("options that go with a profile", () => {
  assert.equal(outcome(createVerifier({ ...base, profile: "at+jwt", typ: "application/at+jwt" }), at(ACCESS)), "ok");
  const own = createVerifier({ ...base, profile: "id_token", typ: "id_token+jwt" });
  assert.equal(outcome(own, token(ID, { typ: "id_token+jwt" })), "ok");
  assert.equal(outcome(own, token(ID, { typ: "JWT" })), "unexpected_type");
  const party = createVerifier({ ...base, profile: "id_token", claims: { azp: oneOf("android", "ios") } });
  assert.equal(outcome(party, token({ ...ID, azp: "android" })), "ok");
  assert.equal(outcome(party, token({ ...ID, azp: AUDIENCE })), "claim_mismatch azp");
  assert.equal(outcome(party, token(ID)), "missing_claim azp");
});

test("every way to ask honors the profile", async () => {
  const refused = { name: "TokenError", code: "unexpected_type" };
  assert.throws(() => access.verify(token(ID)), refused);
  assert.throws(() => access.assess(token(ID), createPolicy(), { now: NOW }), refused);
  assert.throws(() => access.validity(token(ID)), refused);
  const several = createVerifier([
    { ...base, profile: "at+jwt" },
    { ...base, issuer: "https://other.example", profile: "id_token" },
  ]);
  assert.equal(outcome(several, at(ACCESS)), "ok");
  assert.equal(outcome(several, token(ID)), "unexpected_type");
  const other = token({ ...ID, iss: "https://other.example", nonce: "n" });
  assert.equal(outcome(several, other, { nonce: "n" }), "ok");
  assert.equal(outcome(several, other, { nonce: "m" }), "claim_mismatch nonce");
  // Which issuer a token names, anybody says: it decides about the token, and is no mistake in the app.
  assert.equal(outcome(several, at(ACCESS), { nonce: "n" }), "missing_claim nonce");
  assert.throws(() => several.verify(at(ACCESS), { nonces: "n" }), ConfigError);
  const none = createVerifier([
    { ...base, profile: "at+jwt" },
    { ...base, issuer: "https://other.example" },
  ]);
  assert.throws(() => none.verify(at(ACCESS), { nonce: "n" }), ConfigError);

  const store = createKeyStore({ verifier: id, bundled: [key.jwk], issuer: ISSUER, storage: memoryStorage() });
  assert.equal(outcome(store, hashed, { nonce: "n-1" }), "ok");
  await assert.rejects(store.verifyFresh(hashed, { nonce: "n-2" }), { code: "claim_mismatch" });
  await assert.rejects(store.verifyFresh(hashed, { nonces: "n-1" }), ConfigError);
});

test("what has no options as members is no set of expectations", () => {
  for (const given of [
    new Map([["nonce", "n"]]),
    new URLSearchParams({ nonce: "n" }),
    new Headers({ nonce: "n" }),
    new Set(),
  ]) {
    assert.throws(() => id.verify(token(ID), given), { name: "ConfigError", code: "invalid_option" });
  }
});

test("ML-DSA's at_hash is 64 bytes of SHAKE256", () => {
  const digest = createHash("shake256", { outputLength: 64 }).update("access").digest();
  for (const signer of mlDsaKeys()) {
    const verifier = mlDsa.createVerifier({ ...base, jwks: [signer.jwk], profile: "id_token" });
    const given = signed(signer, { alg: signer.alg }, { ...ID, at_hash: segment(digest.subarray(0, 32)) });
    assert.equal(outcome(verifier, given, { accessToken: "access" }), "ok");
    assert.equal(outcome(verifier, given, { accessToken: "other" }), "claim_mismatch at_hash");
  }
});

for (const [name, jwk, isUsable] of [
  ["with alg", { ...key.jwk, alg: "EdDSA" }, true],
  ["without", { ...key.jwk, alg: undefined }, false],
  ["with null", { ...key.jwk, alg: null }, false],
]) {
  test(`requireKeyAlgorithm: a key ${name}`, () => {
    const create = () => createVerifier({ ...base, jwks: [jwk], requireKeyAlgorithm: true });
    if (isUsable) assert.equal(outcome(create(), token(ID)), "ok");
    else assert.throws(create, { code: "no_usable_key", message: /requireKeyAlgorithm/ });
  });
}

test("errors say what was found and expected", () => {
  const { error } = id.safeVerify(hashed, { nonce: "other" });
  assert.ok(error instanceof TokenError);
  assert.deepEqual([error.expected, error.actual], ["other", "n-1"]);
  assert.equal(id.safeVerify(hashed, { accessToken: "secret" }).error.message.includes("secret"), false);
  assert.match(id.safeVerify(token(ACCESS, { typ: "at+jwt" })).error.message, /typ is "at\+jwt"; it should be "JWT"/);
});
