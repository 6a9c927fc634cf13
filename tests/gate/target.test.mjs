// One reading of a path: what has two is refused, and what is behind the gate sees the one that was judged.
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { runInNewContext } from "node:vm";
import { createGate } from "tokenward/gate";
import { randomFrom } from "../random.mjs";
import { FakeSession, ORIGIN } from "./fakes.mjs";
import { RawRequest } from "./routers.mjs";

const verifier = {
  safeVerify: () => ({ ok: true, value: { claims: { sub: "ada" } } }),
  assess: () => ({ reason: "valid", until: null }),
};
const OPEN = [{ match: "/*", needs: null }];
const gateFor = (rules = OPEN, options = {}) => createGate({ verifier, rules, ...options });

/** What is answered to a request with this very text as its URL, and which URL is handed on. */
async function ask(gate, url, init) {
  let seen;
  const answer = await gate.handle(new RawRequest(url, init), (request) => {
    seen = request.url;
    return new Response("passed");
  });
  const { status, headers } = answer;
  return { status, seen, location: headers.get("location"), problem: status >= 400 ? await answer.json() : undefined };
}

const AMBIGUOUS = {
  "encoded slashes": ["/a%2Fb", "/a%2fb", "/%2F", "/public/..%2Fadmin/x", "/%2F%2Fevil.test/x"],
  "encoded backslashes": ["/a%5Cb", "/a%5cb", "/%5C%5Cevil.test", "/public/..%5Cadmin"],
  backslashes: ["/a\\b", "/\\evil.test", "/public/..\\admin"],
  "path parameters on dot segments": ["/public/..;/admin", "/..;x=1/admin", "/.;/x", "/%2e%2e;/x", "/..%3Bx/y"],
  "double encodings": ["/%252e", "/%252F", "/%255C", "/%2561dmin", "/a%2520b", "/%25252F"],
  "encodings of encodings": ["/public/%25%32%65%25%32%65/admin", "/..%25%32%66admin", "/%25%361dmin"],
  "encoded delimiters": ["/admin%3Fx", "/admin%3fx", "/admin%23x"],
};
const MALFORMED = {
  "percent signs": ["/100%", "/%", "/%2", "/%zz", "/%%32e", "/%u0061", "/a%2%35"],
  "control characters": [
    "/a\tb",
    "/a\nb",
    "/a\rb",
    "/a\0b",
    "/a\x7fb",
    "/a%00",
    "/a%0d%0A",
    "/a%1F",
    "/a%7F",
    "/x?a\tb",
  ],
  "bytes that are not UTF-8": ["/%ff", "/caf%E9", "/%c0%ae", "/%C0%AF", "/%E0%80%AE", "/%ED%A0%80", "/a%C3", "/%80"],
  "halves of surrogate pairs": ["/\ud800", "/x\udc00y", "/x?\ud800"],
  "white space at the end": ["/admin ", "/admin\u00a0", "/admin\ufeff", "/x?y "],
  fragments: ["/x#y", "/x?y#", "/public#/../admin"],
};
const AUTHORITIES = [
  ...["http://other\\@host/admin/x", "http://user@app.test/x", "http://user:pass@app.test/x", "http:/app.test/x"],
  ...["http:app.test/x", "http:\\\\app.test\\x", "http:///app.test/x", "http://app.test:/x", "http://app.test:99999/x"],
  ...[
    "http://0x7f.1/x",
    "http://127.1/x",
    "http://2130706433/x",
    "http://[::1/x",
    "http://app%2etest/x",
    "http://a b/x",
  ],
  ...["http://a\tb/x", "http://app.test*", "https://app.testhttp://evil.test/x", "http://", "ftp://app.test/x"],
  ...["app.test:443", "http://app.test:0080/x", "http://ａpp.test/x", "file:///etc/passwd", "data:text/html,x"],
];

