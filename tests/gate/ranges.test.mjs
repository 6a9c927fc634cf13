// A part of what is cached, for who asks for one without a network (RFC 9110 section 14).
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, ask, contents, FakeCaches, FakeSession, ORIGIN, offline } from "./fakes.mjs";

const BODY = "0123456789";
const DATE = "Sun, 29 Nov 2026 00:00:10 GMT";
const MODIFIED = "Sun, 29 Nov 2026 00:00:00 GMT";
const HEADERS = { "content-type": "text/x", etag: '"v1"', "last-modified": MODIFIED, date: DATE };

let session;
beforeEach((t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.parse(DATE) });
  globalThis.caches = new FakeCaches();
  session = new FakeSession();
  session.become("id-1");
});
afterEach(() => {
  delete globalThis.caches;
});

const gateFor = (rule) => createGate({ session, origin: ORIGIN, rules: [{ match: "/*", cache: "user", ...rule }] });

/** The answer without a network to a request for a part of what was cached whole. */
async function part(range, { whole = {}, body = BODY, headers = {}, method = "GET", gate = gateFor() } = {}) {
  await ask(gate, "/film", answers(body, { headers: { ...HEADERS, ...whole } }));
  return ask(gate, "/film", offline, { method, headers: { range, ...headers } });
}

describe("Range", () => {
  for (const [range, status, text, contentRange] of [
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=0-0", 206, "0", "bytes 0-0/10"],
    ["bytes=4-", 206, "456789", "bytes 4-9/10"],
    ["bytes=0-", 206, BODY, "bytes 0-9/10"],
    ["bytes=9-9", 206, "9", "bytes 9-9/10"],
    ["bytes=8-100", 206, "89", "bytes 8-9/10"],
    [`bytes=8-${"9".repeat(400)}`, 206, "89", "bytes 8-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-10", 206, BODY, "bytes 0-9/10"],
    ["bytes=-100", 206, BODY, "bytes 0-9/10"],
    ["BYTES=0-1", 206, "01", "bytes 0-1/10"],
    ["bytes=0-1,", 206, "01", "bytes 0-1/10"],
    ["bytes= ,0-1 ,", 206, "01", "bytes 0-1/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=10-20", 416, "", "bytes */10"],
    [`bytes=${"9".repeat(400)}-`, 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=3-2", 200, BODY, null],
    ["bytes=0-1,4-5", 200, BODY, null],
    ["bytes=-1,-2", 200, BODY, null],
    ["bytes=", 200, BODY, null],
    ["bytes=-", 200, BODY, null],
    ["bytes=a-b", 200, BODY, null],
    ["bytes=1.5-2", 200, BODY, null],
    ["bytes=+1-2", 200, BODY, null],
    ["bytes=--1", 200, BODY, null],
    ["bytes 0-1", 200, BODY, null],
    ["bytes = 0-1", 200, BODY, null],
    ["0-1", 200, BODY, null],
    ["seconds=0-1", 200, BODY, null],
    ["bytesx=0-1", 200, BODY, null],
  ]) {
    it(`${range.slice(0, 30)}: ${status}`, async () => {
      const response = await part(range);
      assert.deepEqual(
        [response.status, await response.text(), response.headers.get("content-range")],
        [status, text, contentRange],
      );
      if (status === 200) return;
      assert.equal(response.headers.get("content-length"), String(text.length));
      assert.equal(response.headers.get("accept-ranges"), "bytes");
      for (const name of ["etag", "date", "content-type"]) assert.equal(response.headers.get(name), HEADERS[name]);
    });
  }

  it("of nothing is 416, or nothing", async () => {
    const first = await part("bytes=0-", { body: "" });
    assert.deepEqual([first.status, first.headers.get("content-range")], [416, "bytes */0"]);
    const last = await part("bytes=-1", { body: "" });
    assert.equal(await last.text(), "");
  });

  it("of a body that came encoded is a part of the decoded one, and does not say that it is encoded", async () => {
    const response = await part("bytes=0-3", { whole: { "content-encoding": "gzip", "content-length": "3" } });
    assert.deepEqual([await response.text(), response.headers.get("content-encoding")], ["0123", null]);
    assert.equal(response.headers.get("content-range"), "bytes 0-3/10");
  });

  it("of a binary body is that part of its bytes", async () => {
    const bytes = Uint8Array.from({ length: 10 }, (_, index) => 250 - index);
    const response = await part("bytes=2-4", { body: bytes });
    assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [248, 247, 246]);
  });
});

