// Which rule a request falls under, and what is decided: with a stand-in for the session, so that each state can be had.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigError } from "tokenward";
import { createGate } from "tokenward/gate";
import { FakeSession } from "./fakes.mjs";

const ORIGIN = "https://app.test";

function gateFor(rules, session = new FakeSession(), options = {}) {
  return createGate({ session, rules, origin: ORIGIN, ...options });
}

/** A path under which rule, as its place among the rules; -1 for none. */
function ruleOf(rules, path, method = "GET") {
  const decision = gateFor(rules).decide({ url: ORIGIN + path, method });
  return decision === undefined ? -1 : rules.indexOf(decision.rule);
}

describe("matching", () => {
  const ways = [
    ["/notes", "/notes", true],
    ["/notes", "/notes?page=2", true],
    ["/notes", "/notes/", true],
    ["/notes/", "/notes", true],
    ["/notes/", "/notes/", true],
    ["/notes/", "/notes/1", false],
    ["/", "/", true],
    ["/.*", "/.env", true],
    ["/.*", "/x", false],
    ["/notes", "/notes/1", false],
    ["/app/*", "/app/", true],
    ["/app/*", "/app/a/b?c#d", true],
    ["/app/*", "/app", true],
    ["/app/*", "/application", false],
    ["/app*", "/application", true],
    ["/*", "/", true],
    ["/at/12:30", "/at/12:30", true],
    ["/größe/*", "/gr%C3%B6%C3%9Fe/1", true],
    ["/app/*", "/%61pp/1", true],
    ["/~ada/*", "/%7Eada/1", true],
    ["/my files/*", "/my%20files/1", true],
    ["/my%20files/*", "/my files/1", true],
    [/^\/notes\/\d+$/, "/notes/12?q", true],
    [/^\/notes\/\d+$/, "/notes/x", false],
    [{ test: (url) => url === `${ORIGIN}/x?y` }, "/x?y", true],
    [(url, { method }) => url.searchParams.has("secret") && method === "GET", "/any?secret", true],
    [(url) => url.searchParams.has("secret"), "/any", false],
  ];
  for (const [match, path, expected] of ways) {
    it(`${match} ${expected ? "matches" : "does not match"} ${path}`, () => {
      assert.equal(ruleOf([{ match }], path), expected ? 0 : -1);
    });
  }

  it("remembers nothing of the last match in a global RegExp", () => {
    const gate = gateFor([{ match: /app/g }]);
    for (let time = 0; time < 3; time += 1) assert.ok(gate.decide({ url: `${ORIGIN}/app` }));
  });

  it("takes the first rule that matches", () => {
    const rules = [{ match: "/app/open/*", needs: null }, { match: "/app/*" }];
    assert.equal(ruleOf(rules, "/app/open/1"), 0);
    assert.equal(ruleOf(rules, "/app/1"), 1);
  });

  it("knows a host by its name with a dot at the end, too", () => {
    assert.ok(gateFor([{ match: "/*" }]).decide({ url: "https://app.test./x" }));
    assert.ok(
      gateFor([{ match: "/*" }], undefined, { origin: "https://app.test:8443" }).decide({
        url: "https://app.test.:8443/x",
      }),
    );
  });

  it("takes no option and no claim from what all objects inherit", () => {
    const put = (name, value) => Object.defineProperty(Object.prototype, name, { value, configurable: true });
    try {
      put("needs", null);
      put("role", undefined);
      assert.equal(gateFor([{ match: "/*" }]).decide({ url: `${ORIGIN}/x` }).allowed, false);
    } finally {
      delete Object.prototype.needs;
      delete Object.prototype.role;
    }
  });

  it("is about its own origin only, unless others are named", () => {
    const rules = [{ match: "/*" }];
    const elsewhere = { url: "https://api.test/x" };
    assert.equal(gateFor(rules).decide(elsewhere), undefined);
    assert.equal(gateFor(rules).decide({ url: "https://app.test:8443/x" }), undefined);
    assert.equal(gateFor(rules).decide({ url: "http://app.test/x" }), undefined);
    assert.ok(gateFor(rules, undefined, { origin: [ORIGIN, "https://api.test"] }).decide(elsewhere));
    assert.equal(gateFor(rules).decide({ url: "chrome-extension://app.test/x" }), undefined);
  });

  it("throws for a URL that is none: an app that goes on with undefined must not let it pass", async () => {
    for (const options of [{}, { session: undefined, verifier: { safeVerify() {}, assess() {} } }]) {
      const gate = gateFor([{ match: "/*" }], undefined, { ...options });
      for (const url of ["/admin", "not a url", "", "*", "//app.test/x", "?x"]) {
        const isHelpful = ({ name, code, option, message }) =>
          name === "ConfigError" && code === "invalid_option" && option === "request" && /absolute/.test(message);
        assert.throws(() => gate.decide({ url }), isHelpful, url);
        await assert.rejects(async () => gate.handle({ request: { url } }), isHelpful, url);
      }
    }
  });
});

