// The engines' own tests, and all Wycheproof vectors, inside WebAssembly: compiled as what is published is, with the RSA
// kernel of engines without relaxed SIMD, with the one of those that have it, and with the reference engine.
//
// A test that fails is a trap there, without a word: `cargo test --test wycheproof` (or rsa, curves) says more.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename } from "node:path";
import { before, test } from "node:test";
import { RELAXED, WASM_FLAGS } from "../../tools/build.mjs";
import { toolchain, WASM } from "../../tools/toolchain.mjs";
import { openChromiumPage, openFirefox, openWebKit } from "../browsers/engines.mjs";

const ALL = ["vectors", "rsa_kernels", "curve_kernels"];
let rust;

before(async () => {
  rust = await toolchain(WASM);
});

test("plain SIMD: Node and WebKitGTK", async (t) => {
  const files = await compile([...ALL, "fails"]);
  await t.test("a failure is noticed", () => assert.throws(() => runInNode(files.fails), WebAssembly.RuntimeError));
  for (const name of ALL) await t.test(`Node: ${name}`, () => runInNode(files[name]));
  await inBrowser(t, "WebKitGTK", openWebKit, files);
});

test("relaxed SIMD: Chromium and Firefox", async (t) => {
  const files = await compile([...ALL, "fails"], RELAXED);
  await inBrowser(t, "Chromium", openChromiumPage, files);
  await inBrowser(t, "Firefox", openFirefox, files);
});

test("reference engine: Node", async (t) => {
  const { vectors } = await compile(["vectors"], [], ["--features", "reference"]);
  await t.test("Node: vectors", () => runInNode(vectors));
});

/** The test programs' files by their names. */
async function compile(names, flags = [], options = []) {
  const targets = names.flatMap((name) => ["--test", name]);
  // The code is the published one's; of its slowest step, joining everything into one, the tests have no need.
  const what = ["--locked", "-p", "tokenward-wasm-tests", ...targets, ...options, "--config", "profile.wasm.lto=false"];
  const env = rust.rustflags([...WASM_FLAGS, ...flags]);
  const output = await rust.forTarget(
    ["test", "--no-run", "--profile", "wasm", "--message-format", "json", "--target-dir", "target", ...what],
    { env, quiet: true },
  );
  const files = [...output.matchAll(/"executable":"([^"]+)"/g)].map(([, path]) => path);
  return Object.fromEntries(names.map((name) => [name, files.find((path) => basename(path).startsWith(`${name}-`))]));
}

function runInNode(file) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
  assert.equal(exports.main(0, 0), 0);
}

async function inBrowser(t, browser, open, files) {
  const server = createServer(({ url }, response) => {
    const file = files[url.slice(1)];
    response.writeHead(200, { "content-type": file ? "application/wasm" : "text/html" });
    response.end(file ? readFileSync(file) : "<!doctype html><title>Tests</title>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await open();
  t.after(async () => {
    await page.close();
    server.close();
    server.closeAllConnections();
  });
  await page.open(`http://127.0.0.1:${server.address().port}/`);
  const run = (name) =>
    page.ask(`WebAssembly.instantiateStreaming(fetch("/${name}"))
      .then(({ instance }) => String(instance.exports.main(0, 0)), String)
      .catch(({ name }) => name)`);
  await t.test(`${browser}: a failure is noticed`, async () => assert.equal(await run("fails"), "RuntimeError"));
  for (const name of ALL) await t.test(`${browser}: ${name}`, async () => assert.equal(await run(name), "0"));
}
