// wasm-bindgen's glue without what nobody needs here. A page pays 0.2 kB of Brotli for it.
import { Failure } from "./run.mjs";

/** Each must be there once, and a rare view at least once: a wasm-bindgen that writes something else is looked at by a person. */
const CUTS = [
  // `js/core.ts` frees the cores that nobody has any more: it knows which instances may still be entered.
  /^const CoreFinalization = [^;]*;\n/gm,
  /^ *CoreFinalization\.unregister\(this\);\n/gm,
  /^ *CoreFinalization\.register\(this, this\.__wbg_ptr, this\);\n/gm,
  /^if \(Symbol\.dispose\) .*;\n/gm,
  // Every engine with SIMD has `encodeInto`, and the module calls it without asking.
  /^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[\s\S]*?^\}\n/gm,
  // For callers without `realloc`, of which there are none.
  /^ {4}if \(realloc === undefined\) \{\n[\s\S]*?^ {4}\}\n/gm,
];

const PASSED = /(?<!function )\bpassStringToWasm0\(/g;
const PASSED_WITH_REALLOC = /\bpassStringToWasm0\(\w+, wasm\.\w+, wasm\.\w+\)/g;

/** Views that few calls use are made anew each time: to know whether one still serves takes more code than that. */
const RARE_VIEW =
  /^let cached(BigUint64Array|DataView|Float64Array)Memory0 = null;\n(function get\w+\(\) \{\n)[\s\S]*?^\}\n/gm;

/** The same glue, shorter. */
export function shorterGlue(glue) {
  const count = (pattern) => [...glue.matchAll(pattern)].length;
  const other = CUTS.find((cut) => count(cut) !== 1);
  if (other !== undefined || count(RARE_VIEW) === 0 || count(PASSED) !== count(PASSED_WITH_REALLOC)) {
    throw new Failure(
      `wasm-bindgen's glue has another form than tools/glue.mjs expects: ${other ?? "views, or passStringToWasm0"}`,
    );
  }
  return CUTS.reduce((text, cut) => text.replace(cut, ""), glue).replace(
    RARE_VIEW,
    (_, view, head) => `${head}    return new ${view}(wasm.memory.buffer);\n}\n`,
  );
}
