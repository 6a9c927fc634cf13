// A notes app in Chromium on a phone's screen: what the tests of examples/offline-notes and examples/react-pwa share.
import axe from "axe-core";
import { openChromium } from "../browsers/chromium.mjs";
import { fromTarball, started } from "./example.mjs";

/** How long an access token lives, in seconds: full access ends as much and 5 seconds after the servers have gone. */
const LIFETIME = 8;
const PHONE = { width: 390, height: 844 };

/** The installed and started app, `sample`; and a `page` of a browser. `complaints` are what the app's own pages said on the console. */
export async function notesApp(name) {
  const folder = await fromTarball(name);
  let sample;
  let browser;
  const complaints = [];
  const close = async () => {
    await browser?.close();
    await sample?.close();
    folder.remove();
  };
  try {
    sample = await started(folder.path, { TOKEN_LIFETIME: String(LIFETIME) });
    browser = await openChromium(["--host-resolver-rules=MAP notes.example 127.0.0.1"]);
    const page = await (await browser.newContext({ viewport: PHONE, colorScheme: "light" })).newPage();
    page.on("console", (message) => {
      const isOurs = message.location().url.startsWith(sample.url);
      if (message.type() === "error" && isOurs) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    return { path: folder.path, sample, browser, page, complaints, close, ...actions(page, sample) };
  } catch (error) {
    await close();
    throw error;
  }
}

function actions(page, sample) {
  return {
    open: (path) => page.goto(sample.url + path),
    /** Waits until an element says so. */
    says: (selector, pattern) =>
      page.waitForFunction(
        ([where, source]) => new RegExp(source).test(document.querySelector(where)?.textContent),
        [selector, pattern.source],
      ),
    /** What axe finds fault with, in light and in dark, and whether the page fits the phone. */
    async faults() {
      const found = [];
      await page.evaluate(axe.source);
      for (const colorScheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme });
        const violations = await page.evaluate(async () => (await globalThis.axe.run()).violations);
        for (const { id, nodes } of violations)
          found.push(...nodes.map(({ target }) => `${colorScheme}: ${id} ${target}`));
      }
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth))
        found.push("wider than the phone");
      return found;
    },
    notes: () => page.locator("#notes span").allTextContents(),
    userCaches: () => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("tokenward:"))),
    /** Clicks the button, and is somebody at the provider's pages. */
    async signIn(name) {
      await page.click("#sign-in");
      await page.waitForURL(`${sample.issuer}/**`);
      await page.fill("[name=login]", name);
      await page.fill("[name=password]", "any");
      await page.click("[type=submit]");
      await page.waitForSelector("text=Continue");
      await page.click("[type=submit]");
    },
  };
}
