// A gate by verifier, as in an edge worker: each request carries its token.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createVerifier, TokenError } from "tokenward";
import { createGate } from "tokenward/gate";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { signed } from "../support/tokens.mjs";

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
  const registered = { iss: "https://login.test", aud: "api", sub: "ada", exp: NOW + 60, scope: "read write" };
  return signed(privateKey, { kid }, { ...registered, ...claims });
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
    for (const authorization of [
      undefined,
      "Basic YTpi",
      'Digest username="x", realm="y"',
      "DPoP abc",
      "Bearers abc",
    ]) {
      const { status, challenge } = await ask(authorization);
      assert.deepEqual([status, challenge], [401, 'Bearer realm="protected"'], authorization);
    }
  });

  it("says that a request is malformed, with 400, where the credentials are (RFC 6750 section 3.1)", async () => {
    const good = token();
    for (const authorization of [
      "Bearer",
      "Bearer a b",
      "Bearer\ta",
      `Bearer ${good} ${good}`,
      `Bearer ${good}, Bearer ${good}`,
      `Bearer ${good},`,
      `Basic YTpi, Bearer ${good}`,
      `Bearer "${good}"`,
    ]) {
      const { response, status, challenge } = await ask(authorization);
      const expected = 'Bearer error="invalid_request", error_description="malformed credentials"';
      assert.deepEqual([status, challenge], [400, expected], authorization);
      assert.equal(response.headers.get("cache-control"), "no-store");
      const { refused, reason } = await response.json();
      assert.deepEqual([refused, reason], ["invalid_request", "invalid_request"]);
    }
  });

  it("keeps the status of what is malformed, whatever a rule answers otherwise", async () => {
    const answers = [
      [{ status: 403, body: "no" }, 400, "no"],
      [() => new Response("mine", { status: 404 }), 404, "mine"],
      [() => new Response("mine", { status: 400 }), 400, "mine"],
    ];
    for (const [otherwise, status, text] of answers) {
      const gate = createGate({ verifier, rules: [{ match: "/*", otherwise }] });
      const { response, challenge } = await ask("Bearer a b", "/x", gate);
      assert.deepEqual([response.status, await response.text(), challenge !== null], [status, text, status === 400]);
    }
  });

  it("says invalid_token, and no more than which check failed", async () => {
    for (const [text, code] of [
      [token({ exp: NOW - 60 }), "expired"],
      [token({ aud: "other" }), "claim_mismatch"],
      [token({}, "unknown"), "key_not_found"],
      [`${token().slice(0, -4)}AAAA`, "bad_signature"],
      ["abc", "malformed"],
      [`${token()}=`, "malformed"],
      [`token=${token()}`, "malformed"],
      [token().replaceAll(".", "=."), "malformed"],
    ]) {
      const { response, status, challenge } = await ask(`Bearer ${text}`);
      assert.equal(status, 401, code);
      assert.equal(challenge, `Bearer error="invalid_token", error_description="${code}"`);
      assert.equal(response.headers.get("cache-control"), "no-store");
      const { reason } = await response.json();
      assert.equal(reason, code === "expired" ? "expired" : "invalid_token");
    }
  });

  it("tells the app, and nobody else, what a refused token was about", () => {
    const gate = createGate({ verifier, rules });
    const decide = (text) =>
      gate.decide(new Request("https://api.test/api/x", { headers: { authorization: `Bearer ${text}` } }));
    for (const [text, facts] of [
      [token({ aud: "other" }), { code: "claim_mismatch", claim: "aud", expected: "api", actual: "other" }],
      [token({ exp: NOW - 60 }), { code: "expired", claim: "exp", actual: NOW - 60 }],
      ["abc", { code: "malformed" }],
    ]) {
      const decision = decide(text);
      assert.ok(TokenError.is(decision.cause));
      assert.equal(decision.error, facts.code);
      for (const [name, value] of Object.entries(facts)) assert.deepEqual(decision.cause[name], value, name);
      assert.doesNotMatch(JSON.stringify({ ...decision }), /cause|actual|expected/);
    }
    assert.equal(decide(token()).cause, undefined);
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
      assert.equal((await askFor(none)).challenge, 'Bearer realm="protected"');
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

describe("the origin that an app names", () => {
  const origin = "https://api.test";
  const open = [{ match: "/*", needs: null }];
  const fetched = (t, answer) => {
    const calls = [];
    t.mock.method(globalThis, "fetch", (input, init) => {
      calls.push([new Request(input).url, init?.redirect]);
      return Promise.resolve(answer());
    });
    return calls;
  };

  it("is the only one that is answered: a request for another is misdirected (RFC 9110 section 15.5.20)", async () => {
    const gate = createGate({ verifier, rules: open, origin: [origin, "http://localhost:8080"] });
    for (const other of [
      "https://evil.test",
      "http://api.test",
      "https://api.test:444",
      "http://169.254.169.254",
      "https://api.test.evil.test",
    ]) {
      const decision = gate.decide({ url: `${other}/x` });
      const { allowed, refused, rule, location } = decision;
      assert.deepEqual([allowed, refused, rule, location], [false, "misdirected_request", undefined, undefined], other);
      for (const path of ["/x", "//x", "/a%2Fb"]) {
        const answer = await gate.handle(new Request(other + path), () => assert.fail("was let through"));
        assert.equal(answer.status, 421);
        assert.equal((await answer.json()).refused, "misdirected_request");
        assert.equal(answer.headers.get("cache-control"), "no-store");
      }
    }
    for (const own of [`${origin}/x`, `${origin}:443/x`, "http://localhost:8080/x", "https://API.test/x"]) {
      assert.equal((await gate.handle(new Request(own), () => new Response("passed"))).status, 200);
    }
  });

  it("is what is handed on, however the host was spelt", async () => {
    const gate = createGate({ verifier, rules: open, origin });
    const answer = await gate.handle(new Request("https://api.test./x"), ({ url }) => new Response(url));
    assert.equal(await answer.text(), `${origin}/x`);
  });

  it("is the only one from which anything is fetched, and no redirect is followed", async (t) => {
    const calls = fetched(t, () => new Response("from the origin"));
    const gate = createGate({ verifier, rules: open, origin });
    assert.equal(await (await gate.handle(new Request(`${origin}/x`))).text(), "from the origin");
    assert.equal((await gate.handle(new Request("https://evil.test/x"))).status, 421);
    assert.deepEqual(calls, [[`${origin}/x`, "manual"]]);
  });

  it("has to be named before the gate fetches by itself: it is no proxy to where a request says", async (t) => {
    const calls = fetched(t, () => new Response("from anywhere"));
    const gate = createGate({ verifier, rules: open });
    await assert.rejects(gate.handle(new Request("http://169.254.169.254/x")), {
      code: "missing_option",
      option: "origin",
    });
    assert.deepEqual(calls, []);
  });
});

describe("the page that is shown to who may not", () => {
  const rules = [
    { match: "/no.html", needs: null },
    { match: "/*", otherwise: { page: "/no.html" } },
  ];
  const html = (body, init) =>
    new Response(body, { headers: { "content-type": "text/html", ...init?.headers }, ...init });
  const navigation = { headers: { accept: "text/html", authorization: "Basic secret", cookie: "secret" } };
  const show = async (options, next, url = "https://api.test/x") => {
    const gate = createGate({ verifier, rules, ...options });
    const answer = await gate.handle(new Request(url, navigation), next);
    return { status: answer.status, text: await answer.text() };
  };
  const plain = /Sign-in needed/;

  it("comes from what is behind the gate, asked as anybody may ask", async (t) => {
    t.mock.method(globalThis, "fetch", () => assert.fail("fetched from where the request says"));
    const asked = [];
    const answer = await show({}, (request, { allowed, claims, reason }) => {
      const { url, method, headers } = request;
      asked.push([url, method, headers.get("authorization"), headers.get("cookie"), allowed, claims, reason]);
      return html("<h1>No</h1>");
    });
    assert.deepEqual(answer, { status: 401, text: "<h1>No</h1>" });
    assert.deepEqual(asked, [["https://api.test/no.html", "GET", null, null, true, undefined, "open"]]);
  });

  it("or from the origin that the app named", async (t) => {
    const calls = [];
    t.mock.method(globalThis, "fetch", ({ url }, { redirect }) => {
      calls.push([url, redirect]);
      return Promise.resolve(html("<h1>No</h1>"));
    });
    assert.deepEqual(await show({ origin: "https://api.test" }), { status: 401, text: "<h1>No</h1>" });
    assert.deepEqual(calls, [["https://api.test/no.html", "manual"]]);
  });

  it("never from where a request says", async (t) => {
    t.mock.method(globalThis, "fetch", () => assert.fail("fetched"));
    const { status, text } = await show({}, undefined, "http://169.254.169.254/latest");
    assert.equal(status, 401);
    assert.match(text, plain);
  });

  for (const [what, next] of [
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "http://inner.test/" } })],
    ["an error", () => html("inner", { status: 500 })],
    [
      "what throws",
      () => {
        throw new Error("inner");
      },
    ],
    ["what is too long", () => html("inner".repeat(300_000))],
    ["what has no end", () => html(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536)) }))],
  ]) {
    it(`is not ${what}`, async () => {
      const { status, text } = await show({}, next);
      assert.equal(status, 401);
      assert.match(text, plain);
      assert.doesNotMatch(text, /inner/);
    });
  }

  it("is not waited for any longer than five seconds", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const shown = show({}, () => html(new ReadableStream({})));
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(5000);
    assert.match((await shown).text, plain);
  });
});
