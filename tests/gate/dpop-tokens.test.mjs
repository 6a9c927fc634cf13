// Tokens that are bound to a key by DPoP, the schemes they come in, and a gate that takes them (RFC 9449 section 7).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigError, createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { client, sha256 } from "../support/dpop.mjs";
import { ISSUER } from "../support/tokens.mjs";
import {
  ADA,
  ALGS,
  ask,
  EVE,
  gateOf,
  KEY,
  NOW,
  ORIGIN,
  proof,
  RULES,
  refused,
  tokenOf,
  URL_,
  verifier,
} from "./dpop-gate.mjs";

describe("a token and the scheme it comes in (RFC 9449 section 7)", () => {
  it("is refused as a bearer token if it is bound, whatever else it is bound to", async () => {
    for (const cnf of [{ jkt: ADA.jkt }, { jkt: 5 }, {}, null, "x", [], { "x5t#S256": "x" }, 0, false]) {
      for (const required of [true, false]) {
        const token = tokenOf({ cnf });
        const request = { token, scheme: "Bearer", dpop: proof(token) };
        await refused(gateOf({ required }), request, 401, "invalid_token", "proof_needed");
      }
    }
  });

  it("is refused with a proof if it is bound to no key", async () => {
    const claims = [
      undefined,
      null,
      "x",
      [ADA.jkt],
      {},
      { jkt: undefined },
      { jkt: null },
      { jkt: "" },
      { jkt: [ADA.jkt] },
    ];
    for (const cnf of [...claims, { JKT: ADA.jkt }, { "x5t#S256": ADA.jkt }, { jkt: { toString: ADA.jkt } }]) {
      const token = tokenOf({ cnf });
      await refused(gateOf(), { token, dpop: proof(token) }, 401, "invalid_token", "not_bound");
    }
    for (const jkt of [`${ADA.jkt}=`, ADA.jkt.toLowerCase(), ` ${ADA.jkt}`, sha256("x"), ADA.jkt.slice(0, -1)]) {
      const token = tokenOf({ cnf: { jkt } });
      await refused(gateOf(), { token, dpop: proof(token) }, 401, "invalid_token", "key_mismatch");
    }
  });

  it("is refused as a bearer token if it is bound to nothing, unless the gate takes these too", async () => {
    const token = tokenOf({ cnf: undefined });
    const { challenge } = await refused(gateOf(), { token, scheme: "Bearer" }, 401, "invalid_token", "not_bound");
    assert.match(challenge, /^DPoP /);
    const { status, decision } = await ask(gateOf({ required: false }), { token, scheme: "Bearer" });
    assert.deepEqual([status, decision.claims?.sub], [200, "ada"]);
  });

  it("is a bearer token to a gate without the option, whatever cnf says (section 7.2)", async () => {
    const token = tokenOf();
    assert.equal((await ask(gateOf(false), { token, scheme: "Bearer" })).status, 200);
    assert.equal((await ask(gateOf(undefined), { token, scheme: "Bearer" })).status, 401);
    const { status, challenge } = await ask(gateOf(false), { token, dpop: proof(token) });
    assert.deepEqual([status, challenge], [401, 'Bearer realm="protected"']);
  });

  it("is told which schemes there are", async () => {
    const both = `Bearer realm="protected", DPoP algs="${ALGS}"`;
    assert.equal((await ask(gateOf(), {})).challenge, `DPoP algs="${ALGS}"`);
    assert.equal((await ask(gateOf({ required: false }), {})).challenge, both);
    assert.equal((await ask(gateOf({ algorithms: ["EdDSA"] }), {})).challenge, 'DPoP algs="EdDSA"');
    const old = tokenOf({ exp: NOW - 60 });
    for (const [scheme, challenge] of [
      ["Bearer", `Bearer error="invalid_token", error_description="expired", DPoP algs="${ALGS}"`],
      ["DPoP", `Bearer realm="protected", DPoP error="invalid_token", error_description="expired", algs="${ALGS}"`],
    ]) {
      assert.equal(
        (await ask(gateOf({ required: false }), { token: old, scheme, dpop: proof(old) })).challenge,
        challenge,
      );
    }
  });

  it("is malformed with two schemes, two tokens or none", async () => {
    const token = tokenOf();
    for (const authorization of [
      "DPoP",
      `DPoP ${token} x`,
      `DPoP ${token}, DPoP ${token}`,
      `DPoP ${token}, Bearer ${token}`,
      `Bearer ${token}, DPoP ${token}`,
      `Basic eA==, DPoP ${token}`,
    ]) {
      const answer = await ask(gateOf(), { headers: { authorization }, dpop: proof(token) });
      assert.deepEqual([answer.status, answer.error], [400, "invalid_request"], authorization);
    }
  });

  it("is judged before its proof: a token that does not hold says so", async () => {
    const token = tokenOf({ aud: "another" });
    const { decision } = await refused(gateOf(), { token, dpop: proof(token) }, 401, "invalid_token");
    assert.equal(decision.error, "claim_mismatch");
  });

  it("is bound as it says itself, whatever a schema of the app makes of its claims", async () => {
    const schemas = [() => ({ sub: "ada" }), (claims) => ({ ...claims, cnf: { jkt: EVE.jkt } })];
    for (const make of schemas) {
      const schema = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: make(value) }) } };
      const options = { jwks: [KEY.jwk], issuer: ISSUER, audience: "app", now: () => NOW, schema };
      const gate = gateOf({ required: false }, { verifier: createVerifier(options) });
      const token = tokenOf();
      await refused(gate, { token, scheme: "Bearer" }, 401, "invalid_token", "proof_needed");
      await refused(gate, { token, dpop: proof(token, { by: EVE }) }, 401, "invalid_token", "key_mismatch");
      assert.equal((await ask(gate, { token, dpop: proof(token) })).status, 200);
    }
  });

  it("is told what is wrong with it in its own scheme's challenge, also where headers are only to be asked for", async () => {
    const token = tokenOf();
    const headers = { get: (name) => ({ authorization: `DPoP ${token}` })[name] ?? null };
    const { response } = await gateOf({ required: false }).admit({ url: URL_, headers });
    const challenge = response.headers.get("www-authenticate");
    assert.match(challenge, /^Bearer realm="protected", DPoP error="invalid_dpop_proof"/);
  });

  it("takes algorithms that are named, and no others", async () => {
    const token = tokenOf();
    const gate = gateOf({ algorithms: ["EdDSA", "RS256"] });
    await refused(gate, { token, dpop: proof(token) }, 401, "invalid_dpop_proof", "key_unusable");
    const pss = client("PS256");
    const ofPss = tokenOf({ cnf: { jkt: pss.jkt } });
    const other = { token: ofPss, dpop: proof(ofPss, { by: pss }) };
    await refused(gate, other, 401, "invalid_dpop_proof", "algorithm_not_allowed");
    const holder = client("EdDSA");
    const bound = tokenOf({ cnf: { jkt: holder.jkt } });
    assert.equal((await ask(gate, { token: bound, dpop: proof(bound, { by: holder }) })).status, 200);
  });
});

