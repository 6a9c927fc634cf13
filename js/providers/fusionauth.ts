import { ANYTHING, BOOLEAN, type Checks, checkOptions, FUNCTION, TEXT } from "../check-options.js";
import { timeLimit } from "../duration.js";
import { ProviderUnavailable, RefreshRejected } from "../errors.js";
import {
  type Answer,
  badStatus,
  exchange,
  jsonOf,
  readSignal,
  readTokens,
  refusePage,
  type Signalled,
  safeAddress,
} from "./http.js";
import type { FusionAuthProviderOptions, TokenProvider, TokenSet } from "./types.js";

const OPTIONS: Checks<FusionAuthProviderOptions> = {
  url: ANYTHING,
  tenantId: TEXT,
  sendToken: BOOLEAN,
  fetch: FUNCTION,
  timeout: ANYTHING,
};

/** FusionAuth's own API: https://fusionauth.io/docs/apis/jwt#refresh-a-jwt and https://fusionauth.io/docs/apis/login. */
export class FusionAuthProvider implements TokenProvider {
  readonly #url: URL;
  readonly #options: FusionAuthProviderOptions;
  readonly #timeout: number;

  constructor(given: FusionAuthProviderOptions) {
    const options = checkOptions(given, "fusionAuthProvider", OPTIONS, ["url"]);
    this.#url = safeAddress(options.url, "url");
    this.#options = options;
    this.#timeout = timeLimit(options.timeout ?? 30, "timeout");
  }

  async refresh(tokens: TokenSet, options: Signalled = {}): Promise<TokenSet> {
    const { access_token, refresh_token } = readTokens(tokens);
    const { signal } = readSignal(options);
    if (!refresh_token) throw new RefreshRejected("invalid_refresh_token", "there is no refresh token: sign in again");
    const { origin } = this.#url;
    const previous = this.#options.sendToken ? { token: access_token } : {};
    const answer = await this.#post("/api/jwt/refresh", { refreshToken: refresh_token, ...previous }, signal);
    if (answer.status === 200) return tokensOf(answer, origin, refresh_token);
    if (refusesToken(answer, origin)) {
      const message = `${origin} no longer accepts the refresh token: sign in again`;
      throw new RefreshRejected("invalid_refresh_token", message);
    }
    throw badStatus(answer, origin, true);
  }

  /** By logging out: revoking by value would put the token into a URL, or need an access token that is still valid. */
  async revoke({ refresh_token }: { refresh_token: string }, options: Signalled = {}): Promise<void> {
    const { signal } = readSignal(options);
    const answer = await this.#post("/api/logout", { global: false, refreshToken: refresh_token }, signal);
    if (!answer.ok) throw badStatus(answer, this.#url.origin, true);
    refusePage(answer, this.#url.origin);
  }

  #post(path: string, body: unknown, signal: AbortSignal | undefined): Promise<Answer> {
    const { fetch = (input, init) => globalThis.fetch(input, init), tenantId } = this.#options;
    const url = this.#url.href.replace(/\/?$/, path);
    const headers = {
      Accept: "application/json",
      "Content-Type": "application/json",
      ...(tenantId !== undefined && { "X-FusionAuth-TenantId": tenantId }),
    };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return exchange(url, init, { fetch, timeout: this.#timeout, signal, sends: true });
  }
}

/** Login's answer, and that of every other call that signs somebody in, as tokens of a session. */
export function tokensOfLogin(answer: unknown): TokenSet {
  const { token, refreshToken } = (answer ?? {}) as { readonly [member: string]: unknown };
  if (typeof token !== "string" || token === "") {
    throw new TypeError(
      "FusionAuth's answer holds no token: the person is not signed in yet (a second factor, a new password or the " +
        "verification of an address may be asked for), or the application issues none",
    );
  }
  return {
    access_token: token,
    ...(typeof refreshToken === "string" && refreshToken !== "" && { refresh_token: refreshToken }),
  };
}

function tokensOf(answer: Answer, origin: string, previous: string): TokenSet {
  const body = jsonOf(answer, origin, true);
  const { token, refreshToken } = body;
  if (typeof token !== "string" || token === "") {
    // A one-time token was used up for this one: the session keeps it, and says what is missing.
    if (typeof refreshToken === "string" && refreshToken !== "")
      return { access_token: "", refresh_token: refreshToken };
    throw new ProviderUnavailable("invalid_answer", `${origin} answered without a token`, { sent: true, status: 200 });
  }
  const { serverTime } = answer;
  return { refresh_token: previous, ...tokensOfLogin(body), ...(serverTime !== undefined && { serverTime }) };
}

/**
 * Status 400 with an error about the field `refreshToken`: expired, not found or revoked. Missing is a mistake of ours
 * or of something between, and 404 has no body: an address where there is no such API says the same.
 */
function refusesToken(answer: Answer, origin: string): boolean {
  if (answer.status !== 400 || !answer.isJson) return false;
  const { fieldErrors } = jsonOf(answer, origin, true) as { fieldErrors?: { refreshToken?: unknown } };
  const errors = fieldErrors?.refreshToken;
  const codes: unknown[] = Array.isArray(errors) ? errors.map((error) => error?.code) : [];
  return codes.some((code) => typeof code === "string" && !/^\[(?:missing|blank)\]/.test(code));
}
