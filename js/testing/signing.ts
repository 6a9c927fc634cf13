import { ConfigError } from "../errors.js";
import type { Algorithm } from "../options.js";
import { subtle } from "./webcrypto.js";

/** A key pair of one algorithm. */
export interface SigningKey {
  readonly algorithm: Algorithm;
  readonly kid: string;
  /** The public half, as it is published. */
  readonly jwk: { readonly [member: string]: unknown };
  sign(input: string): Promise<Uint8Array>;
  /** The public half as PEM: what a confused verifier takes for a shared secret. */
  publicPem(): Promise<string>;
}

/** What WebCrypto calls an algorithm when a key is made, and what it wants when that signs. */
interface Scheme {
  readonly make: AlgorithmIdentifier | RsaHashedKeyGenParams | EcKeyGenParams;
  readonly sign: AlgorithmIdentifier | RsaPssParams | EcdsaParams;
}

const SCHEMES: { readonly [Name in Algorithm]: Scheme } = {
  RS256: rsa("RSASSA-PKCS1-v1_5", 256),
  RS384: rsa("RSASSA-PKCS1-v1_5", 384),
  RS512: rsa("RSASSA-PKCS1-v1_5", 512),
  PS256: rsa("RSA-PSS", 256),
  PS384: rsa("RSA-PSS", 384),
  PS512: rsa("RSA-PSS", 512),
  ES256: ecdsa("P-256", 256),
  ES384: ecdsa("P-384", 384),
  ES512: ecdsa("P-521", 512),
  Ed25519: plain("Ed25519"),
  EdDSA: plain("Ed25519"),
  "ML-DSA-44": plain("ML-DSA-44"),
  "ML-DSA-65": plain("ML-DSA-65"),
  "ML-DSA-87": plain("ML-DSA-87"),
};

function rsa(name: string, bits: number): Scheme {
  const make = { name, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: `SHA-${bits}` };
  return { make, sign: { name, saltLength: bits / 8 } };
}

function ecdsa(namedCurve: string, bits: number): Scheme {
  return { make: { name: "ECDSA", namedCurve }, sign: { name: "ECDSA", hash: `SHA-${bits}` } };
}

function plain(name: string): Scheme {
  return { make: { name }, sign: { name } };
}

export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === "string" && Object.hasOwn(SCHEMES, name);
}

/** Makes a key; throws a {@link ConfigError} for an algorithm that this runtime's WebCrypto has not. */
export async function makeKey(algorithm: Algorithm, kid: string): Promise<SigningKey> {
  const scheme = SCHEMES[algorithm];
  const { publicKey, privateKey } = await generate(algorithm, scheme);
  const { kty, crv, x, y, n, e, pub } = (await subtle().exportKey("jwk", publicKey)) as Record<string, unknown>;
  const members = Object.entries({ kty, crv, x, y, n, e, pub }).filter(([, value]) => value !== undefined);
  return {
    algorithm,
    kid,
    jwk: Object.freeze({ ...Object.fromEntries(members), kid, alg: algorithm, use: "sig" }),
    async sign(input) {
      return new Uint8Array(await subtle().sign(scheme.sign, privateKey, bytesOf(input)));
    },
    async publicPem() {
      const lines = base64(new Uint8Array(await subtle().exportKey("spki", publicKey))).match(/.{1,64}/g) ?? [];
      return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
    },
  };
}

async function generate(algorithm: Algorithm, { make }: Scheme): Promise<CryptoKeyPair> {
  try {
    return (await subtle().generateKey(make, true, ["sign", "verify"])) as CryptoKeyPair;
  } catch (cause) {
    const message = `this runtime's WebCrypto makes no keys for ${algorithm}`;
    throw new ConfigError("invalid_option", message, "algorithms", { cause });
  }
}

export async function hmac(secret: string, input: string): Promise<Uint8Array> {
  const scheme = { name: "HMAC", hash: "SHA-256" };
  const key = await subtle().importKey("raw", bytesOf(secret), scheme, false, ["sign"]);
  return new Uint8Array(await subtle().sign("HMAC", key, bytesOf(input)));
}

export function base64url(value: Uint8Array | string): string {
  const text = base64(typeof value === "string" ? bytesOf(value) : value);
  return text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
