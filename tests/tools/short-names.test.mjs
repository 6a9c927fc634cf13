// Short names between the module and its glue: the two still fit each other, and nothing else fits them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../tools/run.mjs";
import { withShortNames } from "../../tools/short-names.mjs";

/** A module that imports a function of this name, and exports it by another and by `core_new`. */
function moduleOf(imported, exported) {
  const text = (value) => [value.length, ...Buffer.from(value)];
  const section = (id, content) => [id, content.length, ...content];
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(2, [1, ...text("./glue.js"), ...text(imported), 0, 0]),
    ...section(7, [2, ...text(exported), 0, 0, ...text("core_new"), 0, 0]),
  ]);
}

const GLUE =
  "function makeGlue() {\nfunction __wbg_call() { wasm.other(); wasm.memory; }\n\nreturn { Core, __wbg_call };\n}\n";

test("imports and exports are short, and the glue has the same names for them", () => {
  const { wasm, glue } = withShortNames(moduleOf("__wbg_call", "other"), GLUE);
  const module = new WebAssembly.Module(wasm);
  const [{ name: imported }] = WebAssembly.Module.imports(module);
  const [{ name: exported }, { name: kept }] = WebAssembly.Module.exports(module);
  assert.match(imported, /^_[\da-f]{6}$/);
  assert.equal(kept, "core_new");
  assert.ok(glue.includes(`wasm.${exported}();`) && glue.includes("wasm.memory;"));
  assert.ok(glue.includes(`return { Core, ${imported}: __wbg_call };`));
});

test("a module with other long names, or other arguments, does not fit the glue", () => {
  const names = ["__wbg_call", "__wbg_call2"].map((imported) => {
    const { wasm } = withShortNames(moduleOf(imported, "other"), GLUE);
    return WebAssembly.Module.imports(new WebAssembly.Module(wasm))[0].name;
  });
  assert.notEqual(names[0], names[1]);
  // The same names called with other arguments.
  const { wasm } = withShortNames(moduleOf("__wbg_call", "other"), GLUE.replace("wasm.other()", "wasm.other(1)"));
  assert.notEqual(WebAssembly.Module.imports(new WebAssembly.Module(wasm))[0].name, names[0]);
});

test("the modules of the package have no long name left, and those with the same glue the same ones", () => {
  const namesOf = (file) => {
    const module = new WebAssembly.Module(readFileSync(join(root, "pkg", file)));
    const all = [...WebAssembly.Module.imports(module), ...WebAssembly.Module.exports(module)];
    return all.map(({ name }) => name).sort();
  };
  for (const name of namesOf("tokenward.wasm")) {
    assert.match(name, /^(?:_[\da-f]{6}|_[\da-z]{1,2}|memory|core_new|__wbindgen_start)$/);
  }
  assert.deepEqual(namesOf("ml-dsa.wasm"), namesOf("tokenward.wasm"));
  assert.notDeepEqual(namesOf("reference.wasm"), namesOf("tokenward.wasm"));
});
