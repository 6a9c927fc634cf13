// The names between a WebAssembly module and wasm-bindgen's glue are for nobody but the two, and long: `__wbg_set_8282f7e0d2d01336`.
// Short ones save a page 0.6 kB of Brotli. The first import's is a digest of all long ones and of the glue, so that a module of
// another version, whose names or signatures differ, does not fit the glue.
import { createHash } from "node:crypto";
import { Failure } from "./run.mjs";
import {
  EXPORTS,
  exportsOf,
  exportsWritten,
  IMPORTS,
  importsOf,
  importsWritten,
  withSections,
} from "./wasm-module.mjs";

/** What `js/core.ts` and others look for stays as it is. */
const KEPT = ["memory", "core_new", "__wbindgen_start"];

/** The module and its glue with short names, the same for the same set of names. */
export function withShortNames(wasm, glue) {
  const [imports, exports] = [importsOf(wasm), exportsOf(wasm)];
  const names = [imports, exports]
    .flatMap((entries) => entries.map(({ name }) => name).sort())
    .filter((name) => !KEPT.includes(name));
  if (new Set(names).size !== names.length) throw new Failure("the WebAssembly module imports and exports one name");
  const digest = createHash("sha256").update(names.join()).update(glue).digest("hex").slice(0, 6);
  const short = new Map(names.map((name, index) => [name, `_${index === 0 ? digest : index.toString(36)}`]));
  const renamed = glue
    .replaceAll(/\bwasm\.(\w+)/g, (found, name) => (short.has(name) ? `wasm.${short.get(name)}` : found))
    .replace(/return \{ [^}]* \};\n\}\n$/, (list) =>
      list.replaceAll(/\w+(?=[,\s])/g, (name) => (short.has(name) ? `${short.get(name)}: ${name}` : name)),
    );
  const shortened = (entry) => ({ ...entry, name: short.get(entry.name) ?? entry.name });
  const rewrite = {
    [IMPORTS]: () => importsWritten(imports.map(shortened)),
    [EXPORTS]: () => exportsWritten(exports.map(shortened)),
  };
  return { wasm: withSections(wasm, rewrite), glue: renamed };
}
