// The documentation site: it builds, has no dead link (VitePress fails on one), and nothing that axe finds fault with.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sirv from "sirv";
import { listen } from "../../tools/listen.mjs";
import { openChromium } from "../browsers/chromium.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const AXE = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
/** Of VitePress itself: its search button is called "Search" to the eye and by its shortcut to a reader. */
const THEIRS = ["label-content-name-mismatch"];

describe("the documentation site", () => {
  let server;
  let origin;
  let chromium;
  before(async () => {
    await promisify(execFile)(
      process.execPath,
      [join(root, "node_modules/vitepress/bin/vitepress.js"), "build", "site"],
      {
        cwd: root,
      },
    );
    const serve = sirv(join(root, "target/site"));
    server = createServer((request, response) => serve(request, response, () => response.writeHead(404).end()));
    origin = await listen(server, { port: 0, name: "the site" });
    chromium = await openChromium();
  });
  after(async () => {
    await chromium?.close();
    server?.closeAllConnections();
    server?.close();
  });

  it("has a page for each page of docs/", () => {
    const names = (folder, ending) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith(ending))
        .map((name) => name.slice(0, -ending.length));
    assert.deepEqual(names("target/site/docs", ".html").sort(), names("docs", ".md").sort());
  });

  for (const [width, colorScheme] of [
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ]) {
    it(`is accessible and fits: ${width} pixels, ${colorScheme}`, async () => {
      const viewport = { width, height: 900 };
      const context = await chromium.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
      const page = await context.newPage();
      const missing = [];
      page.on("response", (response) => response.status() >= 400 && missing.push(response.url()));
      for (const path of ["index.html", "docs/offline.html", "docs/bundlers.html", "SECURITY.html"]) {
        await page.goto(`${origin}/${path}`, { waitUntil: "networkidle" });
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
});
