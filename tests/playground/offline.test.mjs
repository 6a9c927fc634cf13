// The reason this project exists: signed in at a real provider, then no network at all, and the token is verified on.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openChromium } from "../browsers/chromium.mjs";
import { pageOf, picture } from "./look.mjs";
import { startTestPlayground } from "./site.mjs";

describe("signed in, then offline", () => {
  let playground;
  let chromium;
  let context;
  let page;
  let look;
  before(async () => {
    playground = await startTestPlayground();
    chromium = await openChromium();
    context = await chromium.newContext({ viewport: { width: 1280, height: 900 } });
    ({ page, look } = await pageOf(context));
  });
  after(async () => {
    await chromium?.close();
    await playground?.close();
  });

  it("signs in and shows the real token, verified", async () => {
    await page.goto(playground.url);
    await page.click("#sign-in");
    await page.waitForSelector("h1:text('Sign in')");
    await page.check("input[value=grace]");
    await page.selectOption("[name=algorithm]", "RS256");
    await page.click("button[value=sign-in]");
    await page.waitForFunction(() => /^Signed in\./.test(document.querySelector("#notice")?.textContent ?? ""));
    assert.equal(await look.kind(), "verified");
    assert.match(await look.text("#verdict-why"), /^Signed with RS256 by the key rs256-/);
    assert.match(await look.text("#content-body"), /Grace Hopper/);
    assert.equal(await page.inputValue("#issuer"), playground.provider.issuer);
    await picture(page, "signed-in");
  });

  it("leaves no token and no code in the address, the history or lasting storage", async () => {
    assert.equal(page.url(), playground.url);
    const { token, local } = await page.evaluate(() => ({
      token: document.querySelector("#token").value,
      local: JSON.stringify(localStorage),
    }));
    assert.ok(token.length > 100);
    assert.ok(!local.includes(token.split(".")[2]));
    assert.equal(await page.evaluate(() => sessionStorage.getItem("tokenward.sign-in")), null);
  });

  it("verifies the ID token too", async () => {
    await page.selectOption("#sample", { label: "ID token" });
    assert.equal(await look.kind(), "verified");
    assert.equal(await page.inputValue("#audience"), playground.provider.clientId);
    await page.selectOption("#sample", { label: "Access token" });
  });

  it("works on when provider and server are gone and the page is loaded anew", async () => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await playground.close();
    await context.setOffline(true);
    await assert.rejects(fetch(playground.url), "the server is really gone");
    await page.reload();
    assert.equal(await look.kind(), "verified");
    assert.equal(await look.text("#network"), "No network, none needed");
    assert.match(await look.text("#content-body"), /Grace Hopper/);
    await picture(page, "signed-in-offline");
    await page.setViewportSize({ width: 390, height: 844 });
    await page.reload();
    assert.equal(await look.kind(), "verified");
    await picture(page, "signed-in-offline-phone", { fullPage: true });
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it("sees it expire when now is moved past exp", async () => {
    await page.focus("#now");
    await page.keyboard.press("End");
    assert.equal(await look.text("#verdict-title"), "Genuine, but expired");
    await picture(page, "signed-in-offline-expired");
    await page.click("#real-now");
    assert.equal(await look.kind(), "verified");
  });

  it("opens in a new tab, with samples and the kept keys", async () => {
    const other = await pageOf(context);
    await other.page.goto(playground.url);
    assert.equal(await other.look.kind(), "verified");
    assert.equal(await other.page.inputValue("#sample"), "es256", "the token stayed in its own tab");
    await other.page.fill("#fetch-issuer", playground.provider.issuer);
    await other.page.click("#fetch-button");
    await other.page.waitForFunction(() => /were fetched/.test(document.querySelector("#fetch-status").textContent));
    await other.page.close();
  });

  it("says so when signing in is not possible", async () => {
    await page.click("#sign-in");
    await page.waitForFunction(() => /cannot be reached/.test(document.querySelector("#notice").textContent));
    assert.equal(await look.kind(), "verified");
  });
});

describe("a sign-in that goes wrong", () => {
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

  it("is told when it is cancelled", async () => {
    const { page } = await pageOf(await chromium.newContext());
    await page.goto(playground.url);
    await page.click("#sign-in");
    await page.click("button[value=cancel]");
    await page.waitForFunction(() =>
      /did not work: cancelled/.test(document.querySelector("#notice")?.textContent ?? ""),
    );
    assert.equal(page.url(), playground.url);
  });

  it("is refused when the answer has another state, and the answer is taken out of the address", async () => {
    const { page } = await pageOf(await chromium.newContext());
    await page.goto(playground.url);
    await page.click("#sign-in");
    await page.waitForSelector("h1:text('Sign in')");
    await page.goto(`${playground.url}#code=stolen&state=other&iss=${encodeURIComponent(playground.provider.issuer)}`);
    await page.waitForFunction(() => /did not work/.test(document.querySelector("#notice").textContent));
    assert.equal(page.url(), playground.url);
    assert.equal(await page.$$eval("#sample optgroup[label='Your sign-in']", (groups) => groups.length), 0);
  });
});
