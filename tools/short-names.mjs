// The names between a WebAssembly module and wasm-bindgen's glue are for nobody but the two, and long: `__wbg_set_8282f7e0d2d01336`.
// Short ones save a page 0.6 kB of Brotli. The first import's is a digest of all long ones, so that a module of another version,
// whose long names differ, does not fit the glue.
import { createHash } from "node:crypto";
import { Failure } from "./run.mjs";

/** What `js/core.ts` and others look for stays as it is. */
const KEPT = ["memory", "core_new", "__wbindgen_start"];

const IMPORTS = 2;
const EXPORTS = 7;

/** The module and its glue with short names, the same for the same set of names. */
export function withShortNames(wasm, glue) {
  const names = [IMPORTS, EXPORTS].flatMap((id) => namesIn(wasm, id).sort()).filter((name) => !KEPT.includes(name));
  if (new Set(names).size !== names.length) throw new Failure("the WebAssembly module imports and exports one name");
  const digest = createHash("sha256").update(names.join()).digest("hex").slice(0, 6);
  const short = new Map(names.map((name, index) => [name, `_${index === 0 ? digest : index.toString(36)}`]));
  const renamed = glue
    .replaceAll(/\bwasm\.(\w+)/g, (found, name) => (short.has(name) ? `wasm.${short.get(name)}` : found))
    .replace(/return \{ [^}]* \};\n\}\n$/, (list) =>
      list.replaceAll(/\w+(?=[,\s])/g, (name) => (short.has(name) ? `${short.get(name)}: ${name}` : name)),
    );
  return { wasm: Buffer.concat([...renamedSections(wasm, short)]), glue: renamed };
}

function namesIn(wasm, id) {
  const names = [];
  const section = [...sections(wasm)].find((one) => one.id === id);
  if (section !== undefined) rewritten(section.content, id, (name) => names.push(name) && name);
  return names;
}

function* renamedSections(wasm, short) {
  yield wasm.subarray(0, 8);
  for (const { id, content } of sections(wasm)) {
    const kept = id !== IMPORTS && id !== EXPORTS;
    const renamed = kept ? content : rewritten(content, id, (name) => short.get(name) ?? name);
    yield Buffer.concat([Buffer.of(id), leb(renamed.length), renamed]);
  }
}

function* sections(wasm) {
  for (let at = 8; at < wasm.length; ) {
    const id = wasm[at];
    const [size, start] = number(wasm, at + 1);
    yield { id, content: wasm.subarray(start, start + size) };
    at = start + size;
  }
}

/** The imports or exports (WebAssembly core specification, sections 5.5.5 and 5.5.10), each name replaced. */
function rewritten(content, id, rename) {
  const [count, first] = number(content, 0);
  const parts = [content.subarray(0, first)];
  let at = first;
  for (let left = count; left > 0; left -= 1) {
    if (id === IMPORTS) {
      const [length, start] = number(content, at);
      parts.push(content.subarray(at, start + length));
      at = start + length;
    }
    const [length, start] = number(content, at);
    const name = Buffer.from(rename(content.toString("utf8", start, start + length)));
    const kind = content[start + length];
    if (id === IMPORTS && kind !== 0)
      throw new Failure("the WebAssembly module imports something other than functions");
    const [, end] = number(content, start + length + 1);
    parts.push(leb(name.length), name, content.subarray(start + length, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function number(bytes, at) {
  const more = bytes[at] >= 128 ? number(bytes, at + 1) : [0, at + 1];
  return [(bytes[at] & 127) + 128 * more[0], more[1]];
}

function leb(value) {
  return Buffer.from(value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)]);
}
