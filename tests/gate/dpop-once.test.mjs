// DPoP proofs are used once, and bound to the server's time by nonces (RFC 9449 sections 8, 9 and 11.1).
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { sha256, signedBy } from "../support/dpop.mjs";
import { ADA, ALGS, ask, clock, EVE, gateOf, NOW, ORIGIN, proof, refused, tokenOf } from "./dpop-gate.mjs";

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
