// Issuers that are known only later: an app's function lets them in, and nothing is fetched before it has.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createIssuerStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, NOW, segment, signed } from "../conformance/tokens.mjs";

const keys = testKeys();
const [A, B] = ["https://a.example", "https://b.example"];
const jwk = (key, kid) => ({ ...key.jwk, kid });
const a1 = jwk(keys.ed25519, "1");
const b1 = jwk(keys.otherEd25519, "1");
const token = (iss, key = keys.ed25519, kid = "1") => signed(key, { alg: "EdDSA", kid }, { ...CLAIMS, iss });

/** A store with what it asked: the issuers it asked `allow` about, the addresses it fetched from. */
function open(allow, more = {}) {
  const clock = { now: NOW };
  const [asked, fetched, errors] = [[], [], []];
  const store = createIssuerStore({
    createVerifier,
    allow: (issuer) => {
      asked.push(issuer);
      return allow(issuer);
    },
    storage: memoryStorage(),
    now: () => clock.now,
    onError: (error) => errors.push(error),
    fetch: (url) => {
      fetched.push(String(url));
      return Promise.resolve(new Response("", { status: 404 }));
    },
    ...more,
  });
  return { store, clock, asked, fetched, errors };
}

const code = (store, given) => store.safeVerify(given).error?.code ?? "ok";
const allowing = (issuer) => (issuer === A ? { jwks: [a1], audience: AUDIENCE } : undefined);

test("an issuer is met once, and then its tokens are verified at once", async () => {
  const { store, asked, fetched } = open(allowing);
  assert.equal(code(store, token(A)), "key_not_found");
  assert.deepEqual(asked, []);
  assert.equal((await store.verifyFresh(token(A))).claims.iss, A);
  assert.equal(code(store, token(A)), "ok");
  await store.verifyFresh(token(A));
  assert.deepEqual([asked, fetched], [[A], []]);
});

test("an issuer that is not allowed is asked about once, and nothing is fetched", async () => {
  const { store, asked, fetched, clock } = open(allowing);
  for (let times = 0; times < 3; times += 1) {
    await assert.rejects(store.verifyFresh(token(B)), { code: "claim_mismatch", claim: "iss" });
  }
  assert.equal(code(store, token(B)), "claim_mismatch");
  assert.deepEqual([asked, fetched], [[B], []]);
  clock.now += 301;
  await assert.rejects(store.verifyFresh(token(B)), { code: "claim_mismatch" });
  assert.deepEqual(asked, [B, B]);
});

test("only well-formed tokens are asked about", async () => {
  const { store, asked, fetched } = open(allowing);
  const payload = (claims) => `${segment({ alg: "EdDSA" })}.${segment(claims)}.${segment("x")}`;
  const twice = `${segment({ alg: "EdDSA" })}.${segment(`{"iss":"${B}","iss":"${A}"}`)}.${segment("x")}`;
  for (const given of [
    "",
    "a.b.c",
    undefined,
    null,
    5,
    twice,
    payload({}),
    payload({ iss: 5 }),
    payload({ iss: "" }),
    payload({ iss: null }),
    payload({ iss: [A] }),
    payload({ iss: `${A}/${"x".repeat(3000)}` }),
    payload([A]),
    payload("text"),
    `${segment({ alg: "none" })}.${segment({ iss: A })}.`,
    `${segment({ alg: "HS256" })}.${segment({ iss: A })}.${segment("x")}`,
    `${segment({ alg: "EdDSA", crit: ["x"] })}.${segment({ iss: A })}.${segment("x")}`,
    `${token(A)}=`,
    ` ${token(A)}`,
    "x".repeat(100_000),
  ]) {
    await assert.rejects(store.verifyFresh(given), { name: "TokenError" });
  }
  assert.deepEqual([asked, fetched], [[], []]);
});

test("the key of one issuer does not sign for another", async () => {
  const sets = { [A]: [a1], [B]: [b1] };
  const { store } = open((issuer) => ({ jwks: sets[issuer], audience: AUDIENCE }));
  await store.verifyFresh(token(A));
  await store.verifyFresh(token(B, keys.otherEd25519));
  assert.equal(code(store, token(B, keys.ed25519)), "bad_signature");
  await assert.rejects(store.verifyFresh(token(A, keys.otherEd25519)), { code: "bad_signature" });
});

test("the options of an issuer hold for it", async () => {
  const { store } = open(() => ({ jwks: [a1], audience: AUDIENCE, profile: "at+jwt" }));
  await assert.rejects(store.verifyFresh(token(A)), { code: "unexpected_type" });
  const { store: other } = open(() => ({ jwks: [a1], audience: "other" }));
  await assert.rejects(other.verifyFresh(token(A)), { code: "claim_mismatch", claim: "aud" });
});

