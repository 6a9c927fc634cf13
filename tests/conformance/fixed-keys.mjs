// The same keys in each run, and signatures without chance: what the exported vectors are made with. They are published,
// so they are good for nothing else.
import { checkPrimeSync, createECDH, createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { kept } from "./kept.mjs";
import { manyPrimes, rocaPrime, rsaOf, TestKey } from "./keys.mjs";
import { fixedBytes, fromBytes } from "./numbers.mjs";
import { pssEncoding } from "./pss.mjs";

const LABEL = "Tokenward's test keys, for hostile tokens";

const RECIPES = {
  ...Object.fromEntries([1024, 2048, 3072, 4096].map((bits) => [`rsa${bits}`, (name) => rsa(name, bits)])),
  otherRsa: (name) => rsa(name, 2048),
  rsa8192: (name) => rsaOf(manyPrimes(8192, (index) => prime(`${name} ${index}`, 512), fixedBytes(32, LABEL))),
  rsaExponent3: (name) => rsa(name, 2048, 3n),
  rsaGreatExponent: (name) => rsa(name, 2048, 0xffff_fffbn),
  roca: (name) => {
    let count = 0;
    const bytes = (size) => fixedBytes(size, `${LABEL} ${name} ${count++}`);
    return rsaOf([rocaPrime(bytes), rocaPrime(bytes)]);
  },
  p256: (name) => ec(name, "P-256", "prime256v1", 32),
  otherP256: (name) => ec(name, "P-256", "prime256v1", 32),
  p384: (name) => ec(name, "P-384", "secp384r1", 48),
  p521: (name) => ec(name, "P-521", "secp521r1", 66),
  secp256k1: (name) => ec(name, "secp256k1", "secp256k1", 32),
  ed25519: (name) => edwards(name, "302e020100300506032b657004220420", 32),
  otherEd25519: (name) => edwards(name, "302e020100300506032b657004220420", 32),
  ed448: (name) => edwards(name, "3047020100300506032b6571043b0439", 57),
};

/** As `testKeys`. */
export function fixedKeys() {
  const jwks = kept("fixed-keys.json", LABEL + Object.keys(RECIPES).join(), () =>
    Object.fromEntries(Object.entries(RECIPES).map(([name, make]) => [name, make(name)])),
  );
  return Object.fromEntries(Object.entries(jwks).map(([name, jwk]) => [name, new FixedKey(jwk)]));
}

/**
 * A key of P-256 that stands where a case has one of Ed25519, so that libraries without EdDSA can be asked as well; `kid`
 * names it, since some take no token without.
 */
export function inPlaceOfEd25519(key, kid) {
  const { privateJwk } = key;
  return { privateJwk, jwk: { ...key.jwk, kid }, sign: (_, message) => key.sign("ES256", message) };
}

class FixedKey extends TestKey {
  /** ECDSA as RFC 6979 has it, PSS with a salt made from the message; the others know no chance anyway. */
  sign(alg, message) {
    const hash = `sha${alg.slice(2)}`;
    const curve = CURVES[this.privateJwk.crv];
    if (curve && alg.startsWith("ES")) {
      const digest = createHash(hash).update(message).digest();
      const secret = Buffer.from(this.privateJwk.d, "base64url");
      return Buffer.from(curve.sign(digest, secret, { prehash: false, lowS: false }));
    }
    if (alg.startsWith("PS")) {
      const salt = Number(alg.slice(2)) / 8;
      return this.power(pssEncoding({ hash, salt, bits: 8 * this.size - 1 }, message));
    }
    return super.sign(alg, message);
  }
}

const CURVES = { "P-256": p256, "P-384": p384, "P-521": p521 };

function rsa(name, bits, e) {
  return rsaOf([prime(`${name} p`, bits / 2, e), prime(`${name} q`, bits / 2, e)], e);
}

/** The first prime after a number whose two highest bits are set, so that a product of two has all its bits. */
function prime(label, bits, e = 65537n) {
  let candidate = fromBytes(fixedBytes(bits / 8, `${LABEL} ${label}`)) | (3n << BigInt(bits - 2)) | 1n;
  while ((candidate - 1n) % e === 0n || !checkPrimeSync(candidate)) candidate += 2n;
  return candidate;
}

function ec(name, crv, curve, size) {
  const secret = fixedBytes(size, `${LABEL} ${name}`);
  // Below the order of each curve, whatever the other bytes are.
  secret[0] = 0;
  const pair = createECDH(curve);
  pair.setPrivateKey(secret);
  const point = pair.getPublicKey();
  const text = (bytes) => bytes.toString("base64url");
  return { kty: "EC", crv, x: text(point.subarray(1, 1 + size)), y: text(point.subarray(1 + size)), d: text(secret) };
}

/** `prefix` is the DER of PrivateKeyInfo up to the seed (RFC 8410 section 7). */
function edwards(name, prefix, size) {
  const der = Buffer.concat([Buffer.from(prefix, "hex"), fixedBytes(size, `${LABEL} ${name}`)]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { ...createPublicKey(privateKey).export({ format: "jwk" }), ...privateKey.export({ format: "jwk" }) };
}
