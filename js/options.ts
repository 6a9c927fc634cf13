import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkNames, descriptor, isBoolean, isFunction, isString, type Reader, readEach } from "./check-options.js";
import type { Claims } from "./claims.js";
import { type Duration, seconds } from "./duration.js";
import { ConfigError, invalidOption } from "./errors.js";
import { readSchema, type Validate } from "./schema.js";
import { isStackOverflow } from "./stack.js";

/**
 * A JOSE algorithm Tokenward verifies. `Ed25519` (RFC 9864) and `EdDSA` (RFC 8037) are two names of one. `ML-DSA-*` (RFC 9964)
 * are for `tokenward/ml-dsa`; the other entries throw a {@link ConfigError} that says so.
 */
export type Algorithm =
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "Ed25519"
  | "EdDSA"
  | "ML-DSA-44"
  | "ML-DSA-65"
  | "ML-DSA-87";

/** A JWK Set (RFC 7517 section 5), an array of JWKs, or either as JSON text. Public keys only. */
export type Jwks = { readonly keys: readonly object[] } | readonly object[] | string;

/**
 * A standard that says what a kind of tokens is like: access tokens by RFC 9068, ID tokens by OpenID Connect Core 1.0 section
 * 3.1.3.7.
 */
export type Profile = "at+jwt" | "id_token";

const TEMPLATE: unique symbol = Symbol.for("tokenward.issuerTemplate");

/** An issuer with many tenants; made by `entraIssuer`. */
export interface IssuerTemplate {
  readonly [TEMPLATE]: { readonly template: string; readonly issuers: readonly string[] | null };
}

export function issuerTemplate(template: string, issuers: readonly string[] | null): IssuerTemplate {
  return Object.freeze({ [TEMPLATE]: Object.freeze({ template, issuers: issuers && Object.freeze(issuers) }) });
}

/**
 * Where roles and scopes are, if not in `roles`, `role`, `scope` or `scp`. What is returned is a text, an array of which the
 * texts count, or nothing; a scope has no spaces. If a function throws, there are none.
 */
export interface RightsOptions {
  readonly roles?: ((claims: Claims) => unknown) | undefined;
  readonly scopes?: ((claims: Claims) => unknown) | undefined;
}

/** What a verifier checks. Leaving out `issuer` or `audience` does not compile: `null` says that any is accepted. */
export interface VerifierOptions<
  Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined,
  P extends Profile | undefined = Profile | undefined,
> {
  /** The keys tokens are signed with; at most 1 MiB and 1000 keys. */
  jwks: Jwks;
  /** The accepted `iss`, exactly; one of several; `entraIssuer(...)`; `null` for any. */
  issuer: string | readonly string[] | IssuerTemplate | null;
  /** The accepted `aud`, exactly; one of several; `null` for any. */
  audience: string | readonly string[] | null;
  /**
   * Takes only tokens of one kind. Then `issuer` and `audience` are named, and `exp` is required.
   *
   * - `"at+jwt"` (RFC 9068): `typ` is `at+jwt`; `iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and `jti` are there.
   * - `"id_token"` (OpenID Connect Core 1.0 section 3.1.3.7): `typ` is absent or `JWT`, unless the option `typ` says another;
   *   `iss`, `sub`, `aud`, `exp` and `iat` are there. `azp` must be an accepted audience, and is needed beside several
   *   audiences, unless the option `claims` says what it must be.
   */
  profile?: P | undefined;
  /** The accepted algorithms. Default: all that the entry has. */
  algorithms?: readonly Algorithm[] | undefined;
  /** How far clocks may differ, 0 or more. Default: 5 seconds. */
  clockTolerance?: Duration | undefined;
  /** The current time in Unix seconds. Default: the system's clock. */
  now?: (() => number) | undefined;
  /** The required `typ` of the header, such as `at+jwt` (RFC 9068), compared as a media type; or one of several. */
  typ?: string | readonly string[] | undefined;
  /** The required `sub`, exactly. */
  subject?: string | undefined;
  /**
   * The greatest age of a token, counted from `iat`, which is then required and must not be in the future. `clockTolerance` is
   * added: with `"1h"` and the default of 5 seconds, a token is accepted for 3,605 seconds, that moment included.
   */
  maxTokenAge?: Duration | undefined;
  /** Claims that must be there, whatever their values. */
  requiredClaims?: readonly string[] | undefined;
  /** Claims that must equal these JSON values; or one of several, see {@link oneOf}. */
  claims?: { readonly [claim: string]: unknown } | undefined;
  /** Where a gate and a session find the bearer's roles and scopes in the claims; see `tokenward/presets`. */
  rights?: RightsOptions | undefined;
  /**
   * A synchronous Standard Schema validator (zod, valibot, arktype, ...). Its output replaces `claims`: what it drops is gone, as
   * with zod's `z.object` every claim that it does not name, `sub` and `exp` too; `z.looseObject` keeps them.
   */
  schema?: Schema;
  /** The greatest accepted length of a token in bytes, 1 to 1,048,576. Default: 16,384. */
  maxTokenBytes?: number | undefined;
  /** Remembers up to `maxTokens` tokens with a good signature (default 500). Times are checked each time. Default: off. */
  cache?: boolean | { readonly maxTokens: number } | undefined;
  /** Whether a token without `exp` is refused. Default: true. */
  requireExp?: boolean | undefined;
  /** Whether RSA keys may have another public exponent than 65537: any odd one from 3 to 2^32. Default: false. */
  anyRsaExponent?: boolean | undefined;
  /** Whether a key that names no `alg` is unusable: then each key serves one algorithm (RFC 8725 section 3.1). Default: false. */
  requireKeyAlgorithm?: boolean | undefined;
}

