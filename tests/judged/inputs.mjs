// Signatures and keys about which verifiers differ, each with a name: made with the fixed keys, so the same in each run.
import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p521 } from "@noble/curves/nist.js";
import { fixedKeys } from "../conformance/fixed-keys.mjs";
import { pkcs1Encoding } from "../conformance/keys.mjs";
import { fixedBytes, fromBytes, toBytes } from "../conformance/numbers.mjs";
import { pssEncoding } from "../conformance/pss.mjs";
import { CLAIMS, segment } from "../conformance/tokens.mjs";

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;

/** `[{ name, alg, jwk, message, signature }]`: the message is what a JWS signs, in ASCII; the signature is base64url. */
export function inputs() {
  const keys = fixedKeys();
  return [...eddsa(keys), ...ecdsa(keys), ...pkcs1(keys), ...pss(keys)].map(({ signature, ...rest }) => ({
    ...rest,
    signature: Buffer.from(signature).toString("base64url"),
  }));
}

/** What is signed; another `jti` where a case needs other hashes. */
function messageOf(alg, jti = "0") {
  return `${segment({ alg })}.${segment({ ...CLAIMS, jti })}`;
}

function eddsa({ ed25519: key }) {
  const alg = "EdDSA";
  const seed = Buffer.from(key.privateJwk.d, "base64url");
  const { scalar, point } = ed25519.utils.getExtendedPublicKey(seed);
  const torsion = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  const secret = fromBytes(fixedBytes(32, "a nonce of the judged inputs")) % L;
  const R = Point.BASE.multiply(secret);
  const jwkOf = (bytes) => ({ kty: "OKP", crv: "Ed25519", x: Buffer.from(bytes).toString("base64url") });
  const little = (number) => toBytes(number, 32).reverse();
  const hash = (...parts) =>
    fromBytes(
      createHash("sha512")
        .update(Buffer.concat(parts.map((one) => Buffer.from(one))))
        .digest()
        .reverse(),
    );
  const message = messageOf(alg);
  const own = jwkOf(point.toBytes());
  /** S for these bytes of R and A, as if the sum had the secrets of R and A in it. */
  const signed = (rBytes, aBytes, r, a, text = message) =>
    Buffer.concat([rBytes, little((r + (hash(rBytes, aBytes, Buffer.from(text)) % L) * a) % L)]);
  const row = (name, signature, jwk = own, text = message) => ({ name, alg, jwk, message: text, signature });
  const sound = signed(R.toBytes(), point.toBytes(), secret, scalar);
  const more = (times) =>
    Buffer.concat([sound.subarray(0, 32), little(fromBytes(Buffer.from(sound.subarray(32)).reverse()) + times * L)]);
  const identity = Point.ZERO.toBytes();
  const identityBeyond = little(P + 1n);
  const identitySigned = Buffer.from(identity);
  identitySigned[31] |= 0x80;
  const ofOrder = (order) => torsion.multiplyUnsafe(BigInt(8 / order)).toBytes();
  const mixed = point.add(torsion).toBytes();
  /** A message whose hash is, or is not, a multiple of 8, so that the part of small order vanishes, or does not. */
  const searched = (rBytes, aBytes, vanishes) => {
    for (let jti = 0; ; jti += 1) {
      const text = messageOf(alg, String(jti));
      if (((hash(rBytes, aBytes, Buffer.from(text)) % L) % 8n === 0n) === vanishes) return text;
    }
  };
  const [vanishing, remaining] = [true, false].map((vanishes) => searched(R.toBytes(), mixed, vanishes));
  const smallKeyText = searched(R.toBytes(), ofOrder(8), true);
  return [
    row("Ed25519: as it should be", sound),
    row("Ed25519: S + L", more(1n)),
    row("Ed25519: R the neutral point, which the equation gives", signed(identity, point.toBytes(), 0n, scalar)),
    row("Ed25519: the same R with y = p + 1", signed(identityBeyond, point.toBytes(), 0n, scalar)),
    row("Ed25519: the same R with the sign of x = 0 set", signed(identitySigned, point.toBytes(), 0n, scalar)),
    row("Ed25519: R of order 8 (holds only times 8)", signed(ofOrder(8), point.toBytes(), 0n, scalar)),
    row(
      "Ed25519: R of mixed order (holds only times 8)",
      signed(R.add(torsion).toBytes(), point.toBytes(), secret, scalar),
    ),
    row(
      "Ed25519: key of mixed order, the equation holds",
      signed(R.toBytes(), mixed, secret, scalar, vanishing),
      jwkOf(mixed),
      vanishing,
    ),
    row(
      "Ed25519: key of mixed order (holds only times 8)",
      signed(R.toBytes(), mixed, secret, scalar, remaining),
      jwkOf(mixed),
      remaining,
    ),
    row("Ed25519: key the neutral point", signed(R.toBytes(), identity, secret, 0n), jwkOf(identity)),
    row(
      "Ed25519: key the neutral point, y = p + 1",
      signed(R.toBytes(), identityBeyond, secret, 0n),
      jwkOf(identityBeyond),
    ),
    row(
      "Ed25519: key of order 8, the equation holds",
      signed(R.toBytes(), ofOrder(8), secret, 0n, smallKeyText),
      jwkOf(ofOrder(8)),
      smallKeyText,
    ),
  ];
}

