// What is asked of the network, where a browser's HTTP cache stands in between. Browsers show that it helps.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, fakeWorker, ORIGIN, request, textOf } from "./fakes.mjs";

let session;
fakeWorker((worker) => {
  session = worker.session;
  session.become("id-1");
});

const gateFor = (rule) => createGate({ session, origin: ORIGIN, rules: [{ match: "/*", ...rule }] });

/** What `next` is given. */
async function asked(rule, init, make = request) {
  let seen;
  const next = (anew) => {
    seen = anew;
    return new Response(null, { status: 204 });
  };
  await gateFor(rule).handle(make("/x", init), next);
  return seen;
}

describe("what needs somebody to be signed in goes past the HTTP cache", () => {
  for (const [title, rule] of [
    ["cached for one person", { cache: "user" }],
    ["cached for one person, cache first", { cache: "user", strategy: "cache-first" }],
    ["cached for one person, stale while revalidating", { cache: "user", strategy: "stale-while-revalidate" }],
    ["cached for all who pass", { cache: "shared" }],
    ["not cached by the gate", {}],
    ["for some people", { needs: { claims: () => true } }],
  ]) {
    for (const init of [{}, { method: "HEAD" }, { headers: { range: "bytes=0-1" } }, { cache: "force-cache" }]) {
      it(`${title}: ${JSON.stringify(init)}`, async () => {
        assert.equal((await asked(rule, init)).cache, "no-store");
      });
    }
  }

  it("and what is open to all does not", async () => {
    assert.equal((await asked({ needs: null })).cache, "default");
  });

  it("nor what changes something, of which there is none in that cache", async () => {
    const body = await asked({ cache: "user" }, { method: "POST", body: "text" });
    assert.deepEqual([body.cache, await body.text()], ["default", "text"]);
  });

  it("and keeps all else that a request says", async () => {
    const init = {
      credentials: "omit",
      redirect: "manual",
      mode: "same-origin",
      integrity: "sha256-x",
      referrer: `${ORIGIN}/from`,
      referrerPolicy: "origin",
      headers: { authorization: "Bearer x", accept: "text/x", range: "bytes=0-1" },
    };
    const anew = await asked({ cache: "user" }, init);
    const given = request("/x", init);
    for (const name of [
      "url",
      "method",
      "credentials",
      "redirect",
      "mode",
      "integrity",
      "referrer",
      "referrerPolicy",
    ]) {
      assert.equal(anew[name], given[name], name);
    }
    assert.deepEqual([...anew.headers], [...given.headers]);
  });

  it("and ends with the request", async () => {
    const stop = new AbortController();
    const anew = await asked({ cache: "user" }, { signal: stop.signal });
    stop.abort(new Error("left"));
    assert.equal(anew.signal.reason.message, "left");
  });

  it("and a navigation is still one for the app that answers it", async () => {
    const navigation = (path) => Object.defineProperty(request(path), "mode", { value: "navigate" });
    const anew = await asked({ cache: "user" }, undefined, navigation);
    assert.deepEqual([anew.mode, anew.cache], ["navigate", "no-store"]);
  });

  it("and names no page of another site as where it came from", async () => {
    const elsewhere = (path) => Object.defineProperty(request(path), "referrer", { value: "https://other.test/" });
    assert.equal((await asked({ cache: "user" }, undefined, elsewhere)).referrer, "");
  });
});

it("a request to another origin says which page it comes from", async () => {
  globalThis.location = new URL(`${ORIGIN}/worker.js`);
  try {
    const gate = createGate({ session, origin: "https://api.test", rules: [{ match: "/*" }] });
    let seen;
    const next = (anew) => {
      seen = anew;
      return new Response();
    };
    const given = new Request("https://api.test/x");
    await gate.handle(Object.defineProperty(given, "referrer", { value: `${ORIGIN}/from` }), next);
    // Node, which is no page, knows referrers of its own origin only: it must not have been taken for another site's.
    assert.notEqual(seen.referrer, "");
  } finally {
    delete globalThis.location;
  }
});

describe("what is handed on is asked for again", () => {
  const cacheControl = async (rule, next) =>
    (await gateFor(rule).handle(request("/x"), next)).headers.get("cache-control");
  for (const [title, rule, given, expected] of [
    ["of one person", { cache: "user" }, "private, max-age=600", "private, max-age=600, no-cache"],
    ["not cached by the gate", {}, "max-age=600", "max-age=600, no-cache"],
    ["that is not to be stored", { cache: "user" }, "no-store", "no-store"],
    ["open to all", { needs: null }, "max-age=600", "max-age=600"],
  ]) {
    it(`an answer ${title}`, async () => {
      assert.equal(await cacheControl(rule, answers("x", { headers: { "cache-control": given } })), expected);
    });
  }

  it("and what cannot be made anew stays as it is", async () => {
    for (const [name, value] of [
      ["type", "opaque"],
      ["type", "opaqueredirect"],
      ["redirected", true],
    ]) {
      const response = Object.defineProperty(new Response("x"), name, { value });
      assert.equal(await gateFor({ cache: "user" }).handle(request("/x"), () => response), response, name);
    }
    assert.equal((await gateFor({}).handle(request("/x"), () => Response.error())).type, "error");
  });
});

