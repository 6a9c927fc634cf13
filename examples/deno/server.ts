// An API with `deno serve`.
import { createVerifier } from "tokenward";
import { createGate, type GateDecision } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import bundled from "./jwks.json" with { type: "json" };

const issuer = "https://login.example";
const audience = "deno-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });
const timer = setInterval(() => keys.refreshIfDue().catch(({ message }) => console.warn(message)), 60_000);
// biome-ignore lint/correctness/noUndeclaredVariables: it is a global of Deno.
Deno.unrefTimer(timer);

const gate = createGate({
  verifier: keys,
  rules: [
    { match: "/health", needs: null },
    { match: "/reports/*", needs: { scope: "reports:read" } },
    { match: "/*" },
  ],
});

/** What is behind the gate. It is asked only what is allowed, and gets the URL that was judged. */
function answer(request: Request, { claims }: GateDecision): Response {
  const { pathname } = new URL(request.url);
  const [, id] = /^\/reports\/([^/]+)$/.exec(pathname) ?? [];
  if (pathname === "/health") return new Response("ok");
  if (pathname === "/me") return Response.json({ sub: claims?.sub });
  return id === undefined ? new Response("Not found", { status: 404 }) : Response.json({ report: id });
}

export default {
  async fetch(request: Request): Promise<Response> {
    return (await gate.handle(request, answer)) ?? new Response("Not found", { status: 404 });
  },
};
