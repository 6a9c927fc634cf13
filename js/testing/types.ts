/** What a test gives to an issuer in memory and gets from it. */
import type { Duration } from "../duration.js";
import type { TokenErrorCode } from "../errors.js";
import type { Algorithm } from "../options.js";
import type { TokenSet } from "../providers/types.js";
import type { Session, SessionOptions } from "../session/types.js";

/** What an issuer in memory is like. */
export interface TestIssuerOptions {
  /** Its issuer identifier. Default: `https://issuer.test`. */
  readonly issuer?: string | undefined;
  /** Whom its tokens are for. Default: `app`. */
  readonly audience?: string | undefined;
  /** It has a key for each; the first signs unless a test says otherwise. Default: `["ES256"]`. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** How long its tokens are valid. Default: 15 minutes. */
  readonly lifetime?: Duration | undefined;
  /** Where its clock stands at first, in Unix seconds. Default: the system's time, without the fraction. */
  readonly now?: number | undefined;
}

/** Claims of a token. One that is `undefined` is left out, whatever the issuer would have put there. */
export interface TestClaims {
  readonly [claim: string]: unknown;
}

/** How one token is made. */
export interface TestTokenOptions {
  /** Which key signs: one of the issuer's algorithms. Default: its first. */
  readonly algorithm?: Algorithm | undefined;
  /** More members of the header; one that is `undefined` is left out. */
  readonly header?: TestClaims | undefined;
  /** What is wrong with it. */
  readonly flaw?: Flaw | undefined;
}

/**
 * What can be wrong with a token:
 *
 * - `no_signature`: only two segments
 * - `padded`: base64url with `=`
 * - `duplicate_claim`: two `sub`, of which readers take the first or the last
 * - `too_large`: a megabyte of padding in a claim
 * - `alg_none`: `none`, without a signature
 * - `hmac_with_public_key`: `HS256`, with the public key as the secret
 * - `critical_extension`: a `crit` that nobody knows
 * - `unknown_key`: signed by a key that is not published
 * - `wrong_key`: the same under the `kid` of one that is
 * - `embedded_key`: the same with the key itself in the header, as `jwk`
 * - `altered_claims`: another `sub` than the one that was signed
 * - `altered_signature`: one bit of the signature is another
 * - `wrong_issuer`, `wrong_audience`: of another `iss`, for another `aud`
 * - `no_expiry`: without `exp`
 * - `expired`, `not_yet_valid`: a year ago, in a year, whatever a verifier tolerates
 */
export type Flaw =
  | "no_signature"
  | "padded"
  | "duplicate_claim"
  | "too_large"
  | "alg_none"
  | "hmac_with_public_key"
  | "critical_extension"
  | "unknown_key"
  | "wrong_key"
  | "embedded_key"
  | "altered_claims"
  | "altered_signature"
  | "wrong_issuer"
  | "wrong_audience"
  | "no_expiry"
  | "expired"
  | "not_yet_valid";

/** Each flaw, and the code with which a verifier of the issuer's own options refuses it. */
export const FLAWS: { readonly [Name in Flaw]: TokenErrorCode } = Object.freeze({
  no_signature: "malformed",
  padded: "malformed",
  duplicate_claim: "malformed",
  too_large: "too_large",
  alg_none: "unsupported_algorithm",
  hmac_with_public_key: "unsupported_algorithm",
  critical_extension: "unsupported_critical",
  unknown_key: "key_not_found",
  wrong_key: "bad_signature",
  embedded_key: "bad_signature",
  altered_claims: "bad_signature",
  altered_signature: "bad_signature",
  wrong_issuer: "claim_mismatch",
  wrong_audience: "claim_mismatch",
  no_expiry: "missing_claim",
  expired: "expired",
  not_yet_valid: "not_yet_valid",
});

/** A clock that stands still until a test moves it, in Unix seconds. */
export interface TestClock {
  /** What it shows: for the option `now` of whatever a test makes. */
  readonly now: () => number;
  /** Goes on by some time. What sessions of the issuer do meanwhile, such as a refresh, is done when this resolves. */
  advance(duration: Duration): Promise<void>;
  /** Sets it, also back, as the owner of a device can: no time passes. */
  set(seconds: number): void;
}

/** How a session for a test begins; the rest is as in `createSession`. */
export interface TestSessionOptions extends Partial<Omit<SessionOptions, "environment">> {
  /** Of the person who is signed in. Default: `sub` is `ada`. */
  readonly claims?: TestClaims | undefined;
  /** Whether somebody signs in at once. Default: true. */
  readonly signedIn?: boolean | undefined;
}

/** An issuer in memory. */
export interface TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly clock: TestClock;
  /** The set that it publishes now. */
  readonly jwks: { readonly keys: readonly { readonly [member: string]: unknown }[] };
  /** For `createVerifier`: its keys of now, issuer, audience and clock. */
  readonly options: {
    readonly jwks: TestIssuer["jwks"];
    readonly issuer: string;
    readonly audience: string;
    readonly now: () => number;
  };
  /**
   * Answers in place of the network: its metadata, its keys, refreshes with one-time refresh tokens, revocations. Another
   * address is a `TypeError`, as without a network.
   */
  readonly fetch: typeof fetch;
  /** Whether `fetch` gets through; sessions hear it when it does again. */
  online: boolean;
  /** Signs a token, which holds unless it has a flaw. */
  token(claims?: TestClaims, options?: TestTokenOptions): Promise<string>;
  /** What its token endpoint answers when somebody signs in: an access token, an ID token and a refresh token. */
  signIn(claims?: TestClaims): Promise<TokenSet>;
  /** New keys, which sign from now on. The old ones are not published any more, unless they are kept. */
  rotate(options?: { readonly keep?: boolean | undefined }): Promise<void>;
  /** Refuses every refresh token that it has given so far. */
  revokeAll(): void;
  /** A session that has started, in memory, on this clock, with somebody signed in. `stop()` it at the end. */
  session(options?: TestSessionOptions): Promise<Session>;
}
