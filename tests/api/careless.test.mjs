// What careless callers and polluted pages hand over: each has an error that names it, and no expectation vanishes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPolicy, createVerifier, oneOf } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key } = testKeys();
const options = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const token = signed(key, { alg: "EdDSA" });
const LONE = "\ud800";

test("a schema that is not quite one has a typed error, whatever its validate returns", () => {
  const throwing = {
    toString() {
      throw new Error("no");
    },
  };
  const invalid = { name: "TokenError", code: "invalid_claim" };
  const mistaken = { name: "ConfigError", code: "invalid_option", option: "schema" };
  for (const [returned, expected] of [
    [undefined, mistaken],
    [null, mistaken],
    [true, mistaken],
    ["x", mistaken],
    [{}, mistaken],
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    [{ then: 5 }, mistaken],
    [{ issues: null }, invalid],
    [{ issues: 5, value: 1 }, invalid],
    [{ issues: [] }, invalid],
    [{ issues: [null] }, invalid],
    [{ issues: [{ path: [null] }] }, invalid],
    [{ issues: [{ path: 5 }] }, invalid],
    [{ issues: [{ message: Symbol("m"), path: [Symbol("p")] }] }, invalid],
    [{ issues: [{ message: throwing }] }, invalid],
    [{ issues: [{ path: [{ key: throwing }] }] }, invalid],
    [{ issues: [{ path: ["__proto__"] }] }, { ...invalid, claim: "__proto__", actual: undefined }],
  ]) {
    const schema = { "~standard": { version: 1, vendor: "test", validate: () => returned } };
    assert.throws(() => createVerifier({ ...options, schema }).verify(token), expected);
  }
});

test("expected numbers equal every spelling of the same double, and no other double", () => {
  const verifies = (x, spelled) => {
    const payload = JSON.stringify({ ...CLAIMS, x: 0 }).replace('"x":0', `"x":${spelled}`);
    return createVerifier({ ...options, claims: { x } }).safeVerify(signed(key, { alg: "EdDSA" }, payload)).ok;
  };
  for (const [x, same, other] of [
    [1e300, `1${"0".repeat(300)}`, "1.0000000000000002e300"],
    [0.1, "0.1000000000000000055511151231257827", "0.10000000000000002"],
    [0.1 + 0.2, "3.0000000000000004e-1", "0.3"],
    [2 ** 60, "1152921504606846977", "1152921504606847232"],
    [Number.MAX_VALUE, "179769313486231570e291", "1.7976931348623155e308"],
    [5e-324, "3e-324", "1e-323"],
    [-0.5, "-5e-1", "0.5"],
  ]) {
    assert.equal(Number(same), x);
    assert.equal(verifies(x, same), true, same);
    assert.equal(verifies(x, JSON.stringify(x)), true);
    assert.equal(verifies(x, other), false, other);
  }
});

test("an option that JSON cannot say is refused, and it is the one to blame", () => {
  let reads = 0;
  const changing = {
    get role() {
      reads += 1;
      return reads > 1 ? undefined : "admin";
    },
  };
  const hidden = Object.defineProperty({}, "role", { value: "admin" });
  // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
  const hole = [, "EdDSA"];
  for (const [option, values] of Object.entries({
    issuer: [LONE, [ISSUER, LONE], hole],
    audience: [LONE, [LONE], hole],
    typ: [LONE],
    subject: [LONE],
    requiredClaims: [[LONE], hole],
    algorithms: [[LONE], hole],
    claims: [
      { a: LONE },
      { [LONE]: 1 },
      { a: [LONE] },
      { a: hole },
      { a: { b: hole } },
      changing,
      hidden,
      { a: hidden },
    ],
  })) {
    for (const value of values) {
      assert.throws(() => createVerifier({ ...options, [option]: value }), { code: "invalid_option", option });
    }
  }
});

test("text that is no Unicode is no JWK Set, at first and later", () => {
  const jwks = JSON.stringify([{ ...key.jwk, kid: "K" }]).replace('"K"', `"${LONE}"`);
  assert.throws(() => createVerifier({ ...options, jwks }), { code: "invalid_jwks", option: "jwks" });
  assert.throws(() => createVerifier(options).setKeys(jwks), { code: "invalid_jwks", option: "jwks" });
});

test("a list of options with a hole", () => {
  // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
  for (const list of [[,], [, options], [options, , options]]) {
    assert.throws(() => createVerifier(list), { name: "ConfigError", code: "invalid_option" });
  }
});

test("each option is read once", () => {
  const reads = {};
  const watched = new Proxy(
    { ...options, cache: true, algorithms: ["EdDSA"] },
    {
      get(target, name) {
        reads[name] = (reads[name] ?? 0) + 1;
        return target[name];
      },
    },
  );
  createVerifier(watched).verify(token);
  assert.deepEqual(new Set(Object.values(reads)), new Set([1]));
});

test("inherited algorithms count", () => {
  const { ed25519, p256 } = testKeys();
  const both = { ...options, jwks: [ed25519.jwk, p256.jwk] };
  const verifier = createVerifier(Object.assign(Object.create({ algorithms: ["ES256"] }), both));
  assert.equal(verifier.safeVerify(token).error.code, "algorithm_not_allowed");
  assert.equal(verifier.safeVerify(signed(p256, { alg: "ES256" })).ok, true);
});

