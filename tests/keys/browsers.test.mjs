// Key stores and storages in three browsers: their IndexedDB, their Cache API, their fetch with its CORS and its cache.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { openChromiumPage, openFirefox, openWebKit } from "../browsers/engines.mjs";
import { serveKeys, startProvider } from "./provider.mjs";
import { k1, k2, k3 } from "./stores.mjs";

const PAGE = '<!doctype html><meta charset="utf-8"><title>Keys</title><script src="/page.js"></script>';
const BROWSERS = { Chromium: openChromiumPage, Firefox: openFirefox, WebKitGTK: openWebKit };

let script;
/** The page's own server, which publishes keys too, and a provider elsewhere. */
let site;
let provider;

before(async () => {
  const entryPoints = [fileURLToPath(new URL("site/page.mjs", import.meta.url))];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: "iife", target: "es2022", write: false });
  script = outputFiles[0].contents;
  site = await startProvider();
  site.answer = serveSite;
  provider = await startProvider();
});
after(async () => {
  await site?.close();
  await provider?.close();
});

for (const [name, open] of Object.entries(BROWSERS)) {
  test(name, async (t) => {
    const page = await open();
    t.after(() => page.close());
    await page.open(`${site.url}/`);

    for (const kind of ["indexedDb", "cache"]) {
      // WebKitGTK's driver opens a private session, whose Cache API ends with the page.
      const isKept = kind === "indexedDb" || name !== "WebKitGTK";
      await t.test(`${kind}: what is set is there${isKept ? " after a reload" : ""}, until it is deleted`, async () => {
        assert.equal(await stored(page, kind, "get", "a"), undefined);
        assert.equal(await stored(page, kind, "set", "a", "ключ 鍵 \u{1f511}"), undefined);
        assert.equal(await stored(page, kind, "get", "a"), "ключ 鍵 \u{1f511}");
        await stored(page, kind, "set", "b?c", "other");
        if (isKept) await page.open(`${site.url}/`);
        assert.equal(await stored(page, kind, "get", "a"), "ключ 鍵 \u{1f511}");
        await stored(page, kind, "delete", "a");
        assert.equal(await stored(page, kind, "get", "a"), undefined);
        assert.equal(await stored(page, kind, "get", "b?c"), "other");
      });
    }

    await t.test("of its own origin: the ETag is sent back, and 304 seen", async () => {
      site.keys = [k2];
      const refresh = { kind: "indexedDb", bundled: [k1], jwksUri: site.jwksUri };
      const first = await refreshed(page, refresh);
      assert.deepEqual(first, { loaded: ["k1"], outcome: "updated", kids: ["k2"], errors: [] });
      await page.open(`${site.url}/`);
      site.requests.length = 0;
      const second = await refreshed(page, refresh);
      assert.deepEqual(second, { loaded: ["k2"], outcome: "unchanged", kids: ["k2"], errors: [] });
      assert.deepEqual(conditions(site), ['"azI"']);
    });

    await t.test("of another origin that allows simple requests only: nothing more is asked of it", async () => {
      provider.answer = crossOrigin({ "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag" });
      provider.keys = [k2];
      provider.requests.length = 0;
      const refresh = { kind: "cache", bundled: [k1], jwksUri: provider.jwksUri };
      assert.equal((await refreshed(page, refresh)).outcome, "updated");
      assert.equal((await refreshed(page, refresh)).outcome, "unchanged");
      provider.keys = [k2, k3];
      assert.deepEqual((await refreshed(page, refresh)).kids, ["k2", "k3"]);
      assert.equal(provider.requests.length, 3);
      for (const { headers } of provider.requests) assert.equal(headers.referer, undefined);
      // The browser's cache never answers without asking; whether it asks conditionally is its business.
      assert.equal(conditions(provider)[0], undefined);
    });

    await t.test("without CORS: unreachable", async () => {
      provider.answer = crossOrigin({});
      const jwksUri = `${provider.jwksUri}?private`;
      const { outcome, kids } = await refreshed(page, { kind: "memory", bundled: [k1], jwksUri });
      assert.deepEqual([outcome, kids], ["unreachable", ["k1"]]);
    });

    await t.test("a redirect is followed to another loopback address, and none to nonsense", async () => {
      const cors = { "Access-Control-Allow-Origin": "*" };
      provider.keys = [k3];
      provider.answer = (request, response) => {
        if (request.url === "/new") return crossOrigin(cors)(request, response);
        response.writeHead(307, { ...cors, Location: "/new" }).end();
      };
      const refresh = { kind: "memory", bundled: [k1], jwksUri: `${provider.url}/old` };
      assert.deepEqual((await refreshed(page, refresh)).kids, ["k3"]);
      provider.answer = (_, response) => response.writeHead(302, { ...cors, Location: "http://[" }).end();
      assert.equal((await refreshed(page, refresh)).outcome, "unreachable");
    });

    await t.test("a sandboxed page, to which every storage is refused, keeps its keys in memory", async () => {
      await page.open(`${site.url}/sandboxed`);
      provider.answer = crossOrigin({ "Access-Control-Allow-Origin": "*" });
      provider.keys = [k2];
      for (const kind of ["indexedDb", "cache"]) {
        assert.match(await stored(page, kind, "get", "a"), /^StorageError unavailable \w+Error$/);
        const { kids, errors } = await refreshed(page, { kind, bundled: [k1], jwksUri: provider.jwksUri });
        assert.deepEqual(kids, ["k2"]);
        assert.ok(errors.length > 0 && errors.every((error) => error.startsWith("StorageError unavailable")), errors);
      }
    });
  });
}

