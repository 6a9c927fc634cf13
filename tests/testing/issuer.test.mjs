// An issuer in memory: its tokens hold, each flaw is refused for its own reason, and a session lives on its clock.
import assert from "node:assert/strict";
import { after, before, describe, it, mock } from "node:test";
import { ConfigError, createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { createVerifier as createMlDsaVerifier } from "tokenward/ml-dsa";
import { memoryStorage } from "tokenward/storage";
import { createTestIssuer, FLAWS } from "tokenward/testing";

const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "Ed25519",
  "EdDSA",
];

const MINUTE = 60;
const HOUR = 60 * MINUTE;

const code = (verifier, token) => {
  const result = verifier.safeVerify(token);
  return result.ok ? "valid" : result.error.code;
};

describe("a test issuer", () => {
  let issuer;
  let verifier;
  before(async () => {
    issuer = await createTestIssuer({ algorithms: ALGORITHMS, now: 1_800_000_000 });
    verifier = createVerifier(issuer.options);
  });

  for (const algorithm of ALGORITHMS) {
    it(`signs with ${algorithm}`, async () => {
      const { header, key } = verifier.verify(await issuer.token({}, { algorithm }));
      assert.equal(header.alg, algorithm);
      assert.equal(key.kid, `${algorithm}-1`);
    });
  }

  it("signs with ML-DSA where WebCrypto can, and else says that it cannot", async () => {
    const making = createTestIssuer({ algorithms: ["ML-DSA-44"] });
    const can = await crypto.subtle.generateKey("ML-DSA-44", false, ["sign"]).then(
      () => true,
      () => false,
    );
    if (can) {
      const postQuantum = await making;
      assert.equal(code(createMlDsaVerifier(postQuantum.options), await postQuantum.token()), "valid");
    } else {
      await assert.rejects(making, { name: "ConfigError", option: "algorithms", message: /no keys for ML-DSA-44/ });
    }
  });

  it("fills in what a token needs, and lets a test say anything else", async () => {
    const plain = verifier.verify(await issuer.token());
    assert.deepEqual(plain.claims, {
      iss: "https://issuer.test",
      aud: "app",
      sub: "ada",
      iat: 1_800_000_000,
      exp: 1_800_000_900,
    });
    const own = await issuer.token(
      { sub: undefined, aud: ["app", "other"], roles: ["editor"] },
      { header: { typ: "at+jwt" } },
    );
    const { claims, header } = verifier.verify(own);
    assert.deepEqual(
      [claims.sub, claims.aud, claims.roles, header.typ],
      [undefined, ["app", "other"], ["editor"], "at+jwt"],
    );
  });

  for (const algorithm of ["ES256", "RS256", "Ed25519"]) {
    for (const [flaw, expected] of Object.entries(FLAWS)) {
      it(`makes a token of ${algorithm} with ${flaw}, which is refused as ${expected}`, async () => {
        const token = await issuer.token({ role: "admin" }, { algorithm, flaw });
        assert.equal(code(verifier, token), expected);
      });
    }
  }

  for (const [what, options, claims, flaw] of [
    ["altered_claims of a sub that is the other one", {}, { sub: "somebody-else" }, "altered_claims"],
    ["duplicate_claim of the same", {}, { sub: "somebody-else" }, "duplicate_claim"],
    ["wrong_issuer of the issuer that is the other one", { issuer: "https://another-issuer.test" }, {}, "wrong_issuer"],
    ["wrong_audience of the audience that is the other one", { audience: "another-audience" }, {}, "wrong_audience"],
    ["wrong_audience of claims with both", {}, { aud: ["app", "another-audience"] }, "wrong_audience"],
    ["expired at the beginning of time", { now: 1 }, {}, "expired"],
    ["not_yet_valid at the beginning of time", { now: 1 }, {}, "not_yet_valid"],
  ]) {
    it(`makes ${what} a flaw, too`, async () => {
      const own = await createTestIssuer(options);
      const token = await own.token(claims, { flaw });
      assert.equal(code(createVerifier(own.options), token), FLAWS[flaw]);
    });
  }

  for (const flaw of ["expired", "not_yet_valid"]) {
    it(`makes ${flaw} more than a tolerance covers`, async () => {
      const lenient = createVerifier({ ...issuer.options, clockTolerance: "7d" });
      assert.equal(code(lenient, await issuer.token({}, { flaw })), flaw);
    });
  }

  it("gives a duplicate_claim two values that differ", async () => {
    for (const sub of ["ada", "somebody-else"]) {
      const [, claims] = (await issuer.token({ sub }, { flaw: "duplicate_claim" })).split(".");
      const subjects = [
        ...Buffer.from(claims, "base64url")
          .toString()
          .matchAll(/"sub":"([^"]*)"/g),
      ];
      assert.equal(new Set(subjects.map(([, value]) => value)).size, 2);
    }
  });

  it("refreshes nobody by a refresh token of another issuer", async () => {
    const [one, other] = await Promise.all([createTestIssuer(), createTestIssuer({ issuer: "https://b.test" })]);
    const refresh = async (at, { refresh_token }) => {
      const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token });
      return (await at.fetch(`${at.issuer}/token`, { method: "POST", body })).status;
    };
    const [ada, bob] = [await one.signIn(), await other.signIn({ sub: "bob" })];
    assert.equal(await refresh(other, ada), 400);
    assert.equal(await refresh(one, bob), 400);
    assert.equal(await refresh(one, ada), 200);
  });

  it("refuses what it does not know, by name", async () => {
    const refused = (option) => (error) => error instanceof ConfigError && error.option === option;
    await assert.rejects(createTestIssuer({ algorithms: ["HS256"] }), refused("algorithms"));
    await assert.rejects(createTestIssuer({ algorithms: [] }), refused("algorithms"));
    await assert.rejects(createTestIssuer({ issuer: "login" }), refused("issuer"));
    await assert.rejects(createTestIssuer({ audiences: "app" }), refused("audiences"));
    await assert.rejects(createTestIssuer({ lifetime: "1 hour" }), refused("lifetime"));
    const own = await createTestIssuer();
    await assert.rejects(own.token({}, { flaw: "sloppy" }), refused("flaw"));
    await assert.rejects(own.token({}, { algorithm: "RS256" }), refused("algorithm"));
    await assert.rejects(own.token({}, { kid: "k" }), refused("kid"));
  });
});

