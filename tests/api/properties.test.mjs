// What holds for every token, tried on many.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, TokenError } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, segment, signed, signedText } from "../conformance/tokens.mjs";
import fc, { runs } from "../support/properties.mjs";

const keys = testKeys();
const SIGNERS = { EdDSA: keys.ed25519, ES256: keys.p256, ES384: keys.p384, RS256: keys.rsa2048, PS256: keys.rsa2048 };
const verifier = createVerifier({
  jwks: [...new Set(Object.values(SIGNERS))].map(({ jwk }) => jwk),
  issuer: ISSUER,
  audience: AUDIENCE,
  now: () => NOW,
});
const tokens = Object.entries(SIGNERS).map(([alg, key]) => signed(key, { alg }));

test("any change of any character is refused", () => {
  const change = fc.tuple(
    fc.constantFrom(...tokens),
    fc.nat(),
    fc.string({ minLength: 0, maxLength: 2, unit: "binary" }),
  );
  fc.assert(
    fc.property(change, ([token, at, text]) => {
      const index = at % token.length;
      const changed = token.slice(0, index) + text + token.slice(index + 1);
      fc.pre(changed !== token);
      isRefused(changed);
    }),
    runs(2000),
  );
});

test("any change of any bit of a signature is refused", () => {
  for (const token of tokens.filter((one) => one.length < 400)) {
    const [header, payload, text] = token.split(".");
    const signature = Buffer.from(text, "base64url");
    for (let bit = 0; bit < signature.length * 8; bit += 1) {
      signature[bit >> 3] ^= 1 << (bit & 7);
      isRefused(`${header}.${payload}.${segment(signature)}`);
      signature[bit >> 3] ^= 1 << (bit & 7);
    }
  }
});

test("no string does anything but be refused, and the verifier works on", () => {
  const dotted = fc.array(fc.oneof(fc.base64String(), fc.json().map(segment), fc.string({ unit: "binary" })), {
    maxLength: 5,
  });
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    dotted.map((parts) => parts.join(".")),
  );
  fc.assert(fc.property(text, isRefused), runs(3000));
  for (const token of tokens) assert.equal(verifier.safeVerify(token).ok, true);
});

test("claims are what JSON.parse reads from the payload", () => {
  const more = fc.dictionary(
    fc.string({ unit: "binary" }).filter((name) => name.isWellFormed()),
    jsonValue(),
    { maxKeys: 8 },
  );
  fc.assert(
    fc.property(more, (claims) => {
      const text = JSON.stringify(Object.assign(Object.create(null), claims, CLAIMS));
      const token = signedText(keys.ed25519, "EdDSA", segment({ alg: "EdDSA" }), segment(text));
      const answer = verifier.safeVerify(token);
      const isSound = typeof (claims.jti ?? "") === "string" && typeof (claims.nbf ?? -1e9) === "number";
      if (isSound && (claims.nbf ?? 0) <= NOW)
        assert.deepEqual(answer.value?.claims, JSON.parse(text), answer.error?.message);
      else assert.ok(answer.error instanceof TokenError);
    }),
    runs(500),
  );
});

test("the order of unrelated keys does not matter", () => {
  const others = [keys.otherRsa, keys.otherP256, keys.otherEd25519, keys.p521].map(({ jwk }, index) => ({
    ...jwk,
    kid: `other-${index}`,
  }));
  const named = { ...keys.ed25519.jwk, kid: "mine" };
  const forms = {
    named: signed(keys.ed25519, { alg: "EdDSA", kid: "mine" }),
    unnamed: signed(keys.ed25519, { alg: "EdDSA" }),
  };
  fc.assert(
    fc.property(fc.shuffledSubarray(others), fc.nat(), fc.constantFrom(...Object.values(forms)), (some, at, token) => {
      const jwks = some.toSpliced(at % (some.length + 1), 0, named);
      const { key } = createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE, now: () => NOW }).verify(token);
      assert.equal(key.kid, "mine");
    }),
    runs(200),
  );
});

function isRefused(token) {
  const answer = verifier.safeVerify(token);
  assert.equal(answer.ok, false);
  assert.ok(answer.error instanceof TokenError);
}

function jsonValue() {
  const text = fc.string({ unit: "binary" }).filter((one) => one.isWellFormed());
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      text,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(text, tie("value"), { maxKeys: 3 }),
    ),
  })).value;
}
