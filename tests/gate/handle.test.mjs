// What is answered, with a stand-in for the Cache API.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, ask, FakeSession, fakeWorker, ORIGIN, offline, request, textOf } from "./fakes.mjs";

const USER_RULE = { match: "/app/*", cache: "user" };

let caches;
let session;
fakeWorker((worker) => {
  ({ caches, session } = worker);
});

const gateFor = (rules, options = {}) => createGate({ session, rules, origin: ORIGIN, ...options });

describe("what is not the gate's", () => {
  it("is left to the app at once", () => {
    const gate = gateFor([USER_RULE]);
    assert.equal(gate.handle(request("/other")), undefined);
    assert.equal(gate.handle(new Request("https://cdn.test/app/x")), undefined);
  });
});

describe("what the browser fetched while the worker started", () => {
  it("is taken for the network's answer, once", async () => {
    session.become("id-1");
    const gate = gateFor([{ match: "/*" }]);
    const preloadResponse = Promise.resolve(new Response("preloaded"));
    assert.equal(await textOf(gate.handle({ request: request("/x"), preloadResponse })), "preloaded");
  });

  it("is not taken again when it is asked again for another person", async (t) => {
    session.become("id-1");
    t.mock.method(globalThis, "fetch", () => Promise.resolve(new Response("fetched")));
    const preloadResponse = Promise.resolve(new Response("preloaded"));
    caches.before = async (operation) => operation === "match" && session.become("id-2");
    const response = gateFor([{ ...USER_RULE, strategy: "cache-first" }]).handle({
      request: request("/app/x"),
      preloadResponse,
    });
    assert.equal(await textOf(response), "fetched");
  });
});

describe("a denied request", () => {
  const denied = async (rule, init) => {
    const gate = gateFor([{ match: "/*", ...rule }]);
    const response = await ask(gate, "/x", () => assert.fail("asked the network"), init);
    assert.equal(response.headers.get("cache-control"), "no-store");
    return response;
  };

  it("is told why, as a problem (RFC 9457)", async () => {
    const response = await denied({});
    assert.equal(response.status, 401);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    const { status, refused, reason } = await response.json();
    assert.deepEqual({ status, refused, reason }, { status: 401, refused: "no_access", reason: "signed_out" });
  });

  it("is 403 where signing in would not help", async () => {
    session.become("id-1");
    assert.equal((await denied({ needs: { role: "owner" } })).status, 403);
  });

  it("gets the rule's status and text", async () => {
    const response = await denied({ otherwise: { status: 403, body: "Not for you." } });
    assert.equal(response.status, 403);
    assert.equal(await response.text(), "Not for you.");
  });

  it("gets the rule's JSON", async () => {
    const response = await denied({ otherwise: { status: 401, body: { why: "so" } } });
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.deepEqual(await response.json(), { why: "so" });
  });

  it("gets what a function makes of it, not to be stored either", async () => {
    const otherwise = ({ reason }) => new Response(reason, { status: 418, headers: { "cache-control": "max-age=60" } });
    const response = await denied({ otherwise });
    assert.equal(response.status, 418);
    assert.equal(await response.text(), "signed_out");
  });

  it("may be sent elsewhere by a function", async () => {
    const response = await denied({ otherwise: () => Response.redirect(`${ORIGIN}/sign-in`) });
    assert.equal(response.headers.get("location"), `${ORIGIN}/sign-in`);
  });

  it("gets a page where a page is asked for, from the cache", async () => {
    await (await caches.open("precache")).put(
      request("/sign-in-needed.html"),
      new Response("<h1>Sign in</h1>", { headers: { "content-type": "text/html" } }),
    );
    const rule = { otherwise: { page: "/sign-in-needed.html" } };
    const page = await denied(rule, { headers: { accept: "text/html,*/*" } });
    assert.equal(page.status, 401);
    assert.equal(await page.text(), "<h1>Sign in</h1>");
    const other = await denied(rule);
    assert.equal(other.headers.get("content-type"), "application/problem+json");
  });

  it("gets a page of the person's own cache never", async () => {
    await (await caches.open("tokenward:other:id-1")).put(request("/no.html"), new Response("of A"));
    const response = await denied({ otherwise: { page: "/no.html" } }, { headers: { accept: "text/html" } });
    assert.match(await response.text(), /Sign-in needed/);
  });

  it("is not answered from the cache", async () => {
    session.become("id-1");
    const gate = gateFor([{ ...USER_RULE, strategy: "cache-first" }]);
    await ask(gate, "/app/x", answers("of A"));
    session.become("id-1", { access: "none", reason: "expired" });
    const response = await ask(gate, "/app/x", offline);
    assert.equal(response.status, 401);
    assert.ok(!(await response.text()).includes("of A"));
  });

  it("is denied when a rule cannot be judged", async () => {
    session.become("id-1");
    const judge = () => {
      throw new Error("a mistake in the app");
    };
    await assert.rejects(gateFor([{ match: judge }]).handle(request("/x")), /a mistake/);
    const gate = gateFor([{ match: "/*", needs: { claims: judge } }]);
    await assert.rejects(ask(gate, "/x", answers("x")), /a mistake/);
  });
});

