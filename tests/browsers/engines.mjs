// Chromium, Firefox and WebKitGTK behind the few things the tests do with a page, alike for all.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import puppeteer from "puppeteer-core";
import { Builder, By } from "selenium-webdriver";
import { browsers } from "../../tools/browsers.mjs";
import { openChromium } from "./chromium.mjs";

/**
 * @typedef {object} EnginePage
 * @property {string} version of the browser
 * @property {(url: string) => Promise<unknown>} open
 * @property {() => Promise<unknown>} reload
 * @property {() => Promise<unknown>} back as the person's button: a script that goes back may be asked for more in the page that is left
 * @property {(script: string) => Promise<any>} ask the value of an expression, or of a promise, in the page
 * @property {(selector: string) => Promise<unknown>} click as a person does: some things a script may not
 * @property {() => Promise<unknown>} close
 */

/** How long a browser may take for one command, in milliseconds: drivers wait for a page that hangs without end. */
const LIMIT = 60_000;

/** The page, of which no command takes longer than the limit. */
function limited(page) {
  for (const name of ["open", "reload", "back", "ask", "click", "close"]) {
    const command = page[name];
    page[name] = (...given) => {
      let timer;
      const late = new Promise((_, reject) => {
        const what = `${name}(${given.join(", ").slice(0, 80)})`;
        timer = setTimeout(() => reject(new Error(`no answer to ${what} within ${LIMIT / 1000} s`)), LIMIT);
      });
      return Promise.race([command(...given), late]).finally(() => clearTimeout(timer));
    };
  }
  return page;
}

/**
 * @param {string[]} [args] of its command line
 * @returns {Promise<EnginePage & { devtools: import("playwright-core").CDPSession }>}
 */
export async function openChromiumPage(args = []) {
  const browser = await openChromium(args);
  const page = await browser.newPage();
  const devtools = await page.context().newCDPSession(page);
  return limited({
    version: browser.version(),
    open: (url) => page.goto(url),
    reload: () => page.reload(),
    back: () => page.goBack(),
    ask: (script) => page.evaluate(script),
    click: (selector) => page.click(selector),
    close: () => browser.close(),
    devtools,
  });
}

/**
 * @param {{ profile?: string }} [options] a folder that keeps what the browser stores; else nothing stays
 * @returns {Promise<EnginePage>}
 */
export async function openFirefox({ profile } = {}) {
  const { firefox } = await browsers();
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: firefox,
    headless: true,
    userDataDir: profile,
  });
  const page = await browser.newPage();
  return limited({
    version: (await browser.version()).replace(/^\D+/, ""),
    open: (url) => page.goto(url),
    reload: () => page.reload(),
    back: () => page.goBack(),
    ask: (script) => page.evaluate(script),
    click: (selector) => page.click(selector),
    close: () => browser.close(),
  });
}

/** @returns {Promise<EnginePage>} */
export async function openWebKit() {
  const { webkitDriver, miniBrowser, xvfbRun } = await browsers();
  const port = await freePort();
  const server = `http://127.0.0.1:${port}`;
  const process = spawn(xvfbRun, ["-a", webkitDriver, `--port=${port}`], { stdio: "ignore", detached: true });
  await answering(`${server}/status`);
  const driver = await new Builder()
    .usingServer(server)
    .withCapabilities({
      browserName: "MiniBrowser",
      "webkitgtk:browserOptions": { binary: miniBrowser, args: ["--automation"] },
    })
    .build();
  return limited({
    version: (await driver.getCapabilities()).getBrowserVersion(),
    open: (url) => driver.get(url),
    reload: () => driver.navigate().refresh(),
    back: () => driver.navigate().back(),
    ask: (script) =>
      driver.executeAsyncScript(
        `const done = arguments[0]; Promise.resolve(${script}).then(done, (error) => done(String(error)));`,
      ),
    click: (selector) => driver.findElement(By.css(selector)).click(),
    async close() {
      const quit = driver.quit().catch(() => {});
      await Promise.race([quit, new Promise((resolve) => setTimeout(resolve, LIMIT / 4).unref())]);
      globalThis.process.kill(-process.pid);
    },
  });
}

/** Asks again until the page says so. */
export async function until(page, script, wanted) {
  const end = Date.now() + 15_000;
  for (;;) {
    const found = await page.ask(script).catch((error) => error.message);
    if (wanted instanceof RegExp ? wanted.test(found) : found === wanted) return;
    if (Date.now() > end) throw new Error(`waited for ${wanted}, found ${JSON.stringify(found)}: ${script}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function answering(url) {
  for (let tries = 0; tries < 100; tries += 1) {
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("WebKitWebDriver does not answer");
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
