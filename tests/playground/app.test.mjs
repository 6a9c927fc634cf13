// The playground as an app: for everyone, on any screen, installable, and kept up to date.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import axe from "axe-core";
import { openChromium } from "../browsers/chromium.mjs";
import { pageOf, picture } from "./look.mjs";
import { startTestPlayground } from "./site.mjs";

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };

describe("the playground as an app", () => {
  let playground;
  let chromium;
  before(async () => {
    playground = await startTestPlayground();
    chromium = await openChromium();
  });
  after(async () => {
    await chromium?.close();
    await playground?.close();
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const [device, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
      it(`is accessible in ${colorScheme} on a ${device}`, async () => {
        const context = await chromium.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
        const { page } = await pageOf(context);
        for (const id of ["es256", "expired", "altered", "none", "too-old"]) {
          await page.goto(`${playground.url}#sample=${id}`);
          await page.evaluate(() =>
            document.querySelectorAll("details").forEach((panel) => {
              panel.open = true;
            }),
          );
          assert.deepEqual(await violations(page), [], id);
          await picture(page, `${device}-${colorScheme}-${id}`, { fullPage: true });
        }
        await page.click("#forget");
        assert.deepEqual(await violations(page), [], "empty");
        await context.close();
      });
    }
  }

  for (const width of [1280, 768, 390, 320]) {
    it(`never scrolls sideways at ${width} pixels`, async () => {
      const context = await chromium.newContext({ viewport: { width, height: 800 } });
      const { page } = await pageOf(context);
      for (const id of ["es512", "rs512", "expired", "none", "rfc8037-a4"]) {
        await page.goto(`${playground.url}#sample=${id}`);
        await page.evaluate(() =>
          document.querySelectorAll("details").forEach((panel) => {
            panel.open = true;
          }),
        );
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${id}: ${wide} pixels wide`);
      }
      await context.close();
    });
  }

  it("is reached by keyboard alone, with the focus to be seen", async () => {
    const { page } = await pageOf(await chromium.newContext({ viewport: DESKTOP }));
    await page.goto(playground.url);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the verdict");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "real-now");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "now");
    const outlined = await page.$eval(".axis-bubble", (bubble) => getComputedStyle(bubble).outlineStyle);
    assert.equal(outlined, "solid");
  });

  it("can be installed", async () => {
    const { page } = await pageOf(await chromium.newContext());
    await page.goto(playground.url);
    const session = await page.context().newCDPSession(page);
    const manifest = await session.send("Page.getAppManifest");
    assert.deepEqual(manifest.errors, []);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    const real = installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito");
    assert.deepEqual(real, []);
  });

  it("asks the network for nothing by itself", async () => {
    const { page } = await pageOf(await chromium.newContext());
    const elsewhere = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(playground.url)) elsewhere.push(request.url());
    });
    await page.goto(`${playground.url}#sample=rs256`);
    await page.waitForTimeout(1500);
    assert.deepEqual(elsewhere, []);
  });
});

describe("a new version of the playground", () => {
  // The limit is the test's: Playwright's `evaluate` has none.
  it("waits until it is asked for, then replaces the old one and its cache", { timeout: 180_000 }, async (t) => {
    const first = await startTestPlayground();
    const chromium = await openChromium();
    t.after(() => chromium.close());
    const { page } = await pageOf(await chromium.newContext());
    await page.goto(first.url);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    const caches = () => page.evaluate(() => window.caches.keys());
    const [old] = await caches();
    await first.close();

    // The same page with another provider is another version: the provider's address is part of it.
    const second = await startTestPlayground({ port: Number(new URL(first.url).port) });
    t.after(() => second.close());
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
    await page.waitForSelector("#update:not([hidden])");
    await Promise.all([page.waitForNavigation(), page.click("#reload")]);
    await page.waitForFunction(() => window.caches.keys().then((keys) => keys.length === 1));
    assert.notDeepEqual(await caches(), [old]);
    assert.equal(await page.getAttribute("#verdict", "data-kind"), "verified");
  });
});

async function violations(page) {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
