/** Why a token was refused. See the table of codes in the README. */
export type TokenErrorCode =
  | "malformed"
  | "too_large"
  | "unsupported_algorithm"
  | "algorithm_not_allowed"
  | "unsupported_critical"
  | "unexpected_type"
  | "key_not_found"
  | "key_unusable"
  | "bad_signature"
  | "missing_claim"
  | "invalid_claim"
  | "claim_mismatch"
  | "expired"
  | "not_yet_valid"
  | "too_old";

/** Why a verifier could not be made, or was used in a way that cannot work. */
export type ConfigErrorCode =
  | "unknown_option"
  | "missing_option"
  | "invalid_option"
  | "invalid_jwks"
  | "private_key"
  | "symmetric_key"
  | "no_usable_key"
  | "async_schema"
  | "not_initialized"
  | "wasm_unavailable";

/** The facts behind a {@link TokenError}, where they apply. */
export interface TokenErrorFacts {
  /** The claim it is about. */
  claim?: string;
  /** What was expected; an array where any of its elements would do. */
  expected?: unknown;
  /** What was found. A claim's value is shown only after the signature held. */
  actual?: unknown;
}

/** A token was refused. The message says what was found and what was expected, never the token itself. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly code: TokenErrorCode;
  declare readonly claim?: string;
  declare readonly expected?: unknown;
  declare readonly actual?: unknown;

  constructor(code: TokenErrorCode, message: string, facts: TokenErrorFacts = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    Object.assign(this, facts);
  }
}

/** The verifier was given something that cannot work; a mistake in the app, not in a token. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  /** The option it is about. */
  declare readonly option?: string;

  constructor(code: ConfigErrorCode, message: string, option?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    if (option !== undefined) this.option = option;
  }
}

/** What the WebAssembly module throws, as a `Map` (`src/wasm.rs`). */
interface Thrown extends TokenErrorFacts {
  kind: "token" | "config";
  code: string;
  message: string;
  option?: string;
}

/** Turns what the WebAssembly module threw into the error the caller sees. */
export function fromCore(thrown: unknown): unknown {
  if (!(thrown instanceof Map)) return thrown;
  const { kind, code, message, option, ...facts } = plain(thrown) as Thrown;
  if (kind === "config") return new ConfigError(code as ConfigErrorCode, message, option);
  return new TokenError(code as TokenErrorCode, message, facts);
}

/** What the WebAssembly module says, with `Map`s as objects whose members are their own, `__proto__` too. */
export function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
