// examples/next, built and started as its README says. Not part of npm test, as its name says: it takes 0.4 GB and minutes.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { tokenFor } from "../rfc8037.mjs";
import { freePort, listening } from "../runtimes/workerd.mjs";
import { installed } from "./example.mjs";

describe("examples/next", () => {
  let server;
  let url;
  before(async () => {
    const folder = installed("next", "0.4 GB, with Next");
    const next = join(folder, "node_modules/next/dist/bin/next");
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
    const built = spawnSync(process.execPath, [next, "build"], { cwd: folder, env, encoding: "utf8" });
    assert.equal(built.status, 0, built.stdout + built.stderr);
    const port = await freePort();
    server = spawn(process.execPath, [next, "start", "--port", port], { cwd: folder, env, stdio: "ignore" });
    await listening(port);
    url = `http://127.0.0.1:${port}`;
  });
  after(() => server?.kill());

  // Made when it is used: the build takes longer than it lives.
  const token = (claims) => () => tokenFor("next-example", { exp: Date.now() / 1000 + 60, ...claims });
  for (const [path, bearer, status, body] of [
    ["/", undefined, 200, /for everybody/],
    ["/api/me", undefined, 401, /signed_out/],
    ["/api/me", token(), 200, /"sub":"user-1"/],
    ["/api/me", token({ aud: "other" }), 401, /invalid_token/],
    ["/api/reports/7", token(), 403, /rights/],
    ["/api/reports/7", token({ scope: "reports:read" }), 200, /"report":"7"/],
    ["/account", undefined, 401, /signed_out/],
    ["/account", token(), 200, /Signed in as (<!-- -->)?user-1/],
    ["/account", token({ exp: Date.now() / 1000 - 600 }), 401, /"reason":"expired"/],
    ["/%61pi/me", undefined, 401, /signed_out/],
    ["/api//me", undefined, 308, /^/],
    ["/API/me", undefined, 400, /ambiguous_path/],
    ["/api%2fme", undefined, 400, /ambiguous_path/],
    ["/x/..%2fapi/me", undefined, 400, /ambiguous_path/],
  ]) {
    test(`${path}: ${status}`, async () => {
      const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer()}` };
      const response = await fetch(url + path, { headers, redirect: "manual" });
      assert.equal(response.status, status);
      assert.match(await response.text(), body);
    });
  }

  // The page's data goes by the page's own address, or by one that is judged as another. Neither shows who is signed in.
  for (const [path, headers] of [
    ["/account", { rsc: "1" }],
    ["/account", { rsc: "1", "next-router-prefetch": "1" }],
    ["/account", { rsc: "1", "next-router-segment-prefetch": "/_tree" }],
    ["/account.rsc", { rsc: "1" }],
    ["/account.segments/_tree.segment.rsc", {}],
    ["/account.segments/account/__PAGE__.segment.rsc", {}],
    ["/_next/data/x/account.json", { "x-nextjs-data": "1" }],
  ]) {
    test(`${path} with ${JSON.stringify(headers)} says nothing without a token`, async () => {
      const response = await fetch(url + path, { headers, redirect: "manual" });
      assert.doesNotMatch(await response.text(), /Signed in|user-1/);
    });
  }

  test("a header that once led past the proxy leads nowhere", async () => {
    const headers = { "x-middleware-subrequest": "proxy:proxy:proxy:proxy:proxy" };
    assert.equal((await fetch(`${url}/api/me`, { headers })).status, 401);
  });
});
