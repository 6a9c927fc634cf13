// DPoP (RFC 9449): tokens that are taken only from who has the key that they are bound to.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { ConfigError, createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import { memoryStorage } from "tokenward/storage";
import { client, proofBy, sha256, signedBy } from "../support/dpop.mjs";
import { ISSUER, signer } from "../support/tokens.mjs";

const ORIGIN = "https://api.example";
const NOW = 1_800_000_000;
const URL_ = `${ORIGIN}/notes/1`;
const KEY = signer("k");
const ADA = client();
const EVE = client();
const ALGS = "ES256 ES384 ES512 Ed25519 EdDSA PS256 PS384 PS512 RS256 RS384 RS512";
const clock = { now: NOW };
const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app", now: () => clock.now });
const RULES = [
  { match: "/open", needs: null },
  { match: "/admin/*", needs: { scope: "admin" } },
  { match: "/pay", needs: { acr: "mfa" } },
  { match: "/*" },
];

const gateOf = (dpop = true, options = {}) => createGate({ verifier, rules: RULES, origin: ORIGIN, dpop, ...options });
const tokenOf = (claims = {}) => KEY.token({ sub: "ada", iat: NOW, exp: NOW + 600, cnf: { jkt: ADA.jkt }, ...claims });
const proof = (token, facts = {}) => proofBy(facts.by ?? ADA, { url: URL_, token, now: NOW, ...facts });

/** What a gate answers to a request: its decision, and what the client sees of it. */
async function ask(gate, { token, scheme = "DPoP", method = "GET", url = URL_, dpop, headers = {} }) {
  const all = new Headers(headers);
  if (token !== undefined) all.set("authorization", `${scheme} ${token}`);
  for (const one of [dpop ?? []].flat()) all.append("dpop", one);
  const { decision, response } = await gate.admit({ url, method, headers: all });
  const challenge = response?.headers.get("www-authenticate") ?? null;
  const [, error] = /error="(\w+)"/.exec(challenge ?? "") ?? [];
  return { decision, response, challenge, error, status: response?.status ?? 200 };
}

/** That a request is refused, by whom and why. */
async function refused(gate, request, status, error, dpop) {
  const answer = await ask(gate, request);
  assert.deepEqual(
    [answer.status, answer.error, answer.decision.dpop, answer.decision.allowed],
    [status, error, dpop, false],
  );
  assert.equal(answer.decision.claims, undefined);
  if (dpop !== undefined) assert.match(answer.decision.detail, /\w/);
  return answer;
}

