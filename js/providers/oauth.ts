import { ANYTHING, type Checks, checkOptions, FUNCTION, isString, membersOf, TEXT } from "../check-options.js";
import { timeLimit } from "../duration.js";
import { ConfigError, ProviderUnavailable, RefreshRejected, SIGN_IN_NEEDED } from "../errors.js";
import { isLoopback, isSafe } from "../http/client.js";
import { discover } from "../http/discovery.js";
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
  unlessAborted,
} from "./http.js";
import * as oauth from "./oauth4webapi.js";
import type { OAuthProviderOptions, ServerMetadata, TokenProvider, TokenSet } from "./types.js";

/**
 * In seconds, for both kinds of metadata. They can be asked for again without loss: no reason to wait as long as for
 * tokens.
 */
const DISCOVERY_LIMIT = 10;

/**
 * The statuses with which a provider may say `invalid_grant`: RFC 6749 section 5.2 has 400 and 401, Auth0 answers 403.
 * With any other status it is not the token endpoint that speaks.
 */
const STATUSES_OF_ERRORS = [400, 401, 403];
/** The token endpoint is not, or no longer, where the metadata say. */
const STATUSES_OF_A_MOVE = [0, 301, 302, 303, 307, 308, 404, 405, 410];

const OPTIONS: Checks<OAuthProviderOptions> = {
  issuer: TEXT,
  server: [isObject, "the provider's metadata: an object with issuer and token_endpoint"],
  clientId: ANYTHING,
  clientAuth: FUNCTION,
  additionalParameters: [isObject, "an object of texts"],
  scope: TEXT,
  resource: [(value) => [value].flat().every(isString), "a text or an array of texts"],
  rejects: FUNCTION,
  fetch: FUNCTION,
  timeout: ANYTHING,
};

/** What is used of the metadata, wherever an object has them from. */
const METADATA: readonly (keyof ServerMetadata)[] = ["issuer", "token_endpoint", "revocation_endpoint"];

type Endpoint = "token_endpoint" | "revocation_endpoint";

/** The options, checked. */
interface Settings {
  readonly issuer: URL;
  readonly fetch: typeof fetch;
  readonly timeout: number;
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly parameters: readonly (readonly [string, string])[];
  readonly rejects: NonNullable<OAuthProviderOptions["rejects"]>;
}

/** A provider that speaks OAuth 2.0, through oauth4webapi. */
export class OAuthProvider implements TokenProvider {
  readonly #issuer: string;
  readonly #settings: Settings;
  readonly #given: ServerMetadata | undefined;
  #discovered: Promise<oauth.AuthorizationServer> | undefined;

