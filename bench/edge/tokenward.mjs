// As docs/edge.md has it: keys in memory, refreshed beside a request.
import { createVerifier } from "tokenward";
import { honoGate } from "tokenward/hono";
import { createKeyStore } from "tokenward/keys";
import { AUDIENCE, COOLDOWN, guardedBy, ISSUER, once, REFRESH_EVERY, TIMEOUT } from "./app.mjs";

const made = once(({ JWKS_URI, BUNDLED }) => {
  const verifier = createVerifier({ jwks: BUNDLED, issuer: ISSUER, audience: AUDIENCE, algorithms: ["ES256"] });
  const intervals = { refreshEvery: REFRESH_EVERY, cooldown: COOLDOWN, timeout: TIMEOUT };
  const keys = createKeyStore({ verifier, bundled: BUNDLED, jwksUri: JWKS_URI, ...intervals });
  return { keys, gate: honoGate({ verifier: keys, rules: [{ match: "/*" }], refreshTimeout: TIMEOUT }) };
});

export default guardedBy((context, next) => {
  const { keys, gate } = made(context.env);
  context.executionCtx.waitUntil(keys.refreshIfDue().catch(() => {}));
  return gate(context, () => {
    context.set("sub", context.var.gate.claims.sub);
    return next();
  });
});
