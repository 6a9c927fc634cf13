/** The same in every copy of the package: those of `import` and of `require` are two, each with classes of its own. */
const KIND = /* @__PURE__ */ Symbol.for("tokenward.error");

/** Whether an error is of this kind, whichever copy of the package has made it. */
function isKind(error: unknown, name: string): boolean {
  return typeof error === "object" && error !== null && (error as { readonly [kind: symbol]: unknown })[KIND] === name;
}

/** What every error of ours is: a code that never changes, a message for people, and the facts behind it as members. */
abstract class CodedError<Name extends string, Code extends string> extends Error {
  override readonly name: Name;
  readonly code: Code;

  constructor(name: Name, code: Code, message: string, facts: object = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
    this.code = code;
    Object.assign(this, facts);
    Object.defineProperty(this, KIND, { value: name });
  }
}

/** Why a token was refused. docs/errors.md has the cause and the cure of each code. */
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
  | "wasm_unavailable"
  | "out_of_memory"
  | "disposed";

/**
 * Why a provider's fresher keys may help: the set in use has no such key (`unknown`), or it has one of that name, which the
 * provider may have replaced or corrected since, without giving it another `kid` (`doubted`).
 */
export function keyDoubt(code: unknown): "unknown" | "doubted" | undefined {
  if (code === "key_not_found") return "unknown";
  return code === "bad_signature" || code === "key_unusable" ? "doubted" : undefined;
}

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
export class TokenError extends CodedError<"TokenError", TokenErrorCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is TokenError {
    return isKind(error, "TokenError");
  }

  declare readonly claim?: string;
  declare readonly expected?: unknown;
  declare readonly actual?: unknown;

  constructor(code: TokenErrorCode, message: string, facts: TokenErrorFacts = {}, options?: ErrorOptions) {
    super("TokenError", code, message, facts, options);
  }
}

/** The verifier was given something that cannot work; a mistake in the app, not in a token. */
export class ConfigError extends CodedError<"ConfigError", ConfigErrorCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is ConfigError {
    return isKind(error, "ConfigError");
  }

  /** The option it is about. */
  declare readonly option?: string;

  constructor(code: ConfigErrorCode, message: string, option?: string, options?: ErrorOptions) {
    super("ConfigError", code, message, option === undefined ? {} : { option }, options);
  }
}

/** An option is not what it should be. */
export function invalidOption(message: string, option?: string): ConfigError {
  return new ConfigError("invalid_option", message, option);
}

/** The same, told in the words that most options share. */
export function shouldBe(option: string, expected: string): ConfigError {
  return invalidOption(`the option "${option}" should be ${expected}`, option);
}

/** The facts of what the WebAssembly module throws (`src/wasm.rs`). */
interface Thrown extends TokenErrorFacts {
  kind: "token" | "config";
  code: string;
  message: string;
  option?: string;
}

/** Turns what the WebAssembly module threw into the error the caller sees. */
export function fromCore(thrown: unknown): Error {
  const { kind, code, message, option, ...facts } = thrown as Thrown;
  if (kind === "config") return new ConfigError(code as ConfigErrorCode, message, option);
  return new TokenError(code as TokenErrorCode, message, facts);
}

/** What a storage refused: `unavailable` (private mode, blocked, no connection, no answer within 10 s), `full` (no room left). */
export type StorageErrorCode = "unavailable" | "full";

/**
 * A storage did not do what it was asked; what went wrong is the `cause`. Nothing was half written; what took too long
 * (a `TimeoutError`) may still be.
 */
export class StorageError extends CodedError<"StorageError", StorageErrorCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is StorageError {
    return isKind(error, "StorageError");
  }

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super("StorageError", code, message, {}, options);
  }
}

/**
 * Why keys were not refreshed; those in use stay in use.
 *
 * - `insecure_url`: not https, or a redirect or the issuer's metadata led away from https
 * - `unreachable`: no answer: no network, no such host, a refused or broken connection, CORS
 * - `timeout`: no complete answer in time
 * - `http_status`: another status than 200 (or 304 where asked for); it is in `status`
 * - `too_large`: more bytes than `maxBytes`
 * - `too_many_keys`: more keys than `maxKeys`
 * - `invalid_set`: not a JWK Set that can serve (a captive portal's page, private keys, no usable key), or not the
 *   issuer's metadata
 * - `issuer_mismatch`: the metadata names another issuer than the one they were asked from
 * - `private_key`, `symmetric_key`: the set holds a key that should be secret; it is left out, with its public half, and
 *   the others count. Its `kid` is in `kid`
 * - `cooling_down`: asked too recently, or the provider said to come back later; from when on is in `retryAt`
 */