describe("a path that has two readings, or none", () => {
  for (const [code, kinds] of Object.entries({ ambiguous_path: AMBIGUOUS, malformed_url: MALFORMED })) {
    for (const [kind, paths] of Object.entries(kinds)) {
      it(`is refused before any rule: ${kind}`, async () => {
        const gate = gateFor();
        for (const path of paths) {
          const { rule, allowed, access, refused, reason, detail, location } = gate.decide({ url: ORIGIN + path });
          const facts = [rule, allowed, access, refused, reason, location];
          assert.deepEqual(facts, [undefined, false, "none", code, code, undefined], JSON.stringify(path));
          assert.ok(detail.length > 0);
          for (const method of ["GET", "POST"]) {
            const { status, seen, problem } = await ask(gate, ORIGIN + path, { method });
            assert.deepEqual([status, seen, problem.refused], [400, undefined, code], JSON.stringify(path));
            assert.ok(!JSON.stringify(problem).includes("evil"));
          }
        }
      });
    }
  }

  it("is refused: what is not written as the URL parser writes it", async () => {
    for (const url of AUTHORITIES) {
      assert.equal(gateFor().decide({ url }).refused, "malformed_url", url);
      assert.equal((await ask(gateFor(), url)).status, 400, url);
    }
    assert.equal(gateFor().decide({ url: "http://app.test:443", method: "CONNECT" }).allowed, false);
  });

  it("is refused where the rules do not say anything about it, too", () => {
    const gate = gateFor([{ match: "/app/*" }]);
    assert.equal(gate.decide({ url: `${ORIGIN}/other` }), undefined);
    assert.equal(gate.decide({ url: `${ORIGIN}/x/..%2fapp/y` }).allowed, false);
  });

  it("is left alone by a service worker if it is another origin's", () => {
    const gate = createGate({ session: new FakeSession(), rules: OPEN, origin: ORIGIN });
    for (const path of ["/a%2Fb", "//x", "/%"])
      assert.equal(gate.decide({ url: `https://cdn.test${path}` }), undefined);
    assert.equal(gate.decide({ url: "chrome-extension://x/%2F" }), undefined);
    assert.equal(gate.decide({ url: `${ORIGIN}/a%2Fb` }).allowed, false);
  });
});

describe("doubled slashes and dot segments", () => {
  const WAYS = [
    ["//", "/"],
    ["//evil.test/x", "/evil.test/x"],
    ["///evil.test", "/evil.test"],
    ["/a//b///c", "/a/b/c"],
    ["/.", "/"],
    ["/..", "/"],
    ["/../..//evil.test", "/evil.test"],
    ["/admin/../public/x", "/public/x"],
    ["/admin/%2e%2e/public/x", "/public/x"],
    ["/admin/.%2E/public/x?q=1", "/public/x?q=1"],
    ["/a/./b/", "/a/b/"],
    ["/a/b/..", "/a/"],
    ["/a/b/.", "/a/b/"],
    ["/.//evil.test/%2e%2E//", "/"],
    ["/%61//b?x=%2F", "/a/b?x=%2F"],
  ];
  it("send a GET or HEAD to the canonical path of the same origin, and refuse the rest", async () => {
    for (const [path, location] of WAYS) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await ask(gateFor(), ORIGIN + path, { method });
        assert.deepEqual([answer.status, answer.location, answer.seen], [308, location, undefined], path);
        assert.equal(gateFor().decide({ url: ORIGIN + path, method }).location, location);
        assert.equal(gateFor().decide({ url: ORIGIN + path, method }).allowed, false);
      }
      for (const method of ["POST", "DELETE", "OPTIONS"]) {
        assert.deepEqual([(await ask(gateFor(), ORIGIN + path, { method })).status], [400], path);
        assert.equal(gateFor().decide({ url: ORIGIN + path, method }).location, undefined);
      }
      assert.equal((await ask(gateFor(), ORIGIN + location)).status, 200);
    }
  });

  it("take nothing from the host that a request names", async () => {
    const { location } = await ask(gateFor(), "http://evil.test//x");
    assert.equal(location, "/x");
  });

  it("name the checked origin in a service worker, where a path alone is none", async () => {
    const gate = createGate({ session: new FakeSession(), rules: OPEN, origin: ORIGIN });
    assert.equal((await ask(gate, `${ORIGIN}//evil.test/x`)).location, `${ORIGIN}/evil.test/x`);
  });
});

