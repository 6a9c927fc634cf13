// The code in README.md and docs/*.md, as files that can be compiled and run.
//
// Every block in ```ts or ```js is a module. A first line like `// auth.ts` is its name, by which other blocks of the same
// page import it, with or without a folder before it; `sw.ts` is for a service worker. What a block uses without importing it is declared in given.d.ts. What
// is not to be compiled is in another language: ```text.
//
// Code that is quoted from a file has the whole name of its language, such as ```javascript (tools/quotes.mjs).

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const PAGES = ["README.md", ...readdirSync(join(root, "docs")).map((page) => `docs/${page}`)].filter((page) =>
  page.endsWith(".md"),
);

/** The blocks of a page: `[{ name, line, code }]`. */
export function blocksOf(page) {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(ts|js)\n(.*?)^```$/gms)].map(([, language, code, offset = 0], index) => {
    const line = text.slice(0, offset || text.indexOf(code)).split("\n").length;
    const [, name = `block-${index + 1}.${language}`] = /^\/\/ (?:[\w-]+\/)*([\w.-]+\.[tj]s)\n/.exec(code) ?? [];
    return { name, line, code };
  });
}

/** A folder inside the package, so that its blocks can import `tokenward`; `target/` is not committed. */
export function makeFolder() {
  mkdirSync(join(root, "target"), { recursive: true });
  const path = mkdtempSync(join(root, "target", "docs-"));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** What `npx tokenward keys fetch` says in its file of where the keys are from. */
const PROVENANCE = { tokenward: { fetched_at: "2026-11-29T12:00:00.000Z" } };

/** Writes the blocks of a page as they are, and the key sets they import. */
export function writeBlocks(page, folder, jwks = { keys: [] }) {
  mkdirSync(folder, { recursive: true });
  writeOtherKeys(page, folder, jwks);
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ ...PROVENANCE, ...jwks }));
  for (const { name, code } of blocksOf(page)) {
    // Declarations are for everybody, and no module.
    writeFileSync(join(folder, name), name.endsWith(".d.ts") ? code : `${code}\nexport {};\n`);
  }
}

/** What stands in the guide's files for what Vite and its plugin put there, for `writePrograms`: `keys.js` has the keys. */
export const BUILT = {
  '"virtual:tokenward/keys"': '"./keys.js"',
  "import.meta.env.VITE_ISSUER": '"https://login.example"',
  "import.meta.env.VITE_CLIENT_ID": '"my-app"',
  "import.meta.env.VITE_API": '"https://api.example"',
};

/** Writes the named blocks of a page as JavaScript for Node, with some texts replaced, such as the provider's address. */
export async function writePrograms(page, folder, { jwks, replace = {} }) {
  writeFileSync(
    join(folder, "keys.js"),
    `export default ${JSON.stringify(jwks)};\nexport const fetchedAt = 1_800_000_000;\n`,
  );
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ ...PROVENANCE, ...jwks }));
  writeOtherKeys(page, folder, jwks);
  for (const { name, code } of blocksOf(page)) {
    if (name.endsWith(".d.ts")) continue;
    let text = code;
    for (const [from, to] of Object.entries(replace)) text = text.replaceAll(from, to);
    const { code: program } = await transform(text, { loader: "ts", format: "esm", target: "esnext" });
    writeFileSync(join(folder, name.replace(/\.ts$/, ".js")), program);
  }
}

/** Writes what the blocks of a page import beside `jwks.json`, such as another issuer's file, with the same keys. */
function writeOtherKeys(page, folder, jwks) {
  const imported = blocksOf(page).flatMap(({ code }) => [...code.matchAll(/"\.\/([\w-]+\.json)"/g)]);
  for (const [, file] of imported) writeFileSync(join(folder, file), JSON.stringify({ ...PROVENANCE, ...jwks }));
}
