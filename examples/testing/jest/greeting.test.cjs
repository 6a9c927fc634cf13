const { beforeEach, expect, test } = require("@jest/globals");
const { createVerifier, TokenError } = require("tokenward");
const { createTestIssuer } = require("tokenward/testing");

let issuer;
beforeEach(async () => {
  issuer = await createTestIssuer();
});

test("the verifier knows the issuer's token", async () => {
  const { claims } = createVerifier(issuer.options).verify(await issuer.token({ sub: "ada" }));
  expect(claims.sub).toBe("ada");
});

test("and no other's", async () => {
  const other = await createTestIssuer();
  const verifier = createVerifier(issuer.options);
  const { ok, error } = verifier.safeVerify(await other.token({ sub: "ada" }));
  expect(ok).toBe(false);
  expect(TokenError.is(error)).toBe(true);
  expect(["key_not_found", "bad_signature"]).toContain(error.code);
});
