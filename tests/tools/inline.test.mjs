// A WebAssembly module as a string in a script: what is written is read back, whatever instructions and data it holds, no bundler
// has to escape any of it, and it compresses better than the module.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { inlined, naturallyAligned } from "../../tools/inline.mjs";
import { root } from "../../tools/run.mjs";
import fc from "../support/properties.mjs";

const { decoded } = await import(join(root, "pkg/esm/inlined.js"));

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const all = Array.from({ length: 256 }, (_, byte) => byte);
const module = (...sections) => Uint8Array.from([...MAGIC, ...sections.flat()]);
const number = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...number(Math.floor(value / 128))]);
const signed = (value) =>
  value >= -64 && value < 64 ? [value & 127] : [(value & 127) + 128, ...signed(Math.floor(value / 128))];
const section = (id, content) => [id, ...number(content.length), ...content];
const sized = (content) => [...number(content.length), ...content];
/** The code section of functions without locals. */
const code = (...functions) =>
  section(10, [...number(functions.length), ...functions.flatMap((body) => sized([0, ...body, 0x0b]))]);

const roundTrip = (bytes) => assert.deepEqual([...decoded(inlined(bytes))], [...bytes]);

describe("a module as text is read back as it was", () => {
  test("whatever bytes its data and its own sections hold", () => {
    const bytes = fc.uint8Array({ maxLength: 600 });
    fc.assert(
      fc.property(bytes, bytes, (one, other) => roundTrip(module(section(0, [...one]), section(11, [...other])))),
    );
    roundTrip(module(section(11, all)));
    roundTrip(module(section(0, all.toReversed?.() ?? [...all].reverse())));
    roundTrip(module());
  });

  test("whatever numbers follow the opcodes, in functions of all sizes", () => {
    const unsigned = fc.nat(0xffff_ffff).map((value) => number(value));
    const instruction = fc.oneof(
      ...[0x00, 0x01, 0x0f, 0x1a, 0x1b, 0x45, 0xa7, 0xc4, 0xd1].map((opcode) => fc.constant([opcode])),
      ...[0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].map(
        (opcode) => unsigned.map((operand) => [opcode, ...operand]),
      ),
      fc.tuple(unsigned, unsigned).map((two) => [0x11, ...two.flat()]),
      ...[0x28, 0x3e].map((opcode) => unsigned.map((offset) => [opcode, 2, ...offset])),
      fc
        .array(unsigned, { minLength: 1, maxLength: 200 })
        .map((labels) => [0x0e, ...number(labels.length - 1), ...labels.flat()]),
      fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [0x43, ...bytes]),
      fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => [0x44, ...bytes]),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [0xfd, 12, ...bytes]),
      unsigned.map((offset) => [0xfd, 0, 4, ...offset]),
      fc.tuple(unsigned, fc.nat(15)).map(([offset, lane]) => [0xfd, 84, 0, ...offset, lane]),
      fc.tuple(fc.nat(15)).map(([lane]) => [0xfd, 21, lane]),
      fc.constant([0xfd, ...number(0x107)]),
      fc.constant([0xfc, 3]),
      fc.constant([0xfc, 10, 0, 0]),
      unsigned.map((segment) => [0xfc, 8, ...segment, 0]),
      fc.constant([0x02, 0x40, 0x03, 0x40, 0x04, 0x40, 0x0b, 0x0b, 0x0b]),
      fc.constant([0x1c, 1, 0x6f]),
      // What is coded by what came before: locals that are used again, addresses that are near each other.
      fc
        .tuple(fc.constantFrom(0x20, 0x21, 0x22), fc.constantFrom(0, 1, 2, 127, 128, 300))
        .map(([opcode, local]) => [opcode, ...number(local)]),
      fc.integer({ min: -70_000, max: 70_000 }).map((distance) => [0x41, ...signed(2 ** 20 + distance)]),
      fc.constantFrom(-1, 63, 64, 2 ** 20 - 1, 2 ** 20, 2 ** 27 - 1, 2 ** 27).map((value) => [0x41, ...signed(value)]),
      fc.constantFrom(0x6a, 0x6b).map((opcode) => [opcode]),
    );
    const body = fc.array(instruction, { maxLength: 40 }).map((instructions) => instructions.flat());
    fc.assert(fc.property(fc.array(body, { maxLength: 5 }), (bodies) => roundTrip(module(code(...bodies)))));
    roundTrip(module(code(Array.from({ length: 20_000 }, () => 0x01))));
  });
});

/** Every load and store there is, with its natural alignment: WebAssembly core specification, section 3.3 (the bytes it takes). */
const ALIGNMENTS = {
  0: [0x2c, 0x2d, 0x30, 0x31, 0x3a, 0x3c],
  1: [0x2e, 0x2f, 0x32, 0x33, 0x3b, 0x3d],
  2: [0x28, 0x2a, 0x34, 0x35, 0x36, 0x38, 0x3e],
  3: [0x29, 0x2b, 0x37, 0x39],
};
const VECTOR_ALIGNMENTS = {
  0: [0x07, 0x54, 0x58],
  1: [0x08, 0x55, 0x59],
  2: [0x09, 0x56, 0x5a, 0x5c],
  3: [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x57, 0x5b, 0x5d],
  4: [0x00, 0x0b],
};

test("a hint of alignment is made the natural one, which is not written down; nothing else of a module changes", () => {
  const isLane = (opcode) => opcode >= 0x54 && opcode <= 0x5b;
  const bodies = (hint) => [
    ...Object.entries(ALIGNMENTS).flatMap(([natural, opcodes]) =>
      opcodes.flatMap((opcode) => [opcode, hint ?? Number(natural), 200, 1]),
    ),
    ...Object.entries(VECTOR_ALIGNMENTS).flatMap(([natural, opcodes]) =>
      opcodes.flatMap((opcode) => [0xfd, opcode, hint ?? Number(natural), 7, ...(isLane(opcode) ? [3] : [])]),
    ),
  ];
  const natural = module(code(bodies()), section(11, all));
  assert.deepEqual([...naturallyAligned(module(code(bodies(0)), section(11, all)))], [...natural]);
  assert.deepEqual([...naturallyAligned(natural)], [...natural]);
  roundTrip(natural);
});

for (const [name, bytes] of Object.entries({
  "an instruction that ends too soon": module(section(10, [1, 2, 0, 0x41])),
  "an opcode that stands for another instruction in the text": code([0xe0]),
  "a local whose number is longer than it needs": code([0x20, 0x80, 0, 0x20, 0x80, 0]),
  "a load that says another alignment than the natural one": module(code([0x29, 2, 0])),
  "a function that has a longer size than it needs": module([10, 5, 1, 0x82, 0, 0, 0x0b]),
  "a function that goes on after its end": module(section(10, [1, 3, 0, 0x0b, 0x01])),
})) {
  test(`${name} is no module that a build would take`, () => {
    assert.throws(() => inlined(Buffer.from(bytes)), /WebAssembly module/);
  });
}

test("what is written is printable ASCII without quotes or backslashes, and compresses better than the module", () => {
  for (const name of ["tokenward", "relaxed", "reference", "ml-dsa"]) {
    const bytes = readFileSync(join(root, `pkg/${name}.wasm`));
    const text = inlined(bytes);
    assert.match(text, /^[ !#-[\]-~]+$/);
    assert.ok(decoded(text).length === bytes.length);
    for (const compress of [brotliCompressSync, gzipSync]) {
      assert.ok(compress(Buffer.from(text)).length < compress(bytes).length, name);
    }
  }
});
