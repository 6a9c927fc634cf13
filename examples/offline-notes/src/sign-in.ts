import * as oauth from "oauth4webapi";
import { clientId, issuer, scope, session, target } from "./auth.js";

const client = { client_id: clientId };
const redirectUri = () => new URL("/signed-in.html", location.origin).href;
/** A provider on the developer's own machine may do without https; no other may. */
const insecure = { [oauth.allowInsecureRequests]: /^(.+\.)?localhost$|^127\.0\.0\.1$/.test(new URL(issuer).hostname) };
const provider = async () =>
  oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure));

/** Leaves the app for the provider's page. */
export async function signIn(): Promise<void> {
  if (!isSecureContext)
    throw new Error("Signing in needs https, or an address of this machine such as http://localhost");
  const { authorization_endpoint: endpoint } = await provider();
  if (endpoint === undefined) throw new Error(`${issuer} names no page to sign in at`);
  const pending = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState() };
  sessionStorage.setItem("sign-in", JSON.stringify(pending));
  const url = new URL(endpoint);
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri(),
    response_type: "code",
    scope,
    prompt: "consent", // without it a provider may leave out offline_access
    ...target,
    state: pending.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
  }).toString();
  location.assign(url);
}

/** On /signed-in.html: exchanges the answer for tokens, and hands them to the session. */
export async function finishSignIn(): Promise<void> {
  const { verifier, state } = JSON.parse(sessionStorage.getItem("sign-in") ?? "{}");
  sessionStorage.removeItem("sign-in");
  const address = new URL(location.href);
  history.replaceState(null, "", location.pathname);
  if (!state) throw new Error("No sign-in was begun in this tab");
  const server = await provider();
  const answer = oauth.validateAuthResponse(server, client, address, state);
  const options = { ...insecure, additionalParameters: target };
  const response = await oauth.authorizationCodeGrantRequest(
    ...([server, client, oauth.None(), answer, redirectUri(), verifier, options] as const),
  );
  const date = response.headers.get("date");
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response);
  await session.signIn(tokens, date ? { serverTime: Date.parse(date) / 1000 } : {});
}