test("Chromium: a redirect to plain http elsewhere is refused", async (t) => {
  const page = await openChromiumPage(["--host-resolver-rules=MAP plain.test 127.0.0.1"]);
  t.after(() => page.close());
  await page.open(`${site.url}/`);
  const cors = { "Access-Control-Allow-Origin": "*" };
  const elsewhere = provider.url.replace("127.0.0.1", "plain.test");
  provider.answer = (request, response) => {
    if (request.url === "/new") return crossOrigin(cors)(request, response);
    response.writeHead(302, { ...cors, Location: `${elsewhere}/new` }).end();
  };
  const { outcome, kids } = await refreshed(page, { kind: "memory", bundled: [k1], jwksUri: provider.jwksUri });
  assert.deepEqual([outcome, kids], ["insecure_url", ["k1"]]);
});

test("Chromium: storage that is full says so and keeps what it had; cleared by the browser, it goes on", async (t) => {
  const page = await openChromiumPage();
  t.after(() => page.close());
  await page.open(`${site.url}/`);
  const { origin } = new URL(site.url);
  // Before the first use: Chromium remembers for a while how much room there was.
  await page.devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
  for (const kind of ["indexedDb", "cache"]) await stored(page, kind, "set", "a", "kept");
  for (const kind of ["indexedDb", "cache"]) {
    assert.equal(await page.ask(`keysInPage.fill("${kind}", "a", 8_000_000)`), "StorageError full QuotaExceededError");
    assert.equal(await stored(page, kind, "get", "a"), "kept");
  }
  await page.devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await page.devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
  for (const kind of ["indexedDb", "cache"]) {
    assert.equal(await stored(page, kind, "get", "a"), undefined);
    await stored(page, kind, "set", "a", "again");
    assert.equal(await stored(page, kind, "get", "a"), "again");
  }
});

async function stored(page, kind, ...call) {
  return (
    (await page.ask(`keysInPage.store(${[kind, ...call].map((word) => JSON.stringify(word)).join()})`)) ?? undefined
  );
}

function refreshed(page, options) {
  return page.ask(`keysInPage.refresh(${JSON.stringify(options)})`);
}

function conditions({ requests }) {
  return requests.filter(({ path }) => path === "/keys").map(({ headers }) => headers["if-none-match"]);
}

function serveSite(request, response) {
  if (request.url === "/page.js") return response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
  if (request.url === "/keys") return serveKeys(site, request, response);
  if (request.url === "/sandboxed") response.setHeader("Content-Security-Policy", "sandbox allow-scripts");
  response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
}

/** An answer with these headers; whoever asks beforehand is told no. */
function crossOrigin(headers) {
  return (request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(405).end();
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader("Cache-Control", "max-age=3600");
    serveKeys(provider, request, response);
  };
}
