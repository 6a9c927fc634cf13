// A WebAssembly module's bytes, read and written (WebAssembly core specification, section 5): sections, vectors and instructions, as
// far as our own modules have them.
import { BULK, operandsOf, VECTOR } from "./inline.mjs";
import { Failure } from "./run.mjs";

/** The sections that are looked at. */
export const [IMPORTS, FUNCTIONS, EXPORTS, START, ELEMENTS, CODE, DATA] = [2, 3, 7, 8, 9, 10, 11];

/** The module with some sections rewritten: a function from content to content for each. */
export function withSections(wasm, rewrite) {
  const parts = [...sectionsOf(wasm)].flatMap(({ id, content }) => [id, ...sized(rewrite[id]?.(content) ?? content)]);
  return Buffer.from([...wasm.subarray(0, 8), ...parts]);
}

/** What a section holds; of one that is not there, nothing: a count of zero. */
export function contentOf(wasm, id) {
  return [...sectionsOf(wasm)].find((section) => section.id === id)?.content ?? Buffer.of(0);
}

function* sectionsOf(wasm) {
  const reader = new Reader(wasm);
  reader.bytes(8);
  while (reader.at < wasm.length) {
    const id = reader.byte();
    yield { id, content: reader.bytes(reader.number()) };
  }
}

/** What a section holds that is a count and as many entries. */
export function vector(content, read) {
  const reader = new Reader(content);
  const entries = Array.from({ length: reader.number() }, () => read(reader));
  if (reader.at !== content.length)
    throw new Failure("the WebAssembly module has a section with more than its entries");
  return entries;
}

/** What is imported, functions only: each with the module, its name there and its type. */
export function importsOf(wasm) {
  return vector(contentOf(wasm, IMPORTS), (reader) => {
    const [module, name, kind, type] = [reader.name(), reader.name(), reader.byte(), reader.number()];
    if (kind !== 0) throw new Failure("the WebAssembly module imports something other than functions");
    return { module, name, type };
  });
}

/** What is exported: each with its name, its kind, 0 for a function, and its index among those of its kind. */
export function exportsOf(wasm) {
  return vector(contentOf(wasm, EXPORTS), (reader) => ({
    name: reader.name(),
    kind: reader.byte(),
    index: reader.number(),
  }));
}

/** The content of a section of imports, or of exports. */
export const importsWritten = (imports) =>
  counted(imports, ({ module, name, type }) => [...named(module), ...named(name), 0, ...leb(type)]);
export const exportsWritten = (exports) =>
  counted(exports, ({ name, kind, index }) => [...named(name), kind, ...leb(index)]);

/** The functions that a module has itself: each with its locals, as bytes, and its instructions. */
export function bodiesOf(wasm) {
  return vector(contentOf(wasm, CODE), (reader) => bodyOf(reader.bytes(reader.number())));
}

function bodyOf(bytes) {
  const reader = new Reader(bytes);
  for (let groups = reader.number(); groups > 0; groups -= 1) {
    reader.number();
    reader.number();
  }
  const head = bytes.subarray(0, reader.at);
  const instructions = [];
  while (reader.at < bytes.length) {
    const start = reader.at;
    const first = reader.byte();
    const opcode = first === 0xfd ? VECTOR + reader.number() : first === 0xfc ? BULK + reader.number() : first;
    const operands = [];
    for (let packed = OPERANDS[opcode]; packed > 0; packed >>= 5) operands.push(reader.number());
    if (opcode === 0x0e) for (let labels = reader.number(); labels >= 0; labels -= 1) reader.number();
    if (opcode === 0x1c) reader.bytes(reader.number());
    reader.bytes(CONSTANTS[opcode] ?? 0);
    instructions.push({ opcode, operands, bytes: bytes.subarray(start, reader.at) });
  }
  return { head, instructions };
}

const OPERANDS = operandsOf();
/** The bytes of constants that are no LEB128. */
const CONSTANTS = { 67: 4, 68: 8, [VECTOR + 0x0c]: 16, [VECTOR + 0x0d]: 16 };

export class Reader {
  #bytes;
  at = 0;

  constructor(bytes) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte() {
    return this.bytes(1)[0];
  }

  bytes(count) {
    if (this.at + count > this.#bytes.length) throw new Failure("the WebAssembly module ends too soon");
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  name() {
    return this.bytes(this.number()).toString("utf8");
  }

  number() {
    const byte = this.byte();
    return byte < 128 ? byte : byte - 128 + 128 * this.number();
  }
}

export const sized = (bytes) => [...leb(bytes.length), ...bytes];
/** A vector: a count, and as many entries. */
export const counted = (entries, written) => [...leb(entries.length), ...entries.flatMap(written)];
const named = (name) => sized(Buffer.from(name));

export function leb(value) {
  return value < 128 ? [value] : [(value % 128) + 128, ...leb(Math.floor(value / 128))];
}
