// What is kept for whom, with a stand-in for the Cache API that lets things happen in between.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { createGate, purgeUserCaches } from "tokenward/gate";
import { answers, ask, contents, FakeSession, fakeWorker, forAll, ORIGIN, offline, request, textOf } from "./fakes.mjs";

const USER_RULE = { match: "/app/*", cache: "user" };

let caches;
let session;
fakeWorker((worker) => {
  ({ caches, session } = worker);
});

const gateFor = (rules, options = {}) => createGate({ session, rules, origin: ORIGIN, ...options });

describe("a person's cache", () => {
  beforeEach(() => session.become("id-1"));

  it("has a name of its own, and answers without network", async () => {
    const gate = gateFor([USER_RULE]);
    assert.equal(await textOf(ask(gate, "/app/x", answers("of A"))), "of A");
    assert.deepEqual(await contents(caches), { "tokenward:default:id-1": ["/app/x"] });
    assert.equal(await textOf(ask(gate, "/app/x", offline)), "of A");
    await assert.rejects(ask(gate, "/app/y", offline), /no network/);
  });

  it("answers no other person, and is deleted when another one signs in", async () => {
    const gate = gateFor([USER_RULE]);
    await ask(gate, "/app/x", answers("of A"));
    session.become("id-2");
    await assert.rejects(ask(gate, "/app/x", offline), /no network/);
    await gate.purge();
    assert.deepEqual(await contents(caches), { "tokenward:default:id-2": [] });
  });

  it("stays while the session is locked", async () => {
    const gate = gateFor([USER_RULE]);
    await ask(gate, "/app/x", answers("of A"));
    session.become("id-1", { status: "locked", access: "none", reason: "locked" });
    await gate.purge();
    assert.equal((await ask(gate, "/app/x", offline)).status, 401);
    session.become("id-1");
    assert.equal(await textOf(ask(gate, "/app/x", offline)), "of A");
  });

  it("is found with another token in Authorization, but not for another language", async () => {
    const gate = gateFor([USER_RULE]);
    const vary = { headers: { vary: "Authorization,Accept-Language" } };
    const init = (token, language) => ({ headers: { authorization: token, "accept-language": language } });
    await ask(gate, "/app/x", answers("of A", vary), init("Bearer 1", "en"));
    assert.equal(await textOf(ask(gate, "/app/x", offline, init("Bearer 2", "en"))), "of A");
    await assert.rejects(ask(gate, "/app/x", offline, init("Bearer 2", "de")), /no network/);
  });

  const withResponse = (changes) => {
    const response = new Response("x");
    for (const [name, value] of Object.entries(changes)) Object.defineProperty(response, name, { value });
    response.clone = () => response;
    return async () => response;
  };
  const notKept = [
    ["an answer that says no-store", answers("x", { headers: { "cache-control": "private, No-Store" } })],
    ["an answer that varies by everything", answers("x", { headers: { vary: "*" } })],
    ["an answer that is an error", answers("x", { status: 500 })],
    ["a part", answers("x", { status: 206 })],
    ["an opaque answer", withResponse({ type: "opaque" })],
    ["another page's answer", withResponse({ redirected: true })],
    ["the answer to a POST", answers("x"), { method: "POST" }],
    ["the answer to HEAD", answers(null), { method: "HEAD" }],
    ["the answer to a range", answers("x"), { headers: { range: "bytes=0-1" } }],
  ];
  for (const [title, next, init] of notKept) {
    it(`does not keep ${title}`, async () => {
      await ask(gateFor([USER_RULE]), "/app/x", next, init);
      assert.deepEqual(Object.values(await contents(caches)).flat(), []);
    });
  }

  for (const status of [403, 404, 410]) {
    it(`forgets what the server answers with ${status}`, async () => {
      const gate = gateFor([USER_RULE]);
      await ask(gate, "/app/x", answers("of A"));
      assert.equal((await ask(gate, "/app/x", answers("no", { status }))).status, status);
      await assert.rejects(ask(gate, "/app/x", offline), /no network/);
    });
  }
});