describe("a spelling that servers find under different rules", () => {
  const rules = [
    { match: "/admin/*", needs: { role: "admin" } },
    { match: "/public/*", needs: null },
    { match: "/@team/*", needs: { scope: "team" } },
    { match: "/*" },
  ];
  const gate = gateFor(rules);
  it("is sent to the canonical path where that helps, and is refused otherwise", async () => {
    // A router that compares raw text finds this behind the last rule.
    assert.deepEqual((await ask(gate, `${ORIGIN}/%70ublic/x`)).location, "/public/x");
    assert.equal((await ask(gate, `${ORIGIN}/%70ublic/x`, { method: "POST" })).status, 400);
    const others = ["/Admin/x", "/ADMIN", "/admin;v=1/x", "/admin;/x", "/%40team/x", "/@Team;x"];
    for (const path of others) {
      assert.equal((await ask(gate, ORIGIN + path)).status, 400, path);
      assert.equal(gate.decide({ url: ORIGIN + path }).refused, "ambiguous_path", path);
    }
  });

  it("is judged as it is where all find it under one rule", async () => {
    const bearer = { headers: { authorization: "Bearer x" } };
    const paths = ["/Public;v=1/X", "/x/Admin", "/x;v=1", "/ada%40example.com", "/public/%28%29"];
    for (const path of paths) assert.equal((await ask(gate, ORIGIN + path, bearer)).status, 200, path);
    assert.equal((await ask(gate, `${ORIGIN}/public/%61`, { method: "POST" })).seen, `${ORIGIN}/public/a`);
  });

  it("with and without a slash at the end: rules of any kind", () => {
    const ways = [
      "/admin",
      "/admin/",
      /^\/admin$/,
      { test: (url) => url === `${ORIGIN}/admin` },
      ({ pathname }) => pathname === "/admin",
    ];
    for (const match of ways) {
      const gate = gateFor([{ match, needs: { role: "admin" } }, ...OPEN]);
      for (const path of ["/admin", "/admin/"]) {
        assert.equal(gate.decide({ url: ORIGIN + path }).allowed, false, `${match} ${path}`);
      }
      assert.equal(gate.decide({ url: `${ORIGIN}/admins` }).allowed, true);
    }
  });
});

describe("what is judged is what is served", () => {
  it("to rules, to functions of the app and to what is behind the gate", async () => {
    const seen = [];
    const see = (where, value) => seen.push([where, value]) && true;
    const rules = [
      { match: (url, request) => see("function", [url.href, request.url]) && false },
      { match: { test: (url) => see("pattern", url) && false } },
      { match: /^\/app\/my%20file~1$/ },
    ];
    const gate = gateFor(rules, { token: ({ url }) => see("token", url) && "x" });
    const canonical = `${ORIGIN}/app/my%20file~1?q=%22`;
    const answer = await ask(gate, `HTTPS://App.Test:443/%61pp/my file%7E1?q="`, { method: "POST", body: "kept" });
    assert.equal(answer.seen, canonical);
    const urls = seen.flatMap(([, value]) => value);
    assert.ok(urls.includes(canonical));
    assert.deepEqual([...new Set(seen.map(([where]) => where))], ["function", "pattern", "token"]);
    // Functions are asked about other readings, too, but never see another spelling of the request.
    for (const [where, value] of seen) {
      if (where === "function") assert.equal(value[1], canonical);
      if (where === "token") assert.equal(value, canonical);
    }
  });

  it("with method, headers and body", async () => {
    const init = { method: "PUT", body: "text", headers: { "x-one": "1" } };
    const request = new Request(`${ORIGIN}/%61`, init);
    const answer = await gateFor().handle(request, async (given) => {
      assert.notEqual(given, request);
      const { url, method, headers } = given;
      return Response.json([url, method, headers.get("x-one"), await given.text()]);
    });
    assert.deepEqual(await answer.json(), [`${ORIGIN}/a`, "PUT", "1", "text"]);
  });

  it("and is the very request that came, where that was canonical", async () => {
    const request = new Request(`${ORIGIN}/a`);
    await gateFor().handle(request, (given) => {
      assert.equal(given, request);
      return new Response();
    });
  });

  it("not what the browser fetched for another spelling while the worker started", async (t) => {
    t.mock.method(globalThis, "fetch", ({ url }) => Promise.resolve(new Response(`fetched ${url}`)));
    const gate = createGate({ session: new FakeSession(), rules: OPEN, origin: ORIGIN });
    const preloadResponse = Promise.resolve(new Response("preloaded"));
    const request = new RawRequest(`${ORIGIN}/%61`);
    assert.equal(await (await gate.handle({ request, preloadResponse })).text(), `fetched ${ORIGIN}/a`);
  });
});

