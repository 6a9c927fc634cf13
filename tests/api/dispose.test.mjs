// What a verifier is after it was disposed of, and that `using` does it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { transform } from "esbuild";
import * as api from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { createVerifier } = api;
const { ed25519: key } = testKeys();
const options = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const token = signed(key, { alg: "EdDSA" });
const dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const disposed = { name: "ConfigError", code: "disposed" };

test("every use afterwards says so, and to dispose again does nothing", () => {
  for (const cache of [false, true]) {
    const verifier = createVerifier({ ...options, cache });
    assert.equal(verifier.verify(token).claims.iss, ISSUER);
    assert.equal(verifier.assess(token, {}, { now: NOW }).access, "full");
    verifier[dispose]();
    verifier[dispose]();
    for (const use of [
      () => verifier.verify(token),
      () => verifier.safeVerify(token),
      () => verifier.assess(token, {}, { now: NOW }),
      () => verifier.setKeys([key.jwk]),
      () => verifier.keys,
    ]) {
      assert.throws(use, disposed);
    }
  }
});

test("several issuers are disposed of together, and other verifiers not at all", () => {
  const other = createVerifier(options);
  const several = createVerifier([options, { ...options, issuer: "https://other.example" }]);
  several[dispose]();
  assert.throws(() => several.safeVerify(token), disposed);
  assert.equal(other.safeVerify(token).ok, true);
});

test("keys that are replaced, or a verifier disposed of, by its own clock or schema: the call that runs is answered", () => {
  const inTheClock = createVerifier({
    ...options,
    now() {
      inTheClock.setKeys([key.jwk]);
      return NOW;
    },
  });
  assert.equal(inTheClock.safeVerify(token).ok, true);
  const validate = (value) => {
    inTheSchema.setKeys([key.jwk]);
    inTheSchema[dispose]();
    return { value };
  };
  const inTheSchema = createVerifier({ ...options, schema: { "~standard": { version: 1, vendor: "test", validate } } });
  assert.equal(inTheSchema.safeVerify(token).ok, true);
  assert.throws(() => inTheSchema.safeVerify(token), disposed);
  const ended = createVerifier({
    ...options,
    now() {
      ended[dispose]();
      return NOW;
    },
  });
  assert.throws(() => ended.safeVerify(token), disposed);
});

test("`using` disposes at the end of a block, as compilers write it for engines that have it not", async () => {
  const source = `
    let kept;
    { using verifier = createVerifier(options); kept = verifier; verifier.verify(token); }
    return kept;`;
  const { code } = await transform(`export const run = (createVerifier, options, token) => {${source}};`, {
    target: "es2022",
    format: "esm",
  });
  const { run } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const kept = run(createVerifier, options, token);
  assert.throws(() => kept.verify(token), disposed);
});