describe("a person who changes meanwhile", () => {
  beforeEach(() => session.become("id-1"));

  for (const [moment, run] of [
    ["while the server answers", (change) => ({ next: change })],
    ["while the cache is opened", (change) => ({ before: (operation) => operation === "open" && change() })],
    ["while it is put", (change) => ({ before: (operation) => operation === "put" && change() })],
  ]) {
    for (const [who, id] of [
      ["signs out", undefined],
      ["makes way for another", "id-2"],
    ]) {
      it(`${who} ${moment}: nothing of the first is kept`, async () => {
        let calls = 0;
        let changed = false;
        const change = () => {
          if (changed) return;
          changed = true;
          session.become(id);
        };
        const { next = () => {}, before = () => {} } = run(change);
        caches.before = async (operation) => before(operation);
        const gate = gateFor([USER_RULE]);
        const asked = async () => {
          calls += 1;
          const owner = session.state.sessionId;
          await next();
          return new Response(`of ${owner}`);
        };
        const response = await ask(gate, "/app/x", asked);
        await gate.purge();
        assert.ok(changed);
        for (const name of await caches.keys()) {
          assert.equal(name, `tokenward:default:${id}`);
          const kept = await (await caches.open(name)).match(request("/app/x"));
          if (kept) assert.equal(await kept.text(), `of ${id}`);
        }
        if (moment === "while the server answers") {
          assert.equal(calls, id === undefined ? 1 : 2, "asked again for whoever is signed in now");
          if (id === undefined) assert.equal(response.status, 401);
          else assert.equal(await response.text(), "of id-2");
        }
      });
    }
  }

  for (const method of ["GET", "HEAD"]) {
    for (const [who, id, status] of [
      ["signs out", undefined, 401],
      ["makes way for another", "id-2", 200],
    ]) {
      it(`${who}: nothing of the first is handed on where nothing is cached either (${method})`, async () => {
        const gate = gateFor([{ match: "/app/*" }]);
        const asked = () => {
          const owner = session.state.sessionId;
          if (owner === "id-1") session.become(id);
          return new Response(null, { headers: { "x-owner": owner } });
        };
        const response = await ask(gate, "/app/x", asked, { method });
        assert.deepEqual([response.status, response.headers.get("x-owner")], [status, id ?? null]);
      });
    }
  }

  it("does not get it when access ends meanwhile", async () => {
    const gate = gateFor([{ ...USER_RULE, strategy: "cache-first" }]);
    await ask(gate, "/app/x", answers("of A"));
    const end = () => session.become("id-1", { access: "none", reason: "clock_rolled_back" });
    caches.before = async (operation) => operation === "match" && end();
    assert.equal((await ask(gate, "/app/x", offline)).status, 401);
  });

  it("does not get what was just found in the cache", async () => {
    const gate = gateFor([{ ...USER_RULE, strategy: "cache-first" }]);
    await ask(gate, "/app/x", answers("of A"));
    caches.before = async (operation) => operation === "match" && session.become(undefined);
    assert.equal((await ask(gate, "/app/x", answers("new"))).status, 401);
  });
});

