// Writes a WebAssembly module as a JavaScript string of printable ASCII, which `js/inlined.ts` reads. With Brotli the string costs
// a seventh less than the module itself, where base64 would cost a third more.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { Failure, root } from "./run.mjs";

/** What reads it says which instruction has which operands. */
const reader = transformSync(readFileSync(join(root, "js/inlined.ts"), "utf8"), { loader: "ts", format: "esm" });
const reading = await import(`data:text/javascript,${encodeURIComponent(reader.code)}`);
const { ADDED, ADDRESS, ADDRESSES, ALIGNED, BRANCHES, CODE, CONSTANTS, DATA, READ, READ_BEFORE, READ_FIRST } = reading;
const { READ_LAST, REST, STREAMS, WRITTEN, decoded, followersOf } = reading;
export const { BULK, VECTOR, operandsOf } = reading;

/** Printable ASCII without the quote and the backslash, so that no bundler escapes any of it. */
const CHARACTERS = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)).filter(
  (character) => character !== '"' && character !== "\\",
);
const PAIRS = CHARACTERS.slice(-2).flatMap((first) => CHARACTERS.map((second) => first + second));
const SINGLE = CHARACTERS.slice(0, -2);

/**
 * A module whose loads and stores say the alignment of what they take, whatever it is: this is a hint that changes nothing, and
 * costs half a kilobyte of Brotli where a compiler knows it.
 */
export function naturallyAligned(bytes) {
  const aligned = Uint8Array.from(bytes);
  for (const [at, alignment] of streamsOf(bytes).alignments) aligned[at] = alignment;
  return Buffer.from(aligned);
}

/** The text of a module. Throws for one that would not be read as it is. */
export function inlined(bytes) {
  const text = streamsOf(bytes).streams.map(written).join("");
  if (!Buffer.from(decoded(text)).equals(Buffer.from(bytes))) {
    throw new Failure("js/inlined.ts would read another WebAssembly module: this one holds what it does not expect");
  }
  return text;
}

/**
 * What is of one kind, together. The sizes of functions and of all code are left out: they follow from the code. So are the
 * alignments, which follow from the opcodes: their places are beside the streams, with what is expected there.
 */
function streamsOf(bytes) {
  const alignments = [];
  const streams = Array.from({ length: STREAMS }, () => []);
  let at = 0;
  const move = (stream, count = 1) => {
    if (at + count > bytes.length) throw new Failure("the WebAssembly module ends within an instruction or a section");
    streams[stream].push(...bytes.subarray(at, at + count));
    at += count;
    return bytes[at - 1];
  };
  const number = (stream) => {
    const [low, more] = [bytes[at] & 127, bytes[at] >= 128];
    move(stream);
    return more ? low + 128 * number(stream) : low;
  };
  const skipNumber = () => {
    while (bytes[at] >= 128) at += 1;
    at += 1;
  };
  const put = (stream, value) => {
    if (value < 128) return streams[stream].push(value);
    streams[stream].push((value % 128) + 128);
    return put(stream, Math.floor(value / 128));
  };
  /** The number that comes next, and where it ends. */
  const peek = () => {
    let end = at;
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[end] ?? 0;
      end += 1;
      value += (byte & 127) * unit;
      if (byte < 128) return { value, end };
    }
  };
  const operands = operandsOf();
  const followers = followersOf();
  let address = 0;
  /** Where an `i32.const` is a number of four bytes, that is an address of data, or might as well be. */
  const moveAddress = () => {
    const { value, end } = peek();
    if (end !== at + 4 || value < 2 ** 20 || value >= 2 ** 27) return false;
    streams[CODE][streams[CODE].length - 1] = ADDRESS;
    put(ADDRESSES, value < address ? 2 * (address - value) - 1 : 2 * (value - address));
    address = value;
    at = end;
    return true;
  };
  let used = [0, 1];
  const moveLocal = (stream) => {
    const { value, end } = peek();
    const place = used.indexOf(value);
    if (place !== 0) used = [value, used[0]];
    if (stream === READ && place >= 0) {
      streams[CODE][streams[CODE].length - 1] = place === 0 ? READ_LAST : READ_BEFORE;
      at = end;
    } else number(stream === READ && followers[bytes[end]] === 1 ? READ_FIRST : stream);
  };
  const moveOperand = (stream) => {
    if (stream === READ || stream === WRITTEN) moveLocal(stream);
    else number(stream === CONSTANTS && followers[bytes[peek().end]] === 2 ? ADDED : stream);
  };
  const moveFunction = () => {
    used = [0, 1];
    skipNumber();
    for (let groups = number(REST); groups > 0; groups -= 1) {
      number(REST);
      number(REST);
    }
    for (let depth = 1; depth > 0; ) {
      const first = move(CODE);
      if (first === 0x41 && moveAddress()) continue;
      const opcode = first === 0xfd ? VECTOR + number(CODE) : first === 0xfc ? BULK + number(CODE) : first;
      for (let packed = operands[opcode]; packed > 0; packed >>= 5) {
        const operand = (packed & 31) - 1;
        if (operand < ALIGNED) moveOperand(operand);
        else {
          alignments.push([at, operand - ALIGNED]);
          skipNumber();
        }
      }
      if (opcode >= 0x02 && opcode <= 0x04) depth += 1;
      if (opcode === 0x0b) depth -= 1;
      if (opcode === 0x0e) for (let labels = number(BRANCHES); labels >= 0; labels -= 1) number(BRANCHES);
      if (opcode === 0x1c) move(CODE, number(CODE));
      if (opcode === 0x43) move(CODE, 4);
      if (opcode === 0x44) move(CODE, 8);
      if (opcode === VECTOR + 0x0c || opcode === VECTOR + 0x0d) move(CODE, 16);
    }
  };
  move(REST, 8);
  while (at < bytes.length) {
    const section = move(REST);
    if (section === 10) {
      skipNumber();
      for (let functions = number(REST); functions > 0; functions -= 1) moveFunction();
    } else {
      const size = number(REST);
      for (let left = size; left > 0; left -= 1) move(section === 11 ? DATA : REST);
    }
  }
  return { streams, alignments };
}

/** The length of a stream's text, a bit for each byte that has a character of its own (the most frequent ones), and the text. */
function written(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte] += 1;
  const all = [...counts.keys()];
  const frequent = new Set([...all].sort((one, other) => counts[other] - counts[one]).slice(0, SINGLE.length));
  const singles = SINGLE.values();
  const pairs = PAIRS.values();
  const characters = all.map((byte) => (frequent.has(byte) ? singles : pairs).next().value);
  const bits = Array.from({ length: 64 }, (_, place) =>
    [0, 1, 2, 3].reduce((sum, bit) => sum + (frequent.has(4 * place + bit) ? 1 << bit : 0), 0).toString(16),
  ).join("");
  const text = bits + Array.from(bytes, (byte) => characters[byte]).join("");
  return (text.length + 6).toString(16).padStart(6, "0") + text;
}
