// The field app in Chromium against the real provider with one-time refresh tokens: two tabs at once, faults at each step
// of a refresh, the browser started anew, a storage that refuses or is gone.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import { browsers } from "../../tools/browsers.mjs";
import { startTestPlayground } from "../playground/site.mjs";

const TWO_TABS = 200;
const LEASED = 30;

describe("a session in Chromium", () => {
  let playground;
  let profile;
  let context;
  before(async () => {
    playground = await startTestPlayground();
    profile = mkdtempSync(join(tmpdir(), "tokenward-profile-"));
    context = await startBrowser();
  });
  after(async () => {
    await context?.close();
    await playground?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  async function startBrowser() {
    const { chromium: executablePath } = await browsers();
    const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
    return chromium.launchPersistentContext(profile, { executablePath, args });
  }

  async function open(from = context) {
    const page = await from.newPage();
    await page.goto(`${playground.url}field.html`);
    await page.waitForFunction(() => document.querySelector("#reason").textContent !== "");
    return page;
  }

  async function signIn(page, account) {
    await page.click("#sign-in");
    await page.waitForSelector("h1:text('Sign in')");
    await page.check(`input[value=${account}]`);
    await page.click("button[value=sign-in]");
    await word(page, "full");
  }

  const word = (page, text) =>
    page.waitForFunction((wanted) => document.querySelector("#access-word").textContent === wanted, text);

  const reason = (page) => page.textContent("#reason");

  /** Presses "Refresh now"; answers what came of it. */
  const refresh = (page) =>
    page.evaluate(async () => {
      const said = document.querySelector("#said");
      said.replaceChildren();
      document.querySelector("#refresh").click();
      while (!said.textContent.startsWith("refresh():")) await new Promise((resolve) => setTimeout(resolve, 1));
      return said.textContent.slice("refresh(): ".length);
    });

  const titleOf = async (path) => {
    const page = await context.newPage();
    try {
      await page.goto(`${playground.url}${path}`);
      return await page.textContent("h1");
    } finally {
      await page.close();
    }
  };

  /** Puts something between the browser and the token endpoint while `work` goes on. */
  async function withTokenEndpoint(handler, work) {
    const pattern = /\/token$/;
    await context.route(pattern, handler);
    try {
      return await work();
    } finally {
      await context.unroute(pattern, handler);
    }
  }

  it(`refreshes in two tabs at once, ${TWO_TABS} times, and nobody is signed out`, async () => {
    const [one, other] = [await open(), await open()];
    await signIn(one, "grace");
    await word(other, "full");
    const counts = {};
    for (let time = 0; time < TWO_TABS; time++) {
      for (const outcome of await Promise.all([refresh(one), refresh(other)])) {
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }
    }
    assert.deepEqual(Object.keys(counts).sort(), ["adopted", "refreshed"], JSON.stringify(counts));
    assert.ok(counts.refreshed >= TWO_TABS);
    assert.deepEqual([await reason(one), await reason(other)], ["valid", "valid"]);
    await one.close();
    await other.close();
  });

  it(`does so without Web Locks too, ${LEASED} times`, async () => {
    const pages = [];
    for (let count = 0; count < 2; count++) {
      const page = await context.newPage();
      await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
      await page.goto(`${playground.url}field.html`);
      await word(page, "full");
      pages.push(page);
    }
    for (let time = 0; time < LEASED; time++) {
      const outcomes = await Promise.all(pages.map(refresh));
      assert.ok(
        outcomes.every((outcome) => outcome === "refreshed" || outcome === "adopted"),
        outcomes.join(", "),
      );
    }
    for (const page of pages) await page.close();
  });

  const harmless = {
    "the connection is refused": (route) => route.abort("connectionrefused"),
    "the network is gone": (route) => route.abort("internetdisconnected"),
    "the server is overloaded": (route) => route.fulfill({ status: 503, headers: cors, body: "busy" }),
    "a captive portal answers": (route) =>
      route.fulfill({ status: 200, headers: cors, contentType: "text/html", body: "<h1>Welcome to our Wi-Fi</h1>" }),
    "a captive portal leads elsewhere": (route) =>
      route.fulfill({ status: 302, headers: { ...cors, location: "https://portal.example/" } }),
    "the answer is cut short": (route) =>
      route.fulfill({ status: 200, headers: cors, contentType: "application/json", body: '{"access_token":"eyJ' }),
  };
  const cors = { "access-control-allow-origin": "*" };
  for (const [fault, handler] of Object.entries(harmless)) {
    it(`stays signed in when ${fault} before the token was used, and recovers`, async () => {
      const page = await open();
      await withTokenEndpoint(handler, async () => {
        assert.equal(await refresh(page), "unavailable");
        assert.equal(await page.textContent("#access-word"), "full");
      });
      assert.equal(await refresh(page), "refreshed");
      await page.close();
    });
  }

  it("answers from the device after a restart of the browser with the servers gone", async () => {
    assert.equal(await titleOf("field/notes.html"), "Site notes");
    await context.close();
    await playground.close();
    context = await startBrowser();
    const page = await open();
    assert.equal(await page.textContent("#access-word"), "full");
    assert.equal(await titleOf("field/notes.html"), "Site notes", "the first gated request of a new worker");
    assert.equal(await refresh(page), "unavailable");
    assert.equal(await reason(page), "valid");
    await page.close();
    playground = await startTestPlayground();
  });

  it("says that it is signed out when an answer was lost after the one-time token was used", async () => {
    const other = await chromiumContext();
    try {
      const page = await open(other);
      await signIn(page, "ada");
      const lose = async (route) => {
        await route.fetch();
        await route.abort("connectionreset");
      };
      await other.route(/\/token$/, lose);
      assert.equal(await refresh(page), "unavailable");
      assert.equal(await page.textContent("#access-word"), "full", "the access token still serves");
      await other.unroute(/\/token$/, lose);
      assert.equal(await refresh(page), "signed_out");
      await word(page, "signed out");
      assert.match(await page.textContent("#why"), /^The provider has ended the session/);
    } finally {
      await other.close();
    }
  });

  it("works in memory where IndexedDB refuses, and says so by forgetting at the next load", async () => {
    const other = await chromiumContext();
    try {
      await other.addInitScript(() => {
        IDBFactory.prototype.open = () => {
          throw new DOMException("refused", "SecurityError");
        };
      });
      const page = await open(other);
      await signIn(page, "ada");
      assert.equal(await refresh(page), "refreshed");
      await page.reload();
      await word(page, "signed out");
    } finally {
      await other.close();
    }
  });

  it("is signed out, clearly, after the browser has evicted everything", async () => {
    const other = await chromiumContext();
    try {
      const page = await open(other);
      await signIn(page, "ada");
      const { origin } = new URL(playground.url);
      const devtools = await other.newCDPSession(page);
      await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
      await page.reload();
      await word(page, "signed out");
      await signIn(page, "grace");
    } finally {
      await other.close();
    }
  });

  it("signs out offline; the token is revoked when there is a network, and the next person sees nothing of the first", async () => {
    const other = await chromiumContext();
    try {
      const page = await open(other);
      await signIn(page, "ada");
      await page.goto(`${playground.url}field/contacts.html`);
      await page.goto(`${playground.url}field.html`);
      await word(page, "full");
      const caches = () => page.evaluate(() => globalThis.caches.keys());
      const own = (names) => names.filter((name) => name.startsWith("tokenward:field:"));
      const [cacheOfAda] = own(await caches());
      assert.ok(cacheOfAda);
      await page.check("#offline");
      await page.click("#sign-out");
      await word(page, "signed out");
      assert.deepEqual(own(await caches()), []);
      const revoked = page.waitForResponse((response) => response.url().endsWith("/token/revocation"));
      await page.evaluate(() => {
        document.querySelector("#offline").click();
        dispatchEvent(new Event("online"));
      });
      assert.equal((await revoked).status(), 200);
      await signIn(page, "grace");
      await page.goto(`${playground.url}field/contacts.html`);
      assert.ok(!own(await caches()).includes(cacheOfAda));
    } finally {
      await other.close();
    }
  });

  /** A browser with a profile of its own, gone when it is closed. */
  async function chromiumContext() {
    const { chromium: executablePath } = await browsers();
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
    const fresh = await browser.newContext();
    const close = fresh.close.bind(fresh);
    fresh.close = async () => {
      await close();
      await browser.close();
    };
    return fresh;
  }
});