describe("a page of which the worker has not heard yet", () => {
  /** As a session in a page does it: stores, deletes the caches, and only then says so. */
  const inAPage = async (sessionId, bearer) => {
    session.storedMeanwhile = [sessionId, bearer];
    await purgeUserCaches("default", sessionId);
  };

  it("may sign in just before it asks", async () => {
    const gate = gateFor([USER_RULE]);
    await inAPage("id-1");
    assert.equal(await textOf(ask(gate, "/app/x", answers("of A"))), "of A");
  });

  it("may sign out just before it asks, and gets nothing", async () => {
    session.become("id-1");
    const gate = gateFor([
      { ...USER_RULE, strategy: "cache-first" },
      { match: "/*", cache: "shared" },
    ]);
    await ask(gate, "/app/x", answers("of A"));
    await ask(gate, "/shell", forAll("for those who are signed in"));
    await inAPage(undefined);
    assert.equal((await ask(gate, "/app/x", offline)).status, 401);
    assert.equal((await ask(gate, "/shell", offline)).status, 401);
    assert.deepEqual(Object.keys(await contents(caches)), ["tokenward-shared:default:[null,null,null,null]"]);
  });

  it("may sign out just before it asks for much at once, and gets nothing of it", async () => {
    for (let steps = 0; steps < 12; steps += 1) {
      session.become(`id-${steps}`);
      const gate = gateFor([{ match: "/*", cache: "shared", strategy: "cache-first" }]);
      await ask(gate, "/shell", forAll("for those who are signed in"));
      await inAPage(undefined);
      const first = ask(gate, "/shell", offline);
      // Whatever the first one is about to do.
      for (let step = 0; step < steps; step += 1) await null;
      const both = await Promise.all([first, ask(gate, "/shell", offline)]);
      assert.deepEqual(
        both.map(({ status }) => status),
        [401, 401],
        `after ${steps} steps`,
      );
      gate.close();
    }
  });

  it("may sign another person in just before it asks", async () => {
    session.become("id-1");
    const gate = gateFor([{ ...USER_RULE, strategy: "cache-first" }]);
    await ask(gate, "/app/x", answers("of A"));
    await inAPage("id-2");
    assert.equal(await textOf(ask(gate, "/app/x", answers("of B"))), "of B");
    assert.deepEqual(await contents(caches), { "tokenward:default:id-2": ["/app/x"] });
  });

  it("may sign out while the server answers: nothing comes back into a cache", async () => {
    session.become("id-1");
    const gate = gateFor([USER_RULE]);
    await ask(gate, "/app/y", answers("y"));
    const leave = async () => {
      await inAPage(undefined);
      return new Response("of A");
    };
    await ask(gate, "/app/x", leave);
    assert.deepEqual(await contents(caches), {});
  });

  it("may sign another person in before the worker has had anything to do", async () => {
    session.become("id-1");
    const gate = gateFor([USER_RULE]);
    await inAPage("id-2");
    assert.equal(await textOf(ask(gate, "/app/x", answers("of B"))), "of B");
    assert.deepEqual(await contents(caches), { "tokenward:default:id-2": ["/app/x"] });
  });

  it("does not find a person's cache made anew by an answer that arrives", async () => {
    session.become("id-1");
    const gate = gateFor([USER_RULE]);
    await ask(gate, "/app/x", answers("x"));
    caches.before = async (operation) => assert.notEqual(operation, "open");
    await ask(gate, "/app/y", answers("y"));
    caches.before = async () => {};
    assert.deepEqual(await contents(caches), { "tokenward:default:id-1": ["/app/x", "/app/y"] });
  });

  it("does not make a person another when the app deletes caches it does not know", async () => {
    session.become("id-1");
    const gate = gateFor([USER_RULE]);
    await ask(gate, "/app/x", answers("of A"));
    await caches.delete("tokenward:default:id-1");
    assert.equal(await textOf(ask(gate, "/app/x", answers("again"))), "again");
    assert.equal(await textOf(ask(gate, "/app/x", offline)), "again");
  });
});

