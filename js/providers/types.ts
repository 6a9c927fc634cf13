/** What an app gives to a provider and gets from it. */

/** The tokens of one person, named as in RFC 6749 section 5.1. */
export interface TokenSet {
  /** Empty or absent where the provider gave none: a session that judges the ID token needs no other. */
  readonly access_token?: string | undefined;
  readonly refresh_token?: string | undefined;
  readonly id_token?: string | undefined;
  /** Seconds the access token lasts from now. */
  readonly expires_in?: number | undefined;
  /** The provider's time when it answered, in Unix seconds, from the `Date` header where it may be read. */
  readonly serverTime?: number | undefined;
}

/** Where a session gets fresh tokens. Two are made here; an app may bring its own. */
export interface TokenProvider {
  /**
   * Exchanges the refresh token. The answer holds the refresh token to use from then on. Rejects with a
   * `RefreshRejected` only on the provider's own word that the token is of no more use, and with a
   * `ProviderUnavailable` for everything else.
   */
  refresh(tokens: TokenSet, options: { signal: AbortSignal }): Promise<TokenSet>;
  /** Ends the use of a refresh token. Resolves also where there is nothing left to revoke. */
  revoke?(tokens: { refresh_token: string }, options: { signal: AbortSignal }): Promise<void>;
}

/** What is used of the provider's metadata (RFC 8414 section 2). */
export interface ServerMetadata {
  readonly issuer: string;
  readonly token_endpoint: string;
  readonly revocation_endpoint?: string | undefined;
}

/**
 * How the client proves who it is: `None()`, `ClientSecretPost(…)`, `PrivateKeyJwt(…)` and others of oauth4webapi, or a
 * function of the same form. A secret in a page is not secret.
 */
export type ClientAuthentication = (
  server: { readonly issuer: string },
  client: { readonly client_id: string },
  body: URLSearchParams,
  headers: Headers,
) => void | Promise<void>;

/** The options of `oauthProvider`. */
export interface OAuthProviderOptions {
  /** The provider's issuer identifier; its metadata are found by OpenID Connect Discovery 1.0 or RFC 8414. */
  readonly issuer?: string | undefined;
  /** The metadata themselves, instead of `issuer`: saves the discovery, also where the provider publishes none. */
  readonly server?: ServerMetadata | undefined;
  readonly clientId: string;
  /** Default: none, as is right for apps in browsers (RFC 6749 section 2.1, public clients). */
  readonly clientAuth?: ClientAuthentication | undefined;
  /** Further parameters of the refresh request. */
  readonly additionalParameters?: { readonly [name: string]: string } | undefined;
  /** A narrower scope to ask for; never a wider one (RFC 6749 section 6). */
  readonly scope?: string | undefined;
  /** Which APIs the access token is for (RFC 8707). */
  readonly resource?: string | readonly string[] | undefined;
  /**
   * For a provider that refuses a refresh token otherwise than by `invalid_grant`: whether an answer without tokens, with
   * this status and this `error`, is its word that the token is of no more use. A page of a captive portal has no
   * `error`, and a status like any other: be sure. `body` is the answer's JSON, for errors of another form, such as
   * `{ "error": { "message": "TOKEN_EXPIRED" } }`; `undefined` if it is none. Default: no other answer is.
   */
  readonly rejects?:
    | ((answer: { readonly status: number; readonly error: string | undefined; readonly body: unknown }) => boolean)
    | undefined;
  readonly fetch?: typeof fetch | undefined;
  /**
   * How long to wait for an answer, as a number of seconds or a text like `"30s"`. Default: 30 seconds, which is long
   * on purpose: an answer that was given up may have used up a one-time refresh token.
   */
  readonly timeout?: number | string | undefined;
}

/** The options of `fusionAuthProvider`. */
export interface FusionAuthProviderOptions {
  /** Where FusionAuth is, without the `/api` of its paths. */
  readonly url: string;
  /** Where there are several tenants and the host name does not tell them apart. */
  readonly tenantId?: string | undefined;
  /** Whether to send the previous access token along, for FusionAuth's `jwt.refresh` webhook. Default: no. */
  readonly sendToken?: boolean | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** See {@link OAuthProviderOptions.timeout}. Default: 30 seconds. */
  readonly timeout?: number | string | undefined;
}
