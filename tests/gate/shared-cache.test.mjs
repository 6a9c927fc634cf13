// What a cache for all keeps and gives again: RFC 9111, case by case.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
// The reference implementation of RFC 9111 in JavaScript, to compare with; in tests only.
import CachePolicy from "http-cache-semantics";
import { createGate } from "tokenward/gate";
import fc, { runs } from "../support/properties.mjs";
import { answers, ask, contents, FakeCaches, FakeSession, ORIGIN, offline, textOf } from "./fakes.mjs";

const BEARER = { headers: { authorization: "Bearer x" } };
const NOW = Date.UTC(2026, 10, 29);
const dated = (seconds) => new Date(NOW + seconds * 1000).toUTCString();

let caches;
beforeEach((t) => {
  t.mock.timers.enable({ apis: ["Date"], now: NOW });
  caches = new FakeCaches();
  globalThis.caches = caches;
});
afterEach(() => {
  delete globalThis.caches;
});

/** Every token holds. */
const verifier = {
  safeVerify: () => ({ ok: true, value: { claims: {} } }),
  assess: () => ({ reason: "valid", until: null }),
};
const RULE = { match: "/*", cache: "shared", strategy: "cache-first" };
const edge = (options) => createGate({ verifier, rules: [{ ...RULE, needs: null }], origin: ORIGIN, ...options });
const kept = async () => Object.values(await contents(caches)).flat();