describe("strategies", () => {
  beforeEach(() => session.become("id-1"));
  const gateWith = (strategy, options) => gateFor([{ ...USER_RULE, strategy }], options);
  const texts = async (gate, ...nexts) => {
    const found = [];
    for (const next of nexts) found.push(await textOf(ask(gate, "/app/x", next)));
    return found;
  };

  it("network-first takes the network's answer, else the cached one", async () => {
    const gate = gateWith("network-first");
    const gone = answers("gateway", { status: 503 });
    assert.deepEqual(await texts(gate, answers("1"), answers("2"), offline, gone), ["1", "2", "2", "2"]);
  });

  it("network-first passes on a gateway's error when nothing is cached", async () => {
    assert.equal((await ask(gateWith("network-first"), "/app/x", answers("x", { status: 502 }))).status, 502);
  });

  it("network-first does not wait for ever, and keeps what comes late", async () => {
    const gate = gateWith("network-first", { networkTimeout: 0.01 });
    await ask(gate, "/app/x", answers("1"));
    let arrive;
    const late = () => new Promise((resolve) => (arrive = resolve));
    const background = [];
    const event = { request: request("/app/x"), waitUntil: (work) => background.push(work) };
    assert.equal(await textOf(gate.handle(event, late)), "1");
    arrive(new Response("2"));
    await Promise.all(background);
    await Promise.all(background);
    assert.equal(await textOf(ask(gate, "/app/x", offline)), "2");
  });

  it("cache-first asks the network once", async () => {
    assert.deepEqual(await texts(gateWith("cache-first"), answers("1"), answers("2"), offline), ["1", "1", "1"]);
  });

  it("stale-while-revalidate answers with the last one", async () => {
    const gate = gateWith("stale-while-revalidate");
    assert.deepEqual(await texts(gate, answers("1"), answers("2"), answers("3"), offline), ["1", "1", "2", "3"]);
  });

  it("a cache that refuses is an empty one", async () => {
    caches.before = () => Promise.reject(new Error("no space"));
    assert.deepEqual(await texts(gateWith("cache-first"), answers("1"), answers("2")), ["1", "2"]);
  });

  it("where there are no caches the network answers", async () => {
    delete globalThis.caches;
    assert.deepEqual(await texts(gateWith("cache-first"), answers("1"), answers("2")), ["1", "2"]);
  });
});

describe("a cache for all", () => {
  const SHARED_RULE = { match: "/shell/*", cache: "shared", strategy: "cache-first" };
  beforeEach(() => session.become("id-1"));

  it("serves the next person too, and outlives sign-out", async () => {
    const gate = gateFor([SHARED_RULE]);
    await ask(gate, "/shell/x", forAll("shell"));
    session.become("id-2");
    assert.equal(await textOf(ask(gate, "/shell/x", offline)), "shell");
    session.become(undefined);
    assert.equal((await ask(gate, "/shell/x", offline)).status, 401);
    await gate.purge();
    assert.deepEqual(await contents(caches), { "tokenward-shared:default:[null,null,null,null]": ["/shell/x"] });
  });

  it("keeps apart what rules with other needs let pass", async () => {
    const isAdmin = (_url, { headers }) => headers.get("accept") === "text/admin";
    const gate = gateFor([
      { ...SHARED_RULE, match: isAdmin, needs: { role: "admin" } },
      { ...SHARED_RULE, match: "/*", needs: null },
    ]);
    session.become("id-1", { roles: ["admin"] });
    await ask(gate, "/shell/x", forAll("admin's"), { headers: { accept: "text/admin" } });
    assert.equal(await textOf(ask(gate, "/shell/x", answers("everybody's"))), "everybody's");
  });

  for (const [title, init, isKept] of [
    ["to which the browser may have added cookies", {}, false],
    ["of the worker's own origin, with all credentials", { credentials: "include" }, false],
    ["to a request without cookies", { credentials: "omit" }, true],
    ["of another origin, to which the browser adds none", { url: "https://cdn.test/x" }, true],
    ["of another origin, with cookies", { url: "https://cdn.test/x", credentials: "include" }, false],
  ]) {
    for (const needs of [null, "signed_in"]) {
      it(`${isKept ? "keeps" : "does not keep"} an answer ${title} (needs ${needs})`, async () => {
        globalThis.location = new URL(`${ORIGIN}/worker.js`);
        try {
          const rule = { match: () => true, cache: "shared", needs };
          const gate = createGate({ session, origin: [ORIGIN, "https://cdn.test"], rules: [rule] });
          const { url = "/x", ...rest } = init;
          const count = async () => Object.values(await contents(caches)).flat().length;
          await ask(gate, url, answers("of Ada", { headers: { "cache-control": "max-age=60" } }), rest);
          assert.equal(await count(), isKept ? 1 : 0);
          await ask(gate, url, forAll("for all"), rest);
          assert.equal(await count(), 1);
        } finally {
          delete globalThis.location;
        }
      });
    }
  }

  it("gives nobody what the server began to answer to the last person", async () => {
    const gate = gateFor([SHARED_RULE]);
    const asked = [];
    const next = () => {
      asked.push(session.state.sessionId);
      const text = `of ${session.state.sessionId}`;
      if (session.state.sessionId === "id-1") session.become("id-2");
      return new Response(text);
    };
    assert.equal(await textOf(ask(gate, "/shell/x", next)), "of id-2");
    assert.deepEqual(asked, ["id-1", "id-2"]);
  });

  const personal = [
    ["an answer to a token (RFC 9111 section 3.5)", {}, { headers: { authorization: "Bearer x" } }],
    ["a private answer", { "cache-control": "private" }],
    ["an answer that varies by cookie", { vary: "Accept, Cookie" }],
  ];
  for (const [title, headers, init] of personal) {
    it(`does not keep ${title}`, async () => {
      await ask(gateFor([SHARED_RULE]), "/shell/x", answers("x", { headers }), init);
      assert.deepEqual(Object.values(await contents(caches)).flat(), []);
    });
  }

  it("keeps a public answer to a token", async () => {
    const next = answers("x", { headers: { "cache-control": "public" } });
    await ask(gateFor([SHARED_RULE]), "/shell/x", next, { headers: { authorization: "Bearer x" } });
    assert.deepEqual(Object.values(await contents(caches)).flat(), ["/shell/x"]);
  });
});

