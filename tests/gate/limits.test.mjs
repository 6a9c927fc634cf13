// How much a gate keeps.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, ask, fakeWorker, forAll, ORIGIN, offline, textOf } from "./fakes.mjs";

let session;
fakeWorker((worker) => {
  session = worker.session;
  session.become("id-1");
});
afterEach(() => {
  delete globalThis.location;
});

const gateFor = (rule, options) =>
  createGate({ session, origin: ORIGIN, rules: [{ match: "/*", ...rule }], ...options });
const queries = async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url.slice(ORIGIN.length));

describe("a cache does not fill the disk", () => {
  for (const [cache, name] of [
    ["user", "tokenward:default:id-1"],
    ["shared", "tokenward-shared:default:[null,null,null,null]"],
  ]) {
    it(`${cache}: what was stored first goes`, async () => {
      const gate = gateFor({ cache }, { maxEntries: 3 });
      for (const query of ["?1", "?2", "?3", "?1", "?4", "?5"]) await ask(gate, query, forAll(query));
      assert.deepEqual(await queries(name), ["/?1", "/?4", "/?5"], "?1 was fetched again");
      assert.equal(await textOf(ask(gate, "?5", offline)), "?5");
      await assert.rejects(ask(gate, "?2", offline), /no network/);
    });

    it(`${cache}: 500 by default`, async () => {
      const gate = gateFor({ cache });
      for (let query = 0; query < 510; query += 1) await ask(gate, `?${query}`, forAll("x"));
      const kept = await queries(name);
      assert.deepEqual([kept.length, kept[0], kept.at(-1)], [459, "/?51", "/?509"], "a tenth goes at once");
    });
  }

  it("by the variants of one address", async () => {
    const gate = gateFor({ cache: "user" }, { maxEntries: 2 });
    const vary = { headers: { vary: "accept" } };
    for (const accept of ["a", "b", "c"]) await ask(gate, "/x", answers(accept, vary), { headers: { accept } });
    assert.equal((await queries("tokenward:default:id-1")).length, 2);
    assert.equal(await textOf(ask(gate, "/x", offline, { headers: { accept: "c" } })), "c");
    await assert.rejects(ask(gate, "/x", offline, { headers: { accept: "a" } }), /no network/);
  });

  it("and the page of a refusal stays", async () => {
    globalThis.location = new URL(`${ORIGIN}/worker.js`);
    const otherwise = { page: "/no.html" };
    const gate = gateFor({ cache: "shared", needs: null, otherwise }, { maxEntries: 2 });
    await (await caches.open("tokenward-shared:default")).put(`${ORIGIN}/no.html`, new Response("no"));
    for (const query of ["?1", "?2", "?3"]) await ask(gate, query, forAll(query));
    assert.deepEqual(await queries("tokenward-shared:default"), ["/no.html", "/?3"]);
  });

  it("nor does it by what other workers have put there before", async () => {
    const cache = await caches.open("tokenward:default:id-1");
    for (let query = 0; query < 30; query += 1) await cache.put(`${ORIGIN}/?${query}`, new Response("x"));
    await ask(gateFor({ cache: "user" }, { maxEntries: 5 }), "?new", answers("x"));
    assert.deepEqual(await queries("tokenward:default:id-1"), ["/?26", "/?27", "/?28", "/?29", "/?new"]);
  });

  it("nor does listing it cost each answer something", async (t) => {
    const cache = await caches.open("tokenward:default:id-1");
    const listed = t.mock.method(cache, "keys");
    const gate = gateFor({ cache: "user" }, { maxEntries: 100 });
    for (let query = 0; query < 300; query += 1) await ask(gate, `?${query}`, answers("x"));
    assert.ok(listed.mock.callCount() <= 25, `listed ${listed.mock.callCount()} times`);
  });

  it("where a cache cannot list what it has, it is left to itself", async () => {
    const gate = gateFor({ cache: "user" }, { maxEntries: 1 });
    (await caches.open("tokenward:default:id-1")).keys = undefined;
    for (const query of ["?1", "?2"]) await ask(gate, query, answers(query));
    assert.equal(await textOf(ask(gate, "?1", offline)), "?1");
  });
});

describe("limits that are none", () => {
  for (const [option, greatest] of [
    ["maxEntries", 100_000],
    ["maxEntryBytes", 2 ** 31],
  ]) {
    for (const value of [0, -1, 1.5, greatest + 1, Number.NaN, Number.POSITIVE_INFINITY, "10", null, {}]) {
      it(`${option}: ${String(value)}`, () => {
        const expected = { code: "invalid_option", option };
        assert.throws(() => gateFor({}, { [option]: value }), expected);
      });
    }
    it(`${option}: its bounds are`, () => {
      for (const value of [1, greatest, undefined]) gateFor({}, { [option]: value });
    });
  }
});