describe("a gate with dpop", () => {
  it("says so in its metadata (RFC 9728 section 2)", async () => {
    const resource = { identifier: ORIGIN, authorizationServers: [ISSUER] };
    const metadataOf = async (dpop) => {
      const gate = createGate({ verifier, rules: RULES, resource, dpop });
      const { response } = await gate.admit({ url: `${ORIGIN}/.well-known/oauth-protected-resource` });
      return response.json();
    };
    const { dpop_signing_alg_values_supported: algs, dpop_bound_access_tokens_required: required } =
      await metadataOf(true);
    assert.deepEqual([algs, required], [ALGS.split(" "), true]);
    const other = await metadataOf({ required: false, algorithms: ["ES256"] });
    assert.deepEqual(other.dpop_signing_alg_values_supported, ["ES256"]);
    assert.equal(other.dpop_bound_access_tokens_required, false);
    for (const none of [false, undefined]) {
      assert.deepEqual(
        Object.keys(await metadataOf(none)).filter((name) => name.includes("dpop")),
        [],
      );
    }
    const { response } = await createGate({ verifier, rules: RULES, resource, dpop: true }).admit({ url: URL_ });
    const metadata = `${ORIGIN}/.well-known/oauth-protected-resource`;
    assert.equal(response.headers.get("www-authenticate"), `DPoP algs="${ALGS}", resource_metadata="${metadata}"`);
  });

  it("does not decide at once what depends on a proof", () => {
    const gate = gateOf();
    const token = tokenOf();
    const headers = (authorization, dpop) => new Headers({ authorization, ...(dpop && { dpop }) });
    const decide = (...all) => gate.decide({ url: URL_, headers: headers(...all) });
    assert.throws(() => decide(`DPoP ${token}`, proof(token)), { name: "ConfigError", option: "dpop" });
    assert.throws(() => decide(`DPoP ${token}`), { name: "ConfigError", option: "dpop" });
    assert.equal(decide(`Bearer ${token}`).allowed, false);
    assert.equal(decide("DPoP x").allowed, false);
    assert.equal(gate.decide({ url: `${ORIGIN}/open` }).allowed, true);
    assert.throws(() => gate.workboxPlugin(), { name: "ConfigError", option: "dpop" });
  });

  it("asks what is behind it once, also where an answer is kept for all", async () => {
    const rules = [{ match: "/*", cache: "shared" }];
    const gate = createGate({ verifier, rules, origin: ORIGIN, dpop: true });
    const token = tokenOf();
    let asked = 0;
    const headers = { authorization: `DPoP ${token}`, dpop: proof(token) };
    const answer = await gate.handle(new Request(URL_, { headers }), () => new Response(`${++asked}`));
    assert.equal(await answer.text(), "1");
  });

  for (const [name, options, code, option] of [
    ["no origin", { origin: undefined }, "missing_option", "origin"],
    ["a function that takes the token", { token: () => "x" }, "invalid_option", "dpop"],
    ["a session", { verifier: undefined, session: {} }, "invalid_option", "dpop"],
    ["a verifier of somebody else", { verifier: { safeVerify: () => ({}) } }, "invalid_option", "verifier"],
    ["a text", { dpop: "yes" }, "invalid_option", "dpop"],
    ["a number", { dpop: 1 }, "invalid_option", "dpop"],
    ["null", { dpop: null }, "invalid_option", "dpop"],
    ["a list", { dpop: [] }, "invalid_option", "dpop"],
    ["an unknown option", { dpop: { maxage: 5 } }, "unknown_option", "maxage"],
    ["no age", { dpop: { maxAge: 0 } }, "invalid_option", "maxAge"],
    ["an age of two days", { dpop: { maxAge: "2d" } }, "invalid_option", "maxAge"],
    ["an age that is none", { dpop: { maxAge: Number.NaN } }, "invalid_option", "maxAge"],
    ["too much tolerance", { dpop: { clockTolerance: 301 } }, "invalid_option", "clockTolerance"],
    ["negative tolerance", { dpop: { clockTolerance: -1 } }, "invalid_option", "clockTolerance"],
    ["no algorithm", { dpop: { algorithms: [] } }, "invalid_option", "algorithms"],
    ["a symmetric algorithm", { dpop: { algorithms: ["HS256"] } }, "invalid_option", "algorithms"],
    ["an algorithm in small letters", { dpop: { algorithms: ["ES256", "es256"] } }, "invalid_option", "algorithms"],
    ["an algorithm of another entry", { dpop: { algorithms: ["ML-DSA-44"] } }, "invalid_option", "algorithms"],
    ["required as a text", { dpop: { required: "no" } }, "invalid_option", "required"],
    ["a short secret", { dpop: { nonce: "short" } }, "invalid_option", "nonce"],
    ["a short secret of bytes", { dpop: { nonce: new Uint8Array(31) } }, "invalid_option", "nonce"],
    ["no secret", { dpop: { nonce: {} } }, "invalid_option", "nonce"],
    ["nonces by true", { dpop: { nonce: true } }, "invalid_option", "nonce"],
    ["nonces by null", { dpop: { nonce: null } }, "invalid_option", "nonce"],
    ["no lifetime", { dpop: { nonce: { secret: "x".repeat(32), lifetime: 0 } } }, "invalid_option", "lifetime"],
    ["no room", { dpop: { replay: { maxEntries: 0 } } }, "invalid_option", "maxEntries"],
    ["room for a text", { dpop: { replay: { maxEntries: "5" } } }, "invalid_option", "maxEntries"],
    ["an empty replay", { dpop: { replay: {} } }, "missing_option", "maxEntries"],
    ["replay switched off", { dpop: { replay: false } }, "invalid_option", "replay"],
    ["replay of null", { dpop: { replay: null } }, "invalid_option", "replay"],
    ["a function as replay", { dpop: { replay: () => true } }, "invalid_option", "replay"],
  ]) {
    it(`cannot be made with ${name}`, () => {
      const make = () => createGate({ verifier, rules: RULES, origin: ORIGIN, dpop: true, ...options });
      assert.throws(make, (error) => {
        assert.ok(error instanceof ConfigError, error);
        assert.deepEqual([error.code, error.option], [code, option], error.message);
        return true;
      });
    });
  }
});
