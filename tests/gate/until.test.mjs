// With a verifier, `until` is the moment at which time alone changes the decision: it is tried just before and just after.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { signed } from "../support/tokens.mjs";

const NOW = 1_800_000_000;
const { privateKey, publicKey } = generateKeyPair("ed25519");
const jwks = [{ ...publicKey.export({ format: "jwk" }), kid: "k" }];
const SOON = 0.001;

const token = (claims) => signed(privateKey, { kid: "k" }, { iss: "https://login.test", aud: "api", ...claims });

/** What is decided at a moment. */
function decisions(claims, options) {
  let now = NOW;
  const verifier = createVerifier({ jwks, issuer: "https://login.test", audience: "api", now: () => now, ...options });
  const gate = createGate({ verifier, rules: [{ match: "/*" }] });
  const headers = new Headers({ authorization: `Bearer ${token(claims)}` });
  return (moment) => {
    now = moment;
    return gate.decide({ url: "https://api.test/x", headers });
  };
}

const withoutExp = { requireExp: false };
const strict = () => ({ "~standard": { version: 1, vendor: "test", validate: () => ({ value: { only: "this" } }) } });

describe("until", () => {
  for (const [title, claims, options, moment, until] of [
    ["is exp and the tolerance", { exp: 60 }, {}, 0, 65],
    ["is exp and another tolerance", { exp: 60, iat: 0 }, { clockTolerance: 0.5 }, 10, 60.5],
    ["is exp without tolerance", { exp: 60, iat: 0 }, { clockTolerance: 0 }, 10, 60],
    ["is the greatest age, if that comes first", { exp: 900, iat: 0 }, { maxTokenAge: 60 }, 0, 65],
    ["is exp, if that comes first", { exp: 60, iat: 0 }, { maxTokenAge: 900 }, 0, 65],
    ["is the end in the time before nbf that is tolerated", { exp: 60, nbf: 20, iat: 0 }, {}, 17, 65],
    ["is the end also where nbf is before iat", { exp: 60, nbf: -20, iat: 0 }, {}, 1, 65],
    ["is the end whatever a schema makes of the claims", { exp: 60, nbf: 20 }, { schema: strict() }, 20, 65],
    ["is nbf less the tolerance before that", { exp: 900, nbf: 100, iat: 0 }, {}, 0, 95],
    ["is the same without iat", { exp: 900, nbf: 100 }, {}, 0, 95],
    ["is the same for a token made in the future", { exp: 900, nbf: 100, iat: 100 }, {}, 0, 95],
    [
      "is the same with a greatest age",
      { exp: 900, nbf: 100, iat: 100 },
      { maxTokenAge: 60, clockTolerance: 7 },
      0,
      93,
    ],
    ["is the same without exp", { nbf: 100, iat: 0 }, withoutExp, 0, 95],
    ["is an iat to come less the tolerance, with a greatest age", { exp: 900, iat: 100 }, { maxTokenAge: "1h" }, 0, 95],
    ["is that iat where nbf is before it", { exp: 900, nbf: 50, iat: 100 }, { maxTokenAge: "1h" }, 0, 95],
    ["is that iat where nbf is a little before it", { exp: 900, nbf: 98, iat: 100 }, { maxTokenAge: "1h" }, 0, 95],
    ["is nbf where that is after it", { exp: 900, nbf: 103, iat: 100 }, { maxTokenAge: "1h" }, 0, 98],
  ]) {
    it(title, () => {
      const at = decisions(
        Object.fromEntries(Object.entries(claims).map(([name, time]) => [name, NOW + time])),
        options,
      );
      const decision = at(NOW + moment);
      assert.equal(decision.until, NOW + until);
      assert.equal(at(decision.until - SOON).allowed, decision.allowed);
      assert.equal(at(decision.until + SOON).allowed, !decision.allowed);
    });
  }

  for (const [title, claims, until] of [
    ["exp", { exp: 1e300 }, 1e300],
    ["exp and iat", { exp: 1e300, iat: NOW }, 1e300],
    ["exp after an iat as great", { exp: 1e301, iat: 1e300 }, 1e301],
    ["nbf", { exp: 1e301, nbf: 1e300 }, 1e300],
    ["exp after an nbf to come", { exp: 9223372036854776, nbf: NOW + 100, iat: NOW }, NOW + 95],
  ]) {
    it(`is exact for times of any size: ${title}`, () => {
      assert.equal(decisions(claims)(NOW).until, until);
    });
  }

  it("is the end of a token that ends before it begins", () => {
    const at = decisions({ exp: NOW + 60, nbf: NOW + 900 });
    assert.deepEqual([at(NOW).reason, at(NOW).until], ["not_yet_valid", NOW + 65]);
    assert.equal(at(NOW + 65).reason, "expired");
  });

  it("is null with a verifier of the app's own that does not tell it", () => {
    const { safeVerify } = createVerifier({ jwks, issuer: "https://login.test", audience: "api", now: () => NOW });
    const gate = createGate({ verifier: { safeVerify }, rules: [{ match: "/*" }] });
    const headers = new Headers({ authorization: `Bearer ${token({ exp: NOW + 60 })}` });
    assert.equal(gate.decide({ url: "https://api.test/x", headers }).until, null);
  });

  it("is null where time changes nothing", () => {
    assert.equal(decisions({ iat: NOW }, withoutExp)(NOW).until, null);
    assert.equal(decisions({ exp: NOW + 60 })(NOW + 100).until, null);
    assert.equal(decisions({ exp: NOW + 60, aud: "other" })(NOW).until, null);
  });

  it("is told in a refusal, too", async () => {
    const verifier = createVerifier({ jwks, issuer: "https://login.test", audience: "api", now: () => NOW });
    const gate = createGate({ verifier, rules: [{ match: "/*" }] });
    const headers = { authorization: `Bearer ${token({ exp: NOW + 900, nbf: NOW + 100 })}` };
    const { reason, until } = await (await gate.handle(new Request("https://api.test/x", { headers }))).json();
    assert.deepEqual([reason, until], ["not_yet_valid", NOW + 95]);
  });
});
