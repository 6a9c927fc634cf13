// Large numbers, for keys and signatures that no library would make.
import { createHash } from "node:crypto";

/** Bytes that look random and are the same in each run: SHA-256 of a label and a counter. */
export function fixedBytes(size, label) {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, counter) =>
    createHash("sha256").update(`${counter} `).update(label).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

/** The number that bytes spell, the most significant first. */
export function fromBytes(bytes) {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

/** The bytes of a number, the most significant first; as few as will do, or exactly `size`. */
export function toBytes(number, size) {
  const hex = number.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  if (size === undefined) return bytes;
  if (bytes.length > size) throw new Error(`the number has more than ${size} bytes`);
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
}

export function modPow(base, exponent, modulus) {
  let power = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = (power * square) % modulus;
    square = (square * square) % modulus;
  }
  return power;
}

/** By the extended Euclidean algorithm. */
export function inverse(number, modulus) {
  let [a, b] = [modulus, number % modulus];
  let [x, y] = [0n, 1n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  if (a !== 1n) throw new Error("there is no inverse");
  return ((x % modulus) + modulus) % modulus;
}
