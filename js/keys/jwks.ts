import { ConfigError, KeyStoreError } from "../errors.js";
import { type Jwks, jwksText } from "../options.js";

/** A key set as it was fetched or bundled. */
export interface KeySet {
  /** The very text, for the strict reader. */
  readonly text: string;
  readonly keys: readonly JwkMembers[];
}

export interface JwkMembers {
  readonly [member: string]: unknown;
}

/**
 * Form and size of a set (RFC 7517 section 5) from the provider or from the storage, or a KeyStoreError. Whether its keys
 * can serve is for the verifier to say.
 */
export function readSet(text: string, maxKeys: number): KeySet {
  let keys: unknown;
  try {
    keys = JSON.parse(text)?.keys;
  } catch (cause) {
    throw new KeyStoreError("invalid_set", "the answer is not a key set: it is not JSON", {}, { cause });
  }
  if (!Array.isArray(keys)) {
    throw new KeyStoreError("invalid_set", 'the answer is not a key set: it has no array of "keys"');
  }
  if (keys.length > maxKeys) {
    throw new KeyStoreError("too_many_keys", `the key set has ${keys.length} keys, more than ${maxKeys}`);
  }
  return { text, keys };
}

/** A set of the app's own in any of its forms; `what` it is called in messages. */
export function readBundle(bundled: Jwks, what = "the bundled key set"): KeySet {
  const text = jwksText(bundled);
  try {
    const value = JSON.parse(text);
    const keys: unknown = Array.isArray(value) ? value : value?.keys;
    if (Array.isArray(keys)) return { text, keys };
  } catch (cause) {
    throw new ConfigError("invalid_jwks", `${what} is not JSON`, "bundled", { cause });
  }
  throw new ConfigError("invalid_jwks", `${what} is not a JWK Set: it has no array of "keys"`, "bundled");
}

/** The bundled keys that the provider still publishes for signatures. */
export function stillPublished(bundled: KeySet, published: KeySet): KeySet {
  const present = new Set(published.keys.filter((key) => isForSignatures(key) && !isSecret(key)).map(identity));
  const keys = bundled.keys.filter((key) => present.has(identity(key)));
  return { text: JSON.stringify({ keys }), keys };
}

/**
 * The set without the public halves of private keys that `published` holds, under whatever name: whoever read it can sign
 * with them. The same set if it has none.
 */
export function withoutLeaked(set: KeySet, published: KeySet): KeySet {
  const leaked = new Set(published.keys.filter(isSecret).flatMap(publicNumbers));
  // The verifier itself leaves the private ones out, and lists them.
  const keys = set.keys.filter((key) => isSecret(key) || !publicNumbers(key).some((number) => leaked.has(number)));
  return keys.length === set.keys.length ? set : { text: JSON.stringify({ keys }), keys };
}

/** The set without private and symmetric keys, and without the public halves of the private ones. The same set if it has none. */
export function withoutSecrets(set: KeySet): KeySet {
  const { keys } = withoutLeaked(set, set);
  const left = keys.filter((key) => !isSecret(key));
  return left.length === set.keys.length ? set : { text: JSON.stringify({ keys: left }), keys: left };
}

/** Whether two sets say the same of the same keys in the same order. */
export function isSame(one: KeySet, other: KeySet): boolean {
  return JSON.stringify(one.keys) === JSON.stringify(other.keys);
}

/**
 * What RFC 7638 section 3, for `AKP` RFC 9964, hashes. Compared unhashed: it is public, and pages on plain http have no WebCrypto to hash it
 * with.
 */
export function identity({ alg, crv, e, kty, n, pub, x, y }: JwkMembers): string {
  if (kty === "RSA") return JSON.stringify({ e, kty, n });
  if (kty === "AKP") return JSON.stringify({ alg, kty, pub });
  return JSON.stringify(kty === "EC" ? { crv, kty, x, y } : { crv, kty, x });
}

/**
 * What tells whose private half is known: of RSA the modulus, whose factors open it with any exponent; of a curve `x`, for
 * `-y` is the key `-d`; of ML-DSA `pub`. As numbers, in whatever spelling: nobody has checked that of a private key.
 */
function publicNumbers(key: JwkMembers): string[] {
  return ["n", "x", "pub"].flatMap((name) => {
    const member = key[name];
    return typeof member === "string" ? `${name} ${numberOf(member)}` : [];
  });
}

function numberOf(text: string): string {
  const digits = text.replace(/[=\s]/g, "").replace(/-/g, "+").replace(/_/g, "/");
  try {
    return atob(digits).replace(/^\0+/, "");
  } catch {
    return text;
  }
}

/** RFC 7517 sections 4.2 and 4.3. A member that is `null` is absent. */
export function isForSignatures({ use, key_ops }: JwkMembers): boolean {
  return (use ?? "sig") === "sig" && (!Array.isArray(key_ops) || key_ops.includes("verify"));
}

/** Whether its private half was published with it (RFC 7518 section 6, RFC 9964): whoever reads the set can sign with it. */
export function isSecret({ d, p, q, dp, dq, qi, oth, k, priv }: JwkMembers): boolean {
  const others = Array.isArray(oth) && oth.length === 0 ? null : oth;
  return [d, p, q, dp, dq, qi, others, k, priv].some((member) => member !== undefined && member !== null);
}