test("many tokens of one issuer are one flight", async () => {
  let answer;
  const { store, asked } = open(() => new Promise((resolve) => (answer = resolve)));
  const waiting = Array.from({ length: 100 }, () => store.verifyFresh(token(A)));
  await new Promise(setImmediate);
  assert.equal(asked.length, 1);
  answer({ jwks: [a1], audience: AUDIENCE });
  assert.equal((await Promise.all(waiting)).length, 100);
  assert.equal(asked.length, 1);
});

for (const [name, allow, cause] of [
  [
    "throws",
    () => {
      throw new Error("no database");
    },
    /no database/,
  ],
  [
    "throws no error",
    () => {
      throw "nothing";
    },
    /nothing/,
  ],
  ["rejects", () => Promise.reject(new Error("no database")), /no database/],
  ["gives true", () => true, /should give an object/],
  ["gives a text", async () => A, /should give an object/],
  ["gives a number", () => 1, /should give an object/],
  ["gives a list", () => [{ jwks: [a1], audience: AUDIENCE }], /should give an object/],
  ["gives no audience", () => ({ jwks: [a1] }), /audience/],
  ["gives an unknown option", () => ({ jwks: [a1], audience: AUDIENCE, issuers: [A] }), /issuers/],
  ["gives another issuer", () => ({ jwks: [a1], audience: AUDIENCE, issuer: B }), /issuer/],
  ["gives no keys at all", () => ({ jwks: [], audience: AUDIENCE }), /empty/],
  ["gives an address that is not https", () => ({ audience: AUDIENCE, jwksUri: "http://a.example/keys" }), /https/],
  ["gives an address that is none", () => ({ audience: AUDIENCE, jwksUri: "keys" }), /absolute URL/],
  ["hangs", () => new Promise(() => {}), /was not known within/],
]) {
  test(`a function that ${name} lets nobody in, and is not asked again at once`, async () => {
    const { store, asked, fetched, errors, clock } = open(allow, { timeout: 0.02 });
    const error = await store.verifyFresh(token(A)).then(
      () => undefined,
      (refused) => refused,
    );
    assert.equal(error.name, "TokenError");
    assert.equal(error.code, "key_not_found");
    assert.match(String(error.cause?.message ?? error.cause), cause);
    assert.equal(errors.length, 1);
    await assert.rejects(store.verifyFresh(token(A)), { code: "key_not_found" });
    assert.deepEqual([asked.length, fetched], [1, []]);
    clock.now += 11;
    await assert.rejects(store.verifyFresh(token(A)), { code: "key_not_found" });
    assert.equal(asked.length, 2);
  });
}

test("thousands of strangers keep nobody out, and are forgotten", async () => {
  const { store, asked } = open(allowing, { maxIssuers: 2 });
  await store.verifyFresh(token(A));
  for (let start = 0; start < 3000; start += 30) {
    const strangers = Array.from({ length: 30 }, (_, index) => `https://stranger-${start + index}.example`);
    await Promise.all(strangers.map((iss) => assert.rejects(store.verifyFresh(token(iss)))));
  }
  assert.equal(asked.length, 3001);
  assert.equal(code(store, token(A)), "ok");
  // Of the refused, twenty are remembered: the first is asked about again.
  await assert.rejects(store.verifyFresh(token("https://stranger-0.example")), { code: "claim_mismatch" });
  assert.equal(asked.length, 3002);
  await assert.rejects(store.verifyFresh(token("https://stranger-2999.example")), { code: "claim_mismatch" });
  assert.equal(asked.length, 3002);
});

test("strangers that wait are bounded, and do not hold up who was let in before", async () => {
  let isSlow = false;
  const { store, asked, clock } = open(
    (issuer) => {
      if (issuer === A) return { jwks: [a1], audience: AUDIENCE };
      return isSlow ? new Promise(() => {}) : undefined;
    },
    { timeout: 0.2 },
  );
  await store.verifyFresh(token(A));
  isSlow = true;
  clock.now += 3601;
  const strangers = Array.from({ length: 100 }, (_, index) => store.verifyFresh(token(`https://s-${index}.example`)));
  const settled = Promise.allSettled(strangers);
  await new Promise(setImmediate);
  assert.ok(asked.length <= 33, `${asked.length}`);
  await store.verifyFresh(signed(keys.ed25519, { alg: "EdDSA", kid: "1" }, { ...CLAIMS, iss: A, exp: NOW + 9000 }));
  assert.ok((await settled).every(({ status, reason }) => status === "rejected" && reason.code === "key_not_found"));
});

test("no more issuers are known than allowed; the one used longest ago goes", async () => {
  const { store, asked } = open(() => ({ jwks: [a1], audience: AUDIENCE }), { maxIssuers: 2 });
  const [one, two, three] = ["1", "2", "3"].map((name) => token(`https://${name}.example`));
  await store.verifyFresh(one);
  await store.verifyFresh(two);
  assert.equal(code(store, one), "ok");
  await store.verifyFresh(three);
  assert.deepEqual(
    [one, two, three].map((given) => code(store, given)),
    ["ok", "key_not_found", "ok"],
  );
  assert.equal(asked.length, 3);
});

