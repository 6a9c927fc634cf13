// Who may have which route. The proxy asks it first, and each route handler again.
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import bundled from "./jwks.json" with { type: "json" };

const issuer = "https://login.example";
const audience = "next-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });
setInterval(() => keys.refreshIfDue().catch(({ message }) => console.warn(message)), 60_000).unref();

export const gate = createGate({
  verifier: keys,
  rules: [
    { match: "/api/reports/*", needs: { scope: "reports:read" } },
    { match: "/api/*" },
    { match: "/account" },
    // Pages and what they load. Who is signed in to see them is another question: docs/offline.md.
    { match: "/*", needs: null },
  ],
});

/** A route handler behind the gate: it gets the decision, with the token's claims, before what Next gives. */
export function guarded(handler) {
  return async (request, ...given) => {
    const { decision, response } = await gate.admit(request);
    return response ?? handler(decision, request, ...given);
  };
}
