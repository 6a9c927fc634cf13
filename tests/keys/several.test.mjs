// A key store for several issuers: each has its own keys, refresh and cool-down, and none of them signs for another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { createSession, noProtection } from "tokenward/session";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, NOW, signed } from "../conformance/tokens.mjs";

const keys = testKeys();
const [A, B, C] = ["https://a.example", "https://b.example", "https://c.example"];
const jwk = (key, kid) => ({ ...key.jwk, kid });
const [a1, a2] = [jwk(keys.ed25519, "1"), jwk(keys.p256, "2")];
const [b1, b2] = [jwk(keys.otherEd25519, "1"), jwk(keys.otherP256, "2")];
const token = (iss, key, kid) =>
  signed(key, { alg: key.jwk.kty === "EC" ? "ES256" : "EdDSA", kid }, { ...CLAIMS, iss, exp: NOW + 9000 });
const fromA = token(A, keys.ed25519, "1");
const fromB = token(B, keys.otherEd25519, "1");
const newFromA = token(A, keys.p256, "2");
const newFromB = token(B, keys.otherP256, "2");

/** Two issuers with key servers that a test answers for; `asked` are the hosts that were. */
function open({ answers = {}, ...more } = {}) {
  const clock = { now: NOW };
  const asked = [];
  const now = () => clock.now;
  const fetch = (url) => {
    const { host } = new URL(url);
    asked.push(host);
    return Promise.resolve((answers[host] ?? (() => new Response("", { status: 503 })))());
  };
  const sets = { [A]: [a1], [B]: [b1] };
  const verifier = createVerifier([A, B].map((issuer) => ({ jwks: sets[issuer], issuer, audience: AUDIENCE, now })));
  const storage = memoryStorage();
  const store = createKeyStore(
    [A, B].map((issuer) => ({
      verifier,
      bundled: sets[issuer],
      issuer,
      jwksUri: `${issuer}/keys`,
      storage,
      fetch,
      now,
      ...more,
    })),
  );
  return { store, verifier, clock, asked, answers };
}

const publishing =
  (...jwks) =>
  () =>
    Response.json({ keys: jwks });
const code = (store, given) => store.safeVerify(given).error?.code ?? "ok";

test("each issuer's tokens hold by its own keys", () => {
  const { store } = open();
  assert.equal(code(store, fromA), "ok");
  assert.equal(code(store, fromB), "ok");
});

test("the key of one issuer does not sign for another, whatever its kid", async () => {
  const { store } = open({ answers: { "a.example": publishing(a1), "b.example": publishing(b1) } });
  const forged = token(B, keys.ed25519, "1");
  assert.equal(code(store, forged), "bad_signature");
  await assert.rejects(store.verifyFresh(forged), { code: "bad_signature" });
  await assert.rejects(store.verifyFresh(token(A, keys.otherEd25519, "1")), { code: "bad_signature" });
  assert.equal(code(store, token(C, keys.ed25519, "1")), "claim_mismatch");
  assert.equal(code(store, token(`${A}/`, keys.ed25519, "1")), "claim_mismatch");
});

test("an unknown key asks its own issuer, and nobody else", async () => {
  const { store, asked } = open({ answers: { "a.example": publishing(a1, a2), "b.example": publishing(b1, b2) } });
  await store.verifyFresh(newFromA);
  assert.deepEqual(asked, ["a.example"]);
  assert.equal(code(store, newFromB), "key_not_found");
  await store.verifyFresh(newFromB);
  assert.deepEqual(asked, ["a.example", "b.example"]);
});

test("the cool-down of one issuer does not hold up another", async () => {
  const { store, asked, answers } = open();
  await assert.rejects(store.verifyFresh(newFromA), { code: "key_not_found" });
  await assert.rejects(store.verifyFresh(newFromA), { code: "key_not_found" });
  assert.deepEqual(asked, ["a.example"]);
  answers["b.example"] = publishing(b1, b2);
  await store.verifyFresh(newFromB);
  assert.deepEqual(asked, ["a.example", "b.example"]);
});