test("who is no longer allowed is out after allowedFor", async () => {
  let isAllowed = true;
  const long = signed(keys.ed25519, { alg: "EdDSA", kid: "1" }, { ...CLAIMS, iss: A, exp: NOW + 9000 });
  const { store, clock } = open(() => (isAllowed ? { jwks: [a1], audience: AUDIENCE } : null), { allowedFor: "10m" });
  await store.verifyFresh(long);
  isAllowed = false;
  clock.now += 599;
  assert.equal(code(store, long), "ok");
  clock.now += 1;
  assert.equal(code(store, long), "key_not_found");
  await assert.rejects(store.verifyFresh(long), { code: "claim_mismatch", claim: "iss" });
  isAllowed = true;
  clock.now -= 700;
  await store.verifyFresh(long);
});

test("without keys they are fetched: from where the function says, or by the issuer's metadata", async () => {
  const answers = {
    "https://keys.example/a": { keys: [a1] },
    "https://b.example/.well-known/openid-configuration": { issuer: B, jwks_uri: "https://b.example/jwks" },
    "https://b.example/jwks": { keys: [b1] },
  };
  const fetch = (url) => {
    assert.ok(answers[url], url);
    return Promise.resolve(Response.json(answers[url]));
  };
  const allow = (issuer) => ({ audience: AUDIENCE, ...(issuer === A && { jwksUri: "https://keys.example/a" }) });
  const { store } = open(allow, { fetch });
  await store.verifyFresh(token(A));
  await store.verifyFresh(token(B, keys.otherEd25519));
  assert.equal(code(store, token(A, keys.otherEd25519)), "bad_signature");
});

test("a gate meets issuers by itself", async () => {
  const { store, asked } = open(allowing);
  const gate = createGate({ verifier: store, rules: [{ match: "/*" }], origin: "https://api.example" });
  const get = (given) =>
    gate.handle(
      new Request("https://api.example/", { headers: { authorization: `Bearer ${given}` } }),
      () => new Response("in"),
    );
  assert.equal((await get(token(A))).status, 200);
  assert.equal((await get(token(B))).status, 401);
  assert.equal((await get(token(A, keys.otherEd25519))).status, 401);
  assert.deepEqual(asked, [A, B]);
});

test("options that are inherited count as they do in createVerifier", async () => {
  class Rules {
    audience = AUDIENCE;
    jwks = [a1];
    get requiredClaims() {
      return ["jti"];
    }
  }
  const inherited = Object.assign(Object.create({ requiredClaims: ["jti"] }), { audience: AUDIENCE, jwks: [a1] });
  for (const given of [new Rules(), inherited]) {
    const { store } = open(() => given);
    await assert.rejects(store.verifyFresh(token(A)), { code: "missing_claim", claim: "jti" });
  }
  const { store } = open(() => ({ audience: AUDIENCE, jwks: [a1], requiredClaim: ["jti"] }));
  await assert.rejects(store.verifyFresh(token(A)), (error) => error.cause?.code === "unknown_option");
});

test("what is stored of one issuer never stands in the way of another, whatever it is called", async () => {
  // Both have the same short name among the sources of key stores (32 bits: whoever looks for such a one finds it).
  const [victim, other] = ["https://victim.example", "https://evil.example/1727-3zn"];
  const names = [];
  const storage = memoryStorage();
  const recorded = {
    ...storage,
    set(name, text) {
      names.push(name);
      return storage.set(name, text);
    },
  };
  const kept = { [victim]: [a1], [other]: [b1] };
  const fetch = (url) => Promise.resolve(Response.json({ keys: kept[String(url).replace(/\/keys$/, "")] }));
  const { store } = open((issuer) => ({ audience: AUDIENCE, jwksUri: `${issuer}/keys` }), { storage: recorded, fetch });
  await store.verifyFresh(token(victim));
  await store.verifyFresh(token(other, keys.otherEd25519));
  await store.refresh();
  const parts = new Map(
    [victim, other].map((issuer) => [issuer, createHash("sha256").update(issuer).digest("base64url")]),
  );
  for (const part of parts.values())
    assert.ok(
      names.some((name) => name.endsWith(`.${part}`)),
      names.join(),
    );
  assert.ok(names.every((name) => [...parts.values()].some((part) => name.endsWith(`.${part}`))));
});

for (const [option, value] of [
  ["createVerifier", undefined],
  ["allow", undefined],
  ["allow", [A]],
  ["maxIssuers", 0],
  ["maxIssuers", 1.5],
  ["allowedFor", -1],
  ["refusedFor", "soon"],
  ["timeout", 0],
  ["verifier", {}],
]) {
  test(`the option ${option} cannot be ${JSON.stringify(value)}`, () => {
    assert.throws(() => createIssuerStore({ createVerifier, allow: allowing, [option]: value }), {
      name: "ConfigError",
      option,
    });
  });
}
