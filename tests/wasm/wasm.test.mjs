// The engines' own tests, and all Wycheproof vectors, inside WebAssembly: compiled as what is published is, with the RSA
// kernel of engines without relaxed SIMD, with the one of those that have it, and with the reference engine.
//
// A test that fails is a trap there. What it said stands in its memory.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename } from "node:path";
import { before, test } from "node:test";
import { Worker } from "node:worker_threads";
import { RELAXED, WASM_FLAGS } from "../../tools/build.mjs";
import { toolchain, WASM } from "../../tools/toolchain.mjs";
import { openChromiumPage, openFirefox, openWebKit } from "../browsers/engines.mjs";

const FAILURE = /^RuntimeError panicked at tests.wasm.fails.rs:\d+:\d+:\nas it should$/;
const ALL = ["vectors", "rsa_kernels", "curve_kernels", "proved_fields"];

/** One build after the other, since cargo does not allow two at once. The tests of one run while the next is compiled. */
const compiled = {};

before(async () => {
  const rust = await toolchain(WASM);
  let last = Promise.resolve();
  const next = (...what) => {
    const files = last.then(() => compile(rust, ...what));
    last = files.catch(() => {}); // the test that waits for it fails
    return files;
  };
  // Joined into one, as what is published is: JavaScriptCore 2.50 answers wrongly, about once in ten runs, where this program is
  // not (docs/audit.md). The kernels have no need of that, the slowest step of a build.
  const vectors = next(["vectors"], { joined: true });
  const others = next([...ALL.slice(1), "fails"]);
  compiled.plain = Promise.all([vectors, others]).then((files) => Object.assign({}, ...files));
  compiled.plain.catch(() => {}); // as above
  compiled.reference = next(["vectors"], { options: ["--features", "reference"] });
  compiled.relaxed = next([...ALL, "fails"], { flags: RELAXED });
});

test("plain SIMD: Node and WebKitGTK", async (t) => {
  const files = await compiled.plain;
  await t.test("a failure is noticed", async () => assert.match(await runInNode(files.fails), FAILURE));
  for (const name of ALL) await t.test(`Node: ${name}`, async () => assert.equal(await runInNode(files[name]), "0"));
  await inBrowser(t, "WebKitGTK", openWebKit, files);
});

test("reference engine: Node", async (t) => {
  const { vectors } = await compiled.reference;
  await t.test("Node: vectors", async () => assert.equal(await runInNode(vectors), "0"));
});

test("relaxed SIMD: Chromium and Firefox", async (t) => {
  const files = await compiled.relaxed;
  await inBrowser(t, "Chromium", openChromiumPage, files);
  await inBrowser(t, "Firefox", openFirefox, files);
});

/** The test programs by their names: their bytes, since the next build may overwrite the files. */
async function compile(rust, names, { flags = [], options = [], joined = false } = {}) {
  const targets = names.flatMap((name) => ["--test", name]);
  const what = ["--locked", "-p", "tokenward-wasm-tests", ...targets, ...options];
  if (!joined) what.push("--config", "profile.wasm.lto=false");
  const env = rust.rustflags([...WASM_FLAGS, ...flags]);
  const output = await rust.forTarget(
    ["test", "--no-run", "--profile", "wasm", "--message-format", "json", "--target-dir", "target", ...what],
    { env, quiet: true },
  );
  const files = [...output.matchAll(/"executable":"([^"]+)"/g)].map(([, path]) => path);
  const fileOf = (name) => files.find((path) => basename(path).startsWith(`${name}-`));
  return Object.fromEntries(names.map((name) => [name, readFileSync(fileOf(name))]));
}

/**
 * Runs a test program: `"0"`, or the name of the error and what the test said, which Rust keeps in memory until a test has
 * ended. It runs in threads and pages by its text.
 */
function outcome({ exports }) {
  try {
    return String(exports.main(0, 0));
  } catch ({ name }) {
    const memory = new TextDecoder("latin1").decode(exports.memory.buffer);
    const [said = ""] = /panicked at tests[^\0]{0,2000}/.exec(memory) ?? [];
    return `${name} ${said.replaceAll(/[^\x20-\x7e\n]/g, "")}`.trim();
  }
}

/** In a thread of its own: this one must stay free to read what cargo says. */
async function runInNode(file) {
  const worker = new Worker(PROGRAM, { eval: true, workerData: file });
  const [answer] = await once(worker, "message");
  return answer;
}

const PROGRAM = `
  const { parentPort, workerData } = require("node:worker_threads");
  parentPort.postMessage((${outcome})(new WebAssembly.Instance(new WebAssembly.Module(workerData))));
`;

async function inBrowser(t, browser, open, files) {
  const server = createServer(({ url }, response) => {
    const file = files[url.slice(1)];
    response.writeHead(200, { "content-type": file ? "application/wasm" : "text/html" });
    response.end(file ?? "<!doctype html><title>Tests</title>");
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
    page.ask(`WebAssembly.instantiateStreaming(fetch("/${name}")).then(({ instance }) => (${outcome})(instance))`);
  await t.test(`${browser}: a failure is noticed`, async () => assert.match(await run("fails"), FAILURE));
  for (const name of ALL) await t.test(`${browser}: ${name}`, async () => assert.equal(await run(name), "0"));
}
