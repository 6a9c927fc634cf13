// A site on loopback whose page can do what the tests ask, under the strictest policy that lets it, and without WebAssembly.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const policy = (scripts) => `default-src 'none'; worker-src 'self'; script-src ${scripts}`;
const POLICIES = { "/": policy("'self' 'wasm-unsafe-eval'"), "/no-wasm": policy("'self'") };

/** `{ port, close }`: `/`, and `/no-wasm` whose policy forbids WebAssembly. `given` stands in the script for names. */
export async function startSite(entry = "page.mjs", given = {}) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    define: given,
    bundle: true,
    format: "iife",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  const [{ contents: script }] = outputFiles;
  const server = createServer((request, response) => {
    const send = (type, body, rules) =>
      response.writeHead(200, { "content-type": `${type}; charset=utf-8`, "content-security-policy": rules }).end(body);
    if (request.url === "/page.js") return send("text/javascript", script, POLICIES["/"]);
    if (!POLICIES[request.url]) return response.writeHead(404).end();
    const page = '<!doctype html><meta charset="utf-8"><title>Locks</title><script src="/page.js"></script>';
    send("text/html", page, POLICIES[request.url]);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