describe("deciding", () => {
  const full = { access: "full", scopes: ["read", "write"], roles: ["editor"], claims: { tenant: 7 } };
  const grace = { ...full, access: "limited", reason: "grace", until: 1_700_000_000 };
  const cases = [
    ["signed in is enough by default", {}, full, "GET", undefined],
    ["limited access is signed in too", {}, grace, "GET", undefined],
    ["nobody is not", {}, undefined, "GET", "no_access"],
    ["open is open to nobody too", { needs: null }, undefined, "POST", undefined],
    ["limited access reads only", {}, grace, "POST", "method"],
    ["full access writes", {}, full, "POST", undefined],
    ["a rule may name other methods for limited access", { methods: ["post"] }, grace, "POST", undefined],
    ["and then only those", { methods: ["POST"] }, grace, "GET", "method"],
    ["full access may be asked for", { needs: { access: "full" } }, grace, "GET", "full_access_needed"],
    ["full access that is there", { needs: { access: "full" } }, full, "DELETE", undefined],
    ["every scope is needed", { needs: { scope: ["read", "admin"] } }, full, "GET", "rights"],
    ["scopes that are there", { needs: { scope: ["read", "write"] } }, full, "GET", undefined],
    ["one role is enough", { needs: { role: ["owner", "editor"] } }, full, "GET", undefined],
    ["a role that is missing", { needs: { role: "owner" } }, grace, "GET", "rights"],
    ["claims are judged", { needs: { claims: ({ tenant }) => tenant === 8 } }, full, "GET", "rights"],
    ["claims that hold", { needs: { claims: ({ tenant }) => tenant === 7 } }, grace, "GET", undefined],
    ["a method counts before rights", { needs: { role: "owner" } }, grace, "PUT", "method"],
    ["locked is no access", {}, { status: "locked", access: "none", reason: "locked" }, "GET", "no_access"],
  ];
  for (const [title, rule, bearer, method, refused] of cases) {
    it(title, () => {
      const session = new FakeSession();
      session.become(bearer && "id-1", bearer);
      const given = { match: "/*", ...rule };
      const decision = gateFor([given], session).decide({ url: `${ORIGIN}/x`, method });
      assert.equal(decision.refused, refused);
      assert.equal(decision.allowed, refused === undefined);
      assert.equal(decision.rule, given);
      if (rule.needs !== null) {
        assert.equal(decision.access, bearer?.access ?? "none");
        assert.equal(decision.reason, bearer?.reason ?? (bearer ? "valid" : "signed_out"));
        assert.equal(decision.until, bearer?.until ?? null);
      }
    });
  }
});

