// gate.admit says the same as gate.decide and gate.handle, for every spelling. TOKENWARD_SEED changes what is tried.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "tokenward";
import { createGate } from "tokenward/gate";
import { hostileTargets } from "./raw.mjs";
import { RawRequest } from "./routers.mjs";

const SEED = Number(process.env.TOKENWARD_SEED ?? 7);
const ORIGIN = "https://app.test";
const CALLERS = [undefined, {}, { role: "admin" }, { role: "admin", acr: "mfa" }];
const verifier = { safeVerify: (token) => ({ ok: true, value: { claims: CALLERS[Number(token)] } }) };
const options = {
  verifier,
  rules: [
    { match: "/admin/*", needs: { role: "admin", acr: "mfa" } },
    { match: "/public/*", needs: null },
    { match: "/x*", otherwise: { status: 403, body: "no" } },
  ],
  resource: { identifier: `${ORIGIN}/public/x`, authorizationServers: ["https://login.example"] },
};

describe("admit", () => {
  for (const more of [{}, { origin: ORIGIN }, { accept: ["encoded-slash", "double-encoding"] }]) {
    test(`decides and answers as the gate does otherwise: ${JSON.stringify(more)} (seed ${SEED})`, async () => {
      const gate = createGate({ ...options, ...more });
      const seen = new Set();
      for (const line of hostileTargets(SEED)) {
        const [method, target] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)];
        if (!["GET", "POST", "OPTIONS"].includes(method)) continue;
        for (const caller of CALLERS.keys()) {
          const headers = new Headers(caller === 0 ? {} : { authorization: `Bearer ${caller}` });
          const request = { url: ORIGIN + target, method, headers };
          const decided = gate.decide(request);
          const { decision, response } = await gate.admit(request);
          assert.deepEqual({ ...decision }, { ...decided }, line);
          assert.equal(response === undefined, decided?.allowed === true, line);
          const handled = await gate.handle(new RawRequest(request.url, { method, headers }), () => new Response("on"));
          seen.add(response?.status ?? handled.status);
          if (response === undefined) assert.equal(await handled.text(), "on", line);
          else if (decided === undefined) assert.deepEqual([handled, response.status], [undefined, 404], line);
          else {
            assert.deepEqual([...response.headers], [...handled.headers], line);
            assert.equal(response.status, handled.status, line);
            assert.equal(await response.text(), await handled.text(), line);
          }
        }
      }
      for (const status of [200, 308, 400, 401, 403, 404]) assert.ok(seen.has(status), `${[...seen]}`);
    });
  }

  test("answers a method that no Request can have", async () => {
    const gate = createGate(options);
    for (const method of ["TRACE", "TRACK", "trace", "PROPFIND", "M-SEARCH"]) {
      const { response } = await gate.admit({ url: `${ORIGIN}/admin`, method });
      assert.equal(response.status, 401, method);
    }
    assert.equal((await gate.admit({ url: `${ORIGIN}/admin`, method: "CONNECT" })).response.status, 400);
  });

  test("rejects what is no request", async () => {
    const gate = createGate(options);
    for (const request of [{ url: "/admin" }, {}, null, undefined, 7]) {
      await assert.rejects(gate.admit(request), (error) => error instanceof ConfigError && error.option === "request");
    }
  });

  test("asks a page of nobody where no origin is named", async () => {
    const asked = [];
    const fetched = globalThis.fetch;
    globalThis.fetch = (request) => {
      asked.push(request.url);
      return Promise.resolve(new Response("the page", { headers: { "content-type": "text/html" } }));
    };
    try {
      const rules = [{ match: "/*", otherwise: { page: "/sign-in" } }];
      const request = { url: `${ORIGIN}/x`, headers: new Headers({ accept: "text/html" }) };
      const { response } = await createGate({ verifier, rules }).admit(request);
      assert.equal(response.status, 401);
      assert.match(await response.text(), /Sign-in needed/);
      assert.deepEqual(asked, []);
      const named = await createGate({ verifier, rules, origin: ORIGIN }).admit(request);
      assert.equal(await named.response.text(), "the page");
      assert.deepEqual(asked, [`${ORIGIN}/sign-in`]);
    } finally {
      globalThis.fetch = fetched;
    }
  });
});
