// What a DPoP proof must be (RFC 9449 section 4.3): of this request, key, token and time, and written as one.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import { memoryStorage } from "tokenward/storage";
import { client, sha256, signedBy } from "../support/dpop.mjs";
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
