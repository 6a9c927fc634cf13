// npm run sizes: what each entry of the package costs an app on the wire: bundled and minified by esbuild, raw, with gzip and
// with Brotli, beside `jose`, and the files that tokenward/slim takes. `npm run build` comes first; `npm run sizes -- --write`
// writes the table into docs/reference.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Failure, main, root } from "./run.mjs";

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
  return compressed(outputFiles[0].contents);
}

/** What `tokenward/slim` is given. */
const FILES = ["tokenward.wasm", "relaxed.wasm"];

/** The page that has the table, and how it begins and looks. */
export const PAGE = "docs/reference.md";
const HEAD = "| import | raw | gzip | Brotli |\n| --- | ---: | ---: | ---: |\n";
const TABLE = /\| import \| raw .*\n\| --- .*\n((?:\|.*\n)+)/;

/** The sizes of all entries and files, by their names: `{ raw, gzip, brotli }`, in bytes. */
export async function allSizes() {
  const sizes = {};
  for (const [name, source] of Object.entries(ENTRIES)) sizes[name] = await wireSize(source);
  for (const file of FILES) sizes[`tokenward/${file}`] = compressed(readFileSync(join(root, "pkg", file)));
  return sizes;
}

/** The same as the page has them: its figures are kilobytes of 1000 bytes. */
export function writtenSizes() {
  const [, rows] = TABLE.exec(readFileSync(join(root, PAGE), "utf8")) ?? [];
  if (rows === undefined) throw new Failure(`${PAGE} has no table of sizes`);
  const cells = rows
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const bytes = (cell) => Math.round(1000 * Number(cell.replace(" kB", "")));
  return Object.fromEntries(
    cells.map(([name, raw, gzip, brotli]) => [
      name.replaceAll("`", ""),
      { raw: bytes(raw), gzip: bytes(gzip), brotli: bytes(brotli) },
    ]),
  );
}

function compressed(bytes) {
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
}

main(import.meta.url, async () => {
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);
  console.log(`${"".padEnd(26)}${["raw", "gzip", "Brotli"].map((title) => title.padStart(10)).join("")}`);
  const sizes = Object.entries(await allSizes()).map(([name, { raw, gzip, brotli }]) => [name, raw, gzip, brotli]);
  for (const [name, ...bytes] of sizes) console.log(name.padEnd(26) + bytes.map(kilobytes).join(""));
  if (process.argv[2] !== "--write") return;
  const rows = sizes.map(
    ([name, ...bytes]) => `| \`${name}\` | ${bytes.map((one) => kilobytes(one).trim()).join(" | ")} |\n`,
  );
  const page = readFileSync(join(root, PAGE), "utf8");
  if (!TABLE.test(page)) throw new Failure(`${PAGE} has no table of sizes`);
  writeFileSync(
    join(root, PAGE),
    page.replace(TABLE, () => HEAD + rows.join("")),
  );
});
