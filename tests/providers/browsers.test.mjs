// Refresh from pages: cookies, redirects and headers are where browsers differ from everything else.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startFusionAuth } from "../../tools/fusionauth.mjs";
import { openChromiumPage, openFirefox, openWebKit, until } from "../browsers/engines.mjs";
import { json, startServer } from "./server.mjs";

const ENGINES = { Chromium: openChromiumPage, Firefox: openFirefox, WebKitGTK: openWebKit };
const OLD = { access_token: "old-access", refresh_token: "old-refresh" };
const NEW = { access_token: "new-access", refresh_token: "new-refresh", token_type: "Bearer" };
// An icon of its own, so that no browser asks for one.
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,"><script src="/page.js"></script>';
const DATE = "Fri, 02 Jan 2026 03:04:05 GMT";

for (const [name, open] of Object.entries(ENGINES)) {
  describe(`refresh in ${name}`, () => {
    let app;
    let provider;
    let fusionAuth;
    let page;
    let answer = (_, response) => response.writeHead(404).end();
    before(async () => {
      const script = await bundle();
      app = await startServer(({ url }, response) => {
        if (url === "/page.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(script);
        if (url !== "/") return answer(url, response);
        response.writeHead(200, { "content-type": "text/html" });
        return response.end(PAGE);
      });
      provider = await startServer(({ url }, response) => answer(url, response));
      fusionAuth = await startFusionAuth({ apps: [app.origin] });
      page = await open();
      await page.open(`${app.origin}/`);
      await until(page, "typeof call", "function");
      // Cookies do not tell ports apart: this one goes with every request here that takes cookies along.
      await page.ask("void (document.cookie = 'refresh_token=of-somebody-else; path=/')");
    });
    after(async () => {
      await page?.close();
      for (const server of [app, provider, fusionAuth]) await server?.close();
    });

    const call = (...values) => page.ask(`call(${values.map((value) => JSON.stringify(value)).join(", ")})`);
    const at = ({ origin }) => ({ server: { issuer: origin, token_endpoint: `${origin}/token` }, clientId: "app" });
    const refresh = (server) => call("oauthProvider", at(server), "refresh", OLD);
    const shared = () => ({ "access-control-allow-origin": app.origin, date: DATE });

    it("works across origins without asking first whether it may", async () => {
      provider.requests.length = 0;
      answer = (_, response) => json(response, 200, NEW, shared());
      const { token_type: _, ...tokens } = NEW;
      assert.deepEqual(await refresh(provider), { tokens });
      assert.deepEqual(
        provider.requests.map(({ method }) => method),
        ["POST"],
      );
    });

    it("knows the provider's time where it may be read", async () => {
      const readable = { ...shared(), "access-control-expose-headers": "Date" };
      answer = (_, response) => json(response, 200, NEW, readable);
      assert.equal((await refresh(provider)).tokens.serverTime, Date.parse(DATE) / 1000);
    });

    it("takes no cookie along, not even to its own origin", async () => {
      app.requests.length = 0;
      answer = (_, response) => json(response, 200, NEW);
      for (const maker of ["oauthProvider", "fusionAuthProvider"]) {
        const options = maker === "oauthProvider" ? at(app) : { url: app.origin };
        await call(maker, options, "refresh", OLD);
      }
      assert.equal(app.requests.length, 2);
      for (const { headers } of app.requests) assert.equal(headers.cookie, undefined);
    });

    it("follows no redirect", async () => {
      app.requests.length = 0;
      answer = (url, response) => {
        if (url === "/portal") return json(response, 400, { error: "invalid_grant" });
        return response.writeHead(307, { location: "/portal" }).end();
      };
      const expected = { name: "ProviderUnavailable", code: "http_status", sent: true, status: 0 };
      assert.deepEqual(await refresh(app), expected);
      assert.deepEqual(
        app.requests.map(({ url }) => url),
        ["/token"],
      );
    });

    it("signs nobody out by an answer that the browser hides", async () => {
      answer = (_, response) => json(response, 400, { error: "invalid_grant" });
      const { name, code, sent } = await refresh(provider);
      assert.deepEqual({ name, code, sent }, { name: "ProviderUnavailable", code: "network", sent: true });
    });

    it("signs out by an answer that it shows", async () => {
      answer = (_, response) => json(response, 400, { error: "invalid_grant" }, shared());
      const { name, code } = await refresh(provider);
      assert.deepEqual({ name, code }, { name: "RefreshRejected", code: "invalid_grant" });
    });

    it("works with FusionAuth across origins, and ends with its log-out", async () => {
      const { url, applicationId, accounts } = fusionAuth;
      const login = await fetch(`${url}/api/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...accounts[0], applicationId }),
      });
      const { token, refreshToken } = await login.json();
      const ask = (method, tokens) => call("fusionAuthProvider", { url }, method, tokens);
      const { tokens } = await ask("refresh", { access_token: token, refresh_token: refreshToken });
      assert.notEqual(tokens.refresh_token, refreshToken);
      await ask("revoke", tokens);
      assert.equal((await ask("refresh", tokens)).name, "RefreshRejected");
    });
  });
}

async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("site/page.mjs", import.meta.url))],
    bundle: true,
    format: "iife",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}
