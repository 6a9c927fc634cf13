// Rust puts into a module what its panics would say, and where each would come from: a path, a line and a column. A panic traps in
// ours and says nothing, so wasm-opt removes every use of that, but not the data, 0.6 kB of Brotli. It becomes zeros.
import { Failure } from "./run.mjs";
import { bodiesOf, contentOf, counted, DATA, sized, vector, withSections } from "./wasm-module.mjs";

/** The bytes of a `core::panic::Location`: the address and the length of a path, a line, a column. */
const SIZE = 16;
const PATH = /^[\w./-]+\.rs$/;
/** What panics of `core`, `alloc` and `wasm-bindgen` would say. Another version may say something else, which then stays. */
export const MESSAGES = [
  "slice index starts at ",
  " but ends at ",
  "index out of bounds: the len is ",
  " but the index is ",
  "range start index ",
  "range end index ",
  " out of range for slice of length ",
  "copy_from_slice: source slice length (",
  ") does not match destination slice length (",
  "`at` split index (is ",
  ") should be <= len (is ",
  "mid > len",
  "capacity overflow",
  "chunk size must be non-zero",
  "attempt to calculate the remainder with a divisor of zero",
  "argument of integer logarithm must be positive",
  "attempted to take ownership of Rust value while it was borrowed",
  "recursive use of an object detected which would lead to unsafe aliasing in rust",
  "null pointer passed to rust",
];

/** The module with zeros in place of locations and messages that no instruction names, and of paths that only these name. */
export function withoutPanics(wasm) {
  const segments = segmentsOf(contentOf(wasm, DATA));
  const memory = memoryOf(segments);
  // Rust has no addresses of its own in globals: they are where stack and data end.
  const operands = new Set(bodiesOf(wasm).flatMap(({ instructions }) => instructions.flatMap((one) => one.operands)));
  const isNamed = (words, start, length) =>
    Array.from({ length }, (_, at) => start + at).some((address) => operands.has(address) || words.has(address));

  const words = memory.words();
  const unused = memory.locations().filter(({ address }) => !isNamed(words, address, SIZE));
  for (const { address } of unused) memory.clear(address, SIZE);
  const left = memory.words();
  for (const { path, length } of unused) if (!isNamed(left, path, length)) memory.clear(path, length);
  for (const message of MESSAGES) {
    for (const start of memory.placesOf(message)) {
      if (!isNamed(left, start, message.length)) memory.clear(start, message.length);
    }
  }
  return withSections(wasm, {
    [DATA]: () => counted(segments, ({ head, start, bytes }) => [...head, ...sized(memory.read(start, bytes.length))]),
  });
}

/** Active segments of the first memory, which is what a compiler makes (WebAssembly core specification, section 5.5.14). */
function segmentsOf(content) {
  return vector(content, (reader) => {
    const from = reader.at;
    const [kind, instruction, start, end] = [reader.number(), reader.byte(), reader.number(), reader.byte()];
    if (kind !== 0 || instruction !== 0x41 || end !== 0x0b) {
      throw new Failure("the WebAssembly module has a segment of data that is not active, or not of the first memory");
    }
    return { head: content.subarray(from, reader.at), start, bytes: reader.bytes(reader.number()) };
  });
}

/** What the segments make of the memory, zeros between them. */
function memoryOf(segments) {
  // From one word to another: segments begin and end between them where the rest would be zeros.
  const first = Math.min(...segments.map(({ start }) => start)) & ~3;
  const end = Math.max(...segments.map(({ start, bytes: { length } }) => start + length));
  const bytes = Buffer.alloc((end - first + 3) & ~3);
  for (const segment of segments) bytes.set(segment.bytes, segment.start - first);
  const aligned = Array.from({ length: bytes.length / 4 }, (_, at) => 4 * at);
  const word = (at) => bytes.readUInt32LE(at);
  return {
    read: (address, length) => bytes.subarray(address - first, address - first + length),
    clear: (address, length) => bytes.fill(0, address - first, address - first + length),
    placesOf: (text) => {
      const places = [];
      for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(first + at);
      return places;
    },
    words: () => new Set(aligned.map(word)),
    locations: () =>
      aligned
        .filter((at) => at + SIZE <= bytes.length)
        .map((at) => ({ address: first + at, path: word(at), length: word(at + 4) }))
        .filter(
          ({ path, length }) =>
            path >= first && length < 256 && PATH.test(bytes.toString("latin1", path - first, path - first + length)),
        ),
  };
}