const ONE_OF: unique symbol = Symbol.for("tokenward.oneOf");

/** Several JSON values for a claim, any of which will do; made by {@link oneOf}. */
export interface OneOf {
  readonly [ONE_OF]: readonly unknown[];
}

/**
 * For the option `claims`: the claim must equal one of these JSON values. An array alone would mean a claim that is an array.
 * Throws a {@link ConfigError} for an array in place of the values.
 *
 * ```ts
 * createVerifier({ jwks, issuer, audience, claims: { azp: oneOf("web", "mobile") } });
 * ```
 */
export function oneOf(...values: readonly [unknown, ...unknown[]]): OneOf {
  if (values.length === 1 && Array.isArray(values[0]) && values[0].length > 0) {
    const remedy = "for a claim that is an array, name that array without oneOf";
    throw invalidOption(`oneOf takes the values themselves, as oneOf("a", "b"); ${remedy}`, "claims");
  }
  return Object.freeze({ [ONE_OF]: Object.freeze([...values]) });
}

/** The options as they were when they were read: copies, which nobody else can change. */
export interface CheckedOptions {
  readonly jwks: unknown;
  readonly issuer: string | readonly string[] | null;
  /** Of an issuer with many tenants, how each one's is made. */
  readonly tenants?: string | undefined;
  readonly rights?: RightsOptions | undefined;
  readonly audience: string | readonly string[] | null;
  readonly profile?: Profile | undefined;
  readonly now?: (() => number) | undefined;
  readonly schema?: Validate | undefined;
  /** How many tokens to remember. */
  readonly cache?: number | undefined;
}

const DEFAULT_CACHED_TOKENS = 500;
const MAX_JWKS_LENGTH = 1 << 20;
const TOO_LARGE = "the JWK Set is larger than 1 MiB";
const PROFILES: readonly Profile[] = ["at+jwt", "id_token"];
const TEXTS = "a non-empty, well-formed string, an array of them, or null to accept any";

