import { createGate } from "tokenward/gate";
import { CacheFirst, NetworkFirst } from "workbox-strategies";
import { session } from "./session.mjs";

const gate = createGate({
  session,
  rules: [
    { match: "/page.js", needs: null, cache: "shared", strategy: "cache-first" },
    { match: "/app/full/*", needs: { access: "full" }, cache: "user", otherwise: { page: "/sign-in-needed.html" } },
    { match: "/app/swift", cache: "user", strategy: "cache-first" },
    { match: "/app/*", cache: "user", otherwise: { page: "/sign-in-needed.html" } },
    { match: "/api/*", cache: "user" },
    { match: "/plain/*" },
    { match: "/workbox/*", otherwise: { page: "/sign-in-needed.html" } },
  ],
  workboxCaches: ["workbox-pages", "workbox-api"],
});

const plugins = [gate.workboxPlugin()];
const pages = new NetworkFirst({ cacheName: "workbox-pages", plugins });
// Not even options that compare less of a URL let one person find another's entry.
const api = new CacheFirst({
  cacheName: "workbox-api",
  plugins,
  matchOptions: { ignoreSearch: true, ignoreVary: true },
});

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(gate.install());
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname.startsWith("/workbox/api/")) event.respondWith(api.handle(event));
  else if (pathname.startsWith("/workbox/")) event.respondWith(pages.handle(event));
  else {
    const answer = gate.handle(event);
    if (answer !== undefined) event.respondWith(answer);
  }
});
