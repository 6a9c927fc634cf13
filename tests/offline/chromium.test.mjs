// The field app in Chromium, where it takes what only its driver can do: no Web Locks, the browser started anew, a storage
// that is full, refuses or is gone.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import { browsers } from "../../tools/browsers.mjs";
import { startTestPlayground } from "../playground/site.mjs";

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

  it(`refreshes in two tabs at once without Web Locks, ${LEASED} times, and nobody is signed out`, async () => {
    const first = await open();
    await signIn(first, "grace");
    await first.close();
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
      // Its answer could not be kept, and access is still good.
      assert.equal(await refresh(page), "unavailable");
      await word(page, "full");
      await page.reload();
      await word(page, "signed out");
    } finally {
      await other.close();
    }
  });

  it("spends no token while the storage is full and access is good, and goes on when there is room", async () => {
    const other = await chromiumContext();
    try {
      const page = await other.newPage();
      const devtools = await other.newCDPSession(page);
      // Before the first use: Chromium remembers for a while how much room there was.
      const { origin } = new URL(playground.url);
      await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 200_000 });
      await page.goto(`${playground.url}field.html`);
      await page.waitForFunction(() => document.querySelector("#reason").textContent !== "");
      await signIn(page, "ada");
      await page.evaluate(fillDatabase);
      for (let time = 0; time < 3; time++) assert.equal(await refresh(page), "unavailable");
      assert.match(await page.textContent("#trouble"), /no room/);
      const second = await open(other);
      await word(second, "full");
      assert.equal(await refresh(second), "unavailable");
      await second.close();
      await devtools.send("Storage.overrideQuotaForOrigin", { origin });
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            indexedDB.deleteDatabase("filler").onsuccess = resolve;
          }),
      );
      await page.evaluate(() => dispatchEvent(new Event("online")));
      assert.equal(await refresh(page), "refreshed");
      await page.waitForFunction(() => document.querySelector("#trouble").textContent === "");
      await page.reload();
      await word(page, "full");
      assert.equal(await refresh(page), "refreshed", "it is the latest one-time token that was stored");
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

/** In the page: as much as goes in, down to a few bytes. */
async function fillDatabase() {
  const opening = indexedDB.open("filler", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("all", { autoIncrement: true });
  const database = await new Promise((resolve) => {
    opening.onsuccess = () => resolve(opening.result);
  });
  for (let size = 65_536; size >= 64; ) {
    const transaction = database.transaction("all", "readwrite", { durability: "strict" });
    transaction.objectStore("all").add(crypto.getRandomValues(new Uint8Array(size)));
    const stored = await new Promise((resolve) => {
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = () => resolve(false);
    });
    if (!stored) size /= 2;
  }
  database.close();
}