/** Each option: what makes a copy of it, or of what it is not `undefined`; and how to say what it must be. */
const OPTIONS: Record<keyof VerifierOptions, Reader> = {
  jwks: [only(isJwks), "a JWK Set, an array of JWKs or JSON text"],
  issuer: [(value) => (templateOf(value) === undefined ? readAccept(value) : value), TEXTS],
  audience: [readAccept, TEXTS],
  profile: [(value) => PROFILES.find((profile) => profile === value), '"at+jwt" or "id_token"'],
  algorithms: [readStrings, "an array of algorithm names"],
  clockTolerance: [(value) => seconds(value, "clockTolerance"), "a duration"],
  now: [only(isFunction), "a function that returns Unix seconds"],
  typ: [(value) => readString(value) ?? readStrings(value), "a well-formed string or an array of them"],
  subject: [readString, "a well-formed string"],
  maxTokenAge: [(value) => seconds(value, "maxTokenAge"), "a duration"],
  requiredClaims: [readStrings, "an array of well-formed strings"],
  claims: [readClaims, "an object of JSON values or of what oneOf(...) returns"],
  rights: [readRights, "an object of functions, roles and scopes"],
  schema: [readSchema, "a Standard Schema validator"],
  maxTokenBytes: [only(Number.isInteger), "a whole number of bytes"],
  cache: [readCache, "true, false or { maxTokens } with a whole number from 1 to 1000000"],
  requireExp: [only(isBoolean), "true or false"],
  anyRsaExponent: [only(isBoolean), "true or false"],
  requireKeyAlgorithm: [only(isBoolean), "true or false"],
};

export const NAMES: readonly string[] = Object.keys(OPTIONS);

/** Reads each option once, and checks and copies it by what it read; the values are checked in Rust. */
export function readOptions(options: unknown): CheckedOptions {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("createVerifier takes an object of options, or an array of them");
  }
  const read = checkNames(options as { [option: string]: unknown }, "createVerifier", NAMES);
  for (const name of ["jwks", "issuer", "audience"]) {
    if (read[name] === undefined) {
      const how = name === "jwks" ? "" : "; null says explicitly that any is accepted";
      throw new ConfigError("missing_option", `the option "${name}" is missing${how}`, name);
    }
  }
  readEach(read, OPTIONS);
  const found = templateOf(read["issuer"]);
  if (found !== undefined) Object.assign(read, { tenants: found.template, issuer: found.issuers });
  return read as unknown as CheckedOptions;
}

function templateOf(value: unknown): IssuerTemplate[typeof TEMPLATE] | undefined {
  return ownOf(value, TEMPLATE) as IssuerTemplate[typeof TEMPLATE] | undefined;
}

/** What we have marked a value with. It is the value's own: some code may have put anything on every object. */
function ownOf(value: unknown, mark: symbol): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, mark)
    ? Reflect.get(value, mark)
    : undefined;
}

/** Each read once. */
function readRights(value: unknown): RightsOptions | undefined {
  const { roles, scopes } = checkNames(value as RightsOptions, "rights", ["roles", "scopes"]);
  const areFunctions = [roles, scopes].every((read) => read === undefined || isFunction(read));
  return areFunctions ? { roles, scopes } : undefined;
}

/** Options that never reach Rust, or in another form. */
const NOT_PLAIN: readonly string[] = ["now", "schema", "cache", "jwks", "rights"];

/** The keys and the options Rust decides by, as JSON text that {@link Core} takes. */
export function coreOptions(options: Omit<CheckedOptions, "jwks">, jwks: string, published = false): string {
  let members = `"jwks":${JSON.stringify(jwks)},"published":${published}`;
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !NOT_PLAIN.includes(name)) members += `,"${name}":${jsonText(value)}`;
  }
  return `{${members}}`;
}

/** A JWK Set as JSON text: the one form in which keys reach Rust. Its size is looked at before it is copied there. */
export function jwksText(jwks: unknown): string {
  if (!isJwks(jwks)) throw invalidJwks(`jwks should be ${OPTIONS.jwks[1]}`);
  const text = typeof jwks === "string" ? jwks : writtenJwks(jwks);
  if (text.length > MAX_JWKS_LENGTH) throw invalidJwks(TOO_LARGE);
  if (!isString(text)) throw invalidJwks("the JWK Set holds a lone surrogate");
  return text;
}

function writtenJwks(jwks: unknown): string {
  try {
    if (!hasTooManyKeys(jwks as object)) return JSON.stringify(jwks) ?? "null";
  } catch (cause) {
    // The end of the stack is the fault of a set only where the set is deep.
    if (isStackOverflow(cause) && !isDeep(jwks)) throw cause;
    throw invalidJwks("the JWK Set cannot be written as JSON", { cause });
  }
  throw invalidJwks(TOO_LARGE);
}

