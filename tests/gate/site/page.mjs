// What a test asks of a page.
import { session } from "./session.mjs";

const started = session.start();

globalThis.app = {
  /** Registers the worker and waits until it has this page. */
  async guard() {
    const { installing } = await navigator.serviceWorker.register("/worker.js");
    if (navigator.serviceWorker.controller) return "guarded";
    return new Promise((resolve) => {
      navigator.serviceWorker.addEventListener("controllerchange", () => resolve("guarded"));
      installing?.addEventListener("statechange", () => installing.state === "redundant" && resolve("not installed"));
    });
  },

  async signIn(user, claims = {}) {
    await started;
    const tokens = await fetch(`/token?user=${user}&claims=${encodeURIComponent(JSON.stringify(claims))}`);
    await session.signIn(await tokens.json());
    return session.state.access;
  },

  async signOut() {
    await started;
    await session.signOut();
    return session.state.status;
  },

  async ask(path, init) {
    try {
      const response = await fetch(path, init);
      return {
        status: response.status,
        body: await response.text(),
        cacheControl: response.headers.get("cache-control"),
      };
    } catch (error) {
      return { status: 0, body: String(error.name) };
    }
  },

  /** Everything that is cached under a name of one person, as path and text. */
  async cached() {
    const found = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const key of await cache.keys()) {
        if (name.startsWith("tokenward:") || key.url.includes("/.tokenward/")) {
          found.push(`${name} ${new URL(key.url).pathname} ${await (await cache.match(key)).text()}`);
        }
      }
    }
    return found;
  },
};
