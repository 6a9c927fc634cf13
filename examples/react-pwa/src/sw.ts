import { createGate } from "tokenward/gate";
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";
import { session } from "./auth.js";

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: Parameters<typeof precacheAndRoute>[0] };

// The notes are behind the gate; Workbox has the app's own files, which are the same for everybody.
const gate = createGate({ session, rules: [{ match: "/api/*", cache: "user" }] });

self.addEventListener("fetch", (event) => {
  const answer = gate.handle(event);
  if (answer) event.respondWith(answer);
});
precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
