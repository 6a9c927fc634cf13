// An API with Hono on Cloudflare Workers.
import { Hono } from "hono";
import { createVerifier } from "tokenward";
import { honoGate } from "tokenward/hono";
import { createKeyStore } from "tokenward/keys";
import bundled from "./jwks.json" with { type: "json" };

const issuer = "https://login.example";
const audience = "hono-worker-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });

export default new Hono()
  .use(async ({ executionCtx }, next) => {
    // Beside the request, and only when it is time.
    executionCtx.waitUntil(keys.refreshIfDue().catch(({ message }) => console.warn(message)));
    await next();
  })
  .use(
    honoGate({
      verifier: keys,
      rules: [
        { match: "/health", needs: null },
        { match: "/reports/*", needs: { scope: "reports:read" } },
        { match: "/*" },
      ],
    }),
  )
  .get("/health", (context) => context.text("ok"))
  .get("/me", (context) => context.json({ sub: context.var.gate.claims?.sub }))
  .get("/reports/:id", (context) => context.json({ report: context.req.param("id") }));