describe("If-Range (RFC 9110 section 13.1.5)", () => {
  const other = "Sun, 29 Nov 2026 00:00:01 GMT";
  for (const [title, condition, status, whole] of [
    ["the same tag", '"v1"', 206],
    ["another tag", '"v2"', 200],
    ["a weak tag", 'W/"v1"', 200],
    ["a weak tag on both sides", 'W/"v1"', 200, { etag: 'W/"v1"' }],
    ["a tag of a body that came encoded", '"v1"', 200, { "content-encoding": "gzip" }],
    ["the same date", MODIFIED, 206],
    ["another date", other, 200],
    ["a date of a body that may have changed again within the second", DATE, 200, { "last-modified": DATE }],
    ["what is no date", "yesterday", 200],
    ["nothing", "", 200],
  ]) {
    it(`with ${title}: ${status}`, async () => {
      assert.equal((await part("bytes=0-3", { headers: { "if-range": condition }, whole })).status, status);
    });
  }
});

describe("where a part comes from", () => {
  const RANGE = { headers: { range: "bytes=0-3" } };
  const partial = answers("0123", { status: 206, headers: { "content-range": "bytes 0-3/20" } });

  it("is the server while there is one, and is not kept", async () => {
    const gate = gateFor();
    await ask(gate, "/film", answers(BODY));
    const response = await ask(gate, "/film", partial, RANGE);
    assert.equal(response.headers.get("content-range"), "bytes 0-3/20");
    assert.equal(await (await ask(gate, "/film", offline)).text(), BODY);
  });

  it("is the whole where the server's gateway is all that answers", async () => {
    const gate = gateFor();
    await ask(gate, "/film", answers(BODY));
    assert.equal((await ask(gate, "/film", answers("gateway", { status: 503 }), RANGE)).status, 206);
  });

  for (const strategy of ["cache-first", "stale-while-revalidate"]) {
    it(`is the whole where the cache comes first (${strategy})`, async () => {
      const gate = gateFor({ strategy });
      await ask(gate, "/film", answers(BODY));
      assert.equal((await ask(gate, "/film", partial, RANGE)).headers.get("content-range"), "bytes 0-3/10");
      assert.equal(await (await ask(gate, "/film", offline)).text(), BODY);
    });
  }

  it("is nowhere when nothing whole is cached", async () => {
    const gate = gateFor();
    await ask(gate, "/film", partial, RANGE);
    await assert.rejects(ask(gate, "/film", offline, RANGE), /no network/);
    assert.deepEqual(Object.values(await contents(caches)).flat(), []);
  });

  it("is no cache of another person", async () => {
    const gate = gateFor();
    await ask(gate, "/film", answers(BODY));
    session.become("id-2");
    await assert.rejects(ask(gate, "/film", offline, RANGE), /no network/);
    session.become(undefined);
    assert.equal((await ask(gate, "/film", offline, RANGE)).status, 401);
  });

  it("is gone when the server says so of a part", async () => {
    const gate = gateFor();
    await ask(gate, "/film", answers(BODY));
    await ask(gate, "/film", answers("gone", { status: 410 }), RANGE);
    await assert.rejects(ask(gate, "/film", offline, RANGE), /no network/);
  });

  it("is not asked for by HEAD", async () => {
    await assert.rejects(part("bytes=0-3", { method: "HEAD" }), /no network/);
  });

  it("is a cache for all, too", async () => {
    const gate = gateFor({ cache: "shared", needs: null });
    assert.equal((await part("bytes=0-3", { gate, whole: { "cache-control": "public" } })).status, 206);
  });
});
