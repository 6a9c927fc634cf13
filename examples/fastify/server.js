// An API with Fastify: the gate is a plugin, for all routes of the app that registers it.
import fastify from "fastify";
import { createVerifier } from "tokenward";
import { fastifyGate } from "tokenward/fastify";
import { createKeyStore } from "tokenward/keys";
import bundled from "./jwks.json" with { type: "json" };

const issuer = "https://login.example";
const audience = "fastify-example";
const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
const keys = createKeyStore({ verifier, bundled, issuer, refreshEvery: "1h" });
setInterval(() => keys.refreshIfDue().catch(({ message }) => console.warn(message)), 60_000).unref();

const app = fastify();
app.register(fastifyGate, {
  verifier: keys,
  rules: [
    { match: "/health", needs: null },
    { match: "/reports/*", needs: { scope: "reports:read" } },
    { match: "/*" },
  ],
});
app.get("/health", () => "ok");
app.get("/me", ({ gate }) => ({ sub: gate.claims.sub }));
app.get("/reports/:id", ({ params }) => ({ report: params.id }));

console.log(await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" }));
