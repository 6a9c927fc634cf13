// `schema`: any synchronous Standard Schema validator.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, createVerifier } from "tokenward";
import * as v from "valibot";
import { z } from "zod";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const key = testKeys().ed25519;
const tokenOf = (claims) => signed(key, { alg: "EdDSA" }, { ...CLAIMS, ...claims });
const verifierOf = (schema, more) =>
  createVerifier({ jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW, schema, ...more });

const schemas = {
  zod: z.object({ sub: z.string(), level: z.string().transform(Number) }),
  valibot: v.object({ sub: v.string(), level: v.pipe(v.string(), v.transform(Number)) }),
};

for (const [name, schema] of Object.entries(schemas)) {
  test(`${name}: its output becomes the claims`, () => {
    assert.deepEqual(verifierOf(schema).verify(tokenOf({ level: "3" })).claims, { sub: "user-1", level: 3 });
  });

  test(`${name}: what does not fit is an invalid claim`, () => {
    assert.throws(() => verifierOf(schema).verify(tokenOf({ level: 3 })), {
      name: "TokenError",
      code: "invalid_claim",
      claim: "level",
      actual: 3,
    });
  });

  test(`${name}: also for a token that was seen before`, () => {
    const verifier = verifierOf(schema, { cache: true });
    for (let times = 0; times < 2; times += 1) {
      assert.equal(verifier.verify(tokenOf({ level: "4" })).claims.level, 4);
      assert.equal(verifier.safeVerify(tokenOf({ level: 4 })).error.code, "invalid_claim");
    }
  });
}

test("an asynchronous schema is a mistake in the app, said so at once", () => {
  const schema = z.object({ sub: z.string().refine(async () => true) });
  const standard = {
    "~standard": { version: 1, vendor: "test", validate: async () => Promise.reject(new Error("later")) },
  };
  assert.throws(() => verifierOf(standard).verify(tokenOf()), {
    name: "ConfigError",
    code: "async_schema",
    option: "schema",
  });
  assert.throws(() => verifierOf(standard).safeVerify(tokenOf()), ConfigError);
  assert.throws(() => verifierOf(schema).verify(tokenOf()), { name: "ConfigError", code: "async_schema" });
});

test("a schema that throws", () => {
  const cause = new Error("broken");
  const throwing = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate() {
        throw cause;
      },
    },
  };
  assert.throws(() => verifierOf(throwing).verify(tokenOf()), { name: "TokenError", code: "invalid_claim", cause });
});

test("the schema sees no claim of a token that is not verified", () => {
  let asked = 0;
  const counting = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate(value) {
        asked += 1;
        return { value };
      },
    },
  };
  const verifier = verifierOf(counting);
  const token = tokenOf();
  assert.equal(verifier.safeVerify(`${token.slice(0, -8)}AAAAAAAA`).ok, false);
  assert.equal(verifier.safeVerify(tokenOf({ aud: "other" })).ok, false);
  assert.equal(asked, 0);
  assert.equal(verifier.safeVerify(token).ok, true);
  assert.equal(asked, 1);
});