function ecdsa(keys) {
  const row = (name, alg, key, change, jwk = key.jwk) => {
    const message = messageOf(alg);
    const signature = key.sign(alg, Buffer.from(message));
    const size = signature.length / 2;
    return { name, alg, jwk, message, signature: change(signature.subarray(0, size), signature.subarray(size), size) };
  };
  const [n256, n521] = [p256.Point.Fn.ORDER, p521.Point.Fn.ORDER];
  const both = (r, s) => Buffer.concat([r, s]);
  const { x, y } = smallX();
  const beyond = { kty: "EC", crv: "P-256", x: text(x + p256.Point.Fp.ORDER), y: text(y) };
  return [
    row("ES256: as it should be", "ES256", keys.p256, both),
    row("ES256: n - s (one of the two is the high one)", "ES256", keys.p256, (r, s) =>
      both(r, toBytes(n256 - fromBytes(s), 32)),
    ),
    row("ES512: s + n", "ES512", keys.p521, (r, s) => both(r, toBytes(fromBytes(s) + n521, 66))),
    row("ES512: r + n", "ES512", keys.p521, (r, s) => both(toBytes(fromBytes(r) + n521, 66), s)),
    row("ES256: s = 0", "ES256", keys.p256, (r) => both(r, Buffer.alloc(32))),
    row("ES256: r = 0", "ES256", keys.p256, (_, s) => both(Buffer.alloc(32), s)),
    row("ES256: key with x + p for x", "ES256", keys.p256, both, beyond),
    row("ES256: key off the curve", "ES256", keys.p256, both, {
      ...keys.p256.jwk,
      y: text(fromBytes(Buffer.from(keys.p256.jwk.y, "base64url")) ^ 1n),
    }),
  ];
}

function text(number) {
  return toBytes(number, 32).toString("base64url");
}

/** A point of P-256 whose x is so small that x + p has 32 bytes as well. */
function smallX() {
  for (let x = 5n; ; x += 1n) {
    try {
      return p256.Point.fromHex(`02${toBytes(x, 32).toString("hex")}`).toAffine();
    } catch {
      // Half of all x belong to no point.
    }
  }
}

function pkcs1({ rsa2048: key }) {
  const alg = "RS256";
  const n = fromBytes(Buffer.from(key.jwk.n, "base64url"));
  const row = (name, make, jti) => {
    const message = messageOf(alg, jti);
    return { name, alg, jwk: key.jwk, message, signature: make(Buffer.from(message)) };
  };
  const encoded = (options) => (message) => key.power(pkcs1Encoding("sha256", message, 256, options));
  const changed = (at, value) => (message) => key.power(pkcs1Encoding("sha256", message, 256).fill(value, at, at + 1));
  const searched = (fits) => {
    for (let jti = 0; ; jti += 1) {
      if (fits(key.sign(alg, Buffer.from(messageOf(alg, String(jti)))))) return String(jti);
    }
  };
  return [
    row("RS256: as it should be", encoded({})),
    row("RS256: DigestInfo without NULL", encoded({ prefix: "302f300b06096086480165030402010420" })),
    row("RS256: lengths in the long form", encoded({ prefix: "308131300d060960864801650304020105000420" })),
    row("RS256: no DigestInfo", encoded({ prefix: "" })),
    row("RS256: a byte after the hash", encoded({ after: "00" })),
    row("RS256: block type 2", changed(1, 2)),
    row("RS256: a byte of padding that is not FF", changed(40, 0xfe)),
    row(
      "RS256: the signature plus the modulus",
      (message) => toBytes(fromBytes(key.sign(alg, message)) + n, 256),
      searched((one) => fromBytes(one) + n < 2n ** 2048n),
    ),
    row(
      "RS256: without its leading zero byte",
      (message) => key.sign(alg, message).subarray(1),
      searched(([first]) => first === 0),
    ),
    row("RS256: a zero byte in front", (message) => Buffer.concat([Buffer.alloc(1), key.sign(alg, message)])),
  ];
}

function pss({ rsa2048: key }) {
  const alg = "PS256";
  const message = messageOf(alg);
  const row = (name, options) => {
    const encoding = pssEncoding({ hash: "sha256", salt: 32, bits: 2047, ...options }, Buffer.from(message));
    return { name: `PS256: ${name}`, alg, jwk: key.jwk, message, signature: key.power(encoding) };
  };
  return [
    row("a salt of 32 bytes", {}),
    row("no salt", { salt: 0 }),
    row("a salt of 20 bytes", { salt: 20 }),
    row("a salt of 33 bytes", { salt: 33 }),
    row("the longest salt, 222 bytes", { salt: 222 }),
    row("a mask by SHA-1", { maskHash: "sha1" }),
  ];
}
