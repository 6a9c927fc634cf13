// What the server has withdrawn, or a request has changed, is not to be seen offline as it was.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGate } from "tokenward/gate";
import { answers, ask, contents, fakeWorker, forAll, ORIGIN, offline } from "./fakes.mjs";

let session;
fakeWorker((worker) => {
  session = worker.session;
  session.become("id-1");
});

const gateFor = (...rules) => createGate({ session, origin: ORIGIN, rules });
const USER_RULE = { match: "/*", cache: "user" };
const paths = async () => Object.values(await contents(caches)).flat();

it("what the server withdraws goes in all its variants", async () => {
  const gate = gateFor(USER_RULE);
  const page = { headers: { accept: "text/html" } };
  await ask(gate, "/x", answers("x", { headers: { vary: "accept" } }), page);
  await ask(gate, "/x", answers("gone", { status: 404 }), { headers: { accept: "application/json" } });
  await assert.rejects(ask(gate, "/x", offline, page), /no network/);
});

describe("what a request has changed goes (RFC 9111 section 4.4)", () => {
  const opaqueRedirect = () => Object.defineProperty(new Response(), "type", { value: "opaqueredirect" });
  for (const [what, method, answer, isKept] of [
    ["a PUT", "PUT", answers("done")],
    ["a DELETE", "DELETE", answers(null, { status: 204 })],
    ["a method that is not known", "PURGE", answers("done")],
    ["a POST that leads elsewhere", "POST", answers(null, { status: 303 })],
    ["a form that leads elsewhere", "POST", async () => opaqueRedirect()],
    ["a PUT that failed", "PUT", answers("no", { status: 409 }), true],
    ["a POST that is not found", "POST", answers("no", { status: 404 }), true],
    ["HEAD", "HEAD", answers(null), true],
    ["OPTIONS", "OPTIONS", answers(null, { status: 204 }), true],
  ]) {
    it(`${what} ${isKept ? "leaves it" : "takes it away"}`, async () => {
      const gate = gateFor(USER_RULE);
      await ask(gate, "/x", answers("x"));
      await ask(gate, "/y", answers("y"));
      await ask(gate, "/x", answer, { method });
      assert.deepEqual(await paths(), isKept ? ["/x", "/y"] : ["/y"]);
    });
  }

  it("also under another rule, and from a cache for all", async () => {
    const writes = { match: (_url, { method }) => method !== "GET", needs: { role: "editor" } };
    session.become("id-1", { roles: ["editor"] });
    const gate = gateFor(writes, { match: "/shared/*", cache: "shared" }, USER_RULE);
    for (const path of ["/shared/x", "/x"]) {
      await ask(gate, path, forAll("x"));
      assert.deepEqual(await paths(), [path]);
      await ask(gate, path, answers("done"), { method: "PUT" });
    }
    assert.deepEqual(await paths(), []);
  });

  it("not when it is refused, nor for a network that fails", async () => {
    const gate = gateFor(USER_RULE);
    await ask(gate, "/x", answers("x"));
    await assert.rejects(ask(gate, "/x", offline, { method: "PUT" }), /no network/);
    session.become("id-1", { access: "limited", reason: "grace" });
    assert.equal((await ask(gate, "/x", answers("done"), { method: "PUT" })).status, 403);
    assert.deepEqual(await paths(), ["/x"]);
  });

  it("and a cache that refuses does not cost the answer", async () => {
    const gate = gateFor({ match: "/*", cache: "shared" });
    globalThis.caches.before = () => Promise.reject(new Error("no space"));
    assert.equal(await (await ask(gate, "/x", answers("done"), { method: "PUT" })).text(), "done");
  });
});
