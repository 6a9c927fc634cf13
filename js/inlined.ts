/**
 * The bytes of a WebAssembly module that is part of a script, as a string of printable ASCII, written by `tools/inline.mjs`.
 *
 * What is of one kind stands together in a stream: all opcodes, the places of all locals, and so on. There compressors find more
 * than in the module itself, where each opcode is followed by something of another kind.
 */

/** The streams, in an order that compresses well: those that are alike stand beside each other. */
export const STREAMS = 13;
/** What data segments hold. */
export const DATA = 0;
/** All else that is no instruction. */
export const REST = 1;
const CALLS = 2;
/** Constants, and those that the next instruction adds or subtracts. */
export const CONSTANTS = 3;
export const ADDED = 4;
/** Constants that are addresses of data: differences from the one before. */
export const ADDRESSES = 5;
const OFFSETS = 6;
/** Locals that are written, those that are read, and those that are read just before another one is. */
export const WRITTEN = 7;
export const READ = 8;
export const READ_FIRST = 9;
export const BRANCHES = 10;
/** The types of blocks. */
const BLOCKS = 11;
/** Opcodes, and what has no stream of its own. */
export const CODE = 12;

/** Opcodes that no module has: `local.get` of the local used last, or of the one before it, and `i32.const` of an address. */
export const READ_LAST = 0xe0;
export const READ_BEFORE = 0xe1;
export const ADDRESS = 0xe2;

/** Opcodes after the prefix 0xFD count from here. */
export const VECTOR = 0x100;
/** Those after 0xFC. */
export const BULK = 0x300;

/** An operand that is no number of a stream but a load's or store's alignment: plus this it stands where a stream would. */
export const ALIGNED = STREAMS;

/**
 * From which opcode of loads and stores on, the alignment of each: the binary logarithm of as many bytes as it takes, which is
 * all that a module may say that is inlined.
 */
const ALIGNMENTS: readonly (readonly [first: number, alignments: string])[] = [
  [0x28, "23230011001122232301012"],
  [VECTOR, "433333301234"],
  [VECTOR + 0x54, "0123012323"],
];

/**
 * From which opcode to which, and the streams of the numbers that follow (WebAssembly core specification, section 5.4). Those
 * that nothing follows, and five that are unlike all others, are left out.
 */
const OPERANDS: readonly (readonly [first: number, last: number, ...streams: number[]])[] = [
  [0x02, 0x04, BLOCKS], // block, loop, if
  [0x0c, 0x0d, BRANCHES], // br, br_if
  [0x10, 0x10, CALLS], // call
  [0x11, 0x11, CALLS, CALLS], // call_indirect
  [0x20, 0x20, READ], // local.get
  [0x21, 0x22, WRITTEN], // local.set, local.tee
  [0x23, 0x26, CODE], // globals, tables
  [0x3f, 0x40, CODE], // memory.size, memory.grow
  [0x41, 0x42, CONSTANTS], // i32.const, i64.const
  [0xd0, 0xd0, CODE], // ref.null
  [0xd2, 0xd2, CODE], // ref.func
  [VECTOR + 0x15, VECTOR + 0x22, CODE], // lanes
  [VECTOR + 0x54, VECTOR + 0x5b, CODE, CODE, CODE], // loads, stores of lanes, of which only the last number stays
  [BULK + 0x08, BULK + 0x08, CODE, CODE], // memory.init
  [BULK + 0x09, BULK + 0x09, CODE], // data.drop
  [BULK + 0x0a, BULK + 0x0a, CODE, CODE], // memory.copy
  [BULK + 0x0b, BULK + 0x0b, CODE], // memory.fill
  [BULK + 0x0c, BULK + 0x0c, CODE, CODE], // table.init
  [BULK + 0x0d, BULK + 0x0d, CODE], // elem.drop
  [BULK + 0x0e, BULK + 0x0e, CODE, CODE], // table.copy
  [BULK + 0x0f, BULK + 0x11, CODE], // table.grow, table.size, table.fill
];

