// What a test asks of a page.
import { session } from "./session.mjs";

const started = session.start();

const app = {
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

  who: () => session.state.claims?.sub ?? session.state.status,

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
        contentRange: response.headers.get("content-range"),
      };
    } catch (error) {
      return { status: 0, body: String(error.name) };
    }
  },

  /** Reads the beginning of an answer that does not end, and then no more of it. */
  async glance(path) {
    const stop = new AbortController();
    const { body } = await fetch(path, { signal: stop.signal });
    await body.getReader().read();
    stop.abort();
  },

  /** As a page does that is closed: what it reads it reads until then. */
  async keepReading(path) {
    const { body } = await fetch(path);
    const reader = body.getReader();
    await reader.read();
    void (async () => {
      while (!(await reader.read()).done);
    })();
  },

  /** The first event of a stream, or that there is none; then it is closed. */
  firstEvent: (path) =>
    new Promise((resolve) => {
      const source = new EventSource(path);
      const end = (what) => {
        source.close();
        resolve(what);
      };
      source.onmessage = ({ data }) => end(data);
      source.onerror = () => end("none");
    }),

  /** How long a sound is that is heard, in seconds; else why it is not. */
  hear: (path) =>
    new Promise((resolve) => {
      const audio = new Audio(path);
      audio.oncanplaythrough = () => resolve(audio.duration);
      audio.onerror = () => resolve(audio.error.message);
    }),

  /**
   * People come and go, and each asks at once for everything; some requests are still under way when the next one comes.
   * Gives back every answer that somebody should not have got.
   */
  async rush(turns) {
    const wrong = [];
    const paths = ["/app/rush", "/app/swift", "/api/me", "/workbox/rush", "/workbox/api/me"];
    for (const [turn, user] of turns.entries()) {
      if (user === null) await app.signOut();
      else await app.signIn(user);
      for (const [path, { status, body }] of await Promise.all(
        paths.map(async (path) => [path, await app.ask(path)]),
      )) {
        const fits = user === null ? status === 401 : status === 200 && body.includes(user);
        if (!fits) wrong.push(`turn ${turn} of ${user}: ${path} ${status} ${body}`);
      }
      for (const path of paths) void app.ask(`${path}?late`);
    }
    return wrong;
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

globalThis.app = app;
