/** The claims of a verified token (RFC 7519 section 4). The types of the registered ones were checked. */
export interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  /** Unix seconds, perhaps with a fraction, like all times. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly [claim: string]: unknown;
}

/** What access tokens and ID tokens may both say of the authentication. */
interface AuthenticationClaims extends Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly exp: number;
  readonly iat: number;
  /** When the person authenticated, in Unix seconds. */
  readonly auth_time?: number;
  /** How: the class (OpenID Connect Core 1.0 section 2). */
  readonly acr?: string;
  /** How: the methods (RFC 8176). */
  readonly amr?: readonly string[];
  readonly azp?: string;
}

/** The claims of an access token by RFC 9068 section 2.2: those of `profile: "at+jwt"`. */
export interface AccessTokenClaims extends AuthenticationClaims {
  /** Who asked for the token: of a client that acts for itself, `sub` is the same. */
  readonly client_id: string;
  readonly jti: string;
  /** Scopes between spaces (RFC 8693 section 4.2). */
  readonly scope?: string;
}

/** The claims of an ID token by OpenID Connect Core 1.0 section 2: those of `profile: "id_token"`. */
export interface IdTokenClaims extends AuthenticationClaims {
  readonly nonce?: string;
  /** Base64url of the left half of the access token's hash. */
  readonly at_hash?: string;
}
