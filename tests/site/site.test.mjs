// The documentation site: it builds, has no dead link, nothing that axe finds fault with, and works offline once it was opened.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { buildDocs, isDocs, SITE, serveDocs, take } from "../../tools/docs.mjs";
import { listen } from "../../tools/listen.mjs";
import { openChromium } from "../browsers/chromium.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const AXE = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
/** Of VitePress itself: its search button is called "Search" to the eye and by its shortcut to a reader. */
const THEIRS = ["label-content-name-mismatch"];
const PAGES = ["", "start.html", "concepts.html", "migrate.html", "errors.html", "offline.html", "bundlers.html"];

describe("the documentation site", () => {
  let server;
  let origin;
  let chromium;
  before(async () => {
    await buildDocs();
    assert.equal(existsSync(`${SITE}.next`), false, "what was built has taken the place of the last one");
    const serve = serveDocs(Promise.resolve());
    server = createServer((request, response) => (isDocs(request) ? serve : nothing)(request, response));
    origin = await listen(server, { port: 0, name: "the site" });
    chromium = await openChromium();
  });
  after(async () => {
    await chromium?.close();
    server?.closeAllConnections();
    server?.close();
  });

  const pages = () =>
    readdirSync(SITE, { recursive: true })
      .map((name) => name.replaceAll("\\", "/"))
      .filter((name) => name.endsWith(".html"));

  it("has a page for each page of docs/, each in the sidebar", () => {
    const wanted = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
    const home = readFileSync(join(SITE, "index.html"), "utf8");
    for (const name of wanted.map((page) => page.replace(/\.md$/, ".html"))) {
      assert.ok(pages().includes(name), name);
      assert.ok(home.includes(`href="/docs/${name}"`), `${name} is in the sidebar`);
    }
  });

  it("names every column of its tables", () => {
    const nameless = pages().filter((page) => /<th[^>]*>\s*<\/th>/.test(readFileSync(join(SITE, page), "utf8")));
    assert.deepEqual(nameless, []);
  });

  it("has every page, heading and file that a page of it links to", () => {
    const files = new Set(readdirSync(SITE, { recursive: true }).map((name) => name.replaceAll("\\", "/")));
    const texts = new Map(pages().map((page) => [page, readFileSync(join(SITE, page), "utf8")]));
    let checked = 0;
    for (const [page, html] of texts) {
      for (const [, href] of html.matchAll(/<a [^>]*?href="([^"]+)"/g)) {
        const url = new URL(href.replaceAll("&amp;", "&"), `http://site/docs/${page}`);
        if (url.host !== "site") continue;
        const file = url.pathname.replace(/^\/docs\//, "").replace(/^$/, "index.html");
        assert.ok(files.has(file), `${page}: ${href}`);
        const id = decodeURIComponent(url.hash.slice(1));
        if (id !== "") assert.ok(texts.get(file).includes(`id="${id}"`), `${page}: ${href}`);
        checked += 1;
      }
    }
    assert.ok(checked > 500);
  });

  for (const [width, colorScheme] of [
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ]) {
    it(`is accessible and fits: ${width} pixels, ${colorScheme}`, async () => {
      const viewport = { width, height: 900 };
      const options = { viewport, colorScheme, reducedMotion: "reduce", bypassCSP: true };
      const context = await chromium.newContext({ ...options, serviceWorkers: "block" });
      const page = await context.newPage();
      const missing = [];
      page.on("response", (response) => response.status() >= 400 && missing.push(response.url()));
      for (const path of [...PAGES, "SECURITY.html"]) {
        await page.goto(`${origin}/docs/${path}`, { waitUntil: "networkidle" });
        await page.addScriptTag({ content: AXE });
        const found = await page.evaluate(async () => {
          const { violations } = await globalThis.axe.run();
          return violations.flatMap(({ id, nodes }) =>
            nodes.map(({ target, any }) => [id, `${target} ${any[0]?.message}`]),
          );
        });
        const ours = found.filter(([id]) => !THEIRS.includes(id));
        assert.deepEqual(ours, [], `${path}: ${ours.length}`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} fits`);
      }
      assert.deepEqual(missing, []);
      await context.close();
    });
  }

  it("can be installed, and works offline with its search: every page, once one was opened", async () => {
    const context = await chromium.newContext();
    const page = await context.newPage();
    const problems = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(`${origin}/docs/`);
    const manifest = await (await fetch(`${origin}/docs/manifest.webmanifest`)).json();
    assert.equal(manifest.display, "standalone");
    for (const { src, sizes } of manifest.icons) {
      const icon = await fetch(new URL(src, `${origin}/docs/`));
      assert.deepEqual([icon.status, sizes.length > 0], [200, true], src);
    }
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    assert.ok(await page.evaluate(() => navigator.serviceWorker.controller !== null));
    await context.setOffline(true);
    const running = () => page.waitForFunction(() => document.querySelector("#app")?.__vue_app__ !== undefined);
    for (const file of pages().filter((name) => name !== "404.html")) {
      const response = await page.goto(`${origin}/docs/${file}`);
      assert.deepEqual([response.status(), response.fromServiceWorker()], [200, true], file);
      await running();
    }
    const lost = await page.goto(`${origin}/docs/nowhere.html`);
    assert.equal(lost.status(), 404);
    problems.length = 0; // Chromium says so of a 404.
    await page.goto(`${origin}/docs/`);
    await running(); // only then does it hear keys
    await page.keyboard.press("Control+k");
    await page.locator(".VPLocalSearchBox input").fill("clock_rolled_back");
    await page.locator(".VPLocalSearchBox .result").first().waitFor();
    assert.deepEqual(problems, [], "nothing that the page's own policy forbids");
    await context.close();
  });
});

describe("while the site is being built", () => {
  const asked = async (built, path, options) => {
    const server = createServer(serveDocs(built, options));
    const origin = await listen(server, { port: 0, name: "the site" });
    const response = await fetch(origin + path, { redirect: "manual" });
    const answer = [response.status, response.headers.get("refresh"), await response.text()];
    server.closeAllConnections();
    server.close();
    return answer;
  };

  it("says so, and reloads by itself", async () => {
    const [status, refresh, text] = await asked(new Promise(() => {}), "/docs/offline.html");
    assert.deepEqual([status, refresh], [503, "2"]);
    assert.match(text, /is being built/);
  });

  it("says why it could not be built", async () => {
    const [status, , text] = await asked(Promise.reject(new Error("a dead link")), "/docs/");
    assert.equal(status, 503);
    assert.match(text, /npm run docs[\s\S]*a dead link/);
  });

  it("is not served, and does not end the server, where it was deleted", async () => {
    const folder = join(tmpdir(), "tokenward-no-such-site");
    const setHeaders = (response) => response.setHeader("x-content-type-options", "nosniff");
    for (const path of ["/docs/", "/docs/start.html", "/docs/%2e%2e%2fsecret", "/docs/%"]) {
      const [status, refresh, text] = await asked(Promise.resolve(), path, { folder, setHeaders });
      assert.deepEqual([status, refresh], [503, "2"], path);
      assert.match(text, /npm run docs/);
    }
  });

  it("is built by one process at a time; the lock of one that was killed is free", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tokenward-lock-"));
    const lock = join(folder, "lock");
    try {
      await take(lock);
      const stop = AbortSignal.abort();
      await assert.rejects(take(lock, stop), { name: "AbortError" });
      const old = new Date(Date.now() - 3_600_000);
      utimesSync(lock, old, old);
      await take(lock, stop); // this process's id, but nobody builds for an hour
      writeFileSync(lock, "999999999");
      await take(lock, stop);
      assert.equal(readFileSync(lock, "utf8"), String(process.pid));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("leads from /docs to /docs/", async () => {
    assert.equal((await asked(Promise.resolve(), "/docs"))[0], 308);
  });

  it("takes no other path for its own", () => {
    const paths = ["/docs", "/docs/", "/docs?a", "/docs/x.html", "/docsx", "/", "/field.html", "/x/docs/"];
    assert.deepEqual(
      paths.map((url) => isDocs({ url })),
      [true, true, true, true, false, false, false, false],
    );
  });
});

function nothing(_request, response) {
  response.writeHead(404).end();
}
