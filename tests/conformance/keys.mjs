// Keys for tests, sound and unsound: generated on first use and kept in generated/, so that the next run is quick.
import {
  checkPrimeSync,
  constants,
  createHash,
  createPrivateKey,
  generatePrimeSync,
  randomBytes,
  sign,
} from "node:crypto";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { kept } from "./kept.mjs";
import { fromBytes, inverse, modPow, toBytes } from "./numbers.mjs";

const RSA_SIZES = [1024, 2048, 3072, 4096];

const RECIPES = {
  ...Object.fromEntries(RSA_SIZES.map((bits) => [`rsa${bits}`, () => generate("rsa", { modulusLength: bits })])),
  otherRsa: () => generate("rsa", { modulusLength: 2048 }),
  rsa8192: () => rsaOf(manyPrimes(8192, () => generatePrimeSync(512, { bigint: true }), randomBytes(32))),
  rsaExponent3: () => generate("rsa", { modulusLength: 2048, publicExponent: 3 }),
  rsaGreatExponent: () => generate("rsa", { modulusLength: 2048, publicExponent: 0xffff_fffb }),
  roca: () => rsaOf([rocaPrime(randomBytes), rocaPrime(randomBytes)]),
  p256: () => generate("ec", { namedCurve: "P-256" }),
  otherP256: () => generate("ec", { namedCurve: "P-256" }),
  p384: () => generate("ec", { namedCurve: "P-384" }),
  p521: () => generate("ec", { namedCurve: "P-521" }),
  secp256k1: () => generate("ec", { namedCurve: "secp256k1" }),
  ed25519: () => generate("ed25519"),
  otherEd25519: () => generate("ed25519"),
  ed448: () => generate("ed448"),
};

/** Every key by name: `{ jwk, privateJwk, sign(alg, message), power(bytes) }`. */
export function testKeys() {
  const jwks = kept("keys.json", Object.keys(RECIPES).join(), () =>
    Object.fromEntries(Object.entries(RECIPES).map(([name, make]) => [name, make()])),
  );
  return Object.fromEntries(Object.entries(jwks).map(([name, jwk]) => [name, new TestKey(jwk)]));
}

export class TestKey {
  #privateKey;

  constructor(privateJwk) {
    this.privateJwk = privateJwk;
    const { kty, crv, n, e, x, y } = privateJwk;
    this.jwk = kty === "RSA" ? { kty, n, e } : y === undefined ? { kty, crv, x } : { kty, crv, x, y };
  }

  /** For node:crypto and whatever takes its keys. */
  get privateKey() {
    this.#privateKey ??= createPrivateKey({ key: this.privateJwk, format: "jwk" });
    return this.#privateKey;
  }

  /** A JWS signature by node:crypto (of a key of many primes, which it does not know: by its definition). */
  sign(alg, message) {
    const hash = alg.startsWith("Ed") ? null : `sha${alg.slice(2)}`;
    if (this.privateJwk.kty === "RSA" && this.privateJwk.p === undefined) {
      return this.power(pkcs1Encoding(hash, message, this.size));
    }
    return sign(hash, message, { key: this.privateKey, ...SCHEMES[alg.slice(0, 2)] });
  }

  /** The RSA private operation on any bytes, whatever encoding they are. */
  power(bytes) {
    const [n, d] = [this.privateJwk.n, this.privateJwk.d].map((number) => fromBytes(Buffer.from(number, "base64url")));
    return toBytes(modPow(fromBytes(bytes), d, n), this.size);
  }

  /** Of an RSA signature, in bytes. */
  get size() {
    return Buffer.from(this.jwk.n, "base64url").length;
  }
}

const SCHEMES = {
  RS: { padding: constants.RSA_PKCS1_PADDING },
  PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  ES: { dsaEncoding: "ieee-p1363" },
  Ed: {},
};

// DER of DigestInfo up to the hash (RFC 8017 section 9.2, note 1).
const DIGEST_INFO = {
  sha1: "3021300906052b0e03021a05000414",
  sha256: "3031300d060960864801650304020105000420",
  sha384: "3041300d060960864801650304020205000430",
  sha512: "3051300d060960864801650304020305000440",
};

/** EMSA-PKCS1-v1_5 (RFC 8017 section 9.2), with another DigestInfo or something after the hash where a test forges. */
export function pkcs1Encoding(hash, message, size, { prefix = DIGEST_INFO[hash], after = "" } = {}) {
  const digest = createHash(hash).update(message).digest();
  const tail = Buffer.concat([Buffer.from(prefix, "hex"), digest, Buffer.from(after, "hex")]);
  return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(size - 3 - tail.length, 0xff), Buffer.from([0]), tail]);
}

function generate(type, options) {
  return generateKeyPair(type, options).privateKey.export({ format: "jwk" });
}

/** Primes of 512 bits, soon found, and a last one that makes their product have exactly so many bits. */
export function manyPrimes(bits, prime, distance) {
  const primes = Array.from({ length: bits / 512 - 1 }, (_, index) => prime(index));
  const greatest = 2n ** BigInt(bits) / primes.reduce((product, p) => product * p);
  let last = greatest - (fromBytes(distance) | 1n);
  if (last % 2n === 0n) last -= 1n;
  while (!checkPrimeSync(last)) last -= 2n;
  return [...primes, last];
}

export function rsaOf(primes, e = 65537n) {
  if (primes.some((p) => (p - 1n) % e === 0n)) throw new Error("a prime does not go with the exponent: try again");
  const n = primes.reduce((product, p) => product * p);
  const d = inverse(
    e,
    primes.reduce((product, p) => product * (p - 1n), 1n),
  );
  const text = (number) => toBytes(number).toString("base64url");
  const jwk = { kty: "RSA", n: text(n), e: text(e), d: text(d) };
  if (primes.length > 2) return jwk;
  const [p, q] = primes;
  return { ...jwk, p: text(p), q: text(q), dp: text(d % (p - 1n)), dq: text(d % (q - 1n)), qi: text(inverse(q, p)) };
}

/**
 * A prime as the flawed generator of CVE-2017-15361 makes them for RSA-2048: k * M + (65537^a mod M), M the product of
 * the first 126 primes (Nemec and others, "The Return of Coppersmith's Attack", CCS 2017, section 2). `random` answers so many bytes.
 */
export function rocaPrime(random) {
  const primes = [];
  for (let candidate = 2n; primes.length < 126; candidate += 1n) {
    if (primes.every((p) => candidate % p !== 0n)) primes.push(candidate);
  }
  const M = primes.reduce((product, p) => product * p);
  const greatest = 2n ** 1024n / M;
  for (;;) {
    // Between 0.75 and 1 of the greatest: the product of two such primes has 2048 bits.
    const k = greatest - (fromBytes(random(8)) % (greatest / 4n)) - 1n;
    const p = k * M + modPow(65537n, fromBytes(random(16)), M);
    if (checkPrimeSync(p) && (p - 1n) % 65537n !== 0n) return p;
  }
}