export type KeyStoreErrorCode =
  | "insecure_url"
  | "unreachable"
  | "timeout"
  | "http_status"
  | "too_large"
  | "too_many_keys"
  | "invalid_set"
  | "issuer_mismatch"
  | "private_key"
  | "symmetric_key"
  | "cooling_down";

/** The facts behind a {@link KeyStoreError}, where they apply. */
export interface KeyStoreErrorFacts {
  /** The HTTP status of the answer. */
  status?: number;
  /** When another attempt is welcome, in Unix seconds. */
  retryAt?: number;
  /** Which key it is about, where that has a name. */
  kid?: string;
}

/** Keys were not refreshed. */
export class KeyStoreError extends CodedError<"KeyStoreError", KeyStoreErrorCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is KeyStoreError {
    return isKind(error, "KeyStoreError");
  }

  declare readonly status?: number;
  declare readonly retryAt?: number;
  declare readonly kid?: string;

  constructor(code: KeyStoreErrorCode, message: string, facts: KeyStoreErrorFacts = {}, options?: ErrorOptions) {
    super("KeyStoreError", code, message, facts, options);
  }
}

/**
 * Why what is kept could not be sealed or opened, and what to do.
 *
 * - `unsupported`: this context has not what it takes (WebCrypto, IndexedDB, WebAssembly, PRF). Protect in another way.
 * - `unavailable`: it has, but refuses now (private mode, no memory, storage blocked). Try later or protect otherwise.
 * - `not_set_up`: there is no PIN or passkey yet, or it was forgotten. Sign in, then call `setup`.
 * - `already_set_up`: there is one. `change` it, or `forget` it first.
 * - `locked`: `unlock` first.
 * - `weak_secret`: the new PIN is too short. Ask for a longer one.
 * - `wrong_secret`: ask again, after `retryAfter` seconds.
 * - `try_later`: the PIN was not even looked at. Ask again after `retryAfter` seconds.
 * - `too_many_attempts`: what was protected is forgotten for good. Sign in again.
 * - `cancelled`: the person or the browser ended the passkey's dialogue. Ask again when they want to.
 * - `damaged`: what is kept was altered, or its key is gone. Delete it and sign in again.
 */
export type ProtectionErrorCode =
  | "unsupported"
  | "unavailable"
  | "not_set_up"
  | "already_set_up"
  | "locked"
  | "weak_secret"
  | "wrong_secret"
  | "try_later"
  | "too_many_attempts"
  | "cancelled"
  | "damaged";

/** The facts behind a {@link ProtectionError}, where they apply. */
export interface ProtectionErrorFacts {
  /** Seconds until the next attempt is looked at; 0 for at once. */
  retryAfter?: number;
  /** Wrong attempts after which everything is forgotten; absent without such a limit. */
  attemptsLeft?: number;
}

/** Something kept at rest could not be sealed or opened. The message never holds what was sealed, nor a secret. */
export class ProtectionError extends CodedError<"ProtectionError", ProtectionErrorCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is ProtectionError {
    return isKind(error, "ProtectionError");
  }

  declare readonly retryAfter?: number;
  declare readonly attemptsLeft?: number;

  constructor(code: ProtectionErrorCode, message: string, facts: ProtectionErrorFacts = {}, options?: ErrorOptions) {
    super("ProtectionError", code, message, facts, options);
  }
}

/**
 * Why a session could not do what was asked.
 *
 * - `locked`: call `unlock` first, or the protection's `setup` where there is no PIN or passkey yet
 * - `missing_token`: what `signIn` was given has not the token the session judges
 * - `not_saved`: the storage refused; the session goes on in memory, and ends with this page or worker
 * - `not_readable`: the storage cannot be read here and now, so that no one-time token is spent; a reload of the page helps
 *   where the browser has lost its database
 * - `busy`: another tab did not finish in time; try again
 * - `user_changed`: the provider answered with the tokens of another person
 * - `stopped`: the session was stopped
 */
