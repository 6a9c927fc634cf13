/**
 * The provider's own word: the refresh token is of no more use. The session is over.
 *
 * - `invalid_grant`: RFC 6749 section 5.2: expired, revoked, used before, or issued to another client
 * - `invalid_refresh_token`: the same in FusionAuth's own API
 */
export type RefreshRejectedCode = "invalid_grant" | "invalid_refresh_token";

/** The provider refused the refresh token itself: sign in again. */
export class RefreshRejected extends Error {
  override readonly name = "RefreshRejected";
  readonly code: RefreshRejectedCode;

  constructor(code: RefreshRejectedCode, message: string) {
    super(message);
    this.code = code;
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
export class ProviderUnavailable extends Error {
  override readonly name = "ProviderUnavailable";
  readonly code: ProviderUnavailableCode;
  readonly sent: boolean;
  declare readonly retryAfter?: number;
  declare readonly status?: number;
  declare readonly error?: string;

  constructor(
    code: ProviderUnavailableCode,
    message: string,
    { sent, ...facts }: ProviderUnavailableFacts = { sent: true },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.sent = sent;
    for (const [name, value] of Object.entries(facts)) if (value !== undefined) Object.assign(this, { [name]: value });
  }
}
