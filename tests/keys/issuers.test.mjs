// Issuers that are known only later: an app's function lets them in, and nothing is fetched before it has.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createIssuerStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { EvictedRecords, IssuerRecord } from "../../pkg/esm/keys/issuer-record.js";
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

/** Providers that serve one key each, under any name; how often each was asked. */
function providers(served = () => ({ keys: [a1] })) {
  const requests = new Map();
  const state = { isUp: true };
  const fetch = (url) => {
    const { origin } = new URL(String(url));
    requests.set(origin, (requests.get(origin) ?? 0) + 1);
    if (!state.isUp) return Promise.reject(new TypeError("fetch failed"));
    const answer = served(origin);
    return Promise.resolve(typeof answer === "string" ? new Response(answer) : Response.json(answer));
  };
  const sum = () => [...requests.values()].reduce((all, one) => all + one, 0);
  return { fetch, requests, state, sum };
}

const tenant = (number) => `https://tenant-${number}.example`;
const withUri = (issuer) => ({ audience: AUDIENCE, jwksUri: `${issuer}/keys` });
const lasting = (iss) => signed(keys.ed25519, { alg: "EdDSA", kid: "1" }, { ...CLAIMS, iss, exp: NOW + 90_000 });
const forged = (iss) => token(iss, keys.otherEd25519);

/** A storage, and what is in it. */
function countedStorage() {
  const values = new Map();
  const storage = {
    persistent: false,
    get: async (name) => values.get(name),
    set: async (name, text) => void values.set(name, text),
    delete: async (name) => void values.delete(name),
  };
  return { storage, values };
}

for (const maxIssuers of [1, 2, 100]) {
  test(`forged tokens of more issuers than the ${maxIssuers} that are known buy no request while the clock stands still`, async () => {
    const { fetch, sum, requests } = providers();
    const { store, clock } = open(withUri, { fetch, maxIssuers });
    const tenants = Array.from({ length: maxIssuers + 40 }, (_, number) => tenant(number));
    const round = async () => {
      for (const iss of tenants) await assert.rejects(store.verifyFresh(forged(iss)), { code: "bad_signature" });
    };
    await round();
    const first = sum();
    assert.ok([...requests.values()].every((count) => count <= 2));
    for (let times = 0; times < 3; times += 1) await round();
    assert.equal(sum(), first);
    // Nobody is locked out by it: what was fetched of an evicted issuer serves when it comes back.
    for (const iss of tenants) await store.verifyFresh(token(iss));
    assert.equal(sum(), first);
    clock.now += 301;
    await round();
    assert.ok(sum() <= 2 * first);
  });
}

test("forged tokens push out no issuer whose tokens verify", async () => {
  const { fetch } = providers();
  const { store } = open(withUri, { fetch, maxIssuers: 2 });
  await store.verifyFresh(token(A));
  await store.verifyFresh(token(B));
  for (let number = 0; number < 50; number += 1) {
    await assert.rejects(store.verifyFresh(forged(tenant(number))), { code: "bad_signature" });
    await assert.rejects(store.verifyFresh(forged(A)), { code: "bad_signature" });
  }
  assert.deepEqual([code(store, token(A)), code(store, token(B))], ["ok", "ok"]);
});

test("a forged token does not make an issuer one that was used", async () => {
  const { fetch } = providers();
  const { store } = open(withUri, { fetch, maxIssuers: 2 });
  await store.verifyFresh(token(A));
  await store.verifyFresh(token(B));
  assert.equal(code(store, forged(A)), "bad_signature");
  await store.verifyFresh(token(tenant(1)));
  assert.deepEqual([code(store, token(A)), code(store, token(B))], ["key_not_found", "ok"]);
});

test("an evicted issuer whose set was too large to keep is not fetched from again inside the cool-down", async () => {
  const filler = "x".repeat(400_000);
  const { fetch, requests } = providers(() => ({ keys: [a1], filler }));
  const { store, clock } = open(withUri, { fetch, maxIssuers: 1 });
  for (let number = 0; number < 15; number += 1) await store.verifyFresh(token(tenant(number)));
  assert.equal(requests.get(tenant(0)), 1);
  await assert.rejects(
    store.verifyFresh(token(tenant(0))),
    (error) => error.code === "key_not_found" && error.cause.code === "cooling_down",
  );
  assert.equal(requests.get(tenant(0)), 1);
  clock.now += 301;
  await store.verifyFresh(lasting(tenant(0)));
  assert.equal(requests.get(tenant(0)), 2);
});

test("while the provider is down, who was let in stays in, whatever fresh object allow gives", async () => {
  const { fetch, state, sum } = providers();
  const { store, asked, clock } = open(withUri, { fetch });
  await store.verifyFresh(lasting(A));
  state.isUp = false;
  for (let hour = 1; hour <= 5; hour += 1) {
    clock.now += 3601;
    const before = sum();
    await store.verifyFresh(lasting(A));
    assert.equal(sum(), before + 1);
    assert.equal(asked.length, hour + 1);
    assert.equal(code(store, lasting(A)), "ok");
  }
});