describe("its clock", () => {
  it("stands still until it is moved, and tokens grow old by it", async () => {
    const issuer = await createTestIssuer({ lifetime: "10m" });
    const verifier = createVerifier(issuer.options);
    const token = await issuer.token();
    const start = issuer.clock.now();
    await issuer.clock.advance("9m");
    assert.equal(issuer.clock.now(), start + 9 * MINUTE);
    assert.equal(code(verifier, token), "valid");
    await issuer.clock.advance("2m");
    assert.equal(code(verifier, token), "expired");
    issuer.clock.set(start - HOUR);
    assert.equal(code(verifier, await issuer.token({ nbf: start })), "not_yet_valid");
  });
});

describe("its keys", () => {
  it("are found by a key store through its fetch, and rotate", async () => {
    const issuer = await createTestIssuer({ issuer: "https://login.test/tenant/" });
    const keys = createKeyStore({
      verifier: createVerifier(issuer.options),
      bundled: issuer.jwks,
      issuer: issuer.issuer,
      fetch: issuer.fetch,
      now: issuer.clock.now,
      storage: memoryStorage(),
    });
    const old = await issuer.token();
    await issuer.rotate({ keep: true });
    await keys.verifyFresh(await issuer.token());
    assert.equal(code(keys, old), "valid");
    await issuer.rotate();
    await keys.refresh();
    assert.equal(code(keys, old), "key_not_found");
    assert.equal(code(keys, await issuer.token()), "valid");
    issuer.online = false;
    await assert.rejects(keys.refresh(), { code: "unreachable" });
  });

  it("answer nobody who asks elsewhere", async () => {
    const issuer = await createTestIssuer();
    await assert.rejects(issuer.fetch("https://elsewhere.test/jwks"), TypeError);
    await assert.rejects(issuer.fetch("https://issuer.test.example/jwks"), TypeError);
    assert.equal((await issuer.fetch("https://issuer.test/nothing")).status, 404);
    assert.deepEqual(await (await issuer.fetch(new Request("https://issuer.test/jwks"))).json(), issuer.jwks);
  });
});