describe("a proof that holds", () => {
  for (const alg of ALGS.split(" ")) {
    it(`may be signed by ${alg}`, async () => {
      const holder = client(alg);
      const token = tokenOf({ cnf: { jkt: holder.jkt } });
      for (const dpop of [proof(token, { by: holder }), proof(token, { by: holder })]) {
        const { status, decision } = await ask(gateOf(), { token, dpop });
        assert.deepEqual([status, decision.reason, decision.claims?.sub], [200, "valid", "ada"], decision.detail);
      }
    });
  }

  it("opens handle too, once", async () => {
    const gate = gateOf();
    const token = tokenOf();
    const headers = { authorization: `DPoP ${token}`, dpop: proof(token) };
    const next = (_request, { claims }) => new Response(claims.sub);
    const first = await gate.handle(new Request(URL_, { headers }), next);
    assert.equal(await first.text(), "ada");
    assert.equal((await gate.handle(new Request(URL_, { headers }), next)).status, 401);
  });

  it("is taken whatever the letter case of the scheme, and with members of the key that say nothing against it", async () => {
    const token = tokenOf();
    const gate = gateOf();
    for (const scheme of ["DPoP", "dpop", "DPOP"]) {
      assert.equal((await ask(gate, { token, scheme, dpop: proof(token) })).status, 200);
    }
    for (const members of [{ use: "sig" }, { alg: "ES256" }, { key_ops: ["verify"], ext: true }, { kid: "mine" }]) {
      const header = { jwk: { ...ADA.jwk, ...members } };
      assert.equal((await ask(gate, { token, dpop: proof(token, { header }) })).status, 200, JSON.stringify(members));
    }
    assert.equal((await ask(gate, { token, dpop: proof(token, { header: { kid: "another" } }) })).status, 200);
  });

  it("is taken where the verifier is a key store", async () => {
    const store = createKeyStore({ verifier, bundled: [KEY.jwk], jwksUri: `${ISSUER}/jwks`, storage: memoryStorage() });
    const token = tokenOf();
    assert.equal((await ask(gateOf(true, { verifier: store }), { token, dpop: proof(token) })).status, 200);
  });

  it("is verified by the engine and the clock of the gate's own verifier, also of one for several issuers", async () => {
    const options = { jwks: [KEY.jwk], audience: "app" };
    for (const create of [createVerifier, reference.createVerifier, mlDsa.createVerifier]) {
      const several = create([
        { ...options, issuer: "https://other.example", now: () => NOW + 1e6 },
        { ...options, issuer: ISSUER, now: () => NOW },
      ]);
      const gate = gateOf({ nonce: () => "n" }, { verifier: several });
      const token = tokenOf();
      const claims = { nonce: "n" };
      assert.equal((await ask(gate, { token, dpop: proof(token, { claims }) })).status, 200);
      const late = { token, dpop: proof(token, { claims, now: NOW + 1e6 }) };
      await refused(gate, late, 401, "invalid_dpop_proof", "not_yet_valid");
      // Of no issuer: there is no clock to ask, and all the same a challenge.
      const { status, response } = await ask(gate, { token: "x.y.z", dpop: "x" });
      assert.deepEqual([status, response.headers.get("dpop-nonce")], [401, "n"]);
    }
  });

  it("may be signed by ML-DSA where the verifier knows it", async () => {
    const { publicKey, secretKey } = ml_dsa44.keygen(new Uint8Array(32).fill(7));
    const jwk = { kty: "AKP", alg: "ML-DSA-44", pub: Buffer.from(publicKey).toString("base64url") };
    const jkt = sha256(JSON.stringify({ alg: jwk.alg, kty: jwk.kty, pub: jwk.pub }));
    const token = tokenOf({ cnf: { jkt } });
    const parts = [
      { typ: "dpop+jwt", alg: jwk.alg, jwk },
      { jti: "ml", htm: "GET", htu: URL_, iat: NOW, ath: sha256(token) },
    ];
    const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = Buffer.from(ml_dsa44.sign(Buffer.from(input), secretKey)).toString("base64url");
    const request = { token, dpop: `${input}.${signature}` };
    const knowing = mlDsa.createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app", now: () => NOW });
    const gate = gateOf({ algorithms: ["ML-DSA-44", "ES256"] }, { verifier: knowing });
    assert.equal((await ask(gate, request)).status, 200);
    await refused(gateOf(true, { verifier: knowing }), request, 401, "invalid_dpop_proof", "key_unusable");
    await refused(gateOf(), request, 401, "invalid_dpop_proof", "key_unusable");
  });

  it("is not asked for where a rule is open to all", async () => {
    assert.equal((await ask(gateOf(), { url: `${ORIGIN}/open` })).status, 200);
  });

  it("comes before rights and another authentication, which are then told with the scheme's challenge", async () => {
    const gate = gateOf();
    const token = tokenOf();
    for (const [path, status, error] of [
      ["/admin/x", 403, "insufficient_scope"],
      ["/pay", 401, "insufficient_user_authentication"],
    ]) {
      const url = ORIGIN + path;
      const { challenge } = await refused(gate, { token, url, dpop: proof(token, { url }) }, status, error);
      assert.match(challenge, new RegExp(`^DPoP error="${error}".*, algs="${ALGS}"$`));
      await refused(gate, { token, url }, 401, "invalid_dpop_proof", "missing_proof");
    }
  });
});