describe("whether an answer is kept (RFC 9111 section 3)", () => {
  const no = false;
  const yes = true;
  for (const [title, isKept, headers, init, status] of [
    ["an answer that says nothing", yes, {}],
    ["max-age", yes, { "cache-control": "max-age=60" }],
    ["no-store", no, { "cache-control": "no-store" }],
    ["no-store in capitals, among others", no, { "cache-control": "PUBLIC, No-Store, max-age=60" }],
    [
      "no-store with must-understand, since not all of it may be understood",
      no,
      { "cache-control": "must-understand, no-store" },
    ],
    ["no-store in the request (5.2.1.5)", no, {}, { headers: { "cache-control": "no-store" } }],
    ["private", no, { "cache-control": "private, max-age=60" }],
    ["private beside public", no, { "cache-control": "public, private" }],
    ["private for some fields", no, { "cache-control": 'max-age=60, private="x-user"' }],
    ["private for fields with a comma", no, { "cache-control": 'private="x-user, x-name", max-age=60' }],
    ["no-cache", no, { "cache-control": "no-cache" }],
    ["no-cache for some fields", no, { "cache-control": 'public, no-cache="set-cookie"' }],
    ["Pragma: no-cache alone", no, { pragma: "no-cache" }],
    ["Pragma beside Cache-Control", yes, { pragma: "no-cache", "cache-control": "max-age=60" }],
    ["a quoted text that holds a directive's name", yes, { "cache-control": 'ext="a, no-store, private", max-age=60' }],
    ["a quoted text with an escaped quote", no, { "cache-control": 'ext="a\\", b", private' }],
    ["a text that breaks the grammar, with private in it", no, { "cache-control": "max-age=60; private" }],
    ["a quoted text that does not end, with no-store in it", no, { "cache-control": 'ext="a, no-store' }],
    ["empty elements of the list", yes, { "cache-control": ", max-age=60,," }],
    ["a name that begins like another", yes, { "cache-control": "private-ext, no-store-ext=1, max-age=60" }],
    ["Set-Cookie", no, { "set-cookie": "who=ada", "cache-control": "public, max-age=60" }],
    ["Vary: *", no, { vary: "Accept, *" }],
    ["Vary: Cookie", no, { vary: "Accept,  COOKIE" }],
    ["Vary: Authorization", no, { vary: "authorization" }],
    ["Vary: Accept", yes, { vary: "accept" }],
    ["must-revalidate that is stale at once", no, { "cache-control": "max-age=0, must-revalidate" }],
    ["must-revalidate without a lifetime", no, { "cache-control": "must-revalidate" }],
    ["must-revalidate with a lifetime", yes, { "cache-control": "max-age=60, must-revalidate" }],
    ["s-maxage=0", no, { "cache-control": "s-maxage=0, max-age=60" }],
    ["a lifetime that cannot be read, to be obeyed", no, { "cache-control": "max-age=abc, must-revalidate" }],
    ["a lifetime with a sign, to be obeyed", no, { "cache-control": "max-age=-1, must-revalidate" }],
    ["two lifetimes, one of them 0, to be obeyed", no, { "cache-control": "max-age=60, max-age=0, must-revalidate" }],
    ["a lifetime in quotes, to be obeyed", yes, { "cache-control": 'max-age="60", must-revalidate' }],
    ["an answer to a token (3.5)", no, {}, BEARER],
    ["max-age to a token", no, { "cache-control": "max-age=60" }, BEARER],
    ["public to a token", yes, { "cache-control": "public" }, BEARER],
    ["s-maxage to a token", yes, { "cache-control": "s-maxage=60" }, BEARER],
    ["must-revalidate to a token, with a lifetime", yes, { "cache-control": "max-age=60, must-revalidate" }, BEARER],
    ["must-revalidate to a token, stale at once", no, { "cache-control": "max-age=0, must-revalidate" }, BEARER],
    ["public and private for a field, to a token", no, { "cache-control": 'public, private="x"' }, BEARER],
    ["public as a quoted text, to a token", no, { "cache-control": 'ext="public"' }, BEARER],
    ["an answer to a cookie", no, { "cache-control": "max-age=60" }, { headers: { cookie: "who=ada" } }],
    ["public to a cookie", yes, { "cache-control": "public" }, { headers: { cookie: "who=ada" } }],
    ["203", yes, {}, {}, 203],
    ["204", yes, {}, {}, 204],
    ["202, which is not the end", no, {}, {}, 202],
    ["206", no, { "content-range": "bytes 0-0/2" }, {}, 206],
    ["200 with a part", no, { "content-range": "bytes 0-0/2" }],
    ["300", no, {}, {}, 300],
    ["404, though public", no, { "cache-control": "public, max-age=60" }, {}, 404],
    ["500", no, { "cache-control": "public, max-age=60" }, {}, 500],
  ]) {
    it(`${title}: ${isKept ? "kept" : "not kept"}`, async () => {
      await ask(edge(), "/x", answers(status === 204 ? null : "x", { headers, ...(status && { status }) }), init);
      assert.deepEqual(await kept(), isKept ? ["/x"] : []);
    });
  }

  for (const [title, token] of [
    ["a cookie", ({ headers }) => /t=(\w+)/.exec(headers.get("cookie") ?? "")?.[1]],
    ["a header of its own", ({ headers }) => headers.get("x-token")],
    ["the query", ({ url }) => new URL(url).searchParams.get("token")],
  ]) {
    it(`an answer to a token that the option "token" takes from ${title} is one person's, unless it says otherwise`, async () => {
      const gate = createGate({ verifier, token, rules: [RULE], origin: ORIGIN });
      const asks = (who, next) =>
        textOf(ask(gate, "/me?token=x", next, { headers: { cookie: `t=${who}`, "x-token": who } }));
      assert.equal(await asks("ada", answers("of ada")), "of ada");
      assert.equal(await asks("bob", answers("of bob")), "of bob");
      const all = answers("for all", { headers: { "cache-control": "public" } });
      assert.equal(await asks("ada", all), "for all");
      assert.equal(await asks("bob", answers("of bob")), "for all");
    });
  }

  it("a token that cannot be taken counts as one, and costs nobody what is open to all", async () => {
    const token = () => {
      throw new Error("no cookie");
    };
    assert.equal(await textOf(ask(edge({ token }), "/x", answers("x"))), "x");
    assert.deepEqual(await kept(), []);
  });

  it("neither cookies nor tokens are written down", async () => {
    const headers = { authorization: "Bearer x", cookie: "who=ada", accept: "text/html" };
    await ask(edge(), "/x", answers("x", { headers: { "cache-control": "public" } }), { headers });
    const [name] = await caches.keys();
    const [key] = await (await caches.open(name)).keys();
    assert.deepEqual([...key.headers.keys()], ["accept"]);
  });

  it("a Set-Cookie that an earlier version kept is not given again", async () => {
    const cache = await caches.open("tokenward-shared:default");
    await cache.put(`${ORIGIN}/x`, new Response("of ada", { headers: { "set-cookie": "who=ada" } }));
    const response = await ask(edge(), "/x", answers("new"));
    assert.deepEqual([await response.text(), response.headers.get("set-cookie")], ["new", null]);
  });

  it("a person's own cache keeps an answer that sets a cookie, without it", async () => {
    const session = new FakeSession();
    session.become("id-1");
    const gate = createGate({ session, rules: [{ match: "/*", cache: "user" }], origin: ORIGIN });
    const first = await ask(gate, "/x", answers("x", { headers: { "set-cookie": "who=ada" } }));
    assert.equal(first.headers.get("set-cookie"), "who=ada");
    assert.equal((await ask(gate, "/x", offline)).headers.get("set-cookie"), null);
  });
});

