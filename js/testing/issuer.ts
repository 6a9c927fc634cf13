import { checkNames } from "../check-options.js";
import { ConfigError } from "../errors.js";
import { createVerifier } from "../index.js";
import { createKeyStore } from "../keys.js";
import type { Algorithm } from "../options.js";
import type { TokenSet } from "../providers/types.js";
import { oauthProvider } from "../providers.js";
import type { Session } from "../session/types.js";
import { createSession, noProtection } from "../session.js";
import { memoryStorage } from "../storage.js";
import { ManualClock } from "./clock.js";
import { flawed, signed } from "./flaws.js";
import { base64url, makeKey, type SigningKey } from "./signing.js";
import { FLAWS, type TestClaims, type TestIssuer, type TestSessionOptions, type TestTokenOptions } from "./types.js";
import { webCrypto } from "./webcrypto.js";

/** What an issuer is like, all filled in. */
export interface IssuerSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly Algorithm[];
  readonly lifetime: number;
  readonly now: number;
}

export class MemoryIssuer implements TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly clock: ManualClock;
  readonly #algorithms: readonly Algorithm[];
  readonly #lifetime: number;
  /** By refresh token, which serves once. */
  readonly #grants = new Map<string, TestClaims>();
  readonly #reconnected = new Set<() => void>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #keys: readonly SigningKey[] = [];
  #retained: readonly SigningKey[] = [];
  #serial = 0;
  #busy = 0;
  #online = true;

  constructor({ issuer, audience, algorithms, lifetime, now }: IssuerSettings) {
    this.issuer = issuer;
    this.audience = audience;
    this.#algorithms = algorithms;
    this.#lifetime = lifetime;
    this.clock = new ManualClock(now, () => this.#busy > 0);
  }

  get jwks(): TestIssuer["jwks"] {
    return { keys: [...this.#keys, ...this.#retained].map(({ jwk }) => jwk) };
  }

  get options(): TestIssuer["options"] {
    const { jwks, issuer, audience, clock } = this;
    return { jwks, issuer, audience, now: clock.now };
  }

  get online(): boolean {
    return this.#online;
  }

  set online(online: boolean) {
    const isBack = online && !this.#online;
    this.#online = online;
    if (isBack) for (const listener of this.#reconnected) listener();
  }

  readonly fetch: typeof fetch = async (input, init) => {
    this.#busy += 1;
    try {
      return await this.#answer(await requestOf(input, init));
    } finally {
      this.#busy -= 1;
    }
  };

  async rotate({ keep = false }: { readonly keep?: boolean | undefined } = {}): Promise<void> {
    this.#serial += 1;
    const keys = this.#algorithms.map((algorithm) => makeKey(algorithm, `${algorithm}-${this.#serial}`));
    this.#retained = keep ? [...this.#keys, ...this.#retained] : [];
    this.#keys = await Promise.all(keys);
  }

  async token(claims: TestClaims = {}, given: TestTokenOptions = {}): Promise<string> {
    const { algorithm, header, flaw } = checkNames(given, "token", ["algorithm", "header", "flaw"]);
    const key = this.#keys.find((one) => algorithm === undefined || one.algorithm === algorithm);
    if (key === undefined) {
      const known = this.#algorithms.join(", ");
      throw new ConfigError("invalid_option", `the issuer has no key for ${algorithm} (it has ${known})`, "algorithm");
    }
    if (flaw !== undefined && !Object.hasOwn(FLAWS, flaw)) {
      const known = Object.keys(FLAWS).join(", ");
      throw new ConfigError("invalid_option", `there is no flaw ${JSON.stringify(flaw)} (known: ${known})`, "flaw");
    }
    const now = this.clock.now();
    const registered = { iss: this.issuer, aud: this.audience, sub: "ada", iat: now, exp: now + this.#lifetime };
    const draft = {
      header: { alg: key.algorithm, kid: key.kid, ...header },
      claims: { ...registered, ...claims },
      key,
    };
    return await (flaw === undefined
      ? signed(draft)
      : flawed(flaw, draft, { issuer: this.issuer, audience: this.audience, now }));
  }

  async signIn(claims: TestClaims = {}): Promise<TokenSet> {
    const [access_token, id_token] = await Promise.all([this.token(claims), this.token(claims)]);
    this.#serial += 1;
    const refresh_token = `refresh-${this.#serial}-${randomText()}`;
    this.#grants.set(refresh_token, claims);
    return { access_token, id_token, refresh_token, expires_in: this.#lifetime };
  }

  revokeAll(): void {
    this.#grants.clear();
  }

  async session(given: TestSessionOptions = {}): Promise<Session> {
    const { claims = {}, signedIn = true, verifier, ...options } = given;
    const { issuer, fetch, clock } = this;
    const session = createSession({
      verifier: verifier ?? this.#keyStore(),
      provider: oauthProvider({ issuer, clientId: "test", fetch }),
      storage: memoryStorage(),
      protection: noProtection(),
      ...options,
      environment: {
        now: clock.now,
        after: clock.after,
        random: () => 0.5,
        exclusive: (name, _seconds, work) => this.#inTurn(name, work),
        channel: () => ({ post() {}, close() {} }),
        onReconnect: (listener) => this.#onReconnect(() => listener("online")),
        online: () => this.online,
        caches: undefined,
      },
    });
    await session.start();
    if (signedIn) await session.signIn(await this.signIn(claims));
    return session;
  }

  #keyStore() {
    const { issuer, fetch, clock, jwks } = this;
    const verifier = createVerifier(this.options);
    return createKeyStore({ verifier, bundled: jwks, issuer, fetch, now: clock.now, storage: memoryStorage() });
  }

  /** One at a time, as Web Locks do it: for sessions that share a storage. */
  #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    this.#turns.set(
      name,
      turn.catch(() => {}),
    );
    return turn;
  }

  #onReconnect(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  async #answer({ url, method, body }: TestRequest): Promise<Response> {
    const base = this.issuer.replace(/\/$/, "");
    if (!this.#online) throw new TypeError("fetch failed: the test issuer is offline");
    if (!url.startsWith(`${base}/`))
      throw new TypeError(`fetch failed: ${base} answers, but nobody at another address`);
    const [path] = url.slice(base.length).split(/[?#]/);
    const { status = 200, ...answer } = await this.#endpoint(`${method} ${path}`, new URLSearchParams(body), base);
    const headers = {
      "Content-Type": "application/json",
      "Access-Control-Allow-Origin": "*",
      Date: new Date(this.clock.now() * 1000).toUTCString(),
    };
    return new Response(JSON.stringify(answer), { status, headers });
  }

  async #endpoint(
    asked: string,
    parameters: URLSearchParams,
    base: string,
  ): Promise<{ readonly status?: number; readonly [member: string]: unknown }> {
    switch (asked) {
      case "GET /.well-known/openid-configuration":
        return {
          issuer: this.issuer,
          jwks_uri: `${base}/jwks`,
          token_endpoint: `${base}/token`,
          revocation_endpoint: `${base}/revoke`,
        };
      case "GET /jwks":
        return this.jwks;
      case "POST /token": {
        const refreshToken = parameters.get("refresh_token") ?? "";
        const claims = this.#grants.get(refreshToken);
        if (claims === undefined) return { status: 400, error: "invalid_grant" };
        this.#grants.delete(refreshToken);
        return { ...(await this.signIn(claims)), token_type: "Bearer" };
      }
      case "POST /revoke":
        this.#grants.delete(parameters.get("token") ?? "");
        return {};
      default:
        return { status: 404, error: "not_found" };
    }
  }
}

/** So that a refresh token of one issuer is none of another. */
function randomText(): string {
  return base64url(webCrypto().getRandomValues(new Uint8Array(12)));
}

interface TestRequest {
  readonly url: string;
  readonly method: string;
  readonly body: string;
}

/** A `Request` of whatever realm, or an address with what goes with it. */
async function requestOf(input: RequestInfo | URL, init: RequestInit = {}): Promise<TestRequest> {
  const request = typeof input === "object" && "url" in input ? input : undefined;
  const url = request?.url ?? String(input);
  const method = (init.method ?? request?.method ?? "GET").toUpperCase();
  const given = init.body ?? undefined;
  const body = given === undefined ? await request?.text() : String(given);
  return { url, method, body: body ?? "" };
}
