// Where Tokenward and jose disagree on whether a token holds, the case must be on a short list that says why.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { createVerifier } from "tokenward";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW } from "../conformance/tokens.mjs";
import { makeTokens } from "./tokens.mjs";

// A run with another seed is another test: DIFFERENTIAL_SEED=2 node --test tests/differential
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const COUNT = Number(process.env.DIFFERENTIAL_COUNT ?? 4000);

/** By what was done to the token, who accepts it, and Tokenward's code. */
const DISAGREEMENTS = [
  {
    change: /^duplicate/,
    jose: true,
    code: "malformed",
    why: "jose reads JSON as JavaScript does: the last of two members counts",
  },
  { change: /^lone surrogate/, jose: true, code: "malformed", why: "jose takes strings that are not Unicode" },
  { change: /^deep/, jose: true, code: "malformed", why: "jose sets no bound to nesting" },
  { change: /^last bits/, jose: true, code: "malformed", why: "jose ignores the bits that base64url leaves over" },
  {
    change: /^(white space|padding)/,
    jose: true,
    code: "malformed",
    why: "jose's decoder skips white space and padding",
  },
  {
    change: /^(iss|sub|jti|aud) of another type/,
    jose: true,
    code: "invalid_claim",
    why: "jose does not check the types of claims it was not asked about",
  },
  {
    change: /^overflow/,
    jose: true,
    code: "invalid_claim",
    why: "jose reads 1e400 as infinity, and lets it stand outside of times",
  },
  {
    change: /^(typ|kid) of another type/,
    jose: true,
    code: "malformed",
    why: "jose reads parameters it does not need as absent",
  },
  { change: /^byte order mark/, jose: true, code: "malformed", why: "jose's TextDecoder drops a byte order mark" },
  { change: /^b64 true/, jose: true, code: "unsupported_critical", why: "jose understands b64" },
];

test(`${COUNT} tokens, seed ${SEED}: the same answer, or a reason`, async () => {
  const keys = testKeys();
  const jwks = {
    keys: ["rsa2048", "p256", "p384", "p521", "ed25519"].map((name) => ({ ...keys[name].jwk, kid: name })),
  };
  const verifier = createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE, now: () => NOW });
  const keyOf = createLocalJWKSet(jwks);
  const joseOptions = {
    issuer: ISSUER,
    audience: AUDIENCE,
    clockTolerance: 5,
    requiredClaims: ["exp"],
    currentDate: new Date(NOW * 1000),
  };
  const used = new Set();
  const unexplained = [];
  const tally = { both: 0, neither: 0, explained: 0 };
  for (const { change, token } of makeTokens(keys, CLAIMS, SEED, COUNT)) {
    const answer = verifier.safeVerify(token);
    const jose = await jwtVerify(token, keyOf, joseOptions).then(
      ({ payload }) => payload,
      () => undefined,
    );
    const accepted = jose !== undefined;
    if (answer.ok === accepted) {
      tally[accepted ? "both" : "neither"] += 1;
      if (accepted) assert.deepEqual(answer.value.claims, jose, change);
      continue;
    }
    const reason = DISAGREEMENTS.find(
      (one) => one.change.test(change) && one.jose === accepted && one.code === answer.error?.code,
    );
    if (reason === undefined)
      unexplained.push(
        `${change}: jose ${accepted ? "accepts" : "refuses"}, we say ${answer.error?.message ?? "it holds"}`,
      );
    else used.add(reason);
    tally.explained += 1;
  }
  console.log(
    `seed ${SEED}: ${tally.both} accepted by both, ${tally.neither} by neither, ${tally.explained} explained`,
  );
  assert.deepEqual([...new Set(unexplained)], []);
  const unused = DISAGREEMENTS.filter((reason) => !used.has(reason));
  assert.deepEqual(
    unused.map(({ change }) => String(change)),
    [],
    "these never applied",
  );
  assert.ok(tally.both > COUNT / 10 && tally.neither > COUNT / 10);
});
