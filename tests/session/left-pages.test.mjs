// Pages that are left in the middle of reading and writing, and wait in the back/forward cache: nobody else waits for them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { openChromiumPage, openFirefox, openWebKit, until } from "../browsers/engines.mjs";

const BROWSERS = { Chromium: openChromiumPage, Firefox: openFirefox, WebKitGTK: openWebKit };
const SCRIPT = `
import { deviceProtection } from "tokenward/session";
import { indexedDbStorage } from "tokenward/storage";
import { leaseLock } from "../../pkg/esm/platform/lease.js";
const storage = indexedDbStorage();
const device = deviceProtection();
const lease = leaseLock();
globalThis.works = {
  storage: (who) => storage.get("a").then(() => storage.set("a", who)),
  key: () => device.seal("text").then(() => device.forget()),
  lease: (who) => lease(who + performance.timeOrigin, 5, () => Promise.resolve("done")),
};
globalThis.goOn = async (kind) => {
  // What is refused at once is asked again later: a loop of promises alone would never let go of the page.
  for (;;) await works[kind]("left").catch(() => new Promise((later) => setTimeout(later)));
};
globalThis.once = (kind) => Promise.race([works[kind]("next").then(() => "done"), new Promise((end) => setTimeout(end, 5000, "late"))]);
`;

let server;
let url;
before(async () => {
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "iife",
    target: "es2022",
    write: false,
  });
  server = createServer(({ url: path }, response) => {
    const isScript = path === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(
      isScript ? outputFiles[0].contents : '<!doctype html><title>Left</title><script src="/page.js"></script>',
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server?.close();
  server?.closeAllConnections();
});

for (const [name, open] of Object.entries(BROWSERS)) {
  test(name, async (t) => {
    const page = await open();
    t.after(() => page.close());
    for (const kind of ["storage", "key", "lease"]) {
      await t.test(kind, async () => {
        await page.open(`${url}/`);
        assert.equal(await page.ask(`once("${kind}")`), "done");
        for (let turn = 0; turn < 8; turn += 1) {
          await page.open(`${url}/left`);
          await page.ask(`void goOn("${kind}")`);
          await new Promise((resolve) => setTimeout(resolve, 5 * turn));
          await page.open(`${url}/next`);
          assert.equal(await page.ask(`once("${kind}")`), "done");
        }
        if (name !== "WebKitGTK") return;
        // There the page was kept, as the drivers of the others do not: shown again, it goes on.
        await page.back();
        await until(page, "location.pathname", "/left");
        assert.equal(await page.ask(`once("${kind}")`), "done");
      });
    }
  });
}
