// examples/edge-worker in real workerd, bundled as a user's bundler would: with the `workerd` condition.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tokenFor } from "../rfc8037.mjs";
import { startWorkerd } from "../runtimes/workerd.mjs";

let worker;

before(async () => {
  worker = await startWorkerd(fileURLToPath(new URL("../../examples/edge-worker/worker.js", import.meta.url)));
});
after(() => worker?.close());

test("a bearer of a valid token is answered", async () => {
  const response = await ask(tokenOf({ exp: Date.now() / 1000 + 60 }));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { hello: "user-1" });
});

test("others are refused as RFC 6750 says", async () => {
  const none = await fetch(worker.url);
  assert.equal(none.status, 401);
  assert.equal(none.headers.get("www-authenticate"), "Bearer");

  const expired = await ask(tokenOf({ exp: 1_700_000_000 }));
  assert.equal(expired.status, 401);
  assert.equal(expired.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
  assert.match(await expired.text(), /expired/);
});

function ask(token) {
  return fetch(worker.url, { headers: { authorization: `Bearer ${token}` } });
}

const tokenOf = (claims) => tokenFor("edge-worker-example", claims);
