// Builds the app and serves it, with its API; and starts a provider to try it with where VITE_ISSUER is on this machine.
//
//   node server/start.js [--dev]     --dev: by Vite's development server, without a build
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import express from "express";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { build, createServer, loadEnv } from "vite";
import { createApp } from "./app.js";
import { startProvider } from "./provider.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const port = Number(process.env.PORT ?? 3000);
const isDev = process.argv.includes("--dev");
const mode = isDev ? "development" : "production";
const { VITE_ISSUER: given, VITE_CLIENT_ID: clientId, VITE_API: api } = loadEnv(mode, root);

const apps = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
const isOurs = new URL(given).hostname === "127.0.0.1";
if (isOurs) {
  const lifetime = Number(process.env.TOKEN_LIFETIME ?? 900);
  await startProvider({ port: Number(new URL(given).port), apps, clientId, api, lifetime });
}

/** The issuer's keys, fetched once; the key store then looks for newer ones by itself. */
async function verifierOf(issuer) {
  const ask = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.json();
  };
  const { jwks_uri } = await ask(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const jwks = await ask(jwks_uri);
  const verifier = createVerifier({ jwks, issuer, audience: api, profile: "at+jwt" });
  return createKeyStore({ verifier, bundled: jwks, issuer });
}

async function filesOf() {
  if (isDev) return (await createServer({ root, appType: "mpa", server: { middlewareMode: true } })).middlewares;
  await build({ root });
  const setHeaders = (response, path) => {
    // WebAssembly has to be allowed, and the provider, where pages and worker ask for tokens and keys.
    const policy = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${new URL(given).origin}; img-src 'self' data:`;
    response.set("content-security-policy", policy);
    // Names of assets change with their content; pages and the worker are asked for anew each time.
    const isAsset = path.startsWith(join(root, "dist/assets"));
    response.set("cache-control", isAsset ? "public, max-age=31536000, immutable" : "no-cache");
  };
  return express.static(join(root, "dist"), { cacheControl: false, setHeaders });
}

const app = createApp({ verifier: await verifierOf(given), files: await filesOf() });
app.listen(port, "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`Notes: ${apps[0]}\nProvider: ${given}${isOurs ? " (any name and password will do)" : ""}`);
});