describe("how long an answer is given again (RFC 9111 section 4.2)", () => {
  const stale = { fresh: false, offline: true };
  const over = { fresh: false, offline: false };
  const fresh = { fresh: true, offline: true };
  for (const [title, headers, afterwards, expected] of [
    ["that says nothing", {}, 1e6, fresh],
    ["within max-age", { "cache-control": "max-age=60" }, 59, fresh],
    ["past max-age", { "cache-control": "max-age=60" }, 60, stale],
    ["with max-age=0", { "cache-control": "max-age=0" }, 0, stale],
    ["with a max-age that cannot be read", { "cache-control": "max-age=1.5" }, 0, stale],
    ["with two max-age", { "cache-control": "max-age=60, max-age=10" }, 20, stale],
    ["with a max-age of all the digits there are", { "cache-control": `max-age=${"9".repeat(400)}` }, 1e6, fresh],
    ["within s-maxage, past max-age", { "cache-control": "max-age=10, s-maxage=60" }, 30, fresh],
    ["past s-maxage, within max-age", { "cache-control": "max-age=60, s-maxage=10" }, 30, over],
    ["within must-revalidate", { "cache-control": "max-age=60, must-revalidate" }, 59, fresh],
    ["past must-revalidate", { "cache-control": "max-age=60, must-revalidate" }, 60, over],
    ["past proxy-revalidate", { "cache-control": "Max-Age=60, Proxy-Revalidate" }, 60, over],
    ["before Expires", { date: dated(0), expires: dated(60) }, 59, fresh],
    ["after Expires", { date: dated(0), expires: dated(60) }, 60, stale],
    ["with Expires and max-age", { date: dated(0), expires: dated(60), "cache-control": "max-age=10" }, 20, stale],
    ["with Expires: 0", { expires: "0" }, 0, stale],
    ["with an Expires that is no date", { expires: "tomorrow" }, 0, stale],
    ["with Expires by a server's clock that is ahead", { date: dated(1000), expires: dated(1060) }, 59, fresh],
    ["past Expires by a server's clock that is ahead", { date: dated(1000), expires: dated(1060) }, 60, stale],
    ["before Expires, old when it came (Age)", { date: dated(0), expires: dated(60), age: "50" }, 9, fresh],
    ["past Expires for its Age", { date: dated(0), expires: dated(60), age: "50" }, 10, stale],
    ["past Expires for its Age, without a Date", { expires: dated(60), age: "50" }, 10, stale],
    [
      "with an Expires of another century",
      { date: dated(0), expires: "Fri, 31 Dec 9999 23:59:59 GMT", age: "50" },
      1e6,
      fresh,
    ],
    ["that was old when it came (Date)", { date: dated(-50), "cache-control": "max-age=60" }, 20, stale],
    ["that was old when it came (Age)", { age: "50", "cache-control": "max-age=60" }, 20, stale],
    ["with an Age that is no number", { age: "old", "cache-control": "max-age=60" }, 20, fresh],
    ["with a Date that is none", { date: "today", "cache-control": "max-age=60" }, 20, fresh],
    ["when the clock was set back", { "cache-control": "max-age=60" }, -10, stale],
  ]) {
    it(`one ${title}: ${expected.fresh ? "by itself" : expected.offline ? "without network" : "never"}`, async (t) => {
      const gate = edge();
      await ask(gate, "/x", answers("first", { headers }));
      t.mock.timers.setTime(NOW + afterwards * 1000);
      if (expected.offline) assert.equal(await textOf(ask(gate, "/x", offline)), "first");
      else await assert.rejects(ask(gate, "/x", offline), /no network/);
      assert.equal(await textOf(ask(gate, "/x", answers("second"))), expected.fresh ? "first" : "second");
    });
  }

  for (const strategy of ["network-first", "stale-while-revalidate"]) {
    it(`${strategy} does not give what has to be asked for again either`, async (t) => {
      const gate = edge({ rules: [{ ...RULE, needs: null, strategy }] });
      await ask(gate, "/x", answers("first", { headers: { "cache-control": "max-age=60, must-revalidate" } }));
      t.mock.timers.setTime(NOW + 60_000);
      await assert.rejects(ask(gate, "/x", offline), /no network/);
    });
  }
});

