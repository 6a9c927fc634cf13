// Signs in at the local OpenID provider: authorization code with PKCE; state, issuer and nonce are checked by
// oauth4webapi. The provider answers in the fragment of the address, which no server sees, and it is taken out at once.

import * as oauth from "oauth4webapi";
import { discover, keysOf } from "./keys.js";

const PENDING = "tokenward.sign-in";
const CALLBACK = ["code", "error", "state"];

/** Set by the build where a provider belongs to this copy of the page: issuer, clientId, resource. */
const PROVIDER = __PROVIDER__;

export const canSignIn = PROVIDER !== null;

/** Leaves the page for the provider's. `offline`: asks for a refresh token too (OpenID Connect Core 11). */
export async function signIn({ offline = false } = {}) {
  const server = await discover(PROVIDER.issuer);
  const pending = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: PROVIDER.clientId,
    redirect_uri: redirectUri(),
    response_type: "code",
    response_mode: "fragment",
    scope: `openid profile read write${offline ? " offline_access" : ""}`,
    resource: PROVIDER.resource,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
    prompt: offline ? "login consent" : "login",
  }).toString();
  location.assign(url);
}

/** The provider's answer, if this visit brings one. Reading it takes it out of the address. */
export function takeCallback() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  if (!CALLBACK.some((name) => parameters.has(name))) return undefined;
  history.replaceState(null, "", location.pathname);
  return parameters;
}

/** Exchanges the answer for tokens, and fetches the keys to verify them with. */
export async function finishSignIn(parameters) {
  const tokens = await tokensFor(parameters);
  const { jwks } = await keysOf(PROVIDER.issuer);
  return sessionOf(tokens, jwks);
}

/** Exchanges the answer for tokens: state, issuer and nonce are checked. */
export async function tokensFor(parameters) {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  if (!pending || !canSignIn) throw new Error("this sign-in was not started here");
  const server = await discover(PROVIDER.issuer);
  const client = { client_id: PROVIDER.clientId };
  const answer = oauth.validateAuthResponse(server, client, parameters, pending.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    answer,
    redirectUri(),
    pending.verifier,
    { [oauth.allowInsecureRequests]: true, additionalParameters: { resource: PROVIDER.resource } },
  );
  return oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: pending.nonce,
    requireIdToken: true,
  });
}

/** What the page keeps for this tab: the two tokens, and what to expect of each (RFC 9068, OpenID Connect Core 3.1.3.7). */
function sessionOf({ access_token: access, id_token: id }, jwks) {
  const { issuer, clientId, resource } = PROVIDER;
  return {
    issuer,
    jwks,
    tokens: {
      "access-token": { title: "Access token", token: access, options: { issuer, audience: resource, typ: "at+jwt" } },
      "id-token-own": { title: "ID token", token: id, options: { issuer, audience: clientId } },
    },
  };
}

/** Back to the page that asked. */
const redirectUri = () => location.href.split(/[?#]/)[0];
