// docs/errors.md has a row for every code and reason of the public API, and for nothing else.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "./blocks.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");
const page = read("docs/errors.md");
const declarations = readdirSync(join(root, "pkg/esm"), { recursive: true })
  .filter((file) => file.endsWith(".d.ts"))
  .map((file) => read(join("pkg/esm", file)))
  .join("\n");

/**
 * By the type: the section that has its members, and whose members are elsewhere. Every exported type of these endings is here;
 * where it has no section of its own, its members are in another one.
 */
const SECTIONS = {
  TokenErrorCode: { section: "TokenError" },
  ConfigErrorCode: { section: "ConfigError" },
  KeyStoreErrorCode: { section: "KeyStoreError" },
  SessionErrorCode: { section: "SessionError" },
  RefreshRejectedCode: { section: "RefreshRejected" },
  ProviderUnavailableCode: { section: "ProviderUnavailable" },
  StorageErrorCode: { section: "StorageError" },
  ProtectionErrorCode: { section: "ProtectionError" },
  SessionReason: { section: "SessionReason" },
  AccessReason: { within: "SessionReason" },
  EndCause: { section: "EndCause" },
  GateReason: { section: "GateReason", elsewhere: "SessionReason" },
  UrlRefusal: { within: "GateReason" },
  Refusal: { within: "refused" },
  DpopErrorCode: { section: "DpopErrorCode", elsewhere: "TokenErrorCode" },
};
/** They are numbers, and stand in the reference. */
const NO_CODES = ["ExitCode"];

/** What a type is in the declarations. */
function definition(name) {
  const found = new RegExp(`^(?:export )?(?:declare )?type ${name} = ([^;]+);`, "m").exec(declarations);
  assert.ok(found, `there is a type ${name}`);
  return found[1];
}

/** The texts that a union allows, through the types that it names. */
function membersOf(union) {
  const [, constant] = /^\(typeof (\w+)\)\[number\]$/.exec(union) ?? [];
  if (constant) return literals(new RegExp(`const ${constant}: readonly \\[([^\\]]+)\\]`).exec(declarations)[1]);
  const types = union.replace(/"\w+"/g, "").match(/\b[A-Z]\w+\b/g) ?? [];
  return [...literals(union), ...types.flatMap((type) => membersOf(definition(type)))];
}

const literals = (text) => [...text.matchAll(/"(\w+)"/g)].map(([, one]) => one);

/** The rows of a section: `[{ codes, cells, columns }]`. */
function rowsOf(section) {
  const [, text] = new RegExp(`^## ${section}\\n(.*?)(?=^## |(?![\\s\\S]))`, "ms").exec(page) ?? [];
  assert.ok(text, `there is a section ${section}`);
  const [head, , ...rows] = text.split("\n").filter((line) => line.startsWith("|"));
  const cellsOf = (row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
  const columns = cellsOf(head);
  return rows.map(cellsOf).map((cells) => {
    const codes = [...cells[0].matchAll(/`(\w+)`/g)].map(([, code]) => code);
    return { codes, cells, columns };
  });
}

const codesOf = (section) => rowsOf(section).flatMap(({ codes }) => codes);
const distinct = (names) => [...new Set(names)].sort();

describe("docs/errors.md", () => {
  test("knows every type of codes and reasons that the package has", () => {
    const types = [...declarations.matchAll(/^export type (\w+(?:Code|Reason|Refusal|Cause)|Refusal) =/gm)];
    assert.ok(types.length >= 15);
    assert.deepEqual(distinct(types.map(([, name]) => name)), distinct([...Object.keys(SECTIONS), ...NO_CODES]));
  });

  for (const [type, { section, elsewhere }] of Object.entries(SECTIONS)) {
    if (section === undefined) continue;
    test(`has each of ${type} once, and nothing else`, () => {
      const others = elsewhere === undefined ? [] : membersOf(definition(elsewhere));
      const wanted = membersOf(definition(type)).filter((code) => !others.includes(code));
      assert.deepEqual(codesOf(section).sort(), distinct(wanted));
    });
  }

  test("has whatever a decision may be refused as", () => {
    const [, union] = /readonly refused\?: (Refusal \| UrlRefusal[^;]+);/.exec(declarations);
    const urls = membersOf(definition("UrlRefusal"));
    const wanted = membersOf(union).filter((code) => !urls.includes(code));
    assert.deepEqual(codesOf("Refusal").sort(), distinct(wanted));
  });

  test("has what a type leaves to another one there", () => {
    for (const { within } of Object.values(SECTIONS)) if (within in SECTIONS) assert.ok(SECTIONS[within].section);
    const inside = (part, whole) =>
      membersOf(definition(part)).every((one) => membersOf(definition(whole)).includes(one));
    assert.ok(inside("AccessReason", "SessionReason"));
    assert.ok(inside("UrlRefusal", "GateReason"));
  });

  test("says of each what its columns ask for", () => {
    for (const section of [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)) {
      for (const { codes, cells, columns } of rowsOf(section)) {
        assert.ok(codes.length > 0, `${section}: ${cells[0]}`);
        assert.equal(cells.length, columns.length, codes.join());
        assert.ok(
          cells.every((cell) => cell !== ""),
          codes.join(),
        );
      }
    }
  });

  test("has the order of the checks for the codes of a token, as the README", () => {
    const [, order] = /failure is your error: ([^.]+)\./.exec(read("README.md"));
    assert.deepEqual(
      [...order.matchAll(/`(\w+)`/g)].map(([, code]) => code),
      codesOf("TokenError"),
    );
  });

  test("has every code of the crate", () => {
    const found = (text, pattern) => [...text.matchAll(pattern)].map(([, code]) => code);
    /** What the functions named `code` match their cases with. */
    const codes = (file) =>
      read(file)
        .split(/fn code\(&self\)/)
        .slice(1)
        .map((body) => found(body.slice(0, body.indexOf("\n    }")), /=> "(\w+)"/g));
    const [ofFacts, config, ...rest] = codes("src/error.rs");
    assert.deepEqual([ofFacts, rest], [[], []]);
    assert.doesNotMatch(read("src/error.rs"), /\bcode: "/);
    const error = found(read("src/error.rs"), /(?:Facts|Self)::(?:of|at)\(\s*"(\w+)"/g);
    assert.deepEqual(distinct(error), distinct(membersOf(definition("TokenErrorCode"))));
    const ownCodes = config.filter((code) => !codesOf("ConfigError").includes(code));
    assert.deepEqual(ownCodes, codesOf("Rust"));
    for (const code of codes("src/typed_claims.rs").flat()) assert.ok(codesOf("TokenError").includes(code));
  });
});