test("what allow says anew counts at once, also while the provider is down", async () => {
  const { fetch, state } = providers();
  let allowed = withUri(A);
  const { store, clock } = open(() => allowed, { fetch });
  await store.verifyFresh(lasting(A));
  state.isUp = false;
  allowed = { ...withUri(A), audience: "other" };
  clock.now += 3601;
  await assert.rejects(store.verifyFresh(lasting(A)), { code: "claim_mismatch", claim: "aud" });
  // The keys of another place are not those that were there.
  allowed = { audience: AUDIENCE, jwksUri: `${A}/other-keys` };
  clock.now += 3601;
  await assert.rejects(
    store.verifyFresh(lasting(A)),
    (error) => error.code === "key_not_found" && error.cause.code === "unreachable",
  );
  allowed = null;
  clock.now += 3601;
  await assert.rejects(store.verifyFresh(lasting(A)), { code: "claim_mismatch", claim: "iss" });
});

for (const [name, fails, more] of [
  [
    "throws",
    () => {
      throw new Error("no database");
    },
  ],
  ["rejects", () => Promise.reject(new Error("no database"))],
  ["hangs", () => new Promise(() => {}), { timeout: 0.02 }],
]) {
  test(`an allow that ${name} keeps who was let in, for one more allowedFor`, async () => {
    let answer = () => ({ jwks: [a1], audience: AUDIENCE });
    const { store, asked, errors, clock } = open((issuer) => answer(issuer), { allowedFor: "10m", ...more });
    await store.verifyFresh(lasting(A));
    answer = fails;
    clock.now += 600;
    await store.verifyFresh(lasting(A));
    assert.deepEqual([asked.length, errors.length, code(store, lasting(A))], [2, 1, "ok"]);
    // It is asked again after 10 seconds.
    clock.now += 10;
    assert.equal(code(store, lasting(A)), "key_not_found");
    await store.verifyFresh(lasting(A));
    assert.equal(asked.length, 3);
    clock.now = NOW + 1199;
    await store.verifyFresh(lasting(A));
    clock.now = NOW + 1200;
    assert.equal(code(store, lasting(A)), "key_not_found");
    await assert.rejects(store.verifyFresh(lasting(A)), { code: "key_not_found" });
    answer = () => ({ jwks: [a1], audience: AUDIENCE });
    clock.now += 11;
    await store.verifyFresh(lasting(A));
  });
}

test("a no of allow ends at once what stayed because it could not be asked", async () => {
  let answer = () => ({ jwks: [a1], audience: AUDIENCE });
  const { store, clock } = open(() => answer(), { allowedFor: "10m" });
  await store.verifyFresh(lasting(A));
  answer = () => {
    throw new Error("no database");
  };
  clock.now += 600;
  await store.verifyFresh(lasting(A));
  answer = () => null;
  clock.now += 10;
  await assert.rejects(store.verifyFresh(lasting(A)), { code: "claim_mismatch", claim: "iss" });
});

test("an answer of allow that is no options keeps nobody", async () => {
  let answer = { jwks: [a1], audience: AUDIENCE };
  const { store, clock } = open(() => answer, { allowedFor: "10m" });
  await store.verifyFresh(lasting(A));
  answer = true;
  clock.now += 600;
  await assert.rejects(store.verifyFresh(lasting(A)), { code: "key_not_found" });
});

test("a new process starts with the stored set where the provider is down", async () => {
  const { fetch, state, sum } = providers();
  const { storage } = countedStorage();
  await open(withUri, { fetch, storage }).store.verifyFresh(token(A));
  state.isUp = false;
  const second = open(withUri, { fetch, storage });
  await second.store.verifyFresh(token(A));
  assert.equal(sum(), 1);
  const third = open(withUri, { fetch, storage });
  third.clock.now += 86_000;
  await third.store.verifyFresh(lasting(A));
  assert.equal(sum(), 2);
});

test("where the provider withdraws a key, who asks allow anew hears of it", async () => {
  let set = { keys: [a1] };
  const { fetch } = providers(() => set);
  const { store, clock } = open(withUri, { fetch });
  await store.verifyFresh(lasting(A));
  set = { keys: [{ ...b1, kid: "2" }] };
  clock.now += 3601;
  await assert.rejects(store.verifyFresh(lasting(A)), { code: "key_not_found" });
});

for (const [name, extra] of [
  ["alone", ""],
  ["beside a symmetric key", ',{"kty":"oct","k":"AAAA"}'],
  ["beside a private key", `,${JSON.stringify({ ...b1, kid: "3", d: "AAAA" })}`],
]) {
  test(`a fetched set that has a member twice is refused, ${name}`, async () => {
    const twice = `{"kid":"first",${JSON.stringify(a1).slice(1)}`;
    const { fetch } = providers(() => `{"keys":[${twice}${extra}]}`);
    const { store, errors } = open(withUri, { fetch });
    await assert.rejects(store.verifyFresh(token(A)), { code: "key_not_found" });
    assert.match(errors.map(({ message }) => message).join(), /strict JSON/);
  });
}