describe("purging", () => {
  it("leaves to those who sign in meanwhile what is theirs", async () => {
    const gate = gateFor([USER_RULE]);
    caches.before = async (operation) => {
      if (operation !== "keys") return;
      caches.before = async () => {};
      session.become("id-2");
      await caches.open("tokenward:default:id-2");
      await caches.open("tokenward:default:id-1");
    };
    await gate.purge();
    assert.deepEqual(await contents(caches), { "tokenward:default:id-2": [] });
  });

  it("deletes what is not kept, of this session's name only", async () => {
    for (const name of ["tokenward:a:1", "tokenward:a:2", "tokenward:ab:1", "tokenward-shared:a", "other"]) {
      await (await caches.open(name)).put(request("/x"), new Response("x"));
    }
    await purgeUserCaches("a", "2");
    assert.deepEqual((await caches.keys()).sort(), ["other", "tokenward-shared:a", "tokenward:a:2", "tokenward:ab:1"]);
    await purgeUserCaches("a");
    assert.deepEqual((await caches.keys()).sort(), ["other", "tokenward-shared:a", "tokenward:ab:1"]);
  });
});

describe("a storage that could not be read", () => {
  it("does not cost anybody the cached pages", async () => {
    session.become("id-1");
    await ask(gateFor([USER_RULE]), "/app/x", answers("of A"));
    const unread = new FakeSession();
    unread.state = { status: "signed_out", error: new Error("busy") };
    const gate = createGate({ session: unread, rules: [USER_RULE], origin: ORIGIN });
    unread.dispatchEvent(new Event("change"));
    await gate.purge();
    assert.equal(Object.keys(await contents(caches)).length, 1);
    unread.become("id-1");
    await gate.purge();
    assert.equal(await textOf(ask(gate, "/app/x", offline)), "of A");
  });
});

it("purging goes past entries that somebody else has put there", async () => {
  const cache = await caches.open("pages");
  await cache.put(new Request(`${ORIGIN}/.tokenward/%ff/x/y`), new Response("?"));
  await cache.put(new Request(`${ORIGIN}/.tokenward/default/id-1/y`), new Response("of A"));
  await purgeUserCaches("default", undefined, { entriesIn: ["pages"], caches });
  assert.deepEqual(
    (await cache.keys()).map(({ url }) => new URL(url).pathname),
    ["/.tokenward/%ff/x/y"],
  );
});
