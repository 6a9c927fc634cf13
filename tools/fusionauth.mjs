// A stand-in for FusionAuth, which cannot run here: the calls that an app and this package make, as its documentation
// describes them (https://fusionauth.io/docs/apis/login, …/jwt, …/errors). Its own client, @fusionauth/typescript-client,
// is what tests/providers/fusionauth.test.mjs holds it to. In memory, on loopback, silent: what passes are tokens.

import { createHash, randomBytes, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";
import { generateKeyPair } from "./keypair.mjs";
import { listen } from "./listen.mjs";

export const APPLICATION_ID = "3c219e58-ed0e-4b18-ad48-f4f92793ae32";
export const TENANT_ID = "30663132-6464-6665-3032-326466613934";
export const ACCOUNTS = [
  { id: "00000000-0000-0001-0000-000000000001", loginId: "ada@example.com", password: "analytical", roles: ["editor"] },
  { id: "00000000-0000-0001-0000-000000000002", loginId: "grace@example.com", password: "nanosecond", roles: [] },
  {
    id: "00000000-0000-0001-0000-000000000003",
    loginId: "joan@example.com",
    password: "colossus",
    roles: [],
    twoFactor: true,
  },
];

/**
 * @param {object} [options] named as in FusionAuth's configuration where it has a name for it
 * @param {number} [options.port] wanted port; 0 for any
 * @param {string[]} [options.apps] origins of apps in browsers (its CORS filter)
 * @param {"OneTimeUse" | "Reusable"} [options.refreshTokenUsagePolicy]
 * @param {boolean} [options.onOneTimeTokenReuse] whether a used token that comes again revokes the one that replaced it
 * @param {number} [options.gracePeriodInSeconds] in which a used token is answered again, with the same new one
 * @param {number} [options.timeToLiveInSeconds] of access tokens
 * @param {number} [options.refreshTokenTimeToLiveInMinutes]
 * @param {string} [options.apiKey] needed to log in, and to revoke tokens of others; none: `requireAuthentication` is off
 * @param {() => number} [options.now] in Unix seconds
 */
export async function startFusionAuth(options = {}) {
  const state = new FusionAuth(options);
  const server = createServer((request, response) => serve(state, request, response));
  state.issuer = await listen(server, { port: options.port ?? 0, name: "the stand-in for FusionAuth" });
  return {
    url: state.issuer,
    issuer: state.issuer,
    applicationId: APPLICATION_ID,
    tenantId: TENANT_ID,
    accounts: ACCOUNTS,
    /** Takes the signing key out of service; tokens are signed with a new one from now on. */
    rotateKey: () => state.rotateKey(),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

class FusionAuth {
  constructor({
    apps = [],
    refreshTokenUsagePolicy = "OneTimeUse",
    onOneTimeTokenReuse = false,
    gracePeriodInSeconds = 0,
    timeToLiveInSeconds = 3600,
    refreshTokenTimeToLiveInMinutes = 43_200,
    apiKey,
    now = () => Date.now() / 1000,
  }) {
    Object.assign(this, { apps, refreshTokenUsagePolicy, onOneTimeTokenReuse, gracePeriodInSeconds, apiKey, now });
    Object.assign(this, { timeToLiveInSeconds, refreshTokenTimeToLiveInMinutes });
    /** By value: one object for each session, under its present token and, if there is one, the token before. */
    this.refreshTokens = new Map();
    this.rotateKey();
  }

  rotateKey() {
    const { privateKey, publicKey } = generateKeyPair("rsa", { modulusLength: 2048 });
    const { n, e } = publicKey.export({ format: "jwk" });
    const kid = createHash("sha1").update(n).digest("base64url");
    this.key = { privateKey, jwk: { alg: "RS256", e, kid, kty: "RSA", n, use: "sig" } };
  }

  isAuthorized({ headers }) {
    return this.apiKey === undefined || headers.authorization === this.apiKey;
  }

  login({ loginId, password, applicationId, noJWT = false }) {
    const blank = Object.entries({ loginId, password }).filter(([, value]) => !value);
    if (blank.length > 0) return errors(blank.map(([field]) => [field, `[blank]${field}`, "Required"]));
    const account = ACCOUNTS.find((each) => each.loginId === loginId && each.password === password);
    if (!account) return { status: 404 };
    if (account.twoFactor) {
      const methods = [{ id: "1", method: "authenticator" }];
      return { status: 242, body: { methods, twoFactorId: randomBytes(32).toString("base64url") } };
    }
    const user = { active: true, email: account.loginId, id: account.id, tenantId: TENANT_ID, verified: true };
    if (noJWT) return { status: 200, body: { user } };
    const session = {
      account,
      id: randomUUID(),
      startedAt: this.now(),
      isRegistered: applicationId === APPLICATION_ID,
    };
    const tokens = { ...this.accessToken(session), ...(session.isRegistered && this.refreshToken(session)) };
    return { status: session.isRegistered ? 200 : 202, body: { ...tokens, user } };
  }

  refresh({ refreshToken, timeToLiveInSeconds }) {
    if (!refreshToken) return errors([["refreshToken", "[missing]refreshToken", "A refresh token is required."]]);
    if (timeToLiveInSeconds > this.timeToLiveInSeconds) {
      return errors([["timeToLiveInSeconds", "[tooLarge]timeToLiveInSeconds", "Too long."]]);
    }
    const session = this.refreshTokens.get(refreshToken);
    const isPresent = session?.token === refreshToken;
    const inGrace = session && !isPresent && this.now() - session.replacedAt < this.gracePeriodInSeconds;
    if (!session || this.hasExpired(session) || !(isPresent || inGrace)) {
      if (session && this.onOneTimeTokenReuse) this.revoke(session);
      const message = "The refresh token was not found or has expired.";
      return errors([["refreshToken", "[invalid]refreshToken", message]]);
    }
    const kept = { refreshToken: session.token, refreshTokenId: session.id };
    const isReplaced = isPresent && this.refreshTokenUsagePolicy === "OneTimeUse";
    const { tokenExpirationInstant: _, token } = this.accessToken(session);
    return { status: 200, body: { ...(isReplaced ? this.refreshToken(session) : kept), token } };
  }

  logout({ refreshToken, global = false }) {
    const session = this.refreshTokens.get(refreshToken);
    if (session && (session.token === refreshToken || global)) {
      this.revokeAll(({ account, id }) => (global ? account.id === session.account.id : id === session.id));
    }
    return { status: 200 };
  }

  revokeAll(which) {
    for (const session of new Set(this.refreshTokens.values())) if (which(session)) this.revoke(session);
  }

  revoke(session) {
    for (const token of [session.token, session.previous]) this.refreshTokens.delete(token);
  }

  hasExpired({ startedAt }) {
    return this.now() >= startedAt + this.refreshTokenTimeToLiveInMinutes * 60;
  }

  /** https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/tokens */
  accessToken({ account, startedAt, isRegistered }) {
    const now = Math.floor(this.now());
    const exp = now + this.timeToLiveInSeconds;
    const claims = {
      aud: APPLICATION_ID,
      exp,
      iat: now,
      iss: this.issuer,
      sub: account.id,
      jti: randomUUID(),
      authenticationType: "PASSWORD",
      email: account.loginId,
      email_verified: true,
      ...(isRegistered && { applicationId: APPLICATION_ID, roles: account.roles }),
      auth_time: Math.floor(startedAt),
      tid: TENANT_ID,
    };
    const { privateKey, jwk } = this.key;
    const signed = [{ alg: jwk.alg, typ: "JWT", kid: jwk.kid }, claims].map(encoded).join(".");
    const signature = sign("sha256", Buffer.from(signed), privateKey).toString("base64url");
    return { token: `${signed}.${signature}`, tokenExpirationInstant: exp * 1000 };
  }

  /** A new value for the session; the one before is remembered to know it again. */
  refreshToken(session) {
    const token = randomBytes(30).toString("base64url");
    this.refreshTokens.delete(session.previous);
    Object.assign(session, { previous: session.token, replacedAt: this.now(), token });
    this.refreshTokens.set(token, session);
    return { refreshToken: token, refreshTokenId: session.id };
  }

  /** https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/endpoints#openid-configuration */
  get configuration() {
    const at = (path) => `${this.issuer}${path}`;
    return {
      authorization_endpoint: at("/oauth2/authorize"),
      end_session_endpoint: at("/oauth2/logout"),
      grant_types_supported: ["authorization_code", "refresh_token"],
      id_token_signing_alg_values_supported: ["RS256"],
      issuer: this.issuer,
      jwks_uri: at("/.well-known/jwks.json"),
      response_types_supported: ["code"],
      scopes_supported: ["openid", "offline_access"],
      subject_types_supported: ["public"],
      token_endpoint: at("/oauth2/token"),
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      userinfo_endpoint: at("/oauth2/userinfo"),
    };
  }
}

async function serve(state, request, response) {
  const { origin } = request.headers;
  if (state.apps.includes(origin)) {
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Vary", "Origin");
  }
  if (request.method === "OPTIONS") {
    response.setHeader("Access-Control-Allow-Methods", "GET, POST, DELETE");
    response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, X-FusionAuth-TenantId");
    return response.writeHead(204).end();
  }
  const { status, body } = await answer(state, request);
  if (body === undefined) return response.writeHead(status, { "Content-Length": "0" }).end();
  response.writeHead(status, { "Content-Type": "application/json;charset=UTF-8", "Cache-Control": "no-store" });
  return response.end(JSON.stringify(body));
}

function answer(state, request) {
  const { pathname, searchParams } = new URL(request.url, state.issuer);
  const asked = Object.fromEntries(searchParams);
  switch (`${request.method} ${pathname}`) {
    case "POST /api/login":
      if (!state.isAuthorized(request)) return { status: 401 };
      return reading(request, (body) => state.login(body));
    case "POST /api/jwt/refresh":
      // "If both are provided, the cookie will take precedence."
      return reading(request, (body) => state.refresh({ ...body, ...cookieOf(request) }));
    case "POST /api/logout":
      // Here the token in the request comes first; its older form has it among the parameters.
      return reading(request, (body) => {
        const global = (body.global ?? asked.global) === true || asked.global === "true";
        return state.logout({ ...cookieOf(request), ...asked, ...body, global });
      });
    case "DELETE /api/jwt/refresh": {
      if (!state.isAuthorized(request)) return { status: 401 };
      const { token, userId } = asked;
      state.revokeAll((session) => session.token === token || session.account.id === userId);
      return { status: 200 };
    }
    case "GET /.well-known/jwks.json":
      return { status: 200, body: { keys: [state.key.jwk] } };
    case "GET /.well-known/openid-configuration":
      return { status: 200, body: state.configuration };
    default:
      return { status: 404 };
  }
}

async function reading(request, use) {
  let text = "";
  for await (const chunk of request) text += chunk;
  const isJson = /^application\/json\b/.test(request.headers["content-type"] ?? "");
  if (!isJson || text === "") return use({});
  try {
    return use(JSON.parse(text));
  } catch {
    return { status: 400, body: { fieldErrors: {}, generalErrors: [{ code: "[invalidJSON]", message: "Not JSON." }] } };
  }
}

function cookieOf({ headers }) {
  const [, refreshToken] = /(?:^|;\s*)refresh_token=([^;]+)/.exec(headers.cookie ?? "") ?? [];
  return refreshToken === undefined ? {} : { refreshToken };
}

function errors(fields) {
  const fieldErrors = Object.fromEntries(fields.map(([field, code, message]) => [field, [{ code, message }]]));
  return { status: 400, body: { fieldErrors, generalErrors: [] } };
}

function encoded(part) {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
