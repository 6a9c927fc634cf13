// docs/reference.md knows every option there is.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./blocks.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");
// Options of the bundler plugin stand in its own guide.
const reference = read("docs/reference.md") + read("docs/bundlers.md");
const declarations = readdirSync(join(root, "pkg/esm"), { recursive: true })
  .filter((file) => file.endsWith(".d.ts"))
  .map((file) => read(join("pkg/esm", file)))
  .join("\n");

/** `[interface, its properties]` for those whose names end so. */
function interfaces(ending) {
  const pattern = new RegExp(`^export interface (\\w*${ending})\\b[^{]*\\{\\n(.*?)^\\}`, "gms");
  return [...declarations.matchAll(pattern)].map(([, name, body]) => {
    const properties = [...body.matchAll(/^ {4}(?:readonly )?(\w+)\??[:(]/gm)].map(([, property]) => property);
    return [name, properties];
  });
}

const unknown = (names) => names.filter((name) => !new RegExp(`\`(?:[^\`]*\\W)?${name}\\b[^\`]*\``).test(reference));

for (const [name, properties] of interfaces("Options")) {
  // The verifier's are in the README, compiled; checked ones are inside.
  if (name === "VerifierOptions" || name === "CheckedOptions") continue;
  test(`every option of ${name} is in the reference`, () => {
    assert.ok(properties.length > 0);
    assert.deepEqual(unknown(properties), []);
  });
}

for (const name of ["Session", "KeyStore", "Gate", "GateRule", "SessionState", "AccessRequest", "Policy"]) {
  test(`every member of ${name} is in the reference`, () => {
    const [, properties] = interfaces(name).find(([one]) => one === name);
    assert.ok(properties.length > 0);
    assert.deepEqual(unknown(properties), []);
  });
}

test("every outcome of a refresh is explained", () => {
  const [, union] = /^export type RefreshOutcome = ([^;]+);/m.exec(declarations);
  for (const [, one] of union.matchAll(/"(\w+)"/g)) assert.match(reference, new RegExp(`^\\| .*\`${one}\`.* \\|`, "m"));
});

test("links lead to pages, headings and files that are there", () => {
  const anchors = (text) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchor(title));
  for (const page of ["README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", ...docs()]) {
    for (const [, link] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path, hash] = link.split("#");
      const target = path === "" ? page : join(page, "..", path);
      const text = /\.md$/.test(target) ? read(target) : readdirSync(join(root, target, "..")).join();
      if (hash !== undefined) assert.ok(anchors(text).includes(hash), `${page}: ${link}`);
    }
  }
});

const docs = () => readdirSync(join(root, "docs")).map((page) => `docs/${page}`);

/** As GitHub makes them. */
const anchor = (title) =>
  title
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