describe("what navigation preload brings, which the HTTP cache may have had", () => {
  for (const [title, headers, isTaken, rule] of [
    ["no header", {}, true],
    ["no-store", { "cache-control": "no-store, max-age=60" }, true],
    ["no-cache", { "cache-control": "private, no-cache, max-age=60" }, true],
    ["a lifetime of 0", { "cache-control": "private, max-age=0" }, true],
    ["an ETag", { etag: '"of ada"' }, true],
    ["a lifetime", { "cache-control": "private, max-age=600" }, false],
    ["a lifetime of 0 for shared caches only", { "cache-control": "s-maxage=0, max-age=600" }, false],
    ["a lifetime by Expires", { expires: "Fri, 01 Jan 2100 00:00:00 GMT" }, false],
    ["a time to be stale", { "cache-control": "max-age=0, stale-while-revalidate=600" }, false],
    ["Last-Modified", { "last-modified": "Fri, 01 Jan 2021 00:00:00 GMT" }, false],
    ["a lifetime, open to all", { "cache-control": "private, max-age=600" }, true, { needs: null }],
  ]) {
    it(`${isTaken ? "is taken" : "is fetched again"} with ${title}`, async (t) => {
      const fetched = t.mock.method(globalThis, "fetch", async () => new Response("of bob"));
      const preloadResponse = Promise.resolve(new Response("preloaded", { headers }));
      const event = { request: request("/x"), preloadResponse };
      assert.equal(await textOf(gateFor(rule).handle(event)), isTaken ? "preloaded" : "of bob");
      if (!isTaken) assert.equal(fetched.mock.calls[0].arguments[0].cache, "no-store");
    });
  }
});

describe("a strategy of Workbox", () => {
  const begun = async (rule, preloaded) => {
    const plugin = gateFor(rule).workboxPlugin();
    const state = {};
    const event = { preloadResponse: Promise.resolve(preloaded) };
    await plugin.handlerWillStart({ request: request("/x"), state });
    return { plugin, state, event };
  };

  it("goes past the HTTP cache as well", async () => {
    for (const [rule, cache] of [
      [{}, "no-store"],
      [{ needs: null }, "default"],
    ]) {
      const { plugin, state } = await begun(rule);
      assert.equal((await plugin.requestWillFetch({ request: request("/x"), state })).cache, cache);
    }
  });

  it("takes nothing from navigation preload that the HTTP cache may have had, neither to answer nor to keep", async (t) => {
    const fetched = t.mock.method(globalThis, "fetch", async () => new Response("of bob"));
    const preloaded = new Response("of ada", { headers: { "cache-control": "private, max-age=600" } });
    const { plugin, state, event } = await begun({}, preloaded);
    const common = { request: request("/x"), event, state };
    const kept = await plugin.cacheWillUpdate({ ...common, response: preloaded.clone() });
    const given = await plugin.handlerWillRespond({ ...common, response: preloaded });
    assert.deepEqual([await kept.text(), await given.text()], ["of bob", "of bob"]);
    assert.equal(fetched.mock.callCount(), 1);
  });

  it("keeps nothing without an end, nothing cut off, nothing too large", async () => {
    const cut = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(1));
        controller.error(new Error("cut off"));
      },
    });
    for (const response of [
      new Response("data: x\n\n", { headers: { "content-type": "text/event-stream" } }),
      new Response(cut),
      new Response("four", { headers: { "content-length": "5" } }),
      new Response(new Uint8Array(2 ** 25 + 1)),
      new Response("x", { status: 202 }),
    ]) {
      const { plugin, state } = await begun({});
      const { fetched } = { fetched: await plugin.requestWillFetch({ request: request("/x"), state }) };
      assert.equal(fetched.cache, "no-store");
      assert.equal(await plugin.cacheWillUpdate({ request: request("/x"), response, state }), null);
    }
  });

  it("gives nobody a Set-Cookie, nor what a shared cache may give only once it has asked", async () => {
    const { plugin, state } = await begun({ cache: "shared" });
    const used = (headers) =>
      plugin.cachedResponseWillBeUsed({
        request: request("/x"),
        cachedResponse: new Response("x", { headers }),
        state,
      });
    assert.equal(await used({ "set-cookie": "who=ada" }), null);
    assert.equal(await used({ "cache-control": "max-age=0, must-revalidate" }), null);
    assert.equal(await (await used({ "cache-control": "public" })).text(), "x");
  });

  it("answers a part from the whole", async () => {
    const { plugin, state } = await begun({ cache: "shared" });
    const part = request("/x", { headers: { range: "bytes=1-2" } });
    const used = await plugin.cachedResponseWillBeUsed({ request: part, cachedResponse: new Response("abcd"), state });
    assert.deepEqual([used.status, await used.text()], [206, "bc"]);
  });
});
