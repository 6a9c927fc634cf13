// Copies that nobody reads: whoever asked has the cached answer.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, ask, fakeWorker, ORIGIN, offline, request, textOf } from "./fakes.mjs";

let session;
fakeWorker((worker) => {
  session = worker.session;
  session.become("id-1");
});

async function settle(steps = 50) {
  for (let step = 0; step < steps; step += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** An answer that goes on for as long as anybody reads it. */
function endless() {
  const state = { chunks: 0, cancelled: false };
  const pull = async (controller) => {
    await settle(1);
    state.chunks += 1;
    if (!state.cancelled) controller.enqueue(new Uint8Array(1));
  };
  const cancel = () => {
    state.cancelled = true;
  };
  const response = new Response(new ReadableStream({ pull, cancel }), { headers: { "cache-control": "public" } });
  return { state, response };
}

describe("a copy that nobody reads", () => {
  for (const cache of ["user", "shared"]) {
    for (const strategy of ["stale-while-revalidate", "network-first"]) {
      it(`ends after a minute, and is not kept (${strategy}, cache ${cache})`, async (t) => {
        t.mock.timers.enable({ apis: ["setTimeout"] });
        const gate = createGate({ session, origin: ORIGIN, rules: [{ match: "/*", cache, strategy }] });
        const first = answers("first", { headers: { "cache-control": "public" } });
        await ask(gate, "/x", first);
        const { state, response } = endless();
        let arrive;
        const next = () =>
          strategy === "network-first"
            ? new Promise((resolve) => {
                arrive = () => resolve(response);
              })
            : response;
        const background = [];
        const answered = gate.handle({ request: request("/x"), waitUntil: (work) => background.push(work) }, next);
        await settle();
        if (strategy === "network-first") t.mock.timers.tick(5000);
        assert.equal(await textOf(answered), "first");
        arrive?.();
        await settle();
        t.mock.timers.tick(59_000);
        await settle();
        assert.ok(state.chunks > 0 && !state.cancelled, "it has a minute");
        t.mock.timers.tick(1000);
        await settle();
        assert.ok(state.cancelled);
        await Promise.all(background);
        assert.equal(await textOf(ask(gate, "/x", strategy === "network-first" ? offline : first)), "first");
      });
    }
  }

  it("that has not even begun is let go of when it does", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const rules = [{ match: "/*", cache: "user", strategy: "stale-while-revalidate" }];
    const gate = createGate({ session, origin: ORIGIN, rules });
    await ask(gate, "/x", answers("first"));
    const { state, response } = endless();
    let arrive;
    const background = [];
    const waitUntil = (work) => background.push(work);
    const next = () =>
      new Promise((resolve) => {
        arrive = () => resolve(response);
      });
    assert.equal(await textOf(gate.handle({ request: request("/x"), waitUntil }, next)), "first");
    await settle();
    t.mock.timers.tick(60_000);
    await Promise.all(background);
    arrive();
    await settle();
    assert.ok(state.cancelled);
  });
});