describe("a proof that is not of this request, key, token or time", () => {
  const cases = [
    ["no proof", () => undefined, "missing_proof"],
    ["an empty one", () => "", "missing_proof"],
    ["another key", (t) => proof(t, { by: EVE }), "key_mismatch", "invalid_token"],
    [
      "another key, with this one's name",
      () => signedBy(EVE, { typ: "dpop+jwt", alg: "ES256", jwk: ADA.jwk }, {}),
      "bad_signature",
    ],
    ["another method", (t) => proof(t, { method: "POST" }), "htm_mismatch"],
    ["the method in small letters", (t) => proof(t, { method: "get" }), "htm_mismatch"],
    ["a list of methods", (t) => proof(t, { claims: { htm: ["GET"] } }), "htm_mismatch"],
    ["no method", (t) => proof(t, { claims: { htm: undefined } }), "missing_claim"],
    ["another path", (t) => proof(t, { url: `${ORIGIN}/notes/2` }), "htu_mismatch"],
    ["no URL", (t) => proof(t, { claims: { htu: undefined } }), "missing_claim"],
    ["a list of URLs", (t) => proof(t, { claims: { htu: [URL_] } }), "htu_mismatch"],
    ["another token", () => proof(tokenOf({ sub: "eve" }), {}), "ath_mismatch"],
    ["no token", (t) => proof(t, { claims: { ath: undefined } }), "missing_claim"],
    ["null for the token", (t) => proof(t, { claims: { ath: null } }), "ath_mismatch"],
    ["a hash with padding", (t) => proof(t, { claims: { ath: `${sha256(t)}=` } }), "ath_mismatch"],
    ["no identifier", (t) => proof(t, { claims: { jti: undefined } }), "missing_claim"],
    ["an empty identifier", (t) => proof(t, { claims: { jti: "" } }), "invalid_claim"],
    ["a number as identifier", (t) => proof(t, { claims: { jti: 5 } }), "invalid_claim"],
    ["no time", (t) => proof(t, { claims: { iat: undefined } }), "missing_claim"],
    ["a text as time", (t) => proof(t, { claims: { iat: `${NOW}` } }), "invalid_claim"],
    ["too old", (t) => proof(t, { now: NOW - 66 }), "too_old"],
    ["of the future", (t) => proof(t, { now: NOW + 6 }), "not_yet_valid"],
    ["of no time at all", (t) => proof(t, { claims: { iat: null } }), "invalid_claim"],
    ["expired, as it says itself", (t) => proof(t, { claims: { exp: NOW - 6 } }), "expired"],
    ["not yet valid, as it says itself", (t) => proof(t, { claims: { nbf: NOW + 60 } }), "not_yet_valid"],
  ];
  for (const [name, make, code, error = "invalid_dpop_proof"] of cases) {
    it(name, async () => {
      const token = tokenOf();
      const { challenge } = await refused(gateOf(), { token, dpop: make(token) }, 401, error, code);
      assert.equal(challenge, `DPoP error="${error}", error_description="${code}", algs="${ALGS}"`);
    });
  }

  it("has claims that say nothing of the decision, whatever they are called", async () => {
    const token = tokenOf();
    const allowed = {
      dpop: "x",
      detail: "x",
      cause: "x",
      refused: null,
      allowed: true,
      access: "full",
      reason: "valid",
    };
    for (const claims of [allowed, { ...allowed, claims: { sub: "eve" }, bound: {}, ok: true, rule: null }]) {
      const gate = gateOf();
      const dpop = proof(token, { claims });
      const { status, decision } = await ask(gate, { token, dpop });
      assert.deepEqual([status, decision.claims.sub, decision.dpop], [200, "ada", undefined]);
      await refused(gate, { token, dpop }, 401, "invalid_dpop_proof", "replayed");
      const elsewhere = { token, dpop: proof(token, { claims, method: "POST", url: `${ORIGIN}/x`, now: NOW - 900 }) };
      await refused(gate, elsewhere, 401, "invalid_dpop_proof", "too_old");
      for (const facts of [{ method: "POST" }, { url: `${ORIGIN}/x` }, { header: { typ: "JWT" } }, { by: EVE }]) {
        assert.equal((await ask(gate, { token, dpop: proof(token, { ...facts, claims }) })).status, 401);
      }
    }
  });

  it("is taken to the last second of its window", async () => {
    const token = tokenOf();
    const gate = gateOf({ maxAge: 30, clockTolerance: 2 });
    for (const [age, code] of [
      [32, undefined],
      [33, "too_old"],
      [-2, undefined],
      [-3, "not_yet_valid"],
    ]) {
      const { decision } = await ask(gate, { token, dpop: proof(token, { now: NOW - age }) });
      assert.equal(decision.dpop, code, `${age}`);
    }
  });
});