/** For each opcode the streams of its numbers, plus one, the first in the lowest five bits; or an alignment. */
export function operandsOf(): Uint16Array {
  const operands = new Uint16Array(BULK + 0x100);
  for (const [first, last, ...streams] of OPERANDS) {
    operands.fill(
      streams.reduceRight((packed, stream) => 32 * packed + stream + 1, 0),
      first,
      last + 1,
    );
  }
  for (const [first, alignments] of ALIGNMENTS) {
    for (let at = 0; at < alignments.length; at += 1) {
      const lane = (operands[first + at] as number) & 0x7c00;
      operands[first + at] = ALIGNED + Number(alignments[at]) + 1 + 32 * (OFFSETS + 1) + lane;
    }
  }
  return operands;
}

/** A module's bytes. */
export function decoded(text: string): Uint8Array<ArrayBuffer> {
  const { streams, next } = unwritten(text);
  const operands = operandsOf();
  const followers = followersOf();
  // More than any module needs, which `tools/inline.mjs` would find out.
  const bytes = new Uint8Array(3 * text.length);
  let length = 0;

  const copyBytes = (stream: number, count: number): void => {
    const start = next[stream] as number;
    bytes.set(streams.subarray(start, start + count), length);
    next[stream] = start + count;
    length += count;
  };
  /** A number, in LEB128. */
  const copy = (stream: number): number => {
    let at = next[stream] as number;
    let byte = streams[at++] as number;
    let number = byte & 127;
    bytes[length++] = byte;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = streams[at++] as number;
      bytes[length++] = byte;
      number |= (byte & 127) << shift;
    }
    next[stream] = at;
    return number;
  };
  /** Writes a number, of which the last byte is to be less than `limit`: 128, or 64 where it is a signed one. */
  const write = (number: number, limit: number): void => {
    let left = number >>> 0;
    for (; left >= limit; left >>>= 7) bytes[length++] = (left & 127) | 128;
    bytes[length++] = left;
  };
  let address = 0;
  const copyAddress = (): void => {
    const start = length;
    const difference = copy(ADDRESSES);
    address += (difference >>> 1) ^ -(difference & 1);
    length = start;
    bytes[length++] = 0x41;
    write(address, 64);
  };
  /** Puts the size before what was written from somewhere on. */
  const insertSize = (start: number): void => {
    const size = length - start;
    let width = 1;
    while (size >> (7 * width)) width += 1;
    bytes.copyWithin(start + width, start, length);
    for (let at = 0; at < width; at += 1) bytes[start + at] = ((size >> (7 * at)) & 127) | (at < width - 1 ? 128 : 0);
    length += width;
  };
  const copyFunction = (): void => {
    let last = 0;
    let before = 1;
    for (let groups = copy(REST); groups > 0; groups -= 1) {
      copy(REST);
      copy(REST);
    }
    for (let depth = 1; depth > 0; ) {
      let opcode = streams[(next[CODE] as number)++] as number;
      if (opcode === READ_LAST || opcode === READ_BEFORE) {
        const local = opcode === READ_LAST ? last : before;
        if (local !== last) {
          before = last;
          last = local;
        }
        bytes[length++] = 0x20;
        if (local < 128) bytes[length++] = local;
        else write(local, 128);
        continue;
      }
      if (opcode === ADDRESS) {
        copyAddress();
        continue;
      }
      bytes[length++] = opcode;
      if (opcode === 0x20) {
        const local = copy(followers[streams[next[CODE] as number] as number] === 1 ? READ_FIRST : READ);
        if (local !== last) {
          before = last;
          last = local;
        }
        continue;
      }
      // Arithmetic, comparisons and conversions are nothing but their opcodes.
      if (opcode >= 0x45 && opcode <= 0xc4) continue;
      if (opcode >= 0xfc) opcode = copy(CODE) + (opcode > 0xfc ? VECTOR : BULK);
      for (let packed = operands[opcode] as number; packed > 0; packed >>= 5) {
        const operand = (packed & 31) - 1;
        if (operand >= ALIGNED) bytes[length++] = operand - ALIGNED;
        else if (operand === WRITTEN) {
          const local = copy(WRITTEN);
          if (local !== last) {
            before = last;
            last = local;
          }
        } else if (operand === CONSTANTS) {
          const follower = followers[streams[next[CODE] as number] as number];
          copy(follower === 2 ? ADDED : CONSTANTS);
        } else copy(operand);
      }
      if (opcode >= 0x20 && opcode <= 0x42) continue;
      if (opcode < 0x05) depth += Number(opcode > 0x01);
      else if (opcode === 0x0b) depth -= 1;
      else if (opcode === 0x0e) for (let labels = copy(BRANCHES); labels >= 0; labels -= 1) copy(BRANCHES);
      else if (opcode === 0x1c) copyBytes(CODE, copy(CODE));
      else if (opcode === 0x43) copyBytes(CODE, 4);
      else if (opcode === 0x44) copyBytes(CODE, 8);
      else if (opcode === VECTOR + 0x0c || opcode === VECTOR + 0x0d) copyBytes(CODE, 16);
    }
  };

  const end = next[REST + 1] as number;
  copyBytes(REST, 8);
  while ((next[REST] as number) < end) {
    const section = copy(REST);
    if (section !== 10) copyBytes(section === 11 ? DATA : REST, copy(REST));
    else {
      const start = length;
      for (let functions = copy(REST); functions > 0; functions -= 1) {
        const body = length;
        copyFunction();
        insertSize(body);
      }
      insertSize(start);
    }
  }
  return bytes.slice(0, length);
}

