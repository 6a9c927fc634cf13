import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkNames } from "./check-options.js";
import { ConfigError } from "./errors.js";

/** A JOSE algorithm Tokenward verifies. `EdDSA` and `Ed25519` are two names of one (RFC 8037, RFC 9864). */
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
  | "EdDSA"
  | "Ed25519";

/** A JWK Set (RFC 7517 section 5), an array of JWKs, or either as JSON text. Public keys only. */
export type Jwks = { readonly keys: readonly object[] } | readonly object[] | string;

/** What a verifier checks. Leaving out `issuer` or `audience` does not compile: `null` says that any is accepted. */
export interface VerifierOptions<Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined> {
  /** The keys tokens are signed with; at most 1 MiB and 1000 keys. */
  jwks: Jwks;
  /** The accepted `iss`, exactly; one of several; `null` for any. */
  issuer: string | readonly string[] | null;
  /** The accepted `aud`, exactly; one of several; `null` for any. */
  audience: string | readonly string[] | null;
  /** The accepted algorithms. Default: all. */
  algorithms?: readonly Algorithm[] | undefined;
  /** How far clocks may differ, in seconds, 0 or more. Default: 5. */
  clockTolerance?: number | undefined;
  /** The current time in Unix seconds. Default: the system's clock. */
  now?: (() => number) | undefined;
  /** The required `typ` of the header, such as `at+jwt` (RFC 9068), compared as a media type. */
  typ?: string | undefined;
  /** The required `sub`, exactly. */
  subject?: string | undefined;
  /** The greatest age of a token in seconds, counted from `iat`, which is then required. */
  maxTokenAge?: number | undefined;
  /** Claims that must be there, whatever their values. */
  requiredClaims?: readonly string[] | undefined;
  /** Claims that must equal these JSON values. */
  claims?: { readonly [claim: string]: unknown } | undefined;
  /** A synchronous Standard Schema validator (zod, valibot, arktype, ...); its output becomes `claims`. */
  schema?: Schema;
  /** The greatest accepted length of a token in bytes, 1 to 1,048,576. Default: 16,384. */
  maxTokenBytes?: number | undefined;
  /** Remembers tokens whose signature held, at most `maxTokens` (default 500). Times are judged afresh. Default: off. */
  cache?: boolean | { readonly maxTokens: number } | undefined;
  /** Whether a token without `exp` is refused. Default: true. */
  requireExp?: boolean | undefined;
  /** Whether RSA keys may have another public exponent than 65537: any odd one from 3 to 2^32. Default: false. */
  anyRsaExponent?: boolean | undefined;
}

const DEFAULT_CACHED_TOKENS = 500;
const MAX_JWKS_LENGTH = 1 << 20;

/** Each option: what it must be, and how to say so. */
const OPTIONS: Record<keyof VerifierOptions, [test: (value: unknown) => boolean, expected: string]> = {
  jwks: [isJwks, "a JWK Set, an array of JWKs or JSON text"],
  issuer: [isAccept, "a non-empty, well-formed string, an array of them, or null to accept any"],
  audience: [isAccept, "a non-empty, well-formed string, an array of them, or null to accept any"],
  algorithms: [isStrings, "an array of algorithm names"],
  clockTolerance: [Number.isFinite, "a finite number of seconds"],
  now: [isFunction, "a function that returns Unix seconds"],
  typ: [isString, "a well-formed string"],
  subject: [isString, "a well-formed string"],
  maxTokenAge: [Number.isFinite, "a finite number of seconds"],
  requiredClaims: [isStrings, "an array of well-formed strings"],
  claims: [isJsonObject, "an object of JSON values"],
  schema: [isSchema, "a Standard Schema validator"],
  maxTokenBytes: [Number.isInteger, "a whole number of bytes"],
  cache: [isCache, "true, false or { maxTokens } with a whole number from 1 to 1000000"],
  requireExp: [isBoolean, "true or false"],
  anyRsaExponent: [isBoolean, "true or false"],
};