  constructor(given: OAuthProviderOptions) {
    const options = checkOptions(given, "oauthProvider", OPTIONS);
    const { clientId } = options;
    const server = options.server && (membersOf(options.server, METADATA) as unknown as ServerMetadata);
    const issuer = server?.issuer ?? options.issuer;
    if (issuer === undefined) {
      throw new ConfigError("missing_option", 'one of the options "issuer" and "server" is needed', "issuer");
    }
    if (typeof clientId !== "string" || clientId === "") {
      throw new ConfigError("missing_option", 'the option "clientId" is missing', "clientId");
    }
    this.#issuer = issuer;
    this.#settings = {
      issuer: safeAddress(issuer, server ? "server" : "issuer"),
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      timeout: timeLimit(options.timeout ?? 30, "timeout"),
      client: { client_id: clientId },
      authentication: (options.clientAuth as oauth.ClientAuth | undefined) ?? oauth.None(),
      parameters: parametersOf(options),
      rejects: options.rejects ?? (() => false),
    };
    if (server) {
      const { issuer } = this.#settings;
      for (const endpoint of [server.token_endpoint, server.revocation_endpoint ?? issuer]) {
        safeAddress(endpoint, "server", isLoopback(issuer));
      }
      this.#given = server;
    }
  }

  async refresh(tokens: TokenSet, options: Signalled = {}): Promise<TokenSet> {
    const { refresh_token } = readTokens(tokens);
    const { signal } = readSignal(options);
    if (!refresh_token) throw new RefreshRejected("invalid_grant", "there is no refresh token: sign in again");
    const server = await this.#server(signal);
    const { client, authentication, parameters } = this.#settings;
    const additionalParameters = new URLSearchParams(parameters.map(([...pair]) => pair));
    const { origin } = this.#endpoint(server, "token_endpoint");
    const { answer, ask } = this.#asking(server, signal);
    try {
      await oauth.refreshTokenGrantRequest(server, client, authentication, refresh_token, {
        additionalParameters,
        ...ask,
      });
    } catch (error) {
      throw unsent(error, origin);
    }
    return this.#tokens(answer(), server, refresh_token);
  }

  async revoke({ refresh_token }: { refresh_token: string }, given: Signalled = {}): Promise<void> {
    const { signal } = readSignal(given);
    const server = await this.#server(signal);
    if (server.revocation_endpoint === undefined) return;
    const { client, authentication } = this.#settings;
    const { origin } = this.#endpoint(server, "revocation_endpoint");
    const options = { additionalParameters: { token_type_hint: "refresh_token" } };
    const { answer, ask } = this.#asking(server, signal);
    try {
      await oauth.revocationRequest(server, client, authentication, refresh_token, { ...options, ...ask });
    } catch (error) {
      throw unsent(error, origin);
    }
    // RFC 7009 section 2.2: even for a token that is no longer valid.
    if (answer().status !== 200) throw failure(answer(), origin);
    refusePage(answer(), origin);
  }

  /** Of all the answer says, only the access token is needed: whatever else is odd must not lose a one-time token. */
  async #tokens(answer: Answer, server: oauth.AuthorizationServer, previous: string): Promise<TokenSet> {
    const { origin } = this.#endpoint(server, "token_endpoint");
    if (STATUSES_OF_A_MOVE.includes(answer.status)) this.#discovered = undefined;
    if (answer.status !== 200) throw this.#verdict(failure(answer, origin), origin, answer);
    const { access_token, refresh_token, id_token, expires_in, error } = jsonOf(answer, origin, true);
    // Whatever type is named: this is what the token is used as.
    const body = { access_token, token_type: "Bearer" };
    try {
      await oauth.processRefreshTokenResponse(server, this.#settings.client, jsonResponse(body));
    } catch {
      // A one-time token was used up for this one: the session keeps it, and says what is missing.
      if (isText(refresh_token)) return { access_token: "", refresh_token };
      // The library's error holds what was answered.
      const message = `${origin} answered without an access token that can be used as a bearer token`;
      const facts = { sent: true, status: 200, error: isErrorCode(error) ? error : undefined };
      throw this.#verdict(new ProviderUnavailable("invalid_answer", message, facts), origin, answer);
    }
    const { serverTime } = answer;
    return {
      access_token: access_token as string,
      // RFC 6749 section 6: without a new one the old one stays.
      refresh_token: isText(refresh_token) ? refresh_token : previous,
      ...(isText(id_token) && { id_token }),
      ...(isLifetime(expires_in) && { expires_in: Number(expires_in) }),
      ...(serverTime !== undefined && { serverTime }),
    };
  }

  /** Whether an answer without tokens is the provider's word about the refresh token. */
  #verdict(failed: ProviderUnavailable, origin: string, answer: Answer): ProviderUnavailable | RefreshRejected {
    const { code, status = 0, error } = failed;
    const isRejection = code === "refused" && error === "invalid_grant";
    if (!isRejection && !this.#settings.rejects({ status, error, body: bodyOf(answer, origin) })) return failed;
    return new RefreshRejected("invalid_grant", `${origin} no longer accepts the refresh token: sign in again`);
  }

  /** What oauth4webapi is to ask with; it gets an empty answer, because what it throws would hold the real one. */
  #asking(server: oauth.AuthorizationServer, signal: AbortSignal | undefined) {
    const { issuer, fetch, timeout } = this.#settings;
    let received: Answer | undefined;
    const ask = {
      [oauth.allowInsecureRequests]: isLoopback(issuer),
      [oauth.customFetch]: async (url: string, init: oauth.CustomFetchOptions<"POST", URLSearchParams>) => {
        const { method, headers, body } = init;
        received = await exchange(url, { method, headers, body }, { fetch, timeout, signal, sends: true });
        return new Response();
      },
    };
    const answer = (): Answer => {
      if (received === undefined) throw unsent(undefined, new URL(server.issuer).origin);
      return received;
    };
    return { answer, ask };
  }

  #endpoint(server: oauth.AuthorizationServer, name: Endpoint): URL {
    const { issuer } = this.#settings;
    const value = server[name];
    const url = typeof value === "string" ? urlOf(value) : undefined;
    if (url && isSafe(url, isLoopback(issuer))) return url;
    const message = `the metadata of ${this.#issuer} name no ${name} that is an https URL`;
    throw new ProviderUnavailable("invalid_metadata", message, { sent: false });
  }

  /** Discovered once, by one request at a time, whoever of those waiting gives up; forgotten when it failed. */
  #server(signal: AbortSignal | undefined): Promise<oauth.AuthorizationServer> {
    if (this.#given) return Promise.resolve(this.#given as oauth.AuthorizationServer);
    if (this.#discovered === undefined) {
      const discovered = this.#discover();
      this.#discovered = discovered;
      discovered.catch(() => {
        if (this.#discovered === discovered) this.#discovered = undefined;
      });
    }
    return unlessAborted(this.#discovered, signal, this.#settings.issuer.origin);
  }

  async #discover(): Promise<oauth.AuthorizationServer> {
    const { issuer, fetch, timeout } = this.#settings;
    const { origin } = issuer;
    const started = performance.now();
    const left = () => Math.min(timeout, DISCOVERY_LIMIT) - (performance.now() - started) / 1000;
    const invalid = (message: string, cause?: unknown) =>
      new ProviderUnavailable(
        "invalid_metadata",
        message,
        { sent: false },
        cause === undefined ? undefined : { cause },
      );
    const server = await discover(this.#issuer, {
      get: async ({ href }, headers) => {
        const answer = await exchange(href, { headers }, { fetch, timeout: left(), sends: false });
        if (answer.status !== 200) throw badStatus(answer, origin, false);
        return JSON.stringify(jsonOf(answer, origin, false));
      },
      isMissing: (error) => error instanceof ProviderUnavailable && error.status === 404,
      otherIssuer: (message) => invalid(message),
      invalid,
    });
    this.#endpoint(server, "token_endpoint");
    return server;
  }
}

