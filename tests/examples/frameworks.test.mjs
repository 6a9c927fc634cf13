// The small examples, each started as its README says: what a gate answers is the same in all of them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { tokenFor } from "../rfc8037.mjs";
import { bunProgram, denoProgram, serving } from "../runtimes/programs.mjs";
import { startWorkerd } from "../runtimes/workerd.mjs";
import { copyOf } from "./example.mjs";

const inNode = (folder) => serving(process.execPath, () => [join(folder, "server.js")]);

/** By its folder: how it is started. */
const EXAMPLES = {
  express: inNode,
  fastify: inNode,
  bun: (folder) => serving(bunProgram(), () => [join(folder, "server.ts")]),
  deno: (folder) =>
    serving(denoProgram(), (port) => [
      ...["serve", "--host", "127.0.0.1", "--port", port, "--allow-net=login.example"],
      join(folder, "server.ts"),
    ]),
  "hono-worker": (folder) => startWorkerd(join(folder, "worker.ts")),
};

for (const [name, start] of Object.entries(EXAMPLES)) {
  describe(`examples/${name}`, () => {
    let server;
    before(async () => {
      server = await start(await copyOf(name));
    });
    after(() => server?.close());

    const ask = async (path, token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(server.url + path, { headers });
      return [response.status, response.headers.get("www-authenticate"), await response.text()];
    };
    const tokenOf = (claims) => tokenFor(`${name}-example`, { exp: Date.now() / 1000 + 60, ...claims });

    test("lets in who may pass", async () => {
      assert.deepEqual(await ask("health"), [200, null, "ok"]);
      assert.deepEqual(await ask("me", tokenOf()), [200, null, '{"sub":"user-1"}']);
      assert.deepEqual(await ask("reports/7", tokenOf({ scope: "reports:read" })), [200, null, '{"report":"7"}']);
    });

    test("and nobody else", async () => {
      const cases = [
        ["me", undefined, 401, 'Bearer realm="protected"'],
        ["me", tokenOf({ exp: 1 }), 401, 'Bearer error="invalid_token", error_description="expired"'],
        ["me", tokenOf({ aud: "other" }), 401, 'Bearer error="invalid_token", error_description="claim_mismatch"'],
        ["reports/7", tokenOf(), 403, 'Bearer error="insufficient_scope", scope="reports:read"'],
        ["elsewhere", undefined, 401, 'Bearer realm="protected"'],
      ];
      for (const [path, token, status, challenge] of cases) {
        assert.deepEqual((await ask(path, token)).slice(0, 2), [status, challenge], path);
      }
    });
  });
}