test("an array that is nothing but long is refused, and not copied until the memory ends", () => {
  const long = new Array(2 ** 32 - 1);
  for (const [option, value] of [
    ["issuer", long],
    ["audience", long],
    ["algorithms", long],
    ["jwks", long],
    ["claims", { scope: long }],
    ["claims", { scope: [[long]] }],
    ["claims", { scope: oneOf("a", long) }],
  ]) {
    const expected = { name: "ConfigError", code: "invalid_option", option };
    assert.throws(() => createVerifier({ ...options, [option]: value }), expected);
  }
  assert.throws(() => createVerifier(long), { name: "ConfigError", code: "invalid_option" });
  assert.throws(() => createPolicy({ limited: { methods: long } }), { name: "ConfigError", option: "methods" });
});

test("a place of an array that a page has put on every object changes no option", () => {
  const claims = { iss: ISSUER, aud: AUDIENCE, exp: NOW + 100, a: { b: [1] } };
  const judged = [claims, { ...claims, iss: "evil" }, { ...claims, aud: "evil" }, { ...claims, a: { b: ["evil"] } }];
  const tokens = judged.map((one) => signed(key, { alg: "EdDSA" }, one));
  let codes;
  try {
    for (const place of [0, 1]) {
      Object.defineProperty(Object.prototype, place, { get: () => '"evil"', set() {}, configurable: true });
    }
    const strict = { ...options, issuer: [ISSUER], audience: [AUDIENCE], claims: { a: { b: [1] } } };
    const verifier = createVerifier(strict);
    codes = tokens.map((one) => verifier.safeVerify(one).error?.code);
  } finally {
    for (const place of [0, 1]) delete Object.prototype[place];
  }
  assert.deepEqual(codes, [undefined, "claim_mismatch", "claim_mismatch", "claim_mismatch"]);
});

for (const [name, value] of Object.entries({
  requireExp: false,
  clockTolerance: 1e9,
  now: () => CLAIMS.iat,
  audience: "other",
  typ: "at+jwt",
  exp: NOW + 1e6,
  iat: NOW + 1e6,
  jwks: [],
})) {
  test(`what a page has put on every object is no option and no claim: ${name}`, (t) => {
    t.after(() => delete Object.prototype[name]);
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: false, writable: true });
    const expiring = { iss: ISSUER, aud: AUDIENCE, exp: NOW - 100 };
    for (const cache of [false, true]) {
      const verifier = createVerifier({ jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, cache });
      const tolerant = createVerifier({ ...options, cache, requireExp: false, maxTokenAge: 60 });
      const codes = [
        verifier.safeVerify(signed(key, { alg: "EdDSA" }, { iss: ISSUER, aud: AUDIENCE })),
        verifier.safeVerify(signed(key, { alg: "EdDSA" }, expiring)),
        createVerifier(options).safeVerify(token),
        tolerant.safeVerify(token),
        tolerant.safeVerify(token),
      ].map((result) => result.error?.code);
      assert.deepEqual(codes, ["missing_claim", "expired", undefined, undefined, undefined]);
    }
  });
}

test("marks of the clock that are none, or misspelt, are refused, not taken for absent", () => {
  const verifier = createVerifier(options);
  for (const [marks, option] of [
    [undefined, "marks"],
    [null, "marks"],
    [[NOW], "marks"],
    [{ now: NOW, rolledback: true }, "rolledback"],
    [{ now: NOW, lastCheckin: NOW }, "lastCheckin"],
    [{ highest: NOW }, "now"],
  ]) {
    assert.throws(() => verifier.assess(token, {}, marks), { name: "ConfigError", option });
  }
  assert.equal(
    verifier.assess(token, {}, { now: NOW, highest: NOW, lastCheckIn: NOW, rolledBack: false }).access,
    "full",
  );
});

test("a symbol of oneOf on every object replaces no expected claim", () => {
  const make = () =>
    createVerifier({ ...options, claims: { iss: [ISSUER, "another"], sub: oneOf("nobody", CLAIMS.sub) } });
  const symbol = Object.getOwnPropertySymbols(oneOf("a"))[0];
  for (const prototype of [Object.prototype, Array.prototype]) {
    prototype[symbol] = [ISSUER];
    try {
      assert.equal(make().safeVerify(token).error?.code, "claim_mismatch", "an array expects an array");
    } finally {
      delete prototype[symbol];
    }
  }
});

test("a key set that is nothing but long is refused before it is written", () => {
  const verifier = createVerifier(options);
  const long = new Array(2 ** 32 - 1);
  for (const jwks of [long, { keys: long }]) {
    assert.throws(() => createVerifier({ ...options, jwks }), { name: "ConfigError", option: "jwks" });
    assert.throws(() => verifier.setKeys(jwks), { code: "invalid_jwks", message: "the JWK Set is larger than 1 MiB" });
  }
  assert.equal(verifier.safeVerify(token).ok, true, "the keys stay");
});
