// examples/sveltekit, built and started as its README says. Not part of npm test, as its name says: it needs Node 22.17 or newer,
// which TOKENWARD_NODE may name.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { tokenFor } from "../rfc8037.mjs";
import { freePort, listening } from "../runtimes/workerd.mjs";
import { installed } from "./example.mjs";

const node = process.env.TOKENWARD_NODE ?? process.execPath;

describe("examples/sveltekit", () => {
  let server;
  let url;
  before(async () => {
    const version = execFileSync(node, ["--version"], { encoding: "utf8" });
    assert.ok(Number(/^v(\d+)/.exec(version)[1]) >= 22, `SvelteKit 3 needs Node 22.17: TOKENWARD_NODE, not ${version}`);
    const folder = installed("sveltekit", "80 MB, with SvelteKit");
    const vite = join(folder, "node_modules/vite/bin/vite.js");
    const built = spawnSync(node, [vite, "build"], { cwd: folder, encoding: "utf8" });
    assert.equal(built.status, 0, built.stdout + built.stderr);
    const port = await freePort();
    const env = { ...process.env, HOST: "127.0.0.1", PORT: String(port) };
    server = spawn(node, ["dist"], { cwd: folder, env, stdio: "ignore" });
    await listening(port);
    url = `http://127.0.0.1:${port}`;
  });
  after(() => server?.kill());

  // Made when it is used: the build takes longer than it lives.
  const token = (claims) => () => tokenFor("sveltekit-example", { exp: Date.now() / 1000 + 60, ...claims });
  for (const [path, bearer, status, body] of [
    ["/", undefined, 200, /for everybody/],
    ["/health", undefined, 200, /^ok$/],
    ["/me", undefined, 401, /signed_out/],
    ["/me", token(), 200, /^\{"sub":"user-1"\}$/],
    ["/me", token({ aud: "other" }), 401, /invalid_token/],
    ["/account", undefined, 401, /signed_out/],
    ["/account", token(), 200, /You are user-1/],
    ["/account/__data.json", undefined, 401, /signed_out/],
    ["/account/__data.json", token(), 200, /user-1/],
    ["/reports/7", token(), 403, /rights/],
    ["/reports/7", token({ scope: "reports:read" }), 200, /^\{"report":"7"\}$/],
    ["/%6de", undefined, 401, /signed_out/],
    ["//me", undefined, 308, /^/],
    ["/ME", undefined, 401, /signed_out/],
    ["/x/..%2fme", undefined, 400, /ambiguous_path/],
    ["/elsewhere", undefined, 401, /signed_out/],
    ["/_app/remote/any/thing", undefined, 401, /signed_out/],
  ]) {
    test(`${path}${bearer ? " with a token" : ""}: ${status}`, async () => {
      const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer()}` };
      const response = await fetch(url + path, { headers, redirect: "manual" });
      assert.equal(response.status, status);
      assert.match(await response.text(), body);
    });
  }

  test("a header that says where a remote function was called from opens nothing", async () => {
    const headers = { "x-sveltekit-pathname": "/health" };
    assert.equal((await fetch(`${url}/_app/remote/any/thing`, { headers })).status, 401);
  });
});
