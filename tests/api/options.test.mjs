// Options count wherever an object has them from: of its own, inherited, or behind a getter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key } = testKeys();
const token = signed(key, { alg: "EdDSA" });
const options = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const asked = {
  subject: "user-2",
  typ: "at+jwt",
  maxTokenAge: 1,
  requiredClaims: ["scope"],
  claims: { sub: "user-2" },
  maxTokenBytes: 10,
};

for (const [name, value] of Object.entries(asked)) {
  test(`${name}, inherited or not enumerable`, () => {
    const inherited = Object.assign(Object.create({ [name]: value }), options);
    const hidden = Object.defineProperty({ ...options }, name, { value, enumerable: false });
    const own = codeOf({ ...options, [name]: value });
    assert.ok(own);
    assert.equal(codeOf(inherited), own);
    assert.equal(codeOf(hidden), own);
  });
}

test("all of them behind getters of a class", () => {
  class Options {
    get jwks() {
      return [key.jwk];
    }
    get issuer() {
      return ISSUER;
    }
    get audience() {
      return AUDIENCE;
    }
    get now() {
      return () => NOW;
    }
  }
  assert.deepEqual(createVerifier(new Options()).verify(token).claims, CLAIMS);
});

test("what is wrong is refused there too", () => {
  const wrong = Object.assign(Object.create({ clockTolerance: -1 }), options);
  assert.throws(() => createVerifier(wrong), { code: "invalid_option", option: "clockTolerance" });
});

function codeOf(given) {
  return createVerifier(given).safeVerify(token).error?.code;
}
