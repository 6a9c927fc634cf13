// The field app, driven by scripts in its page: the same in every browser.

import { until } from "../browsers/engines.mjs";

const text = (selector) => `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`;
const click = (selector) => `document.querySelector(${JSON.stringify(selector)}).click()`;

/** @param {import("../browsers/engines.mjs").EnginePage} page */
export function fieldApp(page, url) {
  const home = `${url}field.html`;
  const field = {
    async open() {
      await page.open(home);
      await until(page, text("#reason"), /./);
    },
    word: () => page.ask(text("#access-word")),
    reason: () => page.ask(text("#reason")),
    why: () => page.ask(text("#why")),
    becomes: (selector, wanted) => until(page, text(selector), wanted),

    async signIn(account) {
      await page.ask(click("#sign-in"));
      await until(page, text("h1"), "Sign in");
      await page.ask(click(`input[value=${account}]`));
      await page.ask(click("button[value=sign-in]"));
      await until(page, text("#access-word"), "full");
    },
    signOut: () => page.ask(click("#sign-out")),

    /** Presses "Refresh now"; answers what came of it. */
    refresh: () => page.ask(refreshIn("window")),

    /** Opens a second tab, and has both refresh at the same time, so often: how often each outcome was had. */
    async refreshTwice(times) {
      // By a click: WebKitGTK opens no window for a script alone.
      await page.ask(`void document.querySelector("h1").addEventListener("click", () => {
        globalThis.other = window.open(${JSON.stringify(home)});
      })`);
      await page.click("h1");
      await until(page, `other.document.querySelector("#access-word")?.textContent ?? ""`, "full");
      const counts = {};
      for (let time = 0; time < times; time++) {
        for (const outcome of await page.ask(`Promise.all([${refreshIn("window")}, ${refreshIn("other")}])`)) {
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        }
      }
      const reasons = await page.ask(
        `[window, other].map(({ document }) => document.querySelector("#reason").textContent)`,
      );
      await page.ask("other.close()");
      return { counts, reasons };
    },

    async setOffline(offline) {
      await page.ask(`document.querySelector("#offline").checked === ${offline} || ${click("#offline")}`);
      await until(page, text("#network-word"), offline ? "no network" : "online");
    },
    /** 0 to 1000 along the line of time. */
    slideTo: (place) =>
      page.ask(`(() => {
        const slider = document.querySelector("#clock");
        slider.value = "${place}";
        slider.dispatchEvent(new Event("input"));
      })()`),
    setBack: () => page.ask(click("#back")),
    rights: () => page.ask(`["#may-read", "#may-write"].map((id) => document.querySelector(id).textContent)`),

    /** The heading of a page behind the gate, as the worker answers it. */
    async titleOf(path) {
      await page.open(url + path);
      const title = await page.ask(text("h1"));
      await field.open();
      return title;
    },
    /** The worker's caches of people's pages. */
    caches: () =>
      page.ask(`caches.keys().then((names) => names.filter((name) => name.startsWith("tokenward:field:")))`),
    worker: () => page.ask("navigator.serviceWorker.ready.then(() => true)"),
  };
  return field;
}

/** Told by the page itself: in the tab behind, timers run once a second. */
const refreshIn = (tab) => `new Promise((resolve) => {
  const said = ${tab}.document.querySelector("#said");
  said.replaceChildren();
  const observer = new ${tab}.MutationObserver(() => {
    if (!said.textContent.startsWith("refresh(): ")) return;
    observer.disconnect();
    resolve(said.textContent.slice("refresh(): ".length));
  });
  observer.observe(said, { childList: true });
  ${tab}.document.querySelector("#refresh").click();
})`;
