/** `tokenward/providers`: how a session gets fresh tokens from the provider, and gives them back. */

import { FusionAuthProvider, tokensOfLogin } from "./providers/fusionauth.js";
import { OAuthProvider } from "./providers/oauth.js";
import type { FusionAuthProviderOptions, OAuthProviderOptions, TokenProvider, TokenSet } from "./providers/types.js";

export { type EntraIssuerOptions, entraIssuer } from "./entra.js";
export {
  ProviderUnavailable,
  type ProviderUnavailableCode,
  type ProviderUnavailableFacts,
  RefreshRejected,
  type RefreshRejectedCode,
} from "./errors.js";
export type {
  ClientAuthentication,
  FusionAuthProviderOptions,
  OAuthProviderOptions,
  ServerMetadata,
  TokenProvider,
  TokenSet,
} from "./providers/types.js";

/**
 * A provider that speaks OAuth 2.0: refresh by RFC 6749 section 6, revocation by RFC 7009 where it is offered. Throws a
 * `ConfigError` for options that cannot work.
 *
 * Only `invalid_grant` from the token endpoint ends a session. A client that was not accepted (`invalid_client`,
 * `unauthorized_client`) is a mistake in a configuration, and puts nobody out.
 */
export function oauthProvider(options: OAuthProviderOptions): Required<TokenProvider> {
  return new OAuthProvider(options);
}

/**
 * FusionAuth by its own API: `POST /api/jwt/refresh`, and `POST /api/logout` to revoke. It needs no API key: never put
 * one into an app. Throws a `ConfigError` for options that cannot work.
 */
export function fusionAuthProvider(options: FusionAuthProviderOptions): Required<TokenProvider> {
  return new FusionAuthProvider(options);
}

/**
 * The answer of FusionAuth's `POST /api/login` (of its client: `response`) as a session's `signIn` takes it. Throws a
 * `TypeError` if there is no token in it, because a further step is needed.
 */
export function fusionAuthTokens(answer: unknown): TokenSet {
  return tokensOfLogin(answer);
}
