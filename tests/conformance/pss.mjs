// EMSA-PSS by its definition, so that a test can get it wrong in one place only.
import { createHash } from "node:crypto";
import { fixedBytes, toBytes } from "./numbers.mjs";

/** EMSA-PSS (RFC 8017 section 9.1.1); each option is what it should be, or not. The same salt for the same message. */
export function pssEncoding(options, message) {
  const { hash, salt, bits, maskHash = hash, trailer = 0xbc, separator = 1, padding = 0, unusedBit = false } = options;
  const size = Math.ceil(bits / 8);
  const digest = createHash(hash).update(message).digest();
  const saltBytes = fixedBytes(salt, message);
  const H = createHash(hash).update(Buffer.alloc(8)).update(digest).update(saltBytes).digest();
  const zeros = size - salt - H.length - 2;
  // The first byte of the padding lies in part beyond the modulus, so it is the last one that differs.
  const block = Buffer.concat([Buffer.alloc(zeros), Buffer.from([separator]), saltBytes]);
  if (zeros > 0) block[zeros - 1] = padding;
  const masked = mask(maskHash, H, block);
  masked[0] &= 0xff >> (8 * size - bits);
  if (unusedBit) masked[0] |= 0x80;
  return Buffer.concat([masked, H, Buffer.from([trailer])]);
}

/** MGF1 (RFC 8017 appendix B.2.1), applied. */
function mask(hash, seed, block) {
  const masked = Buffer.from(block);
  for (let counter = 0, at = 0; at < block.length; counter += 1) {
    const part = createHash(hash)
      .update(seed)
      .update(toBytes(BigInt(counter), 4))
      .digest();
    for (const byte of part) if (at < block.length) masked[at++] ^= byte;
  }
  return masked;
}
