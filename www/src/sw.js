// Keeps this version of the page, whole, and answers from it: the network is not asked for any file of the page.
// FILES, LAZY and VERSION come from the build; a change of any file is a new version with a cache of its own. What is LAZY is
// kept once it was asked for.

import { createFieldGate } from "./field/gate.js";

const FILES = __FILES__;
const LAZY = __LAZY__;
const VERSION = __VERSION__;
const PREFIX = "playground-";
const CACHE = PREFIX + VERSION;

/** The pages of the field app: only for who is signed in. Without a provider there is nobody to sign in at. */
const field = createFieldGate();

addEventListener("install", (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(Promise.all([caches.open(CACHE).then((cache) => cache.addAll(requests)), field?.install()]));
});

addEventListener("activate", (event) => {
  event.waitUntil(dropOthers().then(() => clients.claim()));
});

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const gated = field?.handle(event);
  if (gated !== undefined) return event.respondWith(gated);
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const page = request.mode === "navigate" && url.pathname === new URL("./", location.href).pathname;
  event.respondWith(answer(page ? "./" : request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && LAZY.some((file) => new URL(file, location.href).href === request.url)) {
    await cache.put(request, response.clone());
  }
  return response;
}

async function dropOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}