describe("an app whose paths hold such names", () => {
  const rules = [{ match: "/admin/*", needs: { role: "admin" } }, { match: "/files/*", needs: null }, { match: "/*" }];
  const all = ["encoded-slash", "encoded-delimiter", "double-encoding", "empty-segment"];
  const ways = [
    ["encoded-slash", "/files/a%2Fb", "/files/a%2fb%2F"],
    ["encoded-delimiter", "/files/why%3F", "/files/c%23"],
    ["double-encoding", "/files/50%2520off", "/files/a%252Eb"],
    ["empty-segment", "/files/https://x.test/y", "/files//"],
  ];
  for (const [spelling, ...paths] of ways) {
    it(`names ${spelling}, and only that is handed on as it is`, async () => {
      for (const accept of [[spelling], all]) {
        const gate = gateFor(rules, { accept });
        for (const path of paths) {
          const { status, seen } = await ask(gate, ORIGIN + path);
          assert.deepEqual([status, seen?.toLowerCase()], [200, (ORIGIN + path).toLowerCase()], path);
        }
      }
      const gate = gateFor(rules, { accept: all.filter((one) => one !== spelling) });
      for (const path of paths) assert.equal(gate.decide({ url: ORIGIN + path }).allowed, false, path);
    });
  }

  it("but not where a server that reads more finds another rule, dots or empty names", () => {
    const gate = gateFor(rules, { accept: all });
    const paths = [
      ...[
        "/admin%2Fx",
        "/files/..%2Fadmin",
        "/files%2F..%2Fadmin/x",
        "/files/a%2F%2Fb/../x",
        "/%2Fadmin/x",
        "/admin%3Fx",
      ],
      ...["/admin%23", "/%2561dmin/x", "/files/%252e%252e/admin", "/files/..%252Fadmin", "/files/%25252e", "//admin/x"],
      ...["/files//../admin/x", "/admin//x/../y", "/files/..%3Fx", "/files/a%5Cb", "/files/%255Cb", "/admin%252Fx"],
    ];
    for (const path of paths) {
      const decision = gate.decide({ url: ORIGIN + path });
      assert.deepEqual([decision.allowed, decision.location], [false, undefined], path);
    }
  });
});