export type SessionErrorCode =
  | "locked"
  | "missing_token"
  | "not_saved"
  | "not_readable"
  | "busy"
  | "user_changed"
  | "stopped";

/** A session could not do what was asked. */
export class SessionError extends CodedError<"SessionError", SessionErrorCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is SessionError {
    return isKind(error, "SessionError");
  }

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super("SessionError", code, message, {}, options);
  }
}

/**
 * The provider's own word: the refresh token is of no more use. The session is over.
 *
 * - `invalid_grant`: RFC 6749 section 5.2: expired, revoked, used before, or issued to another client
 * - `invalid_refresh_token`: the same in FusionAuth's own API
 */
export type RefreshRejectedCode = "invalid_grant" | "invalid_refresh_token";

/** The provider refused the refresh token itself: sign in again. */
export class RefreshRejected extends CodedError<"RefreshRejected", RefreshRejectedCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is RefreshRejected {
    return isKind(error, "RefreshRejected");
  }

  constructor(code: RefreshRejectedCode, message: string) {
    super("RefreshRejected", code, message);
  }
}

/**
 * Why the provider gave no answer that counts. None of these is a reason to sign anybody out.
 *
 * - `network`: no connection, or one that broke before the answer was complete, or an answer that CORS hides
 * - `timeout`: no complete answer in time
 * - `aborted`: the caller's signal
 * - `http_status`: a status that says nothing about the token (429, 5xx, a redirect); it is in `status`
 * - `not_json`: something else than JSON, such as the page of a captive portal
 * - `too_large`: more bytes than any answer with tokens has
 * - `invalid_answer`: JSON, but neither tokens nor an error of the protocol
 * - `refused`: an error that is not about the token; it is in `error`, such as `invalid_client`. Look at the app's
 *   configuration: the same request will be refused again. With one of {@link SIGN_IN_NEEDED} only a sign-in helps
 * - `invalid_metadata`: what the issuer publishes about itself cannot be used: of another issuer, without a token
 *   endpoint, or with one that is not https
 */
export type ProviderUnavailableCode =
  | "network"
  | "timeout"
  | "aborted"
  | "http_status"
  | "not_json"
  | "too_large"
  | "invalid_answer"
  | "refused"
  | "invalid_metadata";

/**
 * What a token endpoint says when only a sign-in helps: OpenID Connect Core 1.0 section 3.1.2.6, and `mfa_required` of several
 * providers.
 */
export const SIGN_IN_NEEDED: readonly string[] = [
  "interaction_required",
  "login_required",
  "consent_required",
  "mfa_required",
];

/** The facts behind a {@link ProviderUnavailable}. */
export interface ProviderUnavailableFacts {
  /**
   * Whether the refresh token may have reached the provider: a one-time token may then be used up. `false`: it was not
   * even sent.
   */
  readonly sent: boolean;
  /** When the provider wants to be asked again, in seconds from now. */
  readonly retryAfter?: number | undefined;
  /** The HTTP status of the answer. */
  readonly status?: number | undefined;
  /** The error code of the answer, RFC 6749 section 5.2. */
  readonly error?: string | undefined;
}

/** The provider gave no answer that counts: keep the tokens and try again later. */
export class ProviderUnavailable extends CodedError<"ProviderUnavailable", ProviderUnavailableCode> {
  /** Whether it is one, also of another copy of the package: one that was imported and one that was required. */
  static is(error: unknown): error is ProviderUnavailable {
    return isKind(error, "ProviderUnavailable");
  }

  declare readonly sent: boolean;
  declare readonly retryAfter?: number;
  declare readonly status?: number;
  declare readonly error?: string;

  constructor(
    code: ProviderUnavailableCode,
    message: string,
    { sent, ...facts }: ProviderUnavailableFacts = { sent: true },
    options?: ErrorOptions,
  ) {
    const known = Object.entries(facts).filter(([, value]) => value !== undefined);
    super("ProviderUnavailable", code, message, { sent, ...Object.fromEntries(known) }, options);
  }
}