test("a secret beside the keys of a fetched set does not stop them, and is told", async () => {
  const { fetch } = providers(() => ({ keys: [a1, { kty: "oct", kid: "s", k: "AAAA" }] }));
  const { store, errors } = open(withUri, { fetch });
  await store.verifyFresh(token(A));
  assert.deepEqual(
    errors.map((error) => error.code),
    ["symmetric_key"],
  );
});

test("what is stored is bounded: an issuer that goes takes with it what was stored of it", async () => {
  const { fetch } = providers();
  const { storage, values } = countedStorage();
  const { store } = open(withUri, { fetch, storage, maxIssuers: 1 });
  for (let number = 0; number < 12; number += 1) {
    await store.verifyFresh(token(tenant(number)));
    await assert.rejects(store.verifyFresh(token(tenant(number), keys.ed25519, "unknown")), { code: "key_not_found" });
    await assert.rejects(store.verifyFresh(forged(tenant(number))), { code: "bad_signature" });
    await new Promise(setImmediate);
    assert.ok(values.size >= 1 && values.size <= 3, `${values.size}`);
  }
  const part = createHash("sha256").update(tenant(11)).digest("base64url");
  assert.ok([...values.keys()].every((name) => name.endsWith(`.${part}`)));
});

test("a refusal deletes what was stored of the issuer", async () => {
  const { fetch } = providers();
  const { storage, values } = countedStorage();
  let isAllowed = true;
  const { store, clock } = open((issuer) => (isAllowed ? withUri(issuer) : null), { fetch, storage });
  await store.verifyFresh(lasting(A));
  await assert.rejects(store.verifyFresh(forged(A)), { code: "bad_signature" });
  assert.ok(values.size > 0);
  isAllowed = false;
  clock.now += 3601;
  await assert.rejects(store.verifyFresh(lasting(A)), { code: "claim_mismatch" });
  await new Promise(setImmediate);
  assert.deepEqual([...values], []);
});

test("a storage that refuses keeps nobody out, also after an eviction", async () => {
  const { fetch, sum } = providers();
  const refuses = () => Promise.reject(new Error("no storage"));
  const storage = { persistent: false, get: refuses, set: refuses, delete: refuses };
  const { store } = open(withUri, { fetch, storage, maxIssuers: 1 });
  for (const iss of [A, B, A, B]) await store.verifyFresh(token(iss));
  assert.equal(sum(), 2);
});

test("what the provider leaked of its keys is not used again after an eviction", async () => {
  let set = { keys: [a1] };
  const { fetch } = providers((origin) => (origin === A ? set : { keys: [a1] }));
  const { store } = open(withUri, { fetch, maxIssuers: 1 });
  await store.verifyFresh(token(A));
  set = { keys: [{ ...a1, d: "AAAA" }] };
  await assert.rejects(store.verifyFresh(token(A, keys.ed25519, "unknown")));
  assert.notEqual(code(store, token(A)), "ok");
  await store.verifyFresh(token(B));
  await assert.rejects(store.verifyFresh(token(A)), { code: "key_not_found" });
});

test("what is remembered of evicted issuers is bounded, and what cools down is not pushed out for a new fetch", async () => {
  const evicted = new EvictedRecords(1);
  const record = async (length, fetchAfter) => {
    const made = new IssuerRecord(memoryStorage(), "x");
    await made.storage.set("set", "x".repeat(length));
    await made.storage.set("attempt", "y");
    made.noteFetch(NOW, fetchAfter);
    return made;
  };
  // Of 4,194,304 characters the oldest go; when there was an attempt stays.
  for (let number = 0; number < 9; number += 1) evicted.keep(tenant(number), await record(500_000, NOW + 300));
  const [first, last] = [evicted.take(tenant(0)), evicted.take(tenant(8))];
  assert.deepEqual([await first.storage.get("set"), await first.storage.get("attempt")], [undefined, "y"]);
  assert.equal((await last.storage.get("set")).length, 500_000);
  assert.throws(() => first.requireMayFetch(NOW + 299), { code: "cooling_down", retryAt: NOW + 300 });
  first.requireMayFetch(NOW + 300);
  // A clock that was set back ends the cool-down.
  first.requireMayFetch(NOW - 1);
  for (let number = 100; number < 10_093; number += 1) evicted.keep(tenant(number), await record(0, NOW + 300));
  assert.deepEqual([evicted.isFull(NOW + 299), evicted.isFull(NOW + 300)], [true, false]);
  evicted.keep(tenant(20_000), first);
  assert.equal(evicted.take(tenant(1)), undefined);
  assert.equal(evicted.take(tenant(20_000)), first);
});

for (const [option, value] of [
  ["createVerifier", undefined],
  ["allow", undefined],
  ["allow", [A]],
  ["maxIssuers", 0],
  ["maxIssuers", 1.5],
  ["allowedFor", -1],
  ["allowedFor", 0],
  ["allowedFor", "0s"],
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