describe("a session that has just been restarted", () => {
  it("is started before the first decision, and once", async () => {
    session = new FakeSession({ stored: ["id-1"] });
    const gate = gateFor([USER_RULE]);
    assert.equal(gate.decide(request("/app/x")).allowed, false);
    const both = [ask(gate, "/app/x", answers("x")), ask(gate, "/app/y", answers("y"))];
    assert.deepEqual(
      (await Promise.all(both)).map(({ status }) => status),
      [200, 200],
    );
    assert.equal(gate.decide(request("/app/x")).allowed, true);
  });

  it("that cannot start lets nobody in", async () => {
    session = new FakeSession({ stored: ["id-1"] });
    session.start = () => Promise.reject(new Error("no storage"));
    assert.equal((await ask(gateFor([USER_RULE]), "/app/x", answers("x"))).status, 401);
  });
});

describe("a request with old tokens", () => {
  const expired = { access: "none", reason: "expired" };
  const grace = { access: "limited", reason: "grace" };

  it("waits for fresh ones before it is denied, once for all that ask", async () => {
    session.become("id-1", expired);
    session.afterRefresh = ["id-1"];
    const gate = gateFor([USER_RULE]);
    const both = await Promise.all([ask(gate, "/app/x", answers("x")), ask(gate, "/app/y", answers("y"))]);
    assert.deepEqual(
      both.map(({ status }) => status),
      [200, 200],
    );
    assert.equal(session.refreshes, 1);
  });

  it("waits for them too where limited access is not enough", async () => {
    session.become("id-1", grace);
    session.afterRefresh = ["id-1"];
    const gate = gateFor([{ ...USER_RULE, needs: { access: "full" } }]);
    assert.equal((await ask(gate, "/app/x", answers("x"))).status, 200);
  });

  it("does not wait where limited access is enough", async () => {
    session.become("id-1", grace);
    assert.equal((await ask(gateFor([USER_RULE]), "/app/x", answers("x"))).status, 200);
    assert.equal(session.refreshes, 0);
  });

  it("is denied when there are none, and the provider is not asked again and again", async () => {
    session.become("id-1", expired);
    const gate = gateFor([USER_RULE]);
    for (let time = 0; time < 3; time += 1) assert.equal((await ask(gate, "/app/x", answers("x"))).status, 401);
    assert.equal(session.refreshes, 1);
  });

  it("is denied when they take too long, or are not to be waited for", async () => {
    session.become("id-1", expired);
    let asked = 0;
    session.refresh = () => {
      asked += 1;
      return new Promise(() => {});
    };
    for (const [refreshTimeout, times] of [
      [0, 0],
      [0.01, 1],
    ]) {
      const gate = gateFor([USER_RULE], { refreshTimeout });
      assert.equal((await ask(gate, "/app/x", answers("x"))).status, 401);
      assert.equal(asked, times);
    }
  });

  it("is denied at once when nobody is signed in, or fresh ones would not help", async () => {
    const gate = gateFor([{ match: "/*", needs: { role: "owner" } }]);
    assert.equal((await ask(gate, "/x", answers("x"))).status, 401);
    session.become("id-1");
    assert.equal((await ask(gate, "/x", answers("x"))).status, 403);
    assert.equal(session.refreshes, 0);
  });
});
