// Answers that do not end, or not as they should, from a real server: what is copied, and until when.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { contents, FakeCaches, FakeSession } from "./fakes.mjs";

/** Answers that have not ended. */
const open = new Set();
let server;
let origin;
/** How the server answers. */
let answer;
let session;
beforeEach(async () => {
  server = createServer((request, response) => {
    open.add(response);
    response.on("close", () => open.delete(response));
    answer(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  globalThis.caches = new FakeCaches();
  session = new FakeSession();
  session.become("id-1");
});
afterEach(() => {
  delete globalThis.caches;
  server.closeAllConnections();
  server.close();
});

const gateFor = (rule = {}, options = {}) =>
  createGate({ session, origin, rules: [{ match: "/*", cache: "user", ...rule }], ...options });

/** The gate's answer, and all that it still does behind it. */
function ask(gate, init) {
  const background = [];
  const waitUntil = (work) => background.push(work);
  const response = gate.handle({ request: new Request(`${origin}/x`, init), waitUntil });
  return { response, done: () => Promise.all(background) };
}

const endless = (headers) => (_request, response) => {
  response.writeHead(200, headers);
  const timer = setInterval(() => response.write("data: more\n\n"), 1);
  response.on("close", () => clearInterval(timer));
};

const kept = async () => Object.values(await contents(caches)).flat();

async function closed() {
  while (open.size > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function isOpen() {
  while (open.size === 0) await new Promise((resolve) => setImmediate(resolve));
}

/** The first chunk; the rest is left to the caller. */
async function begin(response) {
  const reader = (await response).body.getReader();
  await reader.read();
  return reader;
}

describe("an answer that does not end", () => {
  for (const cache of ["user", "shared", false]) {
    for (const type of [
      "text/event-stream",
      "Text/Event-Stream; charset=utf-8",
      "multipart/x-mixed-replace; boundary=x",
      "application/octet-stream",
      "application/x-ndjson",
    ]) {
      it(`is let go of with the page, and not kept (${type}, cache ${cache})`, async () => {
        answer = endless({ "content-type": type });
        const { response, done } = ask(gateFor({ cache }));
        const reader = await begin(response);
        await reader.cancel();
        await closed();
        await done();
        assert.deepEqual(await kept(), []);
      });
    }
  }

  it("is aborted with the request before it has begun", async () => {
    answer = () => {};
    const stop = new AbortController();
    const { response } = ask(gateFor(), { signal: stop.signal });
    await isOpen();
    stop.abort();
    await assert.rejects(response, { name: "AbortError" });
    await closed();
  });

  it("is aborted with the request while it is read", async () => {
    answer = endless({});
    const stop = new AbortController();
    const { response, done } = ask(gateFor(), { signal: stop.signal });
    const reader = await begin(response);
    stop.abort();
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
    await closed();
    await done();
    assert.deepEqual(await kept(), []);
  });

  it("is let go of where the app answers for itself, and does not look at the signal", async () => {
    let left;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: (reason) => {
        left = reason;
      },
    });
    const stop = new AbortController();
    const request = new Request(`${origin}/x`, { signal: stop.signal });
    const reader = await begin(gateFor({}, { maxEntryBytes: 3 }).handle(request, () => new Response(body)));
    stop.abort("gone");
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
    assert.equal(left, "gone");
  });

  it("is let go of when another person is there by now", async () => {
    const gate = gateFor();
    let calls = 0;
    const finite = (_request, response) => response.end("of B");
    answer = (request, response) => {
      calls += 1;
      if (calls > 1) return finite(request, response);
      session.become("id-2");
      endless({})(request, response);
    };
    assert.equal(await (await ask(gate).response).text(), "of B");
    await closed();
  });

  it("is let go of when it comes too late, and what is cached was given", async () => {
    const gate = gateFor({}, { networkTimeout: 0.01, maxEntryBytes: 1000 });
    answer = (_request, response) => response.end("cached");
    const first = ask(gate);
    await (await first.response).text();
    await first.done();
    for (const type of ["text/event-stream", "application/octet-stream"]) {
      answer = (request, response) => setTimeout(() => endless({ "content-type": type })(request, response), 30);
      const { response, done } = ask(gate);
      assert.equal(await (await response).text(), "cached");
      await done();
      await closed();
    }
  });

  it("of a gateway is let go of when what is cached is given", async () => {
    const gate = gateFor();
    answer = (_request, response) => response.end("cached");
    const first = ask(gate);
    await (await first.response).text();
    await first.done();
    answer = (_request, response) => response.writeHead(503).write("never the end");
    assert.equal(await (await ask(gate).response).text(), "cached");
    await closed();
  });
});

describe("an answer that ends", () => {
  it("is kept when nobody has read it yet", async () => {
    answer = (_request, response) => response.end("whole");
    const { response, done } = ask(gateFor());
    await response;
    await done();
    assert.deepEqual(await kept(), ["/x"]);
    assert.equal(await (await response).text(), "whole");
  });

  for (const [title, headers] of [
    ["with a length", { "content-length": 100 }],
    ["without", {}],
  ]) {
    it(`in the middle is not kept, and the page is told (${title})`, async () => {
      answer = (_request, response) => {
        response.writeHead(200, headers);
        response.write("half", () => response.destroy());
      };
      const { response, done } = ask(gateFor());
      await assert.rejects((await response).text());
      await done();
      assert.deepEqual(await kept(), []);
    });
  }

  it("before the length it has said is not kept, where the browser does not mind", async () => {
    const gate = gateFor();
    const next = (headers) => () => new Response("four", { headers: { "content-length": "5", ...headers } });
    assert.equal(await (await gate.handle(new Request(`${origin}/x`), next())).text(), "four");
    assert.deepEqual(await kept(), []);
    // That is the length of another text.
    await (await gate.handle(new Request(`${origin}/x`), next({ "content-encoding": "gzip" }))).text();
    assert.deepEqual(await kept(), ["/x"]);
  });

  for (const [title, size, isKept] of [
    ["as large as it may be", 1000, true],
    ["larger", 1001, false],
  ]) {
    for (const headers of [{}, { "content-length": size }]) {
      it(`${title} is given whole, and ${isKept ? "kept" : "not kept"} (${Object.keys(headers)})`, async () => {
        answer = (_request, response) => response.writeHead(200, headers).end("x".repeat(size));
        const { response, done } = ask(gateFor({}, { maxEntryBytes: 1000 }));
        assert.equal((await (await response).text()).length, size);
        await done();
        assert.deepEqual(await kept(), isKept ? ["/x"] : []);
      });
    }
  }

  it("is not read ahead of the page once it is too large to be kept", async () => {
    let read = 0;
    const body = new ReadableStream(
      {
        pull(controller) {
          read += 1;
          controller.enqueue(new Uint8Array(100));
        },
      },
      { highWaterMark: 0 },
    );
    const response = await gateFor({}, { maxEntryBytes: 1000 }).handle(
      new Request(`${origin}/x`),
      () => new Response(body),
    );
    const reader = response.body.getReader();
    for (let turn = 0; turn < 50; turn += 1) await reader.read();
    assert.ok(read >= 50 && read <= 52, `${read} were read`);
    await reader.cancel();
  });

  it("is not kept for a page that has left before its end", async () => {
    answer = (_request, response) => {
      response.write("half");
      setTimeout(() => response.end("whole"), 50);
    };
    const { response, done } = ask(gateFor());
    await (await begin(response)).cancel();
    await done();
    assert.deepEqual(await kept(), []);
  });

  it("is as it was: address, kind, status and headers", async () => {
    answer = (_request, response) => response.writeHead(203, "Fine", { "x-header": "1" }).end("x");
    const { response } = ask(gateFor());
    const { url, status, statusText, headers, type } = await response;
    assert.deepEqual(
      [url, status, statusText, headers.get("x-header"), type],
      [`${origin}/x`, 203, "Fine", "1", "basic"],
    );
  });

  it("in a chunk whose memory the page gives away is kept nonetheless", async () => {
    const next = () => new Response("whole");
    const gate = gateFor();
    const response = await gate.handle(new Request(`${origin}/x`), next);
    const { value } = await response.body.getReader().read();
    value.buffer.transfer?.();
    value.fill?.(0);
    const again = await gate.handle(new Request(`${origin}/x`), () => Promise.reject(new TypeError("no network")));
    assert.equal(await again.text(), "whole");
  });
});
