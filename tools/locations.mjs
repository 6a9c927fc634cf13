// Rust puts into a module where each of its panics would come from: a path, a line and a column. A panic traps in ours and says
// nothing, so wasm-opt removes every use of them, but not the data: 0.4 kB of Brotli. They become zeros.

import { Failure } from "./run.mjs";
import { bodiesOf, contentOf, DATA, leb, sized, vector, withSections } from "./wasm-module.mjs";

/** The bytes of a `core::panic::Location`: the address and the length of a path, a line, a column. */
const SIZE = 16;
const PATH = /^[\w./-]+\.rs$/;

/** The module with zeros in place of locations that no instruction names, and of paths that only these name. */
export function withoutLocations(wasm) {
  const segments = segmentsOf(contentOf(wasm, DATA));
  const memory = memoryOf(segments);
  const operands = new Set(bodiesOf(wasm).flatMap(({ instructions }) => instructions.flatMap((one) => one.operands)));
  const isNamed = (words, start, length) =>
    Array.from({ length }, (_, at) => start + at).some((address) => operands.has(address) || words.has(address));

  const words = memory.words();
  const unused = memory.locations().filter(({ address }) => !isNamed(words, address, SIZE));
  for (const { address } of unused) memory.clear(address, SIZE);
  const left = memory.words();
  for (const { path, length } of unused) if (!isNamed(left, path, length)) memory.clear(path, length);
  return withSections(wasm, {
    [DATA]: () => [
      ...leb(segments.length),
      ...segments.flatMap(({ head, start, bytes }) => [...head, ...sized(memory.read(start, bytes.length))]),
    ],
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
  const first = Math.min(...segments.map(({ start }) => start));
  const bytes = Buffer.alloc(Math.max(...segments.map(({ start, bytes: { length } }) => start + length)) - first);
  for (const segment of segments) bytes.set(segment.bytes, segment.start - first);
  const aligned = Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => 4 * at);
  const word = (at) => bytes.readUInt32LE(at);
  return {
    read: (address, length) => bytes.subarray(address - first, address - first + length),
    clear: (address, length) => bytes.fill(0, address - first, address - first + length),
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