test("freshen asks the issuer whose token was refused", async () => {
  const { store, asked } = open({ answers: { "b.example": publishing(b1, b2) } });
  const { error } = store.safeVerify(newFromB);
  assert.equal(await store.freshen(error), true);
  assert.deepEqual(asked, ["b.example"]);
  assert.equal(await store.freshen(new Error("another")), false);
});

test("a refresh is of all, and tells what failed once all are done", async () => {
  const { store, asked, answers, clock } = open({ answers: { "b.example": publishing(b1, b2) } });
  let changes = 0;
  store.onChange(() => {
    changes += 1;
  });
  await assert.rejects(store.refresh(), { name: "KeyStoreError", code: "http_status" });
  assert.deepEqual(asked.sort(), ["a.example", "b.example"]);
  assert.equal(code(store, newFromB), "ok");
  assert.equal(changes, 1);
  assert.equal(store.refreshedAt, undefined);
  answers["a.example"] = publishing(a1, a2);
  clock.now += 600;
  assert.deepEqual(await store.refreshIfDue(), { outcome: "updated" });
  assert.equal(code(store, newFromA), "ok");
  assert.equal(store.refreshedAt, NOW);
  assert.equal(await store.refreshIfDue(), undefined);
});

test("malformed tokens are told so, and nobody is asked", async () => {
  const { store, asked } = open();
  for (const given of ["", "a.b", "a.b.c", "x".repeat(20_000), undefined, null, 5, {}, []]) {
    assert.match(code(store, given), /^(malformed|too_large)$/);
    await assert.rejects(store.verifyFresh(given), { name: "TokenError" });
  }
  assert.deepEqual(asked, []);
});

test("an issuer of the verifier without a store keeps its keys", async () => {
  const now = () => NOW;
  const verifier = createVerifier([
    { jwks: [a1], issuer: A, audience: AUDIENCE, now },
    { jwks: [b1], issuer: B, audience: AUDIENCE, now },
  ]);
  const store = createKeyStore([{ verifier, bundled: [a1], issuer: A, storage: memoryStorage(), now }]);
  assert.equal(code(store, fromB), "ok");
  await assert.rejects(store.verifyFresh(newFromB), { code: "key_not_found" });
});

test("a gate and a session take the store", async () => {
  const { store, asked } = open({ answers: { "a.example": publishing(a1, a2), "b.example": publishing(b1, b2) } });
  const gate = createGate({ verifier: store, rules: [{ match: "/*" }], origin: "https://api.example" });
  const get = (given) =>
    gate.handle(
      new Request("https://api.example/", { headers: { authorization: `Bearer ${given}` } }),
      () => new Response("in"),
    );
  for (const given of [fromA, fromB, newFromB]) assert.equal((await get(given)).status, 200);
  assert.equal((await get(token(B, keys.ed25519, "1"))).status, 401);
  assert.deepEqual(asked, ["b.example"]);

  for (const given of [fromA, newFromA]) {
    const session = createSession({
      verifier: store,
      provider: null,
      storage: memoryStorage(),
      protection: noProtection(),
      environment: { now: () => NOW },
    });
    await session.signIn({ access_token: given });
    assert.equal(session.state.access, "full");
    session.stop?.();
  }
});

for (const [name, make] of [
  ["no options at all", () => []],
  ["other verifiers", (one) => [one(A), { ...one(B), verifier: one(B).verifier }]],
  ["no issuer", (one) => [one(A), { ...one(B), issuer: undefined, jwksUri: `${B}/keys` }]],
  ["the same issuer twice", (one) => [one(A), one(A)]],
  ["an issuer that is none of the verifier's", (one) => [one(A), one(C)]],
]) {
  test(`what cannot work: ${name}`, () => {
    const same = create();
    const one = (issuer) => ({
      verifier: name === "other verifiers" ? create() : same,
      bundled: issuer === B ? [b1] : [a1],
      issuer,
      storage: memoryStorage(),
    });
    assert.throws(() => createKeyStore(make(one)), { name: "ConfigError" });
  });
}

function create() {
  return createVerifier([
    { jwks: [a1], issuer: A, audience: AUDIENCE },
    { jwks: [b1], issuer: B, audience: AUDIENCE },
  ]);
}