/** Reads each option once and checks names and types; the values are checked in Rust. */
export function readOptions(options: unknown): VerifierOptions {
  if (typeof options !== "object" || options === null) {
    throw new ConfigError("invalid_option", "createVerifier takes an object of options, or an array of them");
  }
  const names = Object.keys(OPTIONS);
  const own = checkNames(options as { readonly [option: string]: unknown }, "createVerifier", names);
  const read = Object.fromEntries(names.map((name) => [name, own[name]]));
  for (const name of ["jwks", "issuer", "audience"]) {
    if (read[name] === undefined) {
      const how = name === "jwks" ? "" : "; null says explicitly that any is accepted";
      throw new ConfigError("missing_option", `the option "${name}" is missing${how}`, name);
    }
  }
  for (const [name, [test, expected]] of Object.entries(OPTIONS)) {
    const value = read[name];
    if (value !== undefined && !test(value)) {
      throw new ConfigError("invalid_option", `the option "${name}" should be ${expected}`, name);
    }
  }
  return read as unknown as VerifierOptions;
}

/** Options that never reach Rust, or in another form. */
const NOT_PLAIN: readonly string[] = ["now", "schema", "cache", "jwks", "claims"];

/** The options Rust decides by, as {@link Core} takes them. */
export function coreOptions(options: VerifierOptions): object {
  const { jwks, claims = {} } = options;
  const plain = Object.entries(options).filter(([name, value]) => !NOT_PLAIN.includes(name) && value !== undefined);
  // A value that JSON cannot say must not vanish: what is no JSON is refused.
  const expected = Object.entries(claims).map(([claim, value]) => [claim, JSON.stringify(value) ?? "undefined"]);
  return { ...Object.fromEntries(plain), jwks: jwksText(jwks), claims: Object.fromEntries(expected) };
}

/** How many tokens to remember; 0 for none. */
export function cachedTokens(cache: VerifierOptions["cache"]): number {
  if (typeof cache === "object") return cache.maxTokens;
  return cache ? DEFAULT_CACHED_TOKENS : 0;
}

/** A JWK Set as JSON text: the one form in which keys reach Rust. Its size is looked at before it is copied there. */
export function jwksText(jwks: unknown): string {
  if (!isJwks(jwks)) throw new ConfigError("invalid_jwks", `jwks should be ${OPTIONS.jwks[1]}`, "jwks");
  const text = typeof jwks === "string" ? jwks : writtenJwks(jwks);
  const problem =
    text.length > MAX_JWKS_LENGTH ? "is larger than 1 MiB" : isString(text) ? "" : "holds a lone surrogate";
  if (problem !== "") throw new ConfigError("invalid_jwks", `the JWK Set ${problem}`, "jwks");
  return text;
}

function writtenJwks(jwks: unknown): string {
  try {
    return JSON.stringify(jwks) ?? "null";
  } catch (cause) {
    throw new ConfigError("invalid_jwks", "the JWK Set cannot be written as JSON", "jwks", { cause });
  }
}

/** A lone surrogate is no text: it has no UTF-8, and no strict JSON. */
export function isString(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isStrings(value: unknown): boolean {
  return isArrayOf(value, isString);
}

/** Holes are elements, too; `every` would leave them out. */
function isArrayOf(value: unknown, test: (element: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  for (const element of value) if (!test(element)) return false;
  return true;
}

function isAccept(value: unknown): boolean {
  return value === null || isString(value) || isStrings(value);
}

function isJwks(value: unknown): boolean {
  return typeof value === "string" || (typeof value === "object" && value !== null);
}

function isCache(value: unknown): boolean {
  if (isBoolean(value)) return true;
  const maxTokens = (value as { maxTokens?: unknown } | null)?.maxTokens;
  return isNumber(maxTokens) && Number.isInteger(maxTokens) && maxTokens >= 1 && maxTokens <= 1_000_000;
}

function isSchema(value: unknown): boolean {
  const standard = (value as { "~standard"?: { validate?: unknown } } | null)?.["~standard"];
  return isFunction(standard?.validate);
}

function isJsonObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && isJson(value, 0);
}

/** Whether JSON can say the value without losing any of it: an expectation must not vanish silently. */
function isJson(value: unknown, depth: number): boolean {
  if (value === null || isString(value) || isBoolean(value)) return true;
  if (isNumber(value)) return Number.isFinite(value);
  if (typeof value !== "object" || depth > 60) return false;
  if (Array.isArray(value)) return isArrayOf(value, (element) => isJson(element, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && !Object.hasOwn(prototype as object, "isPrototypeOf")) return false;
  // Members that JSON.stringify leaves out, or that may be another the next time, are no JSON.
  return Reflect.ownKeys(value).every((name) => {
    const member = Object.getOwnPropertyDescriptor(value, name);
    return isString(name) && member?.enumerable === true && isJson(member.value, depth + 1);
  });
}