describe("a proof that is not written as one", () => {
  const header = (members) => (t) => proof(t, { header: members });
  const raw =
    (text, payload = "{}") =>
    () =>
      signedBy(ADA, text, payload);
  const jwk = JSON.stringify(ADA.jwk);
  const rsa = client("RS256");
  const cases = [
    ["no token", () => "abc", "malformed"],
    ["an encrypted one", (t) => `${proof(t)}.a.b`, "malformed"],
    ["padding", (t) => proof(t).replace(".", "=."), "malformed"],
    ["white space in it", (t) => proof(t).replace(".", " ."), "malformed"],
    ["a header that is no object", raw('"a"'), "malformed"],
    ["a header that is null", raw("null"), "malformed"],
    ["a list as header", raw("[]"), "malformed"],
    ["no key", header({ jwk: undefined }), "malformed"],
    ["a text as key", header({ jwk }), "malformed"],
    ["a list as key", header({ jwk: [ADA.jwk] }), "malformed"],
    ["null as key", header({ jwk: null }), "malformed"],
    ["the key by its name only", header({ jwk: undefined, kid: ADA.jkt }), "malformed"],
    ["the key by its address", header({ jwk: undefined, jku: `${ORIGIN}/jwks` }), "malformed"],
    ["a private key", header({ jwk: ADA.privateJwk }), "secret_key"],
    ["a private key of RSA", (t) => proof(t, { by: rsa, header: { jwk: rsa.privateJwk } }), "secret_key"],
    ["a prime of RSA", (t) => proof(t, { by: rsa, header: { jwk: { ...rsa.jwk, p: "AQ" } } }), "secret_key"],
    ["a symmetric key", header({ alg: "HS256", jwk: { kty: "oct", k: "c2VjcmV0" } }), "secret_key"],
    ["a symmetric key without its secret", header({ jwk: { kty: "oct" } }), "secret_key"],
    ["a secret beside the public key", header({ jwk: { ...ADA.jwk, k: "c2VjcmV0" } }), "secret_key"],
    ["no type", header({ typ: undefined }), "unexpected_type"],
    ["another type", header({ typ: "JWT" }), "unexpected_type"],
    ["an access token's type", header({ typ: "at+jwt" }), "unexpected_type"],
    ["the type in capitals", header({ typ: "DPOP+JWT" }), "unexpected_type"],
    ["the type as a media type", header({ typ: "application/dpop+jwt" }), "unexpected_type"],
    ["alg none", header({ alg: "none" }), "unsupported_algorithm"],
    [
      "alg none without a signature",
      (t) => `${proof(t, { header: { alg: "none" } }).replace(/[^.]*$/, "")}`,
      "unsupported_algorithm",
    ],
    ["HS256 by the public key", header({ alg: "HS256" }), "unsupported_algorithm"],
    ["alg in small letters", header({ alg: "es256" }), "unsupported_algorithm"],
    ["no alg", header({ alg: undefined }), "unsupported_algorithm"],
    ["a list of algs", header({ alg: ["ES256"] }), "unsupported_algorithm"],
    ["an alg of another curve", header({ alg: "ES384" }), "key_unusable"],
    ["an alg of another type of key", header({ alg: "RS256" }), "key_unusable"],
    ["an alg that the key is not for", header({ jwk: { ...ADA.jwk, alg: "ES384" } }), "key_unusable"],
    ["a key for encryption", header({ jwk: { ...ADA.jwk, use: "enc" } }), "key_unusable"],
    ["a key that may only sign", header({ jwk: { ...ADA.jwk, key_ops: ["sign"] } }), "key_unusable"],
    ["crit", header({ crit: ["exp"], exp: NOW + 60 }), "unsupported_critical"],
    ["crit of something unknown", header({ crit: ["x"], x: 1 }), "unsupported_critical"],
    ["an empty crit", header({ crit: [] }), "unsupported_critical"],
    ["b64", header({ crit: ["b64"], b64: false }), "unsupported_critical"],
    ["a header member twice", raw(`{"typ":"dpop+jwt","alg":"none","alg":"ES256","jwk":${jwk}}`), "malformed"],
    ["two keys", raw(`{"typ":"dpop+jwt","alg":"ES256","jwk":{},"jwk":${jwk}}`), "malformed"],
    [
      "a member of the key twice",
      raw(`{"typ":"dpop+jwt","alg":"ES256","jwk":${jwk.replace("{", '{"kty":"RSA",')}}`),
      "malformed",
    ],
    ["a claim twice", raw(`{"typ":"dpop+jwt","alg":"ES256","jwk":${jwk}}`, '{"htm":"POST","htm":"GET"}'), "malformed"],
    ["a payload that is no object", raw(`{"typ":"dpop+jwt","alg":"ES256","jwk":${jwk}}`, "[]"), "malformed"],
    ["a signature that was changed", (t) => proof(t).replace(/.{4}$/, "AAAA"), "bad_signature"],
    [
      "a payload that was changed",
      (t) => proof(t).replace(/\.[^.]+\./, `.${Buffer.from("{}").toString("base64url")}.`),
      "bad_signature",
    ],
    ["more than one proof", (t) => [proof(t), proof(t)], "repeated_proof"],
    ["one proof twice", (t) => Array(2).fill(proof(t)), "repeated_proof"],
    ["two proofs with a comma", (t) => `${proof(t)},${proof(t)}`, "repeated_proof"],
    ["a comma behind it", (t) => `${proof(t)},`, "repeated_proof"],
    ["more bytes than are read", (t) => proof(t, { claims: { x: "x".repeat(16_384) } }), "too_large"],
    ["a megabyte of nothing", () => "a".repeat(1 << 20), "too_large"],
  ];
  for (const [name, make, code] of cases) {
    it(name, () => {
      const token = tokenOf({ cnf: { jkt: name.includes("RSA") ? rsa.jkt : ADA.jkt } });
      return refused(gateOf(), { token, dpop: make(token) }, 401, "invalid_dpop_proof", code);
    });
  }

  it("is read to its last allowed byte", async () => {
    const token = tokenOf();
    const bare = proof(token, { claims: { x: "" } }).length;
    const dpop = proof(token, { claims: { x: "x".repeat(Math.floor(((16_384 - bare - 8) * 3) / 4)) } });
    assert.ok(dpop.length <= 16_384 && dpop.length > 16_300, `${dpop.length}`);
    assert.equal((await ask(gateOf(), { token, dpop })).status, 200);
  });

  for (const [name, members] of [
    ["a small RSA key", { n: Buffer.alloc(128, 0xc5).toString("base64url"), e: "AQAB" }],
    ["an RSA key that is even", { n: Buffer.alloc(256, 0xc4).toString("base64url"), e: "AQAB" }],
    ["an RSA key with the exponent 1", { n: Buffer.alloc(256, 0xc5).toString("base64url"), e: "AQ" }],
    ["an RSA key with the exponent 3", { n: rsa.jwk.n, e: "Aw" }],
    ["an RSA key without numbers", {}],
  ]) {
    it(`${name} is no key, although the token is bound to it`, async () => {
      const { e, n } = members;
      const token = tokenOf({ cnf: { jkt: sha256(JSON.stringify({ e, kty: "RSA", n })) } });
      const dpop = proof(token, { by: rsa, header: { jwk: { kty: "RSA", ...members } } });
      await refused(gateOf(), { token, dpop }, 401, "invalid_dpop_proof", "key_unusable");
    });
  }

  for (const [name, members] of [
    [
      "a point that is not on the curve",
      { x: Buffer.alloc(32, 1).toString("base64url"), y: Buffer.alloc(32, 1).toString("base64url") },
    ],
    ["the point zero", { x: Buffer.alloc(32).toString("base64url"), y: Buffer.alloc(32).toString("base64url") }],
    ["a coordinate with a number as type", { x: 5, y: ADA.jwk.y }],
    ["a curve that is not supported", { crv: "secp256k1", x: ADA.jwk.x, y: ADA.jwk.y }],
  ]) {
    it(`${name} is no key, although the token is bound to it`, async () => {
      const { crv = "P-256", x, y } = members;
      const token = tokenOf({ cnf: { jkt: sha256(JSON.stringify({ crv, kty: "EC", x, y })) } });
      const dpop = proof(token, { header: { jwk: { kty: "EC", crv, x, y } } });
      await refused(gateOf(), { token, dpop }, 401, "invalid_dpop_proof", "key_unusable");
    });
  }
});

