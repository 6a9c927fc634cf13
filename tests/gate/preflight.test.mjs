// The CORS recipe of docs/edge.md, as it stands: nothing behind the gate sees a preflight.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { pathToFileURL } from "node:url";
import { Hono } from "hono";
import { createGate } from "tokenward/gate";
import { makeFolder, writePrograms } from "../docs/blocks.mjs";
import { ORIGIN } from "./fakes.mjs";

const verifier = {
  safeVerify: () => ({ ok: false, error: Object.assign(new Error("no"), { code: "expired" }) }),
  assess: () => ({ reason: "valid", until: null }),
};
const gate = createGate({ verifier, rules: [{ match: "/open", needs: null }, { match: "/*" }] });

let folder;
let withCors;
before(async () => {
  folder = makeFolder();
  await writePrograms("docs/edge.md", folder.path, { jwks: { keys: [] } });
  ({ withCors } = await import(pathToFileURL(join(folder.path, "cors.js")).href));
});
after(() => folder?.remove());

const PREFLIGHT = { "access-control-request-method": "DELETE", origin: "https://app.example" };
for (const [title, method, path, headers, status, ran] of [
  ["a preflight", "OPTIONS", "/jobs/1", PREFLIGHT, 204, 0],
  ["OPTIONS by itself", "OPTIONS", "/jobs/1", {}, 401, 0],
  ["a request without a token", "GET", "/jobs/1", {}, 401, 0],
  ["what is open to all", "GET", "/open", {}, 200, 1],
]) {
  it(`${title}: ${status}`, async () => {
    let runs = 0;
    const app = new Hono().all("*", (context) => {
      runs += 1;
      return context.text("done");
    });
    const response = await withCors(new Request(ORIGIN + path, { method, headers }), gate, (asked) => app.fetch(asked));
    assert.deepEqual([response.status, runs], [status, ran]);
    assert.equal(response.headers.get("access-control-allow-origin"), "https://app.example");
  });
}
