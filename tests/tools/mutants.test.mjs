// The list of mutants that nothing notices is about code that is there, and says why of each.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { explained, located, mutantsAt, parseName, reasonFor } from "../../tools/mutants.mjs";
import { root } from "../../tools/run.mjs";

const list = explained();

test("each reason is about a line that is there", () => {
  for (const { file, code, change, why } of list.survivors) {
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    assert.ok(
      lines.some((line) => line.trim() === code),
      `${file} has no line "${code}": the reason is out of date`,
    );
    assert.ok(why.length > 20, `${file}: ${change}`);
    const [, replaced] = /^replace (\S+) with /.exec(change) ?? [];
    if (replaced !== undefined && /^[^\w]+$/.test(replaced)) assert.ok(code.includes(replaced), `${code}: ${change}`);
  }
  for (const { file, change, why } of list.classes) {
    assert.ok(existsSync(join(root, file)), file);
    assert.ok(new RegExp(change) && why.length > 20, file);
  }
});

test("no reason stands twice", () => {
  const names = list.survivors.map(({ file, code, change }) => `${file} ${code} ${change}`);
  assert.equal(new Set(names).size, names.length);
});

test("a mutant's name is read, and finds its reason by line, change and file", () => {
  const name = "src/engine/fast/field.rs:12:34: replace + with - in Residue<M, L>::mul";
  assert.deepEqual(parseName(name), {
    file: "src/engine/fast/field.rs",
    line: 12,
    change: "replace + with - in Residue<M, L>::mul",
  });
  assert.throws(() => parseName("field.rs, line 12"), /in another form/);
  assert.equal(located(name).code, readFileSync(join(root, "src/engine/fast/field.rs"), "utf8").split("\n")[11]);
  const one = { file: "a.rs", code: "a + b", change: "replace + with -", why: "x" };
  const known = { classes: [{ file: "b.rs", change: "^replace \\+", why: "y" }], survivors: [one] };
  assert.equal(reasonFor(known, { file: "a.rs", change: "replace + with -", code: "    a + b" }), one);
  assert.equal(reasonFor(known, { file: "a.rs", change: "replace + with *", code: "a + b" }), undefined);
  assert.equal(reasonFor(known, { file: "a.rs", change: "replace + with -", code: "a + c" }), undefined);
  assert.equal(reasonFor(known, { file: "b.rs", change: "replace + with -", code: "" })?.why, "y");
  assert.equal(reasonFor(known, { file: "b.rs", change: "replace - with +", code: "" }), undefined);
});

test("an error of the compiler belongs to the innermost mutant around its place", () => {
  const source = "a /*1<*/ b /*12<*/ c /*>12*/ d /*>1*/ e /*2<*/ f /*>2*/";
  const at = (text) => mutantsAt(source, [source.indexOf(` ${text} `) + 1]);
  assert.deepEqual(["b", "c", "d", "e", "f"].map(at), [[1], [12], [1], [], [2]]);
});
