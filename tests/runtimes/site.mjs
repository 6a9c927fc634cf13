// A site on loopback that holds the suite, with the strictest policy under which WebAssembly may be compiled.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { conformanceTable, mlDsaTable } from "../conformance/table.mjs";
import { overflowGiven } from "./overflow-given.mjs";

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";

/** Classic scripts, since Firefox ESR 140 has no module service workers. */
export async function startSite() {
  const { outputFiles } = await build({
    entryPoints: ["page", "worker", "service-worker"].map((name) =>
      fileURLToPath(new URL(`${name}.mjs`, import.meta.url)),
    ),
    bundle: true,
    format: "iife",
    target: "es2022",
    outdir: "/",
    write: false,
    logLevel: "error",
  });
  const files = new Map(
    outputFiles.map(({ path, contents }) => [`/${path.split(/[\\/]/).pop()}`, ["text/javascript", contents]]),
  );
  files.set("/table.json", ["application/json", JSON.stringify(await conformanceTable())]);
  files.set("/ml-dsa.json", ["application/json", JSON.stringify(mlDsaTable())]);
  files.set("/overflow.json", ["application/json", JSON.stringify(overflowGiven())]);
  files.set("/", [
    "text/html",
    '<!doctype html><meta charset="utf-8"><title>Conformance</title><script src="/page.js"></script>',
  ]);

  const server = createServer((request, response) => {
    const [type, content] = files.get(new URL(request.url, "http://localhost").pathname) ?? [];
    if (type === undefined) return response.writeHead(404).end();
    response
      .writeHead(200, { "content-type": `${type}; charset=utf-8`, "content-security-policy": POLICY })
      .end(content);
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
