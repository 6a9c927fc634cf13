// docs/start.md, step by step as it says: its stand-in for a provider, the command line, and the programs of each runtime.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";
import { pagesWithQuotes, readText, withQuotes } from "../../tools/quotes.mjs";
import { bunProgram, denoProgram, serving } from "../runtimes/programs.mjs";
import { freePort, startWorkerd } from "../runtimes/workerd.mjs";
import { makeFolder, root, writePrograms } from "./blocks.mjs";

const run = promisify(execFile);
const CLI = join(root, "pkg/esm/cli.js");
const AUDIENCE = "my-api";
const NETWORK = { services: '( name = "internet", network = ( allow = ["private"] ) ),' };

/** How each server of the page is started, by what the page quotes. */
const SERVERS = {
  "examples/express/server.js": (file) => serving(process.execPath, () => [file]),
  "examples/hono-worker/worker.ts": (file) => startWorkerd(file, NETWORK),
  "examples/deno/server.ts": (file) =>
    serving(denoProgram(), (port) => ["serve", "--host", "127.0.0.1", "--port", port, "--allow-net", file]),
  "examples/bun/server.ts": (file) => serving(bunProgram(), () => [file]),
};

/** The block that a page quotes, as it stands in the page. */
function quoteOf(path) {
  const page = readText("docs/start.md");
  const from = page.indexOf(`<!-- quote ${path}`);
  assert.ok(from >= 0, `docs/start.md quotes ${path}`);
  return /^```\w+\n(.*?)^```$/ms.exec(page.slice(from))[1];
}

describe("docs/start.md", () => {
  let folder;
  let issuer;
  let provider;
  let token;
  const file = (name) => join(folder.path, name);
  before(async () => {
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    folder = makeFolder();
    const jwks = { keys: [] };
    await writePrograms("docs/start.md", folder.path, {
      jwks,
      replace: { "http://127.0.0.1:3017": issuer, 3017: port },
    });
    const said = [];
    const { log } = console;
    console.log = (...words) => said.push(words.join(" "));
    try {
      ({ server: provider } = await import(pathToFileURL(file("issuer.js"))));
    } finally {
      console.log = log;
    }
    if (!provider.listening) await once(provider, "listening");
    [token] = said;
    writeFileSync(file("token.txt"), `${token}\n`);
  });
  after(() => {
    provider?.closeAllConnections();
    provider?.close();
    folder?.remove();
  });

  test("the keys are fetched, and the first token verified, at the command line", async () => {
    await run(process.execPath, [CLI, "keys", "fetch", "--issuer", issuer, "--out", "jwks.json"], { cwd: folder.path });
    const args = ["verify", "--keys", "jwks.json", "--issuer", issuer, "--audience", AUDIENCE, "--file", "token.txt"];
    const { stdout } = await run(process.execPath, [CLI, ...args], { cwd: folder.path });
    assert.match(stdout, /ada/);
  });

  test("the Node script says hello", async () => {
    const { stdout } = await run(process.execPath, ["verify.js"], { cwd: folder.path });
    assert.equal(stdout, "Hello ada\n");
  });

  test("the page that Vite builds says hello, and why not", async () => {
    writeFileSync(file("index.html"), '<!doctype html><script type="module" src="./main.js"></script>');
    const options = { modulePreload: false, target: "es2022", outDir: "dist", emptyOutDir: true };
    const { output } = await build({ root: folder.path, configFile: false, logLevel: "silent", build: options });
    const { fileName } = output.find(({ isEntry }) => isEntry);
    for (const [pasted, shown] of [
      [` ${token}\n`, /^Hello ada$/],
      ["abc", /^the token is malformed/],
      [null, /malformed/],
    ]) {
      globalThis.prompt = () => pasted;
      globalThis.document = { body: {} };
      try {
        await import(
          `${pathToFileURL(join(folder.path, "dist", fileName))}?${encodeURIComponent(String(pasted).trim())}`
        );
        assert.match(globalThis.document.body.textContent, shown);
      } finally {
        delete globalThis.prompt;
        delete globalThis.document;
      }
    }
  });

  for (const [path, start] of Object.entries(SERVERS)) {
    test(`${path}, with this issuer and audience`, async () => {
      const [name] = path.split("/").slice(-1);
      const code = quoteOf(path)
        .replace('issuer = "https://login.example"', `issuer = "${issuer}"`)
        .replace(/audience = "[\w-]+"/, `audience = "${AUDIENCE}"`);
      assert.ok(code.includes(issuer) && code.includes(AUDIENCE));
      const source = file(name);
      writeFileSync(source, code);
      const server = await start(source);
      try {
        assert.equal((await fetch(`${server.url}me`)).status, 401);
        const response = await fetch(`${server.url}me`, { headers: { authorization: `Bearer ${token}` } });
        assert.deepEqual([response.status, await response.json()], [200, { sub: "ada" }]);
      } finally {
        server.close();
      }
    });
  }
});

describe("quotes of examples", () => {
  test("are what the examples are: npm run quotes", () => {
    let quotes = 0;
    for (const page of pagesWithQuotes()) {
      const text = readText(page);
      quotes += text.split("<!-- quote ").length - 1;
      assert.equal(text, withQuotes(text, readText), page);
    }
    assert.ok(quotes >= 8);
  });

  test("are put in, and put right", () => {
    const read = () => "a\n  b\n  // biome-ignore x: y\n  c\nd\n";
    const wanted = '<!-- quote x.js, from "b" to "c" -->\n\n```javascript\nb\nc\n```\n\nEnd\n';
    assert.equal(withQuotes('<!-- quote x.js, from "b" to "c" -->\n\nEnd\n', read), wanted);
    assert.equal(withQuotes(wanted.replace("b\nc\n", "old\n"), read), wanted);
    assert.match(withQuotes("<!-- quote x.rs -->\n", read), /```rust\na\n {2}b\n {2}c\nd\n```\n$/);
  });

  test("of what is not there are an error", () => {
    assert.throws(() => withQuotes('<!-- quote x.js, from "z" to "c" -->\n', () => "a\n"), /x\.js has no "z"/);
    assert.throws(() => withQuotes("<!-- quote x.py -->\n", () => "a\n"), /knows no language/);
  });
});