describe("options that cannot work", () => {
  const session = new FakeSession();
  const verifier = { safeVerify() {}, assess() {} };
  const rules = [];
  const cases = [
    ["neither session nor verifier", { rules }, "missing_option", "session"],
    ["both", { rules, session, verifier }, "missing_option", "session"],
    ["an unknown one", { rules, session, rule: 1 }, "unknown_option", "rule"],
    ["no rules", { session }, "invalid_option", "rules"],
    ["a token of a session", { rules, session, token() {} }, "invalid_option", "token"],
    ["a token that is no function", { rules, verifier, token: "x" }, "invalid_option", "token"],
    ["an origin without scheme", { rules, session, origin: "app.test" }, "invalid_option", "origin"],
    ["a time that is none", { rules, session, networkTimeout: "soon" }, "invalid_option", "networkTimeout"],
    ["no origin at all", { rules, session, origin: [] }, "invalid_option", "origin"],
    ["a session that is none", { rules, session: {} }, "invalid_option", "session"],
    ["a verifier that is none", { rules, verifier: {} }, "invalid_option", "verifier"],
    ["a path that is a host", { session, rules: [{ match: "//public/*" }] }, "invalid_option", "match"],
    ["a path with a query", { session, rules: [{ match: "/help?*" }] }, "invalid_option", "match"],
    ["a path with a fragment", { session, rules: [{ match: "/#*" }] }, "invalid_option", "match"],
    ["two asterisks", { session, rules: [{ match: "/app/**" }] }, "invalid_option", "match"],
    ["an asterisk in the middle", { session, rules: [{ match: "/*/admin" }] }, "invalid_option", "match"],
    ["a named segment", { session, rules: [{ match: "/users/:id" }] }, "invalid_option", "match"],
    ["a named first segment", { session, rules: [{ match: "/:id/*" }] }, "invalid_option", "match"],
    ["a backslash", { session, rules: [{ match: "/\\app/*" }] }, "invalid_option", "match"],
    ["a relative path", { session, rules: [{ match: "app" }] }, "invalid_option", "match"],
    ["no match", { session, rules: [{}] }, "invalid_option", "match"],
    ["an unknown need", { session, rules: [{ match: "/", needs: { scopes: "x" } }] }, "unknown_option", "scopes"],
    [
      "a misspelt part of an answer",
      { session, rules: [{ match: "/", otherwise: { text: "x" } }] },
      "unknown_option",
      "text",
    ],
    ["a misspelt access", { session, rules: [{ match: "/", needs: { access: "all" } }] }, "invalid_option", "access"],
    ["a misspelt strategy", { session, rules: [{ match: "/", strategy: "fast" }] }, "invalid_option", "strategy"],
    ["a misspelt cache", { session, rules: [{ match: "/", cache: "users" }] }, "invalid_option", "cache"],
    [
      "a status that is none",
      { session, rules: [{ match: "/", otherwise: { status: 200 } }] },
      "invalid_option",
      "status",
    ],
    ...["x", "//evil.test/x", "/\\evil.test/x"].map((page) => [
      `the page ${page}, which is elsewhere`,
      { session, rules: [{ match: "/", otherwise: { page } }] },
      "invalid_option",
      "page",
    ]),
    ...[false, "", 0].map((needs) => [
      `${JSON.stringify(needs)}, which is no need`,
      { session, rules: [{ match: "/", needs }] },
      "invalid_option",
      "needs",
    ]),
    ...["scope", "role"].flatMap((name) =>
      [undefined, "", " ", [], [""], 5].map((value) => [
        `the ${name} ${JSON.stringify(value)}, which asks for nothing`,
        { session, rules: [{ match: "/", needs: { [name]: value } }] },
        "invalid_option",
        name,
      ]),
    ),
    ...[
      ["/*", "/admin/*"],
      ["/app/*", "/app"],
      ["/app*", "/application"],
      ["/x", "/x"],
      ["/x", "/x/"],
      ["/~x/*", "/%7Ex/y"],
    ].map(([first, second]) => [
      `a rule for ${second} behind that for ${first}`,
      { session, rules: [{ match: first }, { match: /y/ }, { match: second }] },
      "invalid_option",
      "match",
    ]),
    ...["/a%2Fb", "/a%5Cb", "/100%", "/a%3F", "/%252e", "/x%00", "/caf%e9", "/..;/x"].map((match) => [
      `the path ${match}, which no request may have`,
      { session, rules: [{ match }] },
      "invalid_option",
      "match",
    ]),
    ...["encoded-slash", ["encoded-slashes"], [undefined], {}].map((accept) => [
      `${JSON.stringify(accept)}, which is no list of spellings`,
      { session, rules, accept },
      "invalid_option",
      "accept",
    ]),
    [
      "a body that JSON cannot say",
      { session, rules: [{ match: "/", otherwise: { status: 401, body() {} } }] },
      "invalid_option",
      "body",
    ],
    ["one name of a cache", { rules, session, workboxCaches: "pages" }, "invalid_option", "workboxCaches"],
    ["names of caches that are none", { rules, session, workboxCaches: [5] }, "invalid_option", "workboxCaches"],
    ["a time that is null", { rules, session, networkTimeout: null }, "invalid_option", "networkTimeout"],
    ["a cache of nobody", { session, rules: [{ match: "/", needs: null, cache: "user" }] }, "invalid_option", "needs"],
    ["a cache of bearers", { verifier, rules: [{ match: "/", cache: "user" }] }, "invalid_option", "rules"],
  ];
  for (const [title, options, code, option] of cases) {
    it(title, () => {
      assert.throws(
        () => createGate(options),
        (error) => error instanceof ConfigError && error.code === code && error.option === option,
      );
    });
  }
});

it("says in which rule an option is misspelt", () => {
  for (const [wrong, message] of [
    [{ needs: { scopes: "x" } }, /^rules\[1\]\.needs: there is no option "scopes"/],
    [{ otherwise: { text: "x" } }, /^rules\[1\]\.otherwise: there is no option "text"/],
    [{ need: null }, /^rules\[1\]: there is no option "need"/],
  ]) {
    const rules = [{ match: "/app" }, { match: "/", ...wrong }];
    assert.throws(() => createGate({ session: new FakeSession(), rules }), { code: "unknown_option", message });
  }
});

it("takes rules each of which decides something", () => {
  const rules = ["/app", "/app/x", "/app/*", "/ap", "/a*", "/"].map((match) => ({ match }));
  createGate({ session: new FakeSession(), origin: ORIGIN, rules });
});

describe("asking for something that is no request", () => {
  for (const request of [null, undefined, 5, {}, "https://app.test/x"]) {
    it(`${JSON.stringify(request) ?? "undefined"} is a mistake in the app`, async () => {
      const gate = gateFor([{ match: "/*" }]);
      assert.throws(() => gate.decide(request), { code: "invalid_option", option: "request" });
      await assert.rejects(async () => gate.handle(request), { code: "invalid_option", option: "request" });
    });
  }
});
