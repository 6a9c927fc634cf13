// The apps of docs/edge.md for Hono, Express and Fastify, as they stand.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { KEY } from "../support/tokens.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const METADATA = "/.well-known/oauth-protected-resource";

let folder;
/** What was asked of the provider, which is down. */
const asked = [];
const warned = [];
const { fetch: realFetch } = globalThis;
const { warn } = console;
before(async () => {
  globalThis.fetch = (input, init) => {
    if (new URL(input).hostname !== "login.example") return realFetch(input, init);
    asked.push(String(input));
    return Promise.reject(new TypeError("fetch failed"));
  };
  console.warn = (message) => warned.push(message);
  folder = makeFolder();
  await writePrograms("docs/edge.md", folder.path, { jwks: { keys: [KEY.jwk] } });
});
after(() => {
  Object.assign(globalThis, { fetch: realFetch });
  console.warn = warn;
  folder.remove();
});

const load = async (name) => (await import(pathToFileURL(join(folder.path, `${name}.js`)))).app;
const bearer = (claims) => ({
  authorization: `Bearer ${KEY.token({ aud: "https://api.example", sub: "ada", ...claims })}`,
});

/** Each answers to a path and headers. */
const APPS = {
  async hono() {
    const app = await load("hono");
    return { ask: (path, headers) => app.fetch(new Request(`https://api.example${path}`, { headers })), close() {} };
  },
  express: async () => listening(createServer(await load("express"))),
  async fastify() {
    const app = await load("fastify");
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    return { ask: (path, headers) => fetch(url + path, { headers }), close: () => app.close() };
  },
};

async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  return { ask: (path, headers) => fetch(url + path, { headers }), close: () => server.close() };
}

for (const [name, start] of Object.entries(APPS)) {
  describe(name, () => {
    let app;
    before(async () => {
      app = await start();
    });
    after(() => app.close());

    test("lets in who may pass", async () => {
      assert.equal(await (await app.ask("/health")).text(), "ok");
      const response = await app.ask("/reports/7", bearer({ scope: "reports:read" }));
      assert.deepEqual(await response.json(), { sub: "ada" });
    });

    test("tells others what they need", async () => {
      const challenge = async (path, claims) => {
        const { status, headers } = await app.ask(path, claims && bearer(claims));
        return [status, headers.get("www-authenticate")];
      };
      const resource = `resource_metadata="https://api.example${METADATA}"`;
      assert.deepEqual(await challenge("/reports/7"), [401, `Bearer ${resource}`]);
      const lacking = `Bearer error="insufficient_scope", scope="reports:read", ${resource}`;
      assert.deepEqual(await challenge("/reports/7", {}), [403, lacking]);
      const [, stepUp] = await challenge("/payments/1", { scope: "payments", acr: "pwd" });
      assert.equal(
        stepUp,
        'Bearer error="insufficient_user_authentication", error_description="a different authentication is needed", ' +
          `acr_values="phr mfa", max_age="600", scope="payments", ${resource}`,
      );
      const { resource: identifier } = await (await app.ask(METADATA)).json();
      assert.equal(identifier, "https://api.example");
    });
  });
}

test("a server asks for fresher keys when it starts, and says that the provider is down", async () => {
  await load("express");
  assert.equal(asked[0], "https://login.example/.well-known/openid-configuration");
  assert.match(warned[0], /^https:\/\/login\.example could not be reached/);
});

test("the worker with Hono asks beside a request, and is answered without the provider", async () => {
  const app = await load("hono-worker");
  const work = [];
  const context = { waitUntil: (promise) => work.push(promise), passThroughOnException() {} };
  const request = new Request("https://api.example/reports/7", { headers: bearer({ scope: "reports:read" }) });
  assert.deepEqual(await (await app.fetch(request, {}, context)).json(), { sub: "ada" });
  assert.equal(work.length, 1);
  await work[0];
});

test("an unknown key while the provider is down is told to onError", async () => {
  const { keys } = await import(`${pathToFileURL(join(folder.path, "options.js"))}?alone`);
  const before = warned.length;
  await keys.freshen({ code: "key_not_found" });
  assert.match(warned.slice(before).join(), /could not be reached/);
});

test("handle of SvelteKit's form answers what must not go on, and hands on the rest with the decision", async () => {
  const { handle } = await import(pathToFileURL(join(folder.path, "hooks.js")));
  const resolve = ({ locals }) => Response.json({ sub: locals.gate.claims?.sub ?? null });
  const ask = (path, headers = {}, routed = path) => {
    const url = new URL(`https://api.example${routed}`);
    return handle({
      event: { request: new Request(`https://api.example${path}`, { headers }), url, locals: {} },
      resolve,
    });
  };
  assert.deepEqual(await (await ask("/health")).json(), { sub: null });
  assert.deepEqual(await (await ask("/me", bearer())).json(), { sub: "ada" });
  assert.equal((await ask("/me")).status, 401);
  assert.equal((await ask("/reports/7", bearer())).status, 403);
  assert.equal((await ask("/a%2fb", bearer())).status, 400);
  // The data of a page, and a remote function whose header says another page: what either address needs is needed.
  assert.equal((await ask("/health", {}, "/me")).status, 401);
  assert.equal((await ask("/me", {}, "/health")).status, 401);
  assert.deepEqual(await (await ask("/me", bearer(), "/health")).json(), { sub: "ada" });
  assert.deepEqual(await (await ask("/health", bearer(), "/me")).json(), { sub: "ada" });
});