describe("an ordinary path", () => {
  const SEED = 7;
  const NAMES = [
    ...[
      "index.html",
      "main.2f3a9c.css",
      ".well-known",
      "jquery-3.7.1.min.js",
      "file...txt",
      "...",
      "..x",
      "x..",
      "a.b.c.",
    ],
    ...[
      "@scope",
      "@ada",
      "~ada",
      "c++",
      "a+b",
      "10:30",
      "v1:batch",
      "1,2,3",
      "users;v=1",
      "a;b=c,d",
      "(1)",
      "it's",
      "wow!",
    ],
    ...[
      "$metadata",
      "Products('x')",
      "k=v",
      "a&b",
      "*",
      "a*b",
      "-",
      "_",
      "AbC-9_x",
      "0",
      "NULL",
      "[id]",
      "a|b",
      "a^b",
      "{x}",
    ],
    ...[
      "my%20file.pdf",
      "Report%20%281%29.pdf",
      "100%25",
      "100%25zz",
      "5%25-10%25",
      "a%26b",
      "a%3Db",
      "a%2Bb",
      "a%40b.de",
    ],
    ...[
      "it%27s",
      "a%3Ab",
      "a%2Cb",
      "a%24b",
      "a%21",
      "%7Eada",
      "x%3By",
      "%5Bid%5D",
      "a%7Cb",
      "%22q%22",
      "%3Ca%3E",
      "%60",
    ],
    ...[
      "größe",
      "gr%C3%B6%C3%9Fe",
      "gr%c3%b6sse",
      "日本語",
      "%E6%97%A5",
      "файл",
      "😀",
      "%F0%9F%98%80",
      "１／２",
      "a\u0301",
      "é",
    ],
    ...[
      "my file",
      "a  b",
      '"q"',
      "<a>",
      "`x`",
      "550e8400-e29b-41d4-a716-446655440000",
      "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
    ],
    ...[
      "QmFzZTY0",
      "x".repeat(2000),
      "%C3%BC".repeat(300),
      "a.".repeat(100),
      "-._~",
      "%2D%2e%5fx",
      "%41bc",
      "a%C2%A0b",
    ],
  ];
  const QUERIES = [
    "",
    "",
    "?",
    "?q=1",
    "?q=a/../b//c",
    "?u=https%3A%2F%2Fx.test",
    "?a=%",
    "?ü=ö",
    "?x=%252e",
    "?a?b",
    "?'\"<>",
  ];

  function paths() {
    const random = randomFrom(SEED);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const made = NAMES.map((name) => `/${name}`);
    while (made.length < 3000) {
      const names = Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(NAMES));
      made.push(`/${names.join("/")}${random() < 0.2 ? "/" : ""}${pick(QUERIES)}`);
    }
    return made;
  }

  it(`is never refused, and is handed on as it was judged (seed ${SEED})`, async () => {
    let judged;
    const rules = [
      { match: "/admin/*", needs: { role: "admin" } },
      { match: /^\/internal\//, needs: { role: "admin" } },
      {
        match: (url, request) => {
          judged = request.url;
          return url.pathname.startsWith("/never/");
        },
      },
      { match: "/*" },
    ];
    const gate = gateFor(rules);
    const decoded = (path) => decodeURIComponent(path.replace(/%(?![\da-f]{2})/gi, "%25"));
    const headers = { authorization: "Bearer x" };
    for (const path of paths()) {
      for (const url of [ORIGIN + path, new URL(ORIGIN + path).href]) {
        assert.equal(gate.decide({ url, headers: new Headers(headers) })?.allowed, true, url);
        const { status, seen } = await ask(gate, url, { headers, method: "POST" });
        assert.deepEqual([status, seen], [200, judged], url);
        const [given, handed] = [url, seen].map((one) => one.slice(ORIGIN.length).split("?")[0]);
        assert.equal(decoded(handed), decoded(given));
        assert.equal(new Request(seen).url, seen, "a URL that the parser leaves as it is");
        assert.equal(gate.decide({ url: seen, headers: new Headers(headers) }).allowed, true, seen);
      }
    }
  });
});

test("the longer a path, the longer a decision takes, and no more than that", () => {
  const gate = gateFor([{ match: "/a/*" }, { match: /^\/b\/\w+$/ }, ...OPEN], {
    accept: ["double-encoding", "encoded-slash"],
  });
  const fastest = (url) => {
    const times = Array.from({ length: 9 }, () => {
      const started = performance.now();
      gate.decide({ url });
      return performance.now() - started;
    });
    return Math.min(...times);
  };
  for (const unit of [
    "%252F%255C",
    "%2561",
    "%2F",
    "%61",
    "/a",
    "/../",
    "//",
    ";x",
    "A;b/",
    "%C3%BC",
    "ü",
    "%",
    "..;/",
    ".",
    "[",
    "^",
    "%5B",
    "%e2%82%ac",
    "%20",
    "\u{1F600}",
  ]) {
    const [short, long] = [4096, 65_536].map((length) => fastest(`${ORIGIN}/b/${unit.repeat(length / unit.length)}`));
    // 16 times as long; what grows with the square takes 256 times.
    assert.ok(long < Math.max(short, 0.05) * 100, `${unit}: ${short} ms, then ${long} ms`);
  }
});

