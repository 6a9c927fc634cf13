// npm start, as people run it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const START = fileURLToPath(new URL("../../tools/start.mjs", import.meta.url));
const MINUTES = 60_000;

it("npm start serves the page and the provider, and stops cleanly", { timeout: 20 * MINUTES }, async () => {
  const started = await start({ PORT: "0" });
  const page = await fetch(started.page);
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-security-policy"), /script-src 'self' 'wasm-unsafe-eval';/);
  assert.match(page.headers.get("content-security-policy"), /frame-ancestors 'none'/);
  const html = await page.text();
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/, "nothing inline");
  const types = {
    "manifest.webmanifest": "application/manifest+json",
    "sw.js": "text/javascript",
    "icons/icon.svg": "image/svg+xml",
  };
  for (const [path, type] of Object.entries(types)) {
    const { headers } = await fetch(new URL(path, started.page));
    assert.ok(headers.get("content-type").startsWith(type), path);
  }
  const discovery = await fetch(`${started.provider}/.well-known/openid-configuration`);
  assert.equal((await discovery.json()).issuer, started.provider);
  // Built beside: whoever is early is told so.
  const docs = await fetch(started.docs);
  assert.ok([200, 503].includes(docs.status));
  assert.equal(docs.headers.get("content-security-policy"), "frame-ancestors 'none'");
  assert.match(await docs.text(), docs.ok ? /<h1[^>]*>Tokenward/ : /is being built/);
  assert.equal(await started.stop(), 0);
  await assert.rejects(fetch(started.page));
  await assert.rejects(fetch(started.provider));
  assert.doesNotMatch(started.output(), /eyJ/, "no token in the log");
});

it("npm start takes another port when one is taken, and says so", { timeout: 20 * MINUTES }, async () => {
  const taken = createServer();
  await new Promise((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address();
  const started = await start({ PORT: String(port), PROVIDER_PORT: "0" });
  assert.match(started.output(), new RegExp(`Port ${port} is taken: trying ${port + 1} for the playground`));
  assert.notEqual(new URL(started.page).port, String(port));
  assert.equal(await started.stop(), 0);
  taken.close();
});

async function start(env) {
  const child = spawn(process.execPath, [START], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  let output = "";
  const ready = new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk;
      const page = /Playground\s+(http\S+)/.exec(output)?.[1];
      const provider = /OpenID provider\s+(http\S+)/.exec(output)?.[1];
      const docs = /Documentation\s+(http\S+)/.exec(output)?.[1];
      if (page && provider && docs) resolve({ page, provider, docs });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    exited.then((code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
  const stop = () => {
    child.kill("SIGINT");
    return exited;
  };
  return { ...(await ready), output: () => output, stop };
}