describe("the URL of a proof (RFC 3986 sections 6.2.2 and 6.2.3)", () => {
  const url = `${ORIGIN}/notes/a-%C3%A9?q=1`;
  for (const [htu, holds] of [
    [`${ORIGIN}/notes/a-%C3%A9`, true],
    [`${ORIGIN}/notes/a-%C3%A9?q=1`, true],
    [`${ORIGIN}/notes/a-%C3%A9?other`, true],
    [`${ORIGIN}/notes/a-%C3%A9#part`, true],
    [`${ORIGIN}/notes/a-%c3%a9`, true],
    [`${ORIGIN}/notes/a-é`, true],
    [`${ORIGIN}/%6Eotes/%61-%C3%A9`, true],
    [`${ORIGIN}/notes/x/../a-%C3%A9`, true],
    [`${ORIGIN}/notes/./a-%C3%A9`, true],
    ["https://api.example:443/notes/a-%C3%A9", true],
    ["HTTPS://API.Example/notes/a-%C3%A9", true],
    [`${ORIGIN}/notes/a-%C3%A9/`, false],
    [`${ORIGIN}/Notes/a-%C3%A9`, false],
    [`${ORIGIN}//notes/a-%C3%A9`, false],
    [`${ORIGIN}/notes//../a-%C3%A9`, false],
    [`${ORIGIN}/notes%2Fa-%C3%A9`, false],
    [`${ORIGIN}/notes/a-%25C3%25A9`, false],
    [`${ORIGIN}/notes/a-%C3%A9;v=1`, false],
    [`${ORIGIN}\\notes\\a-%C3%A9`, false],
    [`${ORIGIN}/notes/a-%C3%A9 `, false],
    [` ${ORIGIN}/notes/a-%C3%A9`, false],
    ["http://api.example/notes/a-%C3%A9", false],
    ["https://api.example:444/notes/a-%C3%A9", false],
    ["https://api.example:/notes/a-%C3%A9", false],
    ["https://api.example./notes/a-%C3%A9", false],
    ["https://user@api.example/notes/a-%C3%A9", false],
    ["https://api.example@evil.example/notes/a-%C3%A9", false],
    ["https://evil.example/notes/a-%C3%A9", false],
    ["//api.example/notes/a-%C3%A9", false],
    ["/notes/a-%C3%A9", false],
    ["https:/api.example/notes/a-%C3%A9", false],
    ["urn:notes", false],
    ["", false],
    [null, false],
    [{ toString: "x" }, false],
  ]) {
    it(`${JSON.stringify(htu)} is ${holds ? "" : "not "}this one`, async () => {
      const token = tokenOf();
      const { decision } = await ask(gateOf(), { token, url, dpop: proof(token, { claims: { htu } }) });
      assert.equal(decision.dpop, holds ? undefined : "htu_mismatch", decision.detail);
      assert.equal(decision.allowed, holds);
    });
  }

  it("without a path is that with a slash", async () => {
    const token = tokenOf();
    for (const htu of [ORIGIN, `${ORIGIN}/`, `${ORIGIN}?x`]) {
      assert.equal((await ask(gateOf(), { token, url: `${ORIGIN}/`, dpop: proof(token, { url: htu }) })).status, 200);
    }
  });

  it("is never compared with the host that a request names", async () => {
    const resource = { identifier: ORIGIN, authorizationServers: [ISSUER] };
    const gate = createGate({ verifier, rules: RULES, resource, dpop: true });
    const token = tokenOf();
    for (const [url, htu, status] of [
      ["https://evil.example/notes/1", "https://evil.example/notes/1", 401],
      // A server behind a proxy: what it is called inside is nobody's business.
      ["http://10.0.0.5:8080/notes/1", URL_, 200],
      [URL_, URL_, 200],
    ]) {
      assert.equal((await ask(gate, { token, url, dpop: proof(token, { url: htu }) })).status, status, url);
    }
  });

  it("is that of the origin which was asked, where several are named", async () => {
    const gate = gateOf(true, { origin: [ORIGIN, "https://other.example"] });
    const token = tokenOf();
    const elsewhere = { token, url: "https://other.example/notes/1", dpop: proof(token) };
    await refused(gate, elsewhere, 401, "invalid_dpop_proof", "htu_mismatch");
    assert.equal((await ask(gate, { token, dpop: proof(token) })).status, 200);
  });
});

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

