// The glue of wasm-bindgen without what nobody needs, and no build with a glue that has another form.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { shorterGlue } from "../../tools/glue.mjs";
import { root } from "../../tools/run.mjs";

const GLUE = `class Core {
    free() {
        CoreFinalization.unregister(this);
    }
    constructor(text) {
        const ptr0 = passStringToWasm0(text, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
        CoreFinalization.register(this, this.__wbg_ptr, this);
    }
}
if (Symbol.dispose) Core.prototype[Symbol.dispose] = Core.prototype.free;
const CoreFinalization = (typeof FinalizationRegistry === 'undefined')
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(ptr => wasm.__wbg_core_free(ptr, 1));

let cachedFloat64ArrayMemory0 = null;
function getFloat64ArrayMemory0() {
    if (cachedFloat64ArrayMemory0 === null) {
        cachedFloat64ArrayMemory0 = new Float64Array(wasm.memory.buffer);
    }
    return cachedFloat64ArrayMemory0;
}
function passStringToWasm0(arg, malloc, realloc) {
    if (realloc === undefined) {
        if (arg) {
            return 1;
        }
    }
    return 2;
}
if (!('encodeInto' in cachedTextEncoder)) {
    cachedTextEncoder.encodeInto = function (arg, view) {
        return {};
    };
}
`;

test("the rest of the glue stays", () => {
  assert.equal(
    shorterGlue(GLUE),
    `class Core {
    free() {
    }
    constructor(text) {
        const ptr0 = passStringToWasm0(text, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    }
}

function getFloat64ArrayMemory0() {
    return new Float64Array(wasm.memory.buffer);
}
function passStringToWasm0(arg, malloc, realloc) {
    return 2;
}
`,
  );
});

for (const [what, glue] of [
  ["another finalization", GLUE.replace("CoreFinalization.register(", "CoreFinalization.registerAll(")],
  ["two of a kind", `${GLUE}if (Symbol.dispose) Other.prototype[Symbol.dispose] = Other.prototype.free;\n`],
  ["a caller without realloc", `${GLUE}passStringToWasm0(text, wasm.__wbindgen_malloc);\n`],
]) {
  test(`a glue of another form ends the build: ${what}`, () => {
    assert.throws(() => shorterGlue(glue), { message: /^wasm-bindgen's glue has another form than tools\/glue\.mjs/ });
  });
}

test("the package's glue has none of it", () => {
  for (const name of ["tokenward", "reference"]) {
    const glue = readFileSync(join(root, `pkg/esm/wasm/${name}_bg.js`), "utf8");
    assert.doesNotMatch(
      glue,
      /CoreFinalization|FinalizationRegistry|Symbol\.dispose|'encodeInto' in|cached(?:BigUint64Array|DataView|Float64Array)Memory0/,
    );
  }
});
