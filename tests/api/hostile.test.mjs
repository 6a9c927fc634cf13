// Options, keys and surroundings that work against the verifier.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigError, createVerifier, TokenError } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key, otherEd25519: other } = testKeys();
const options = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const token = signed(key, { alg: "EdDSA" });

test("JWK Sets that are not what they seem", () => {
  const circular = { keys: [{ ...key.jwk }] };
  circular.keys[0].self = circular;
  const throwing = {
    get keys() {
      throw new Error("no");
    },
  };
  let deep = {};
  for (let level = 0; level < 100_000; level += 1) deep = { deep };
  const hostile = {
    circular,
    throwing,
    deep: { keys: [{ ...key.jwk, deep }] },
    vanishing: { toJSON: () => undefined },
    "a function inside": { keys: [() => {}] },
    "a Map": new Map([["keys", [key.jwk]]]),
    "an endless string": "[".repeat(5_000_000),
    "2 MiB of keys": { keys: Array.from({ length: 12_000 }, () => ({ ...key.jwk })) },
    "too many keys": { keys: Array.from({ length: 1001 }, () => ({ kty: "x" })) },
  };
  for (const [name, jwks] of Object.entries(hostile)) {
    assert.throws(() => createVerifier({ ...options, jwks }), ConfigError, name);
  }
});

test("keys that call back into the verifier while it takes them", () => {
  const verifier = createVerifier(options);
  const jwks = {
    get keys() {
      verifier.verify(token);
      verifier.setKeys([other.jwk]);
      return [key.jwk];
    },
  };
  verifier.setKeys(jwks);
  assert.equal(verifier.verify(token).claims.sub, "user-1");
});

test("setKeys is all or nothing", () => {
  const verifier = createVerifier(options);
  const before = verifier.keys;
  for (const jwks of [
    [],
    "{",
    { keys: [{ kty: "oct", k: "AA" }] },
    [{ ...other.jwk, d: "AA" }],
    [{ ...other.jwk, use: "enc" }],
    undefined,
    5,
  ]) {
    assert.throws(() => verifier.setKeys(jwks), ConfigError);
    assert.deepEqual(verifier.keys, before);
    assert.equal(verifier.verify(token).claims.sub, "user-1");
  }
});

test("a clock that fails", () => {
  for (const now of [
    () => Number.NaN,
    () => Number.POSITIVE_INFINITY,
    () => "1760000000",
    () => undefined,
    () => new Date(),
  ]) {
    const verifier = createVerifier({ ...options, now });
    assert.throws(() => verifier.verify(token), ConfigError);
    assert.throws(() => verifier.safeVerify(token), ConfigError);
  }
  const broken = new Error("no clock");
  const verifier = createVerifier({
    ...options,
    now() {
      throw broken;
    },
  });
  assert.throws(() => verifier.verify(token), broken);
});

test("thousands of verifiers and verifications do not fill the memory", () => {
  const script = `
    import { createVerifier } from "tokenward";
    const { options, token } = JSON.parse(process.argv[1]);
    const used = () => { global.gc(); return process.memoryUsage().rss; };
    const work = () => { for (let i = 0; i < 2000; i += 1) createVerifier({ ...options, requireExp: false, now: () => ${NOW} }).verify(token); };
    const settle = () => new Promise((resolve) => setTimeout(resolve, 50));
    for (let warm = 0; warm < 3; warm += 1) { work(); global.gc(); await settle(); }
    const before = used();
    for (let round = 0; round < 5; round += 1) { work(); global.gc(); await settle(); }
    console.log(used() - before);
  `;
  const input = JSON.stringify({ options: { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE }, token });
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--expose-gc", "--input-type=module", "--eval", script, input];
  const grown = Number(execFileSync(process.execPath, args, { cwd, encoding: "utf8" }));
  assert.ok(grown < 30_000_000, `grew by ${grown} bytes over 10,000 verifiers`);
});

test("slim says what to do before it is initialised, and refuses what is no module", () => {
  const script = `
    import { createVerifier, init } from "tokenward/slim";
    const codeOf = (work) => { try { work(); } catch (error) { return error.code; } };
    const options = { jwks: [], issuer: null, audience: null };
    console.log(codeOf(() => createVerifier(options)), codeOf(() => init(new Uint8Array(8))), codeOf(() => createVerifier(options)));
  `;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { cwd, encoding: "utf8" });
  assert.equal(said.trim(), "not_initialized wasm_unavailable not_initialized");
});

test("the module needs nothing but its own glue", () => {
  const require = createRequire(import.meta.url);
  const module = new WebAssembly.Module(readFileSync(require.resolve("tokenward/tokenward.wasm")));
  const from = new Set(WebAssembly.Module.imports(module).map((imported) => imported.module));
  assert.deepEqual([...from], ["./tokenward_bg.js"]);
});

test("errors are errors, and say their facts", () => {
  const late = createVerifier({ ...options, now: () => NOW + 1000 }).safeVerify(token).error;
  assert.ok(late instanceof TokenError && late instanceof Error);
  assert.deepEqual(
    { ...late },
    { name: "TokenError", code: "expired", claim: "exp", expected: NOW + 995, actual: CLAIMS.exp },
  );
  assert.match(String(late), /^TokenError: the token expired: exp is \d+, now is \d+, tolerance 5 s$/);
});

test("values in errors have members of their own, whatever their names", () => {
  const role = JSON.parse('{"__proto__":{"admin":true},"constructor":1,"list":[{"__proto__":null}]}');
  const verifier = createVerifier({ ...options, claims: { role: "user" } });
  const { actual } = verifier.safeVerify(signed(key, { alg: "EdDSA" }, { ...CLAIMS, role })).error;
  assert.deepEqual(actual, role);
  assert.equal(Object.getPrototypeOf(actual), Object.prototype);
  assert.equal(actual.admin, undefined);
  assert.deepEqual(Object.keys(actual), ["__proto__", "constructor", "list"]);
});