/** For each opcode whether the operand before it has another stream: 1 before `local.get`, 2 before `i32.add` and `i32.sub`. */
export function followersOf(): Uint8Array {
  const followers = new Uint8Array(256);
  followers[0x20] = followers[READ_LAST] = followers[READ_BEFORE] = 1;
  followers[0x6a] = followers[0x6b] = 2;
  return followers;
}

/** The bytes of all streams, one after the other, and where each of them begins. */
function unwritten(text: string): { streams: Uint8Array; next: number[] } {
  const streams = new Uint8Array(text.length);
  const next: number[] = [];
  let length = 0;
  for (let at = 0; at < text.length; ) {
    next.push(length);
    const end = at + Number.parseInt(text.slice(at, at + 6), 16);
    const byteOf = alphabet(text.slice(at + 6, at + 70));
    for (at += 70; at < end; ) {
      let code = text.charCodeAt(at++);
      if (code > 0x7c) code = (code - 0x7c) * 128 + text.charCodeAt(at++);
      streams[length++] = byteOf[code] as number;
    }
  }
  return { streams, next };
}

/**
 * The byte that each character, or pair of them, stands for. They are given to all bytes in order: printable ASCII without the
 * quote and the backslash, of which the last two begin pairs. A bit for each byte says whether it gets a character, in
 * hexadecimal digits.
 */
function alphabet(bits: string): Uint8Array {
  const byteOf = new Uint8Array(384);
  let single = 0x20;
  let pair = 128 + 0x20;
  for (let byte = 0; byte < 256; byte += 1) {
    if ((Number.parseInt(bits.charAt(byte >> 2), 16) >> (byte & 3)) & 1) {
      byteOf[single] = byte;
      single = nextCharacter(single);
    } else {
      byteOf[pair] = byte;
      pair = (pair & 127) === 0x7e ? 256 + 0x20 : (pair & 384) + nextCharacter(pair & 127);
    }
  }
  return byteOf;
}

function nextCharacter(code: number): number {
  return code === 0x21 || code === 0x5b ? code + 2 : code + 1;
}
