// npm run quotes: puts the code that pages of docs/ quote into them, so that there is one source of it. A page says what it quotes:
//
//   <!-- quote examples/express/server.js -->
//   <!-- quote examples/axum/src/main.rs, from "let app" to "axum::serve" -->
//
// The block after that is the file, or its lines from the first with the one text to the next with the other, or to its end. What
// is for our linter is left out. A test compares. docs/offline.md shows whole files by their names (./guide.mjs).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { writeGuide } from "./guide.mjs";
import { Failure, main, root } from "./run.mjs";

/** Their names in fences: the blocks in `js` and `ts` are the pages' own (tests/docs/blocks.mjs). */
const LANGUAGES = { ".js": "javascript", ".mjs": "javascript", ".ts": "typescript", ".tsx": "tsx", ".rs": "rust" };
const QUOTE = /^<!-- quote ([\w./[\]-]+)(?:, from "(.+?)"(?: to "(.+)")?)? -->\n(\n```\w+\n[\s\S]*?^```\n)?/gm;

/** A page with its quotes as they should be. `read` gives a file's text. */
export function withQuotes(page, read) {
  return page.replace(QUOTE, (whole, path, from, to) => {
    const language = LANGUAGES[extname(path)];
    if (language === undefined) throw new Failure(`a page quotes ${path}, and this tool knows no language for it`);
    const comment = whole.slice(0, whole.indexOf("\n") + 1);
    return `${comment}\n\`\`\`${language}\n${part(read(path), path, from, to)}\`\`\`\n`;
  });
}

function part(text, path, from, to) {
  const lines = text
    .trimEnd()
    .split("\n")
    .filter((line) => !line.trim().startsWith("// biome-ignore"));
  const start = lines.findIndex((line) => from === undefined || line.includes(from));
  const end = to === undefined ? lines.length - 1 : lines.findIndex((line, at) => at >= start && line.includes(to));
  if (start < 0 || end < 0) throw new Failure(`${path} has no "${start < 0 ? from : to}" that a page quotes it by`);
  const chosen = lines.slice(start, end + 1);
  const indent = Math.min(...chosen.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)));
  return `${chosen.map((line) => line.slice(indent)).join("\n")}\n`;
}

export const pagesWithQuotes = () =>
  readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);

export const readText = (path) => readFileSync(join(root, path), "utf8");

main(import.meta.url, () => {
  writeGuide();
  for (const page of pagesWithQuotes()) {
    const old = readText(page);
    const fresh = withQuotes(old, readText);
    if (fresh === old) continue;
    writeFileSync(join(root, page), fresh);
    console.log(`${page}: its quotes are those of today`);
  }
});
