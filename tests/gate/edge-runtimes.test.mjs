// A gate by verifier in the runtimes of the edge: workerd, Deno, Bun.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tokenFor } from "../rfc8037.mjs";
import { startBun, startDeno } from "../runtimes/programs.mjs";
import { startWorkerd } from "../runtimes/workerd.mjs";

const WORKER = fileURLToPath(new URL("site/edge.mjs", import.meta.url));

for (const [name, start] of Object.entries({ workerd: startWorkerd, Deno: startDeno, Bun: startBun })) {
  describe(name, () => {
    let worker;
    before(async () => {
      worker = await start(WORKER);
    });
    after(() => worker?.close());
    answers(() => worker);
  });
}

function answers(worker) {
  test("lets bearers through, and others as far as the rules say", async () => {
    const ada = tokenOf({ exp: Date.now() / 1000 + 60 });
    const cases = [
      ["open", undefined, 200, null],
      ["page", undefined, 401, "Bearer"],
      ["page", ada, 200, null],
      ["page", tokenOf({ exp: 1 }), 401, 'Bearer error="invalid_token", error_description="expired"'],
      ["admin/page", ada, 403, 'Bearer error="insufficient_scope"'],
      ["admin/page", tokenOf({ exp: Date.now() / 1000 + 60, roles: ["admin"] }), 200, null],
    ];
    for (const [path, token, status, challenge] of cases) {
      const response = await ask(worker(), path, token);
      assert.equal(response.status, status, path);
      assert.equal(response.headers.get("www-authenticate"), challenge, path);
    }
  });

  test("answers from the shared cache of the edge only who may have it", async () => {
    const ada = tokenOf({ exp: Date.now() / 1000 + 60 });
    const first = await (await ask(worker(), "shared/x", ada)).text();
    assert.match(first, /^answer \d+$/);
    assert.equal((await ask(worker(), "shared/x", undefined)).status, 401);
  });
}

function ask(worker, path, token) {
  return fetch(worker.url + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
}

const tokenOf = (claims) => tokenFor("edge", claims);