describe("what an app passes is copied", () => {
  const decideFor = (gate) =>
    gate.decide({ url: `${ORIGIN}/x`, method: "POST", headers: new Headers({ authorization: "Bearer x" }) });
  it("so that no rule opens when it is changed later, not even through a decision", () => {
    const needs = { scope: ["read"], role: ["admin"] };
    const rule = { match: "/*", needs, otherwise: { status: 401, body: { why: ["so"] } }, methods: ["GET"] };
    const rules = [rule];
    const accept = [];
    const origin = [ORIGIN];
    const gate = gateFor(rules, { accept, origin });
    const before = decideFor(gate);
    assert.equal(before.allowed, false);
    needs.scope.length = 0;
    needs.role.push(undefined);
    delete needs.role;
    rules.unshift({ match: "/*", needs: null });
    rule.match = "/other";
    rule.needs = null;
    rule.methods.push("POST");
    accept.push("encoded-slash");
    origin.push("https://evil.test");
    before.rule.needs = null;
    assert.equal(decideFor(gate).allowed, false);
    assert.equal(gate.decide({ url: `${ORIGIN}/a%2Fb` }).refused, "ambiguous_path");
    assert.equal(gate.decide({ url: "https://evil.test/x" }).refused, "misdirected_request");
  });

  it("with the body of a refusal, and the scopes that a challenge names", async () => {
    const body = { why: ["so"] };
    const needs = { scope: ["read"] };
    const gate = gateFor([
      { match: "/a", needs },
      { match: "/b", needs, otherwise: { status: 403, body } },
    ]);
    body.why.push("changed");
    needs.scope.push("changed");
    const init = { headers: { authorization: "Bearer x" } };
    const challenged = await gate.handle(new Request(`${ORIGIN}/a`, init));
    assert.equal(challenged.headers.get("www-authenticate"), 'Bearer error="insufficient_scope", scope="read"');
    assert.deepEqual(await (await gate.handle(new Request(`${ORIGIN}/b`, init))).json(), { why: ["so"] });
  });
});

