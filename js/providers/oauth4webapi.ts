/**
 * What is used of oauth4webapi, in one place: it has ES modules only, so the build puts it into this file of the CommonJS
 * package, for what cannot `require` ES modules, such as Jest.
 */
export {
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  type CustomFetchOptions,
  customFetch,
  discoveryRequest,
  None,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  revocationRequest,
} from "oauth4webapi";
