// An API with Express: who has no token for it gets no further than the first `app.use`.
import express from "express";
import { createVerifier } from "tokenward";
import { expressGate } from "tokenward/express";
import { createKeyStore } from "tokenward/keys";
import bundled from "./jwks.json" with { type: "json" };

const issuer = "https://login.example";
const audience = "express-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });
setInterval(() => keys.refreshIfDue().catch(({ message }) => console.warn(message)), 60_000).unref();

const app = express();
app.use(
  expressGate({
    verifier: keys,
    rules: [
      { match: "/health", needs: null },
      { match: "/reports/*", needs: { scope: "reports:read" } },
      { match: "/*" },
    ],
  }),
);
app.get("/health", (_request, response) => response.send("ok"));
app.get("/me", (request, response) => response.json({ sub: request.gate.claims.sub }));
app.get("/reports/:id", (request, response) => response.json({ report: request.params.id }));

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
