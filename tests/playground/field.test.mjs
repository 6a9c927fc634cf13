// The field app: signed in once, then the network goes and time passes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import axe from "axe-core";
import { openChromium } from "../browsers/chromium.mjs";
import { pageOf, picture } from "./look.mjs";
import { startTestPlayground } from "./site.mjs";

describe("days without a network", () => {
  let playground;
  let chromium;
  let context;
  let page;
  let look;
  before(async () => {
    playground = await startTestPlayground();
    chromium = await openChromium();
    context = await chromium.newContext({ viewport: { width: 1280, height: 1000 } });
    ({ page, look } = await pageOf(context));
  });
  after(async () => {
    await chromium?.close();
    await playground?.close();
  });

  const word = (text) =>
    page.waitForFunction((wanted) => document.querySelector("#access-word").textContent === wanted, text);
  const reason = (text) =>
    page.waitForFunction((wanted) => document.querySelector("#reason").textContent === wanted, text);
  const rights = async () => [await look.text("#may-read"), await look.text("#may-write")];
  const titleOf = async (path) => {
    const other = await context.newPage();
    try {
      await other.goto(`${playground.url}${path}`);
      return await other.textContent("h1");
    } finally {
      await other.close();
    }
  };
  const slideTo = (place) =>
    page.$eval(
      "#clock",
      (slider, value) => {
        slider.value = value;
        slider.dispatchEvent(new Event("input"));
      },
      String(place),
    );
  const violations = async () => {
    await page.evaluate(axe.source);
    const { violations: found } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  };
  const pictureOf = (name) => picture(page, name, { fullPage: true });
  const report = async () => {
    await page.click("#report");
    await page.waitForFunction(() => /^The worker (?:took|refused)/.test(document.querySelector("#said").textContent));
    const said = await look.text("#said");
    await page.$eval("#said", (element) => element.replaceChildren());
    return said;
  };
  const signIn = async (account) => {
    await page.click("#sign-in");
    await page.waitForSelector("h1:text('Sign in')");
    await page.check(`input[value=${account}]`);
    await page.click("button[value=sign-in]");
    await word("full");
  };

  it("lets nobody in before a sign-in", async () => {
    await page.goto(`${playground.url}field.html`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await word("signed out");
    assert.equal(await titleOf("field/notes.html"), "Not for now");
  });

  it("explains itself before the sign-in, with the picture of time, light and dark, on a phone too", async () => {
    assert.equal(await page.isVisible("#explained"), true);
    const shown = await page.$eval("#picture img", ({ complete, naturalWidth, alt }) => ({
      complete,
      naturalWidth,
      alt,
    }));
    assert.deepEqual([shown.complete, shown.naturalWidth > 0], [true, true]);
    const drawn = readFileSync(new URL("../../docs/airplane.svg", import.meta.url), "utf8");
    const [, from, until] = /limited from hour (\d+) to (\d+)/.exec(drawn);
    assert.ok(shown.alt.includes(`full access for ${from} hours, limited access for the next ${until - from},`), drawn);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 1000 });
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(), [], `${width} ${colorScheme}`);
        await pictureOf(`field-before-${width}-${colorScheme}`);
      }
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    }
    await page.setViewportSize({ width: 1280, height: 1000 });
    await page.emulateMedia({ colorScheme: null });
  });

  it("signs in with a refresh token, and shows pages and takes reports", async () => {
    await signIn("grace");
    assert.equal(await page.isVisible("#explained"), false);
    assert.deepEqual(await rights(), ["yes", "yes"]);
    assert.equal(await titleOf("field/notes.html"), "Site notes");
    assert.equal(await report(), "The worker took the report.");
    await picture(page, "field-full");
  });

  it("is accessible, light and dark", async () => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(), []);
      if (colorScheme === "dark") await picture(page, "field-full-dark");
    }
    await page.emulateMedia({ colorScheme: null });
  });

  it("refreshes with tokens that serve once", async () => {
    for (let time = 0; time < 3; time++) {
      await page.$eval("#said", (element) => element.replaceChildren());
      await page.click("#refresh");
      await page.waitForFunction(() => document.querySelector("#said").textContent === "refresh(): refreshed");
    }
  });

  it("goes from full to limited as the clock passes exp with no network: reading, not writing", async () => {
    await page.check("#offline");
    await page.waitForFunction(() => document.querySelector("#network-word").textContent === "no network");
    await slideTo(600);
    await word("limited");
    await reason("grace");
    assert.deepEqual(await rights(), ["yes", "no"]);
    assert.equal(await titleOf("field/notes.html"), "Site notes", "what was read stays readable");
    assert.equal(await report(), "The worker refused the report: 403.");
    await picture(page, "field-limited");
    await page.setViewportSize({ width: 390, height: 844 });
    await picture(page, "field-limited-phone", { fullPage: true });
    await page.setViewportSize({ width: 1280, height: 1000 });
  });

  it("does not believe a clock that was set back, nor when it is put right", async () => {
    await page.click("#back");
    await reason("clock_rolled_back");
    assert.deepEqual(await rights(), ["no", "no"]);
    assert.equal(await titleOf("field/notes.html"), "Not for now");
    await picture(page, "field-rolled-back");
    await slideTo(620);
    await reason("clock_rolled_back");
  });

  it("comes back online, is refreshed, and may do everything again", async () => {
    await page.uncheck("#offline");
    await word("full");
    assert.deepEqual(await rights(), ["yes", "yes"]);
  });

  it("ends with the grace", async () => {
    await page.check("#offline");
    await slideTo(900);
    await reason("expired");
    assert.deepEqual(await rights(), ["no", "no"]);
    await page.uncheck("#offline");
    await word("full");
  });

  it("answers from the device when everything is really gone, and signs out there", async () => {
    assert.equal(await titleOf("field/contacts.html"), "Contacts");
    await playground.close();
    await context.setOffline(true);
    await page.reload();
    await word("full");
    assert.equal(await titleOf("field/contacts.html"), "Contacts");
    await page.click("#sign-out");
    await word("signed out");
    assert.equal(await titleOf("field/contacts.html"), "Not for now");
    const caches = await page.evaluate(() => globalThis.caches.keys());
    assert.deepEqual(
      caches.filter((name) => name.startsWith("tokenward:field:")),
      [],
    );
    await picture(page, "field-signed-out");
  });

  it("keeps no token in lasting text storage or the address", async () => {
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, location.href]));
    assert.doesNotMatch(kept, /eyJ/);
  });
});