describe("a proof that was used", () => {
  const used = (gate, request) => refused(gate, request, 401, "invalid_dpop_proof", "replayed");

  it("is refused, for as long as it would hold", async () => {
    const gate = gateOf();
    const token = tokenOf();
    const request = { token, dpop: proof(token) };
    try {
      assert.equal((await ask(gate, request)).status, 200);
      for (clock.now = NOW; clock.now <= NOW + 65; clock.now += 5) await used(gate, request);
      clock.now = NOW + 66;
      await refused(gate, request, 401, "invalid_dpop_proof", "too_old");
    } finally {
      clock.now = NOW;
    }
  });

  it("lets one of many through that come at once", async () => {
    const gate = gateOf();
    const token = tokenOf();
    const dpop = proof(token);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gate, { token, dpop })));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ decision }) => decision.dpop === "replayed").length, 19);
  });

  it("is known by its identifier, also for another URL and with another signature", async () => {
    const gate = gateOf();
    const token = tokenOf();
    const claims = { jti: "one" };
    assert.equal((await ask(gate, { token, dpop: proof(token, { claims }) })).status, 200);
    await used(gate, { token, dpop: proof(token, { claims }) });
    const url = `${ORIGIN}/notes/2`;
    await used(gate, { token, url, dpop: proof(token, { claims, url }) });
  });

  it("uses up no identifier of another client", async () => {
    const gate = gateOf();
    for (const holder of [ADA, EVE]) {
      const token = tokenOf({ cnf: { jkt: holder.jkt } });
      const dpop = proof(token, { by: holder, claims: { jti: "the same" } });
      assert.equal((await ask(gate, { token, dpop })).status, 200);
    }
  });

  it("is not remembered unless all else holds", async () => {
    const ids = [];
    const replay = { remember: (...all) => ids.push(all) > 0 };
    const gate = gateOf({ replay, nonce: () => "n" });
    const token = tokenOf();
    const good = { claims: { nonce: "n", jti: "j" } };
    for (const facts of [
      { ...good, by: EVE },
      { ...good, method: "PUT" },
      { ...good, url: `${ORIGIN}/x` },
      { ...good, now: NOW - 100 },
      { claims: { ...good.claims, ath: "x" } },
      { claims: { ...good.claims, nonce: "m" } },
      { ...good, header: { typ: "JWT" } },
    ]) {
      assert.equal((await ask(gate, { token, dpop: proof(token, facts) })).status, 401);
    }
    assert.deepEqual(ids, []);
    assert.equal((await ask(gate, { token, dpop: proof(token, good) })).status, 200);
    assert.deepEqual(ids, [[sha256(`${ADA.jkt}.j`), NOW + 65, NOW]]);
  });

  it("refuses a key that is too deep to be written, however deep the stack is", async () => {
    const token = tokenOf();
    for (const depth of [10, 1000, 4000, 5000, 5500]) {
      const deep = `"deep":${"[".repeat(depth)}${"]".repeat(depth)},"kty"`;
      const header = JSON.stringify({ typ: "dpop+jwt", alg: ADA.alg, jwk: ADA.jwk }).replace('"kty"', deep);
      const payload = Buffer.from(proof(token).split(".")[1], "base64url").toString();
      const { status, decision } = await ask(gateOf({}), { token, dpop: signedBy(ADA, header, payload) });
      assert.ok(status === 401 || depth === 10, `${depth}: ${status}`);
      if (depth > 10) assert.ok(["malformed", "key_unusable"].includes(decision.dpop), `${depth}: ${decision.dpop}`);
    }
  });

  it("fills no more room than there is; then nobody passes until there is some again", async ({ mock }) => {
    let uptime = 1000;
    mock.method(performance, "now", () => uptime * 1000);
    const gate = gateOf({ replay: { maxEntries: 3 } });
    const token = tokenOf();
    const fresh = () => ({ token, dpop: proof(token, { now: clock.now }) });
    try {
      const first = fresh();
      assert.equal((await ask(gate, first)).status, 200);
      for (let count = 2; count <= 3; count++) assert.equal((await ask(gate, fresh())).status, 200);
      const { status, decision, response, challenge } = await ask(gate, fresh());
      const facts = [status, decision.refused, decision.reason, decision.dpop, decision.access, challenge];
      assert.deepEqual(facts, [503, "unavailable", "unavailable", "replay_unavailable", "none", null]);
      assert.equal(response.headers.get("retry-after"), "1");
      // What is known is still refused as that.
      await used(gate, first);
      // Clocks by which tokens are judged may jump, and may be those of several issuers: nothing is forgotten by them.
      clock.now = NOW + 200;
      assert.equal((await ask(gate, fresh())).status, 503);
      clock.now = NOW;
      await used(gate, first);
      uptime += 200;
      assert.equal((await ask(gate, fresh())).status, 200);
    } finally {
      clock.now = NOW;
    }
  });

  it("is remembered elsewhere, whose every failure lets nobody through", async () => {
    const token = tokenOf();
    const failing = [
      () => Promise.reject(new Error("a secret reason")),
      () => {
        throw new Error("a secret reason");
      },
      // As clients of databases throw: with what was asked, in members of their own.
      () => Promise.reject(Object.assign(new Error("a secret reason"), { command: { args: ["a secret"] } })),
    ];
    for (const remember of failing) {
      const { status, decision, response } = await ask(gateOf({ replay: { remember } }), { token, dpop: proof(token) });
      assert.deepEqual([status, decision.dpop], [503, "replay_unavailable"]);
      assert.equal(decision.cause.message, "a secret reason");
      const copies = [JSON.stringify(decision), inspect(structuredClone(decision)), inspect({ ...decision })];
      for (const copy of [...copies, await response.text()]) assert.doesNotMatch(copy, /secret/);
    }
    for (const [remember, status] of [
      [() => true, 200],
      [async () => true, 200],
      [async () => false, 401],
    ]) {
      assert.equal((await ask(gateOf({ replay: { remember } }), { token, dpop: proof(token) })).status, status);
    }
    for (const given of [undefined, "true", 1, null, {}]) {
      const asking = ask(gateOf({ replay: { remember: () => given } }), { token, dpop: proof(token) });
      await assert.rejects(asking, { name: "ConfigError", code: "invalid_option", option: "replay" });
    }
  });

  it("is given up on after five seconds", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const token = tokenOf();
    let asked;
    const isAsked = new Promise((resolve) => {
      asked = resolve;
    });
    const remember = () => {
      asked();
      return new Promise(() => {});
    };
    const asking = ask(gateOf({ replay: { remember } }), { token, dpop: proof(token) });
    await isAsked;
    await new Promise((resolve) => setImmediate(resolve));
    context.mock.timers.tick(5000);
    assert.equal((await asking).status, 503);
  });
});

