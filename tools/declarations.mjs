// The declarations of the package name types of the web platform, which not everybody compiles with: Node's own types have some
// of them, and a project without `dom` in its `lib` has none. They are put in place of the globals here, and not by an import in
// each source, where forgetting one would go unnoticed.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const TYPES = "platform/web-types";

/** Has every declaration in a folder of the package import what it names of the web platform. */
export function importWebTypes(folder) {
  const names = exportedTypes(readFileSync(join(folder, `${TYPES}.d.ts`), "utf8"));
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith(".d.ts") || file === `${TYPES}.d.ts`) continue;
    const path = join(folder, file);
    const from = relative(dirname(path), join(folder, `${TYPES}.js`));
    writeFileSync(path, withWebTypes(readFileSync(path, "utf8"), names, from.startsWith(".") ? from : `./${from}`));
  }
}

export function exportedTypes(text) {
  return [...text.matchAll(/^export (?:declare )?(?:type|namespace) (\w+)/gm)].map(([, name]) => name);
}

/** A declaration file that imports what it names of these types, unless it has something of its own by that name. */
export function withWebTypes(text, names, from) {
  const body = text.replaceAll(/\btypeof (?:globalThis\.)?fetch\b/g, "Fetch");
  const code = body.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|"[^"\n]*"/gs, "");
  const isOwn = (name) => new RegExp(`\\b(?:interface|class|type|enum|namespace|const|function) ${name}\\b`).test(code);
  const isImported = (name) => new RegExp(`\\bimport\\b[^;]*\\b${name}\\b[^;]*;`).test(code);
  const isNamed = (name) => new RegExp(`(?<![.\\w$])${name}(?![\\w$]|\\??:(?! ))`).test(code);
  const needed = names.filter((name) => isNamed(name) && !isOwn(name) && !isImported(name));
  if (needed.length === 0) return body;
  const line = `import type { ${needed.join(", ")} } from "${from.replaceAll("\\", "/")}";\n`;
  // A reference counts only at the very top.
  const [references] = /^(?:\/\/\/.*\n)*/.exec(body);
  return references + line + body.slice(references.length);
}
