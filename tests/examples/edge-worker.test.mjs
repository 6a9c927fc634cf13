// examples/edge-worker in real workerd, bundled as a user's bundler would: with the `workerd` condition.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import workerd from "workerd";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder;
let server;
let url;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tokenward-"));
  await build({
    entryPoints: [join(root, "examples/edge-worker/worker.js")],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    outfile: join(folder, "worker.js"),
    logLevel: "error",
  });
  const port = await freePort();
  writeFileSync(join(folder, "config.capnp"), configuration(port));
  server = spawn(workerd.default, ["serve", join(folder, "config.capnp")], { stdio: "inherit" });
  url = `http://127.0.0.1:${port}/`;
  await answering(url);
});
after(() => {
  server?.kill();
  rmSync(folder, { recursive: true });
});

test("a bearer of a valid token is answered", async () => {
  const response = await ask(tokenOf({ exp: Date.now() / 1000 + 60 }));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { hello: "user-1" });
});

test("others are refused as RFC 6750 says", async () => {
  const none = await fetch(url);
  assert.equal(none.status, 401);
  assert.equal(none.headers.get("www-authenticate"), "Bearer");

  const expired = await ask(tokenOf({ exp: 1_700_000_000 }));
  assert.equal(expired.status, 401);
  assert.equal(expired.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
  assert.match(await expired.text(), /expired/);
});

function ask(token) {
  return fetch(url, { headers: { authorization: `Bearer ${token}` } });
}

/** RFC 8037 appendix A.1: the private half of the example key, public since 2017. */
function tokenOf(claims) {
  const jwk = {
    kty: "OKP",
    crv: "Ed25519",
    d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  };
  const payload = { iss: "https://login.example", aud: "edge-worker-example", sub: "user-1", ...claims };
  const parts = [{ alg: "EdDSA", kid: "rfc8037" }, payload];
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = sign(null, Buffer.from(input), createPrivateKey({ key: jwk, format: "jwk" }));
  return `${input}.${signature.toString("base64url")}`;
}

function configuration(port) {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ ( name = "main", worker = .worker ) ],
  sockets = [ ( name = "http", address = "127.0.0.1:${port}", http = (), service = "main" ) ],
);
const worker :Workerd.Worker = (
  modules = [
    ( name = "worker.js", esModule = embed "worker.js" ),
    ( name = "./tokenward.wasm", wasm = embed "tokenward.wasm" ),
  ],
  compatibilityDate = "2026-01-01",
);
`;
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answering(address) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      await fetch(address);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error("workerd does not answer");
}
