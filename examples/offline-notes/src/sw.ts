import { createGate } from "tokenward/gate";
import { session } from "./auth.js";
import { fromShell, keepShell } from "./shell.js";

declare const self: ServiceWorkerGlobalScope;

const gate = createGate({
  session,
  rules: [
    { match: "/app/admin/*", needs: { access: "full", role: "admin" }, otherwise: { page: "/" } },
    { match: "/app/*", cache: "user", otherwise: { page: "/" } }, // the page with the sign-in button
    { match: "/api/*", cache: "user" },
  ],
});

/** For a page that may be seen, and was never read on this device. With 503 the gate prefers what it has cached. */
async function network(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.mode !== "navigate") throw error;
    const headers = { "content-type": "text/html; charset=utf-8" };
    return new Response("<!doctype html><p>Not on this device yet. Connect to read it.", { status: 503, headers });
  }
}

self.addEventListener("install", (event) => event.waitUntil(Promise.all([gate.install(), keepShell()])));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const answer = gate.handle(event, network) ?? fromShell(event);
  if (answer) event.respondWith(answer);
});