describe("what servers do not tell apart", () => {
  const ADMIN = { role: "admin" };
  const OPEN = { match: "/*", needs: null };
  const SIGNED_IN = { match: "/*" };
  const expect = (rules, path, allowed, because = path) => {
    const decision = gateFor(rules).decide({ url: ORIGIN + path, headers: new Headers() });
    assert.equal(decision?.allowed ?? false, allowed, because);
  };

  it("is letter case, where the rule has the capitals, too", () => {
    const capitals = [{ match: "/Admin/*", needs: ADMIN }, OPEN];
    for (const path of ["/admin/x", "/ADMIN/x", "/Admin/x", "/admin", "/%41dmin/x"]) expect(capitals, path, false);
    expect(capitals, "/notes/x", true);
    const expression = [{ match: /^\/Admin/, needs: ADMIN }, OPEN];
    for (const path of ["/ADMIN/x", "/admin/x", "/Admin"]) expect(expression, path, false);
    expect(expression, "/notes/Admin", true);
    expect([{ match: /^\/\W/, needs: ADMIN }, OPEN], "/a", true);
  });

  it("is letter case of other scripts", () => {
    for (const [match, path] of [
      ["/keys/*", "/%E2%84%AAeys/x"],
      ["/users/*", "/u%C5%BFers/x"],
      ["/größe/*", "/GR%C3%96%C3%9FE/x"],
      ["/größe/*", "/GRÖßE/x"],
      ["/οδος/*", "/ΟΔΟΣ/x"],
    ]) {
      expect([{ match, needs: ADMIN }, OPEN], path, false);
    }
  });

  it("is what stands behind a semicolon, also where only that is open", () => {
    const suffix = [{ match: /\.(?:css|js)$/, needs: null }, { match: "/admin/*", needs: ADMIN }, SIGNED_IN];
    for (const path of ["/admin/users;.css", "/admin/users;/x.js", "/Admin/users;.css", "/admin;/x.css"]) {
      expect(suffix, path, false);
    }
    expect(suffix, "/style.css", true);
    const ends = [{ match: ({ pathname }) => pathname.endsWith(".css"), needs: null }, SIGNED_IN];
    expect(ends, "/admin/users;.css", false);
    expect([{ match: "/public/*", needs: null }, SIGNED_IN], "/public/list;v=1", true);
  });

  it("is a slash at the end, also for expressions, patterns and functions", () => {
    const ways = [/^\/admin\//, ({ pathname }) => pathname.startsWith("/admin/")];
    if (globalThis.URLPattern) ways.push(new URLPattern({ pathname: "/admin/*" }));
    for (const match of ways) {
      for (const path of ["/admin", "/admin/", "/admin/x"]) expect([{ match, needs: ADMIN }, OPEN], path, false);
      expect([{ match, needs: ADMIN }, OPEN], "/administration", true);
    }
  });

  it("is how a rule's path is written, so that such a rule can be reached", () => {
    for (const [match, path] of [
      ["/my docs/*", "/my%20docs/x"],
      ["/a[1]/*", "/a%5B1%5D/x"],
      ["/q|a", "/q%7Ca"],
      ["/it%27s", "/it%27s"],
      ["/a%3Ab/*", "/a%3Ab/x"],
      ["/users/ada%40x.de/*", "/users/ada%40x.de/x"],
    ]) {
      expect([{ match, needs: null }, SIGNED_IN], path, true);
    }
    expect([{ match: /^\/my%20docs\//, needs: null }, SIGNED_IN], "/my%20docs/x", true);
    expect([{ match: /^\/files\/[\w%.-]+$/, needs: null }, SIGNED_IN], "/files/a%20b", true);
    // Two rules for two ways to write one path: a server that decodes knows one.
    const both = [{ match: "/a%3Ab/*", needs: null }, { match: "/a:b/*", needs: ADMIN }, OPEN];
    expect(both, "/a%3Ab/x", false);
    expect([...both].reverse().slice(1), "/a%3Ab/x", false);
  });
});

describe("a rule's match", () => {
  const ADMIN = { role: "admin" };
  const url = `${ORIGIN}/admin/x`;
  it("that answers a promise is a mistake, not a yes", () => {
    for (const match of [async () => false, { test: async () => false }]) {
      const gate = gateFor([{ match, needs: null }, { match: "/*" }]);
      assert.throws(() => gate.decide({ url }), {
        name: "ConfigError",
        option: "match",
        message: /rules\[0].*promise/,
      });
    }
  });

  it("keeps the anchor of a sticky expression, and nothing of where a global one was", () => {
    const gate = gateFor([
      { match: /\/public\//y, needs: null },
      { match: /x/g, needs: ADMIN },
    ]);
    for (let times = 0; times < 3; times += 1) {
      assert.equal(gate.decide({ url: `${ORIGIN}/admin/public/x` }).allowed, false);
      assert.equal(gate.decide({ url: `${ORIGIN}/public/y` }).allowed, true);
    }
  });

  it("may be an expression of another realm", () => {
    const match = runInNewContext("/^\\/admin/");
    assert.equal(
      gateFor([
        { match, needs: ADMIN },
        { match: "/*", needs: null },
      ]).decide({ url }).allowed,
      false,
    );
  });

  it("gets a URL of its own: what it does to it is nothing to the next rule", () => {
    const rules = [
      {
        match: (given) => {
          given.pathname = "/zzz";
          return false;
        },
        needs: null,
      },
      { match: ({ pathname }) => pathname.startsWith("/admin"), needs: ADMIN },
      { match: () => true, needs: null },
    ];
    assert.equal(gateFor(rules).decide({ url }).allowed, false);
  });

  it("and its needs are what was meant: no Map, no page of another host", () => {
    for (const needs of [new Map([["role", "admin"]]), new Set(["admin"])]) {
      assert.throws(() => gateFor([{ match: "/*", needs }]), { code: "invalid_option", option: "needs" });
    }
    for (const page of ["//evil.test/p", "/\t/evil.test/p", "/\\evil.test/p", "/\n/evil.test/p"]) {
      assert.throws(() => gateFor([{ match: "/*", otherwise: { page } }]), { option: "page" }, page);
    }
  });
});
