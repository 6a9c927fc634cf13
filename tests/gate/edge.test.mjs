// A gate by verifier, as in an edge worker: each request carries its token.
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { describe, it } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { generateKeyPair } from "../../tools/keypair.mjs";

const NOW = 1_800_000_000;
const { privateKey, publicKey } = generateKeyPair("ed25519");
const verifier = createVerifier({
  jwks: [{ ...publicKey.export({ format: "jwk" }), kid: "k" }],
  issuer: "https://login.test",
  audience: "api",
  now: () => NOW,
});
const rules = [
  { match: "/api/open", needs: null },
  { match: "/api/admin/*", needs: { scope: ["admin", 'quo"te'], role: "owner" } },
  { match: "/api/*", needs: { scope: "read" } },
];

function token(claims = {}, kid = "k") {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const registered = { iss: "https://login.test", aud: "api", sub: "ada", exp: NOW + 60, scope: "read write" };
  const input = `${encode({ alg: "EdDSA", kid })}.${encode({ ...registered, ...claims })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
}

async function ask(authorization, path = "/api/x", gate = createGate({ verifier, rules })) {
  const request = new Request(`https://api.test${path}`, { headers: authorization ? { authorization } : {} });
  const response = await gate.handle(request, () => new Response("passed"));
  return { response, status: response.status, challenge: response.headers.get("www-authenticate") };
}

describe("a gate by verifier", () => {
  it("lets a bearer through, whatever the letter case of the scheme", async () => {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const { response } = await ask(`${scheme} ${token()}`);
      assert.equal(await response.text(), "passed");
    }
  });

  it("asks for a token where there is none, without an error code (RFC 6750 section 3.1)", async () => {
    for (const authorization of [undefined, "Basic YTpi", "Bearer", "Bearer a b"]) {
      const { status, challenge } = await ask(authorization);
      assert.deepEqual([status, challenge], [401, "Bearer"]);
    }
  });

  it("says invalid_token, and no more than which check failed", async () => {
    for (const [text, code] of [
      [token({ exp: NOW - 60 }), "expired"],
      [token({ aud: "other" }), "claim_mismatch"],
      [token({}, "unknown"), "key_not_found"],
      [`${token().slice(0, -4)}AAAA`, "bad_signature"],
      ["abc", "malformed"],
    ]) {
      const { response, status, challenge } = await ask(`Bearer ${text}`);
      assert.equal(status, 401, code);
      assert.equal(challenge, `Bearer error="invalid_token", error_description="${code}"`);
      assert.equal(response.headers.get("cache-control"), "no-store");
      const { reason } = await response.json();
      assert.equal(reason, code === "expired" ? "expired" : "invalid_token");
    }
  });

  it("says which scopes are needed, as a quoted string", async () => {
    const { status, challenge } = await ask(`Bearer ${token()}`, "/api/admin/x");
    assert.deepEqual([status, challenge], [403, 'Bearer error="insufficient_scope", scope="admin quote"']);
  });

  it("reads scopes and roles where providers write them", async () => {
    for (const claims of [
      { scope: 'admin quo"te', roles: ["owner"] },
      { scope: undefined, scp: ["admin", 'quo"te'], roles: ["x", "owner"] },
      { scope: "", scp: 'admin quo"te', role: "owner" },
    ]) {
      assert.equal((await ask(`Bearer ${token(claims)}`, "/api/admin/x")).status, 200);
    }
  });

  it("needs nothing for what is open", async () => {
    assert.equal((await ask(undefined, "/api/open")).status, 200);
  });

  it("takes the token from where the app says", async () => {
    const fromQuery = ({ url }) => new URL(url).searchParams.get("t") ?? undefined;
    const gate = createGate({ verifier, rules, token: fromQuery });
    assert.equal((await ask(undefined, `/api/x?t=${token()}`, gate)).status, 200);
    assert.equal((await ask(`Bearer ${token()}`, "/api/x", gate)).status, 401);
  });

  it("loads the keys of a key store once, and asks it for an unknown kid", async () => {
    const calls = [];
    let known = false;
    const store = {
      assess: verifier.assess,
      load: () => Promise.resolve(calls.push("load")),
      safeVerify: (text) => verifier.safeVerify(known ? token() : text),
      verifyFresh: () => {
        calls.push("fresh");
        known = true;
        return Promise.resolve();
      },
    };
    const gate = createGate({ verifier: store, rules });
    assert.equal((await ask(`Bearer ${token()}`, "/api/x", gate)).status, 200);
    assert.equal((await ask(`Bearer ${token({}, "unknown")}`, "/api/x", gate)).status, 200);
    assert.deepEqual(calls, ["load", "fresh"]);
  });
});

describe("what is behind a gate by verifier", () => {
  it("is told who asks, and nothing where anybody may", async () => {
    const seen = [];
    const next = (_request, { claims, reason }) => {
      seen.push([claims?.sub, reason]);
      return new Response("passed");
    };
    const gate = createGate({ verifier, rules });
    for (const path of ["/api/x", "/api/open"]) {
      const headers = { authorization: `Bearer ${token()}` };
      await gate.handle(new Request(`https://api.test${path}`, { headers }), next);
    }
    assert.deepEqual(seen, [
      ["ada", "valid"],
      [undefined, "open"],
    ]);
  });
});

describe("a token from elsewhere", () => {
  const askFor = (found) => ask(undefined, "/api/x", createGate({ verifier, rules, token: () => found }));
  for (const none of [undefined, null, ""]) {
    it(`is none if it is ${JSON.stringify(none)}`, async () => {
      assert.equal((await askFor(none)).challenge, "Bearer");
    });
  }
  for (const found of [Promise.resolve(token()), 5, {}]) {
    it(`is a mistake in the app if it is ${found}`, () =>
      assert.rejects(askFor(found), { code: "invalid_option", option: "token" }));
  }
});

it("a refusal of the app's own that is no Response is a mistake in the app, and lets nobody in", async () => {
  for (const otherwise of [() => "no", () => undefined, async () => ({ status: 200 })]) {
    const gate = createGate({ verifier, rules: [{ match: "/*", otherwise }] });
    await assert.rejects(ask(undefined, "/x", gate), { code: "invalid_option", option: "otherwise" });
  }
});

describe("keys that are looked for, and do not come", () => {
  const never = () => new Promise(() => {});
  const unknown = `Bearer ${token({}, "unknown")}`;

  it("from a storage: the first requests wait a second", async () => {
    const gate = createGate({ verifier: { ...verifier, load: never }, rules });
    const answers = await Promise.all([1, 2].map(() => ask(`Bearer ${token()}`, "/api/x", gate)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.equal((await ask(`Bearer ${token()}`, "/api/x", gate)).status, 200);
  });

  it("from a provider: a request waits for the refreshTimeout, and the runtime is told that it goes on", async () => {
    const looking = never();
    const gate = createGate({ verifier: { ...verifier, verifyFresh: () => looking }, rules, refreshTimeout: 0.02 });
    const told = [];
    const request = new Request("https://api.test/api/x", { headers: { authorization: unknown } });
    const response = await gate.handle({ request, waitUntil: (work) => told.push(work) }, () => new Response("x"));
    assert.equal(response.status, 401);
    assert.equal(told.length, 1);
  });

  it("are not looked for where the refreshTimeout is 0", async () => {
    let asked = 0;
    const verifyFresh = () => {
      asked += 1;
      return never();
    };
    const gate = createGate({ verifier: { ...verifier, verifyFresh }, rules, refreshTimeout: 0 });
    assert.equal((await ask(unknown, "/api/x", gate)).status, 401);
    assert.equal(asked, 0);
  });
});
