// Who may have which route.
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import bundled from "../../../jwks.json" with { type: "json" };

const issuer = "https://login.example";
const audience = "sveltekit-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });
setInterval(() => keys.refreshIfDue().catch(({ message }) => console.warn(message)), 60_000).unref();

export const gate = createGate({
  verifier: keys,
  rules: [
    { match: "/", needs: null },
    { match: "/health", needs: null },
    { match: "/reports/*", needs: { scope: "reports:read" } },
    // All the rest, remote functions too: what is not named is not open.
    { match: "/*", needs: "signed_in" },
  ],
});
