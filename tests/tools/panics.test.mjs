// What only panics name is taken out of a module's data, and nothing else.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MESSAGES, withoutPanics } from "../../tools/panics.mjs";
import { root } from "../../tools/run.mjs";

const START = 1 << 16;
const section = (id, content) => [id, content.length, ...content];
const word = (number) => [number & 255, (number >> 8) & 255, (number >> 16) & 255, 0];
const constant = (number) => [0x41, (number & 127) | 128, ((number >> 7) & 127) | 128, number >> 14];
const location = (path, length, line) => [...word(path), ...word(length), ...word(line), ...word(7)];

/** A function that names these addresses and drops them, and this data. */
function moduleOf({ named = [], data, kind = 0, start = START }) {
  const instructions = [START, ...named].flatMap((address) => [...constant(address), 0x1a]);
  const bytes = Buffer.from(data.flat());
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 2]),
    ...section(10, [1, instructions.length + 2, 0, ...instructions, 0x0b]),
    ...section(11, [1, kind, ...constant(start), 0x0b, bytes.length, ...bytes]),
  ]);
}

const PATH = "src/engine/rsa.rs";
/** At the start a path and a byte to be on a word again, then four words for each location. */
const PATHS = [...Buffer.from(PATH), 0, 0, 0];
const place = (index) => START + PATHS.length + 16 * index;
const dataOf = (wasm) => wasm.subarray(wasm.length - (PATHS.length + 48));
const DATA = [PATHS, location(START, PATH.length, 10), location(START, PATH.length, 20), location(START, 7, 30)];

test("a location that nothing names becomes zeros; a path that is named stays, and what is no path of Rust", () => {
  const wasm = withoutPanics(moduleOf({ data: DATA }));
  assert.ok(WebAssembly.validate(wasm));
  assert.deepEqual([...dataOf(wasm)], [...PATHS, ...Array(32).fill(0), ...location(START, 7, 30)]);
  assert.equal(wasm.length, moduleOf({ data: DATA }).length);
});

test("a path that only such locations name goes with them", () => {
  const shifted = [[0, 0, 0, 0], PATHS, location(START + 4, PATH.length, 10), Array(20).fill(1)];
  const wasm = withoutPanics(moduleOf({ data: shifted }));
  assert.deepEqual(
    [...wasm.subarray(-(4 + PATHS.length + 36))],
    [...Array(4 + PATHS.length + 16).fill(0), ...Array(20).fill(1)],
  );
});

test("a location stays that an instruction names, whatever part of it, or that other data names, and so does its path", () => {
  for (const part of [0, 4, 12, 15]) {
    const wasm = withoutPanics(moduleOf({ data: DATA, named: [place(1) + part] }));
    const expected = [...PATHS, ...Array(16).fill(0), ...location(START, PATH.length, 20), ...location(START, 7, 30)];
    assert.deepEqual([...dataOf(wasm)], expected, `byte ${part}`);
  }
  const pointing = [...DATA.slice(0, 3), [...word(place(0)), ...Array(12).fill(0)]];
  const wasm = withoutPanics(moduleOf({ data: pointing }));
  const expected = [...PATHS, ...location(START, PATH.length, 10), ...Array(16).fill(0), ...pointing[3]];
  assert.deepEqual([...dataOf(wasm)], expected);
});

test("what a panic would say becomes zeros, unless something names it", () => {
  const texts = [..."mid > len", ..."Rust panics: mid > len "].map((character) => character.charCodeAt(0));
  const data = [[0, 0, 0, 0], texts];
  const kept = [..."Rust panics: "].map((character) => character.charCodeAt(0));
  const cleared = [...Array(9).fill(0), ...kept, ...Array(9).fill(0), 0x20];
  assert.deepEqual([...withoutPanics(moduleOf({ data })).subarray(-texts.length)], cleared);
  const named = withoutPanics(moduleOf({ data, named: [START + 6] })).subarray(-texts.length);
  assert.deepEqual([...named], [...texts.slice(0, 9), ...cleared.slice(9)]);
});

test("a pointer is seen whose last byte is left out, and words are where they are in the memory", () => {
  // wasm-opt leaves out zeros at the end.
  const pointer = word(place(0)).slice(0, 3);
  const cut = withoutPanics(moduleOf({ data: [...DATA.slice(0, 2), pointer] }));
  assert.deepEqual([...cut.subarray(-(PATHS.length + 19))], [...PATHS, ...DATA[1], ...pointer]);
  const [unused, used] = [location(START + 4, PATH.length, 10), location(START + 4, PATH.length, 20)];
  const data = [[0, 0, 0], PATHS, unused, used];
  const later = withoutPanics(moduleOf({ data, start: START + 1, named: [place(1) + 4] }));
  const expected = [...PATHS, ...Array(16).fill(0), ...used];
  assert.deepEqual([...later.subarray(-expected.length)], expected);
});

/** A text of ours that held one of them could be named by an address before it, or be read by index. */
test("no text of ours holds what a panic would say", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true }).filter((file) => file.endsWith(".rs"));
  assert.ok(sources.length > 20);
  for (const file of sources) {
    const text = readFileSync(join(root, "src", file), "utf8");
    assert.deepEqual(
      MESSAGES.filter((message) => text.includes(message)),
      [],
      file,
    );
  }
});

test("the package's modules name no place in Rust", () => {
  for (const name of ["tokenward", "ml-dsa"]) {
    assert.doesNotMatch(readFileSync(join(root, `pkg/${name}.wasm`), "latin1"), /[\w./-]+\.rs\b/);
  }
});

test("a module that is not as a compiler makes it is refused", () => {
  assert.throws(() => withoutPanics(moduleOf({ data: DATA, kind: 1 })), /segment of data/);
  assert.throws(() => withoutPanics(moduleOf({ data: DATA }).subarray(0, -1)), /ends too soon/);
});