/** An array that is nothing but long would take minutes to write. A key and its comma have two characters at least. */
function hasTooManyKeys(jwks: object): boolean {
  const keys: unknown = Array.isArray(jwks) ? jwks : descriptor(jwks, "keys")?.value;
  return Array.isArray(keys) && keys.length > MAX_JWKS_LENGTH / 2;
}

function invalidJwks(message: string, options?: ErrorOptions): ConfigError {
  return new ConfigError("invalid_jwks", message, "jwks", options);
}

/** Whether something is nested deeper than any key set. */
function isDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth < 100 && level.length > 0; depth += 1) {
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return level.length > 0;
}

function isJwks(value: unknown): boolean {
  return typeof value === "string" || (typeof value === "object" && value !== null);
}

function only(test: (value: unknown) => boolean): (value: unknown) => unknown {
  return (value) => (test(value) ? value : undefined);
}

function readString(value: unknown): string | undefined {
  return isString(value) ? value : undefined;
}

function readStrings(value: unknown): readonly string[] | undefined {
  return readArray(value, readString);
}

function readAccept(value: unknown): string | readonly string[] | null | undefined {
  return value === null ? null : (readString(value) ?? readStrings(value));
}

/** An array's elements, each read once: whatever else the array can do is not asked for. */
function readArray<T>(value: unknown, read: (element: unknown) => T | undefined): readonly T[] | undefined {
  return Array.isArray(value) ? readAll(value.length, (index) => read(value[index])) : undefined;
}

/** What is made for all places; or nothing if it is not made for one, and then no place after that is looked at. */
function readAll<T>(length: number, make: (index: number) => T | undefined): readonly T[] | undefined {
  // Nothing is pushed to a list: an inherited setter would get it.
  const all = Array.from(untilUndefined(length, make));
  return all.length === length ? all : undefined;
}

function* untilUndefined<T>(length: number, make: (index: number) => T | undefined): Generator<T> {
  for (let index = 0; index < length; index += 1) {
    const made = make(index);
    if (made === undefined) return;
    yield made;
  }
}

function readCache(value: unknown): number | undefined {
  if (isBoolean(value)) return value ? DEFAULT_CACHED_TOKENS : 0;
  const maxTokens: unknown = (value as { maxTokens?: unknown } | null)?.maxTokens;
  const isCount = typeof maxTokens === "number" && Number.isInteger(maxTokens);
  return isCount && maxTokens >= 1 && maxTokens <= 1_000_000 ? maxTokens : undefined;
}

/** What each claim must equal, as JSON texts; or the texts of which it must equal one. */
function readClaims(value: unknown): object | undefined {
  const read = readMembers(value, (member) => {
    const values = ownOf(member, ONE_OF);
    return values === undefined ? jsonText(member) : readArray(values, (one) => jsonText(one));
  });
  return read && Object.fromEntries(read);
}

/**
 * A value as JSON text, if JSON can say it without losing any of it: an expectation must not vanish silently. What
 * `JSON.stringify` would ask beside the value (`toJSON`, of a page's prototypes too) changes nothing.
 */
export function jsonText(value: unknown, depth = 0): string | undefined {
  if (value === null || isString(value) || isBoolean(value) || Number.isFinite(value)) return JSON.stringify(value);
  if (depth > 60) return undefined;
  const inner = (element: unknown) => jsonText(element, depth + 1);
  if (Array.isArray(value)) {
    const elements = readArray(value, inner);
    return elements && `[${elements.join(",")}]`;
  }
  const members = readMembers(value, inner);
  return members && `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

/** The members of a plain object of any realm. One that is hidden, or that may be another the next time, makes it none. */
function readMembers<T>(value: unknown, read: (member: unknown) => T | undefined): readonly [string, T][] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype !== null && !Object.hasOwn(prototype, "isPrototypeOf")) return undefined;
  const names = Reflect.ownKeys(value);
  return readAll(names.length, (index): [string, T] | undefined => {
    const name = names[index] as string | symbol;
    const member = Object.getOwnPropertyDescriptor(value, name);
    const copy = isString(name) && member?.enumerable ? read(member.value) : undefined;
    return copy === undefined ? undefined : [name as string, copy];
  });
}
