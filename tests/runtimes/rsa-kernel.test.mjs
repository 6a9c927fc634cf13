// The RSA kernel for engines that fuse multiply-adds is asked for powers, and believed only where the exact kernel agrees. Here it
// is played by functions on BigInts, which can lie.
import assert from "node:assert/strict";
import { constants, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { createVerifier, init } from "tokenward/slim";

const { resolve } = createRequire(import.meta.url);
const PLACE = 1024;
const memory = new WebAssembly.Memory({ initial: 1 });
/** What the kernel does, and how often it was asked. */
let behavior = honest;
let asked = 0;

const kernel = new WebAssembly.Module(readFileSync(resolve("tokenward/tokenward.wasm")));
WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, args) {
    if (args[0] !== kernel) return Reflect.construct(target, args);
    return { exports: { memory, numbers: () => PLACE, fuses: () => 1, power } };
  },
});
init(readFileSync(resolve("tokenward/tokenward.wasm")), kernel);

function power(limbs, words, squarings) {
  asked += 1;
  return behavior(limbs, words, squarings);
}

const BASE = 51n;
const doubles = (limbs, index) => new Float64Array(memory.buffer, PLACE + 8 * limbs * index, limbs);
const base = (limbs, words) => new BigUint64Array(memory.buffer, PLACE + 32 * limbs, words);
const result = (limbs, words) => new BigUint64Array(memory.buffer, PLACE + 32 * limbs + 8 * words, words);
const ofLimbs = (row) => row.reduceRight((sum, limb) => (sum << BASE) + BigInt(limb), 0n);
const ofWords = (row) => row.reduceRight((sum, word) => (sum << 64n) + word, 0n);

function put(row, number) {
  for (const index of row.keys()) row[index] = BigInt.asUintN(64, number >> BigInt(64 * index));
}

function raised(number, exponent, n) {
  let power = 1n;
  for (let bit = exponent.toString(2).length - 1; bit >= 0; bit--) {
    power = (power * power) % n;
    if ((exponent >> BigInt(bit)) & 1n) power = (power * number) % n;
  }
  return power;
}

function honest(limbs, words, squarings) {
  const n = ofLimbs(doubles(limbs, 2));
  put(result(limbs, words), raised(ofWords(base(limbs, words)), (1n << BigInt(squarings)) + 1n, n));
  return 1;
}

const b64 = (bytes) => Buffer.from(bytes).toString("base64url");
const HASHES = { RS256: "sha256", PS256: "sha256", RS512: "sha512" };
const keys = Object.fromEntries(
  [2048, 2560, 3072, 4096].map((modulusLength) => [modulusLength, generateKeyPairSync("rsa", { modulusLength })]),
);

function verifier(bits, alg) {
  const jwk = { ...keys[bits].publicKey.export({ format: "jwk" }), alg };
  return createVerifier({
    jwks: { keys: [jwk] },
    issuer: "https://issuer.example",
    audience: "app",
    algorithms: [alg],
  });
}

let number = 0;
function token(bits, alg, change = (signature) => signature) {
  const claims = { iss: "https://issuer.example", aud: "app", exp: 4_000_000_000, sub: String(++number) };
  const signed = `${b64(JSON.stringify({ alg }))}.${b64(JSON.stringify(claims))}`;
  const padding = alg.startsWith("PS") ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const key = { key: keys[bits].privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return `${signed}.${b64(change(sign(HASHES[alg], Buffer.from(signed), key), bits))}`;
}

const flipped = (signature) => signature.map((byte, index) => (index === 100 ? byte ^ 1 : byte));
/** The block that a signature holds, in its place: what a kernel that returns what it is given would like. */
const block = (signature, bits) => {
  const n = BigInt(`0x${Buffer.from(keys[bits].publicKey.export({ format: "jwk" }).n, "base64url").toString("hex")}`);
  const opened = raised(BigInt(`0x${Buffer.from(signature).toString("hex")}`), 65537n, n);
  return Buffer.from(opened.toString(16).padStart(bits / 4, "0"), "hex");
};
const zeros = (signature) => signature.map(() => 0);
const FORGERIES = { flipped, block, zeros };

/** Good tokens hold, others are refused, many times by one verifier. */
function answersAreRight(bits, alg) {
  const one = verifier(bits, alg);
  for (let round = 0; round < 4; round++) {
    one.verify(token(bits, alg));
    for (const [name, forgery] of Object.entries(FORGERIES)) {
      assert.throws(() => one.verify(token(bits, alg, forgery)), { code: "bad_signature" }, `${name}, ${round}`);
    }
  }
}

for (const bits of [2048, 2560, 3072, 4096]) {
  for (const alg of Object.keys(HASHES)) {
    test(`${alg} with ${bits} bits: an honest kernel gets numbers that are right, and is asked from the second signature on`, () => {
      const one = verifier(bits, alg);
      let constantsAreRight;
      behavior = (limbs, words, squarings) => {
        const [two, once, n, rSquared] = [0, 1, 2, 3].map((index) => ofLimbs(doubles(limbs, index)));
        const isBalanced = [0, 1, 2, 3].every((index) => doubles(limbs, index).every((x) => Math.abs(x) <= 2 ** 50));
        const r = BASE * BigInt(limbs);
        constantsAreRight =
          isBalanced &&
          (two << (2n * BASE)) % n === 1n &&
          (once << BASE) % n === 1n &&
          n.toString(2).length === bits &&
          rSquared === (1n << (2n * r)) % n &&
          result(limbs, words).every((word) => word === 0n);
        return honest(limbs, words, squarings);
      };
      asked = 0;
      for (const expected of [0, 1, 2, 3]) {
        one.verify(token(bits, alg));
        assert.equal(asked, expected);
      }
      assert.equal(constantsAreRight, true);
    });
  }
}

const LIES = {
  "that answers nothing": () => 0,
  "that says it is done and is not": () => 1,
  "that answers ones": (limbs, words) => {
    result(limbs, words).fill(2n ** 64n - 1n);
    return 1;
  },
  "that answers what it was given": (limbs, words) => {
    result(limbs, words).set(base(limbs, words));
    return 1;
  },
  "that is one bit off": (...given) => {
    const done = honest(...given);
    result(...given)[3] ^= 1n << 40n;
    return done;
  },
  "that adds the modulus": (...given) => {
    const done = honest(...given);
    put(result(...given), ofWords(result(...given)) + ofLimbs(doubles(given[0], 2)));
    return done;
  },
  "that computes modulo another number": (limbs, words, squarings) => {
    doubles(limbs, 2)[0] += 2;
    return honest(limbs, words, squarings);
  },
};

for (const [name, lie] of Object.entries(LIES)) {
  for (const alg of ["RS256", "PS256"]) {
    test(`${alg}: a kernel ${name} changes no answer, and is not asked again`, () => {
      behavior = lie;
      asked = 0;
      answersAreRight(2048, alg);
      assert.equal(asked, 1);
    });
  }
}

for (const [name, lie] of Object.entries(LIES)) {
  for (const alg of ["RS256", "PS256"]) {
    test(`${alg}: a kernel ${name}, but only later, refuses no good token, and is not asked again`, () => {
      const one = verifier(2048, alg);
      behavior = honest;
      for (let round = 0; round < 4; round++) one.verify(token(2048, alg));
      behavior = lie;
      asked = 0;
      for (let round = 0; round < 4; round++) {
        one.verify(token(2048, alg));
        for (const forgery of [flipped, zeros]) {
          assert.throws(() => one.verify(token(2048, alg, forgery)), { code: "bad_signature" });
        }
      }
      assert.equal(asked, 1);
    });
  }
}
