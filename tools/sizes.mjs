// npm run sizes: what each entry of the package costs an app on the wire: bundled and minified by esbuild, raw, with gzip and
// with Brotli, beside `jose`. `npm run build` comes first.
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { main, root } from "./run.mjs";

/** What an app imports of each entry. */
export const ENTRIES = {
  tokenward: 'export { createVerifier } from "tokenward";',
  "tokenward/slim": 'export { createVerifier, init } from "tokenward/slim";',
  "tokenward/reference": 'export { createVerifier } from "tokenward/reference";',
  "tokenward/ml-dsa": 'export { createVerifier } from "tokenward/ml-dsa";',
  "tokenward/keys": 'export { createKeyStore } from "tokenward/keys";',
  "tokenward/session": 'export { createSession } from "tokenward/session";',
  "tokenward/providers": 'export { oauthProvider } from "tokenward/providers";',
  "tokenward/presets": 'export { keycloak } from "tokenward/presets";',
  "tokenward/gate": 'export { createGate } from "tokenward/gate";',
  "tokenward/pin": 'export { pinProtection } from "tokenward/pin";',
  "tokenward/passkey": 'export { passkeyProtection } from "tokenward/passkey";',
  jose: 'export { createLocalJWKSet, jwtVerify } from "jose";',
};

/** The bytes of a page that imports this: `{ raw, gzip, brotli }`. */
export async function wireSize(source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "error",
  });
  const bytes = outputFiles[0].contents;
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
}

main(import.meta.url, async () => {
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);
  console.log(`${"".padEnd(20)}${["raw", "gzip", "Brotli"].map((title) => title.padStart(10)).join("")}`);
  for (const [name, source] of Object.entries(ENTRIES)) {
    const { raw, gzip, brotli } = await wireSize(source);
    console.log(name.padEnd(20) + [raw, gzip, brotli].map(kilobytes).join(""));
  }
});
