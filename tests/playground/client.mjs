// A client of the local provider without a browser: what the playground does, over plain fetch with its own cookies.

import * as oauth from "oauth4webapi";

const INSECURE = { [oauth.allowInsecureRequests]: true };
const SCOPE = "openid profile offline_access read write";

export async function discover({ issuer }) {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, INSECURE));
}

/** Signs in as the login page's form does; `form` overrides its choices. */
export async function signIn(provider, { redirectUri, form = {}, nonce = oauth.generateRandomNonce() }) {
  const server = await discover(provider);
  const client = { client_id: provider.clientId };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: provider.clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: SCOPE,
    prompt: "login consent",
    resource: provider.resource,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  }).toString();
  const answer = await walk(url, redirectUri, form);
  const parameters = oauth.validateAuthResponse(server, client, answer, state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirectUri,
    verifier,
    {
      ...INSECURE,
      additionalParameters: { resource: provider.resource },
    },
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce });
  return { server, client, tokens };
}

export async function refresh({ server, client }, refreshToken) {
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, INSECURE);
  return oauth.processRefreshTokenResponse(server, client, response);
}

/** Follows the redirects with cookies, filling in the login form on the way, until they lead back to the app. */
export async function walk(start, redirectUri, form) {
  const cookies = new Map();
  let url = start;
  let init = {};
  for (let steps = 0; steps < 12; steps += 1) {
    const headers = { ...init.headers, cookie: [...cookies.values()].join("; ") };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      cookies.set(cookie.split("=")[0], cookie.split(";")[0]);
    }
    const location = response.headers.get("location");
    if (location?.startsWith(redirectUri)) return new URL(location);
    if (location) {
      url = new URL(location, url);
      init = {};
    } else {
      init = { method: "POST", body: new URLSearchParams({ ...CHOICES, ...form }) };
    }
  }
  throw new Error("the provider sent us in circles");
}

const CHOICES = { account: "ada", algorithm: "ES256", lifetime: "900", action: "sign-in" };