it("nothing is kept or given by itself that http-cache-semantics would not", async (t) => {
  const seconds = fc.constantFrom("0", "10", "60", "600", '"60"', "-1", "x", "");
  const time = fc.tuple(fc.constantFrom("max-age", "s-maxage"), seconds).map((pair) => pair.join("="));
  const directive = fc.oneof(
    { weight: 6, arbitrary: time },
    {
      weight: 3,
      arbitrary: fc.constantFrom("public", "must-revalidate"),
    },
    { weight: 1, arbitrary: fc.constantFrom("private", "no-store", "no-cache", "must-understand", 'private="a, b"') },
  );
  const headers = fc.record(
    {
      "cache-control": fc.array(directive, { minLength: 1, maxLength: 4 }).map((all) => all.join(", ")),
      vary: fc.constantFrom("*", "accept", "accept-language", "accept, cookie"),
      expires: fc.constantFrom(dated(10), dated(-10), "0"),
      age: fc.constantFrom("0", "5", "60"),
      pragma: fc.constant("no-cache"),
    },
    { requiredKeys: [] },
  );
  const requested = fc.record(
    { authorization: fc.constant("Bearer x"), "cache-control": fc.constant("no-store") },
    { requiredKeys: [] },
  );
  let kinds = 0;
  await fc.assert(
    fc.asyncProperty(headers, requested, fc.nat(70), async (given, asked, later) => {
      t.mock.timers.setTime(NOW);
      caches = globalThis.caches = new FakeCaches();
      const gate = edge();
      await ask(gate, "/x", answers("first", { headers: { date: dated(0), ...given } }), { headers: asked });
      if ((await kept()).length === 0) return;
      const wanted = { url: `${ORIGIN}/x`, method: "GET", headers: asked };
      const policy = new CachePolicy(
        wanted,
        { status: 200, headers: { date: dated(0), ...given } },
        { cacheHeuristic: 0 },
      );
      // It takes no answer without a lifetime from a heuristic of 0; ours leaves that to the strategy.
      const hasLifetime = policy.maxAge() > 0;
      if (hasLifetime) assert.ok(policy.storable(), JSON.stringify([given, asked]));
      t.mock.timers.setTime(NOW + later * 1000);
      const again = await textOf(ask(gate, "/x", answers("second"), { headers: asked }));
      const says = /max-age|s-maxage/i.test(given["cache-control"] ?? "") || given.expires !== undefined;
      if (again !== "first" || !says) return;
      kinds += 1;
      // Not `satisfiesWithoutRevalidation`, for which must-revalidate is also about what is fresh (as proxy-revalidate is).
      assert.ok(!policy.stale(), JSON.stringify([given, asked, later]));
    }),
    runs(2000),
  );
  assert.ok(kinds > 15, `only ${kinds} were given again`);
});
