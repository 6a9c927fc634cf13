// The functions of a module in another order: each is still the one that its callers, its exports and its table mean.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withAlikeTogether } from "../../tools/order.mjs";

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id, ...content) => [id, content.length, ...content];
const name = (text) => [text.length, ...Buffer.from(text)];
const body = (...instructions) => [instructions.length + 2, 0, ...instructions, 0x0b];

/** One imported function; `a` calls `b` and `c`, which are unlike each other, and `d` is like `a`. */
const [ENV, A, B, C, D, E] = [0, 1, 2, 3, 4, 5];
const calls = (one, other) => body(0x10, one, 0x10, other, 0x6a, 0x10, ENV, 0x6a);
const [TWO, THREE, LAST] = [body(0x41, 2, 0x41, 0, 0x6a), body(0x42, 3, 0xa7), body(0x41, 9, 0x24, 0)];
const module = ({ start = [], elements = section(9, 1, 0, 0x41, 0, 0x0b, 2, B, E) } = {}) =>
  Uint8Array.from([
    ...MAGIC,
    ...section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0),
    ...section(2, 1, ...name("m"), ...name("f"), 0, 0),
    ...section(3, 5, 0, 0, 0, 0, 1),
    ...section(4, 1, 0x70, 0, 2),
    ...section(6, 1, 0x7f, 1, 0x41, 0, 0x0b),
    ...section(7, 4, ...name("a"), 0, A, ...name("d"), 0, D, ...name("t"), 1, 0, ...name("g"), 3, 0),
    ...start,
    ...elements,
    ...section(10, 5, ...calls(B, C), ...TWO, ...THREE, ...calls(C, C), ...LAST),
  ]);

const run = (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { f: () => 100 } }).exports;

describe("a module whose functions stand in another order", () => {
  const ordered = withAlikeTogether(module({ start: section(8, E) }));

  test("does what it did", () => {
    for (const bytes of [module({ start: section(8, E) }), ordered]) {
      const { a, d, t, g } = run(bytes);
      assert.deepEqual([a(), d(), t.get(0)(), t.get(1)(), g.value], [105, 106, 2, undefined, 9]);
    }
  });

  test("has what is alike together", () => {
    const code = ordered.subarray(ordered.length - [calls(B, C), calls(C, C), TWO, THREE, LAST].flat().length);
    const lengths = [code[0], code[code[0] + 1]].map((size) => size + 1);
    assert.deepEqual(lengths, [calls(B, C).length, calls(C, C).length]);
    assert.notDeepEqual([...ordered], [...module({ start: section(8, E) })]);
  });

  test("is the same each time", () => {
    assert.deepEqual(withAlikeTogether(module()), withAlikeTogether(module()));
  });
});

test("a module that is not as a compiler makes it is refused", () => {
  const passive = module({ elements: section(9, 1, 1, 0, 1, B) });
  assert.throws(() => withAlikeTogether(passive), /segment of elements/);
  const memory = Uint8Array.from([...MAGIC, ...section(2, 1, ...name("m"), ...name("f"), 2, 0, 1)]);
  assert.throws(() => withAlikeTogether(memory), /WebAssembly module/);
  assert.throws(() => withAlikeTogether(module().subarray(0, -1)), /ends too soon/);
});