describe("nonces of the server (RFC 9449 section 9)", () => {
  const SECRET = "0123456789abcdef0123456789abcdef";
  const nonceOf = async (gate) => (await ask(gate, {})).response.headers.get("dpop-nonce");

  it("are asked for with the one to use, and then taken until they are old", async () => {
    const gate = gateOf({ nonce: { secret: SECRET, lifetime: "5m" } });
    const token = tokenOf();
    const without = { token, dpop: proof(token) };
    const { response, challenge } = await refused(gate, without, 401, "use_dpop_nonce", "missing_nonce");
    assert.equal(challenge, `DPoP error="use_dpop_nonce", error_description="missing_nonce", algs="${ALGS}"`);
    const nonce = response.headers.get("dpop-nonce");
    assert.match(nonce, /^[\w-]{43}$/);
    try {
      for (const [later, status] of [
        [0, 200],
        [299, 200],
        [599, 200],
        [600, 401],
        [900, 401],
        [-300, 200],
        [-301, 401],
      ]) {
        clock.now = NOW + later;
        const late = tokenOf({ iat: clock.now, exp: clock.now + 60 });
        const answer = await ask(gate, { token: late, dpop: proof(late, { now: clock.now, claims: { nonce } }) });
        assert.equal(answer.status, status, `${later}`);
        if (status === 200) continue;
        assert.deepEqual([answer.error, answer.decision.dpop], ["use_dpop_nonce", "unknown_nonce"]);
        assert.notEqual(answer.response.headers.get("dpop-nonce"), nonce);
      }
    } finally {
      clock.now = NOW;
    }
  });

  it("are the same for all servers with one secret, and made as the docs say", async () => {
    const hmac = createHmac("sha256", SECRET)
      .update(`DPoP-Nonce 300 ${Math.floor(NOW / 300)}`)
      .digest("base64url");
    for (const nonce of [SECRET, Buffer.from(SECRET), { secret: new TextEncoder().encode(SECRET) }]) {
      assert.equal(await nonceOf(gateOf({ nonce })), hmac);
    }
    assert.notEqual(await nonceOf(gateOf({ nonce: `${SECRET}!` })), hmac);
    assert.notEqual(await nonceOf(gateOf({ nonce: { secret: SECRET, lifetime: 299 } })), hmac);
  });

  it("stay what they were when the secret's bytes are changed later", async () => {
    const bytes = Buffer.from(SECRET);
    const gate = gateOf({ nonce: bytes });
    const expected = await nonceOf(gateOf({ nonce: SECRET }));
    bytes.fill(0);
    assert.equal(await nonceOf(gate), expected);
  });

  it("may be anything else than what was asked for, and are then refused", async () => {
    const gate = gateOf({ nonce: SECRET });
    const token = tokenOf();
    for (const nonce of ["", "x", null, 5, [], ["x"], true]) {
      const request = { token, dpop: proof(token, { claims: { nonce } }) };
      await refused(gate, request, 401, "use_dpop_nonce", "unknown_nonce");
    }
  });

  it("may be the app's own, the newest first", async () => {
    const token = tokenOf();
    for (const nonce of [() => ["new", "old"], async () => ["new", "old"]]) {
      const gate = gateOf({ nonce });
      assert.equal(await nonceOf(gate), "new");
      for (const [claim, status] of [
        ["new", 200],
        ["old", 200],
        ["older", 401],
      ]) {
        assert.equal((await ask(gate, { token, dpop: proof(token, { claims: { nonce: claim } }) })).status, status);
      }
    }
    for (const given of [undefined, "", [], ["a b"], 'a"b', "a\nb", [5], ["good", ""], {}]) {
      await assert.rejects(ask(gateOf({ nonce: () => given }), {}), { code: "invalid_option", option: "nonce" });
    }
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