describe("a session of it", () => {
  const sessions = [];
  const open = async (issuer, options) => {
    const session = await issuer.session(options);
    sessions.push(session);
    return session;
  };
  after(() => {
    for (const session of sessions) session.stop();
  });

  it("is signed in, and refreshes itself as time goes on", async () => {
    const issuer = await createTestIssuer();
    const session = await open(issuer, { claims: { sub: "grace", scope: "notes:write" } });
    assert.equal(session.state.status, "signed_in");
    assert.equal(session.state.claims.sub, "grace");
    assert.equal(session.access({ method: "PUT", scope: "notes:write" }).allowed, true);
    const first = session.accessToken;
    await issuer.clock.advance("3h");
    assert.notEqual(session.accessToken, first);
    assert.equal(session.state.access, "full");
    await issuer.rotate();
    await issuer.clock.advance("1h");
    assert.equal(session.state.access, "full", "with new keys, too");
  });

  it("does not mind timers that the test has replaced", async () => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate"] });
    const issuer = await createTestIssuer();
    const session = await open(issuer);
    const first = session.accessToken;
    await issuer.clock.advance("1h");
    mock.timers.reset();
    assert.notEqual(session.accessToken, first);
    assert.equal(session.state.access, "full");
  });

  it("goes from full to limited to none without a network, and comes back", async () => {
    const issuer = await createTestIssuer();
    const session = await open(issuer, { policy: { grace: "12h" } });
    issuer.online = false;
    await issuer.clock.advance("14m");
    assert.equal(session.state.reason, "valid");
    await issuer.clock.advance("1h");
    assert.deepEqual([session.state.access, session.state.reason], ["limited", "grace"]);
    await issuer.clock.advance("12h");
    assert.deepEqual([session.state.access, session.state.reason], ["none", "expired"]);
    issuer.online = true;
    await issuer.clock.advance(0);
    assert.equal(session.state.access, "full");
  });

  it("notices a clock that was set back", async () => {
    const issuer = await createTestIssuer();
    const session = await open(issuer);
    issuer.online = false;
    await issuer.clock.advance("10m");
    issuer.clock.set(issuer.clock.now() - HOUR);
    assert.equal(session.access().reason, "clock_rolled_back");
  });

  it("ends by the issuer's word, and by the person's", async () => {
    const issuer = await createTestIssuer();
    const session = await open(issuer);
    issuer.revokeAll();
    assert.equal(await session.refresh(), "signed_out");
    assert.equal(session.state.ended, "rejected");
    const another = await open(issuer);
    await another.signOut();
    assert.deepEqual([another.state.status, another.state.ended], ["signed_out", "signed_out"]);
  });

  it("may begin with nobody, in a storage of the test's own, and be found there again", async () => {
    const issuer = await createTestIssuer();
    const storage = memoryStorage();
    const session = await open(issuer, { storage, signedIn: false, name: "kiosk" });
    assert.equal(session.state.status, "signed_out");
    await session.signIn(await issuer.signIn({ sub: "linus" }));
    session.stop();
    const next = await open(issuer, { storage, signedIn: false, name: "kiosk" });
    assert.equal(next.state.claims.sub, "linus");
  });
});