/** What an answer other than 200 says; `error` is set only where the protocol's own form says so. */
function failure(answer: Answer, origin: string): ProviderUnavailable {
  const { status, isJson } = answer;
  if (!STATUSES_OF_ERRORS.includes(status) || !isJson) return badStatus(answer, origin, true);
  let error: unknown;
  try {
    ({ error } = jsonOf(answer, origin, true));
  } catch (notJson) {
    return notJson as ProviderUnavailable;
  }
  if (!isErrorCode(error)) return badStatus(answer, origin, true);
  const remedy = SIGN_IN_NEEDED.includes(error)
    ? "only a sign-in helps"
    : "look at the client's registration and at the options";
  const message = `${origin} refused the request with ${error}: ${remedy}`;
  return new ProviderUnavailable("refused", message, { sent: true, status, error });
}

/** As the app's own rule gets it: what was no JSON says nothing. */
function bodyOf(answer: Answer, origin: string): unknown {
  try {
    return jsonOf(answer, origin, true);
  } catch {
    return undefined;
  }
}

/** What failed before anything was sent: the app's client authentication, or a bug of ours. */
function unsent(cause: unknown, origin: string): ProviderUnavailable {
  if (cause instanceof ProviderUnavailable) return cause;
  const message = `the request to ${origin} could not be made`;
  return new ProviderUnavailable("refused", message, { sent: false }, { cause });
}

function parametersOf({ additionalParameters, scope, resource }: OAuthProviderOptions): readonly [string, string][] {
  return [
    ...Object.entries(membersOf(additionalParameters ?? {})).map(([name, value]): [string, string] => [
      name,
      textOf(value),
    ]),
    ...(scope === undefined ? [] : ([["scope", scope]] as [string, string][])),
    // RFC 8707 section 2.2.
    ...[resource ?? []].flat().map((value): [string, string] => ["resource", value]),
  ];
}

/** Numbers and the like are sent as text all the same. */
function textOf(value: unknown): string {
  if (["string", "number", "boolean"].includes(typeof value)) return String(value);
  const message = 'the option "additionalParameters" should be an object of texts';
  throw new ConfigError("invalid_option", message, "additionalParameters");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function jsonResponse(body: unknown): Response {
  return new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
}

/** In the characters that RFC 6749 section 5.2 allows. */
function isErrorCode(error: unknown): error is string {
  return typeof error === "string" && /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(error);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Some providers write the number as text. */
function isLifetime(value: unknown): boolean {
  return (typeof value === "number" || isText(value)) && Number.isFinite(Number(value)) && Number(value) >= 0;
}
