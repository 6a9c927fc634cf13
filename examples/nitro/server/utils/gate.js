import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { createVerifier, init } from "tokenward/slim";
import module from "tokenward/tokenward.wasm?module";
import bundled from "../jwks.json";

init(module);

const issuer = "https://login.example";
const audience = "nitro-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
export const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });

export const gate = createGate({
  verifier: keys,
  rules: [
    { match: "/health", needs: null },
    { match: "/reports/*", needs: { scope: "reports:read" } },
    { match: "/*" },
  ],
});
