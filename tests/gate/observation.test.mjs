// What a gate tells of its decisions: enough for logs and metrics, nothing of the person, and never in the way.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { signer } from "../support/tokens.mjs";
import { FakeSession } from "./fakes.mjs";

const SECRET = "a-claim-that-nobody-may-log";
const NOW = 1_800_000_000;
const ISSUER = "https://login.example";
const key = signer("one");
const other = signer("other");
const verifier = createVerifier({ jwks: [key.jwk], issuer: ISSUER, audience: "app", now: () => NOW });
const rules = [
  { match: "/open", needs: null },
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/pay/*", needs: { acr: "mfa" } },
  { match: "/app/*" },
];
const [OPEN, ADMIN, PAY, APP] = rules;
const tokenOf = (claims, by = key) => by.token({ sub: SECRET, exp: NOW + 60, iat: NOW, ...claims });

function observed(options = {}) {
  const seen = [];
  const gate = createGate({ verifier, rules, onDecision: (decision) => void seen.push(decision), ...options });
  return { gate, seen };
}

const requestOf = (path, token) =>
  new Request(`https://app.test${path}`, token && { headers: { authorization: `Bearer ${token}` } });

const CASES = [
  ["an open rule", "/open", undefined, { outcome: "allowed", reason: "open", rule: OPEN }],
  ["no token", "/app/x", undefined, { outcome: "denied", reason: "signed_out", refused: "no_access", rule: APP }],
  ["a token", "/app/x", tokenOf(), { outcome: "allowed", reason: "valid", issuer: ISSUER, kid: "one", rule: APP }],
  [
    "no right",
    "/admin/x",
    tokenOf(),
    { outcome: "denied", reason: "valid", refused: "rights", issuer: ISSUER, kid: "one", rule: ADMIN },
  ],
  [
    "another authentication",
    "/pay/x",
    tokenOf(),
    { outcome: "denied", reason: "valid", refused: "step_up", issuer: ISSUER, kid: "one", rule: PAY },
  ],
  [
    "an old token",
    "/app/x",
    tokenOf({ exp: 1 }),
    { outcome: "denied", reason: "expired", refused: "no_access", error: "expired", rule: APP },
  ],
  [
    "the token of a stranger, who names what issuer and key they like",
    "/app/x",
    tokenOf({ iss: SECRET }, { token: (claims) => signer(SECRET).token(claims) }),
    { outcome: "denied", reason: "invalid_token", refused: "no_access", error: "key_not_found", rule: APP },
  ],
  [
    "a forged token",
    "/app/x",
    `${tokenOf().split(".").slice(0, 2).join(".")}.${tokenOf({}, other).split(".")[2]}`,
    { outcome: "denied", reason: "invalid_token", refused: "no_access", error: "bad_signature", rule: APP },
  ],
  [
    "a path with two readings",
    `/app/%2e%2e%2f${SECRET}`,
    undefined,
    { outcome: "denied", reason: "ambiguous_path", refused: "ambiguous_path", rule: undefined },
  ],
];

const WAYS = {
  handle: (gate, request) => gate.handle(request, () => new Response("behind")),
  admit: (gate, request) => gate.admit(request),
  decide: (gate, request) => gate.decide(request),
};

for (const [way, ask] of Object.entries(WAYS)) {
  describe(`${way} tells once of`, () => {
    for (const [what, path, token, expected] of CASES) {
      it(what, async () => {
        const { gate, seen } = observed();
        await ask(gate, requestOf(path, token));
        assert.equal(seen.length, 1);
        const [{ microseconds, ...facts }] = seen;
        assert.deepEqual(facts, expected);
        assert.ok(Number.isSafeInteger(microseconds) && microseconds >= 0, `${microseconds}`);
        assert.ok(Object.isFrozen(seen[0]));
      });
    }

    it("nothing that no rule is about", async () => {
      const { gate, seen } = observed();
      await ask(gate, requestOf("/elsewhere"));
      assert.deepEqual(seen, []);
    });

    it("the metadata of the resource", async () => {
      const resource = { identifier: "https://app.test", authorizationServers: [ISSUER] };
      const { gate, seen } = observed({ resource });
      await ask(gate, requestOf("/.well-known/oauth-protected-resource"));
      assert.deepEqual(
        seen.map(({ outcome, reason }) => [outcome, reason]),
        [["allowed", "open"]],
      );
    });
  });
}

it("says nothing of the token, nor of what it claims", async () => {
  const { gate, seen } = observed();
  for (const [, path, token] of CASES) for (const ask of Object.values(WAYS)) await ask(gate, requestOf(path, token));
  const text = JSON.stringify(seen);
  assert.equal(seen.length, CASES.length * 3);
  assert.ok(!text.includes(SECRET), text);
  for (const [, , token = "none"] of CASES) {
    for (const part of token.split(".")) assert.ok(!text.includes(part), part);
  }
});

describe("an observer that fails", () => {
  const thenable = {
    // biome-ignore lint/suspicious/noThenProperty: an observer may give anything.
    get then() {
      throw new Error("then");
    },
  };
  const observers = {
    "by throwing": () => {
      throw new Error("observer");
    },
    "by throwing what is no error": () => {
      throw null;
    },
    "by a promise that rejects": () => Promise.reject(new Error("observer")),
    "by a promise that stays": () => new Promise(() => {}),
    "by what only looks like a promise": () => thenable,
    "by changing what it is told": (decision) => {
      decision.outcome = "allowed";
    },
  };
  for (const [how, onDecision] of Object.entries(observers)) {
    it(`${how}: nobody is let in, nobody kept out`, async () => {
      const gate = createGate({ verifier, rules, onDecision });
      for (const [token, path, allowed] of [
        [tokenOf(), "/app/x", true],
        [undefined, "/app/x", false],
        [tokenOf(), "/admin/x", false],
        [undefined, "/open", true],
      ]) {
        const request = () => requestOf(path, token);
        assert.equal(gate.decide(request()).allowed, allowed);
        assert.equal((await gate.admit(request())).response === undefined, allowed);
        assert.equal((await gate.handle(request(), () => new Response("behind"))).status === 200, allowed);
      }
    });
  }
});

it("what an observer began goes on after the answer, by waitUntil", async () => {
  for (const ask of [
    (gate, waitUntil) => gate.handle({ request: requestOf("/app/x"), waitUntil }, () => new Response()),
    (gate, waitUntil) => gate.admit(requestOf("/app/x"), waitUntil),
  ]) {
    const works = [];
    let sent = false;
    const onDecision = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      sent = true;
      throw new Error("after it was sent");
    };
    const { gate } = observed({ onDecision });
    await ask(gate, (work) => works.push(work));
    assert.equal(works.length, 1);
    await works[0];
    assert.ok(sent);
  }
});

it("tells how long a decision took, with the wait for a key", async (t) => {
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  let known = false;
  const store = {
    safeVerify: (token) => verifier.safeVerify(known ? tokenOf() : token),
    verifyFresh() {
      now += 12.3456;
      known = true;
      return Promise.resolve();
    },
  };
  const { gate, seen } = observed({ verifier: store });
  await gate.admit(requestOf("/app/x", tokenOf({}, other)));
  assert.deepEqual(
    seen.map(({ outcome, kid, microseconds }) => [outcome, kid, microseconds]),
    [["allowed", "one", 12346]],
  );
  now = 500;
  await gate.handle(requestOf("/open"), () => new Response());
  assert.equal(seen[1].microseconds, 0);
});

it("tells of a session's decisions, with its issuer", () => {
  const session = Object.assign(new FakeSession(), {
    access: () => ({ ...bearer, until: null }),
  });
  let bearer = { allowed: false, access: "none", reason: "signed_out", refused: "no_access" };
  const { gate, seen } = observed({
    verifier: undefined,
    session,
    rules: [{ match: "/app/*" }],
    origin: "https://app.test",
  });
  gate.decide(requestOf("/app/x"));
  bearer = { allowed: true, access: "full", reason: "valid", claims: { iss: ISSUER, sub: SECRET } };
  gate.decide(requestOf("/app/x"));
  const facts = seen.map(({ outcome, reason, issuer, kid }) => [outcome, reason, issuer, kid]);
  assert.deepEqual(facts, [
    ["denied", "signed_out", undefined, undefined],
    ["allowed", "valid", ISSUER, undefined],
  ]);
  assert.ok(!JSON.stringify(seen).includes(SECRET));
});

it("tells of each handling by Workbox once", async () => {
  const { gate, seen } = observed();
  const handling = { request: requestOf("/app/x", tokenOf()), state: {} };
  const plugin = gate.workboxPlugin();
  await plugin.handlerWillStart(handling);
  await plugin.requestWillFetch(handling);
  const facts = seen.map(({ outcome, kid, rule }) => [outcome, kid, rule]);
  assert.deepEqual(facts, [["allowed", "one", APP]]);
});

it("takes a function, and nothing else", () => {
  for (const onDecision of [null, "log", {}, [() => {}]]) {
    assert.throws(() => createGate({ verifier, rules, onDecision }), { code: "invalid_option", option: "onDecision" });
  }
});
