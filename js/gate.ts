/**
 * `tokenward/gate`: decides in a service worker, or in an edge worker, who may have which answer, online or not. It answers
 * only what the app hands to it:
 *
 * ```js
 * const gate = createGate({
 *   session,
 *   rules: [
 *     { match: "/app/admin/*", needs: { access: "full", role: "admin" }, otherwise: { page: "/sign-in-needed.html" } },
 *     { match: "/app/*", cache: "user", otherwise: { page: "/sign-in-needed.html" } },
 *     { match: "/api/*", cache: "user" },
 *   ],
 * });
 * addEventListener("install", (event) => event.waitUntil(gate.install()));
 * addEventListener("fetch", (event) => {
 *   const answer = gate.handle(event);
 *   if (answer) event.respondWith(answer);
 * });
 * ```
 *
 * With Workbox: a strategy with `plugins: [gate.workboxPlugin()]`, and the names of such strategies' caches as
 * `workboxCaches`. The plugin finds the rule by the request (without one, people must be signed in), answers as it says
 * where access is denied, and puts the session into the keys of what it keeps. At sign-out these entries are out of reach at
 * once; the gate deletes them when the worker hears of it, at the latest when it next starts. A page that wants them deleted
 * before it goes on calls `purgeUserCaches(session.name, undefined, { entriesIn: [...] })` after `signOut()`.
 */
import { type Duration, seconds } from "./duration.js";
import { ConfigError } from "./errors.js";
import {
  cacheKey,
  invalidate,
  isCacheable,
  isSafe,
  type Limits,
  type Shelf,
  STRATEGIES,
  sharedCacheName,
} from "./gate/caching.js";
import { letGo } from "./gate/copying.js";
import { forThisTime, isFirstHand, isLostRedirect, pastHttpCache } from "./gate/http-cache.js";
import { bearerToken, type GoesOn, type Judge, open, refusedUrl, sessionJudge, verifierJudge } from "./gate/judge.js";
import { isKnown, Presence } from "./gate/presence.js";
import { hasGlobal, here, refusal, refusedUrlAnswer } from "./gate/refusal.js";
import { type CheckedRule, checkRules, findRule, isStrings } from "./gate/rules.js";
import { type PathSpelling, type RefusedUrl, readTarget, refusedFor, SPELLINGS } from "./gate/target.js";
import type { GateDecision, GateRequest, GateRule, GateSession, GateVerifier, TokenOf } from "./gate/types.js";
import { type Inquiry, type WorkboxPlugin, workboxPlugin } from "./gate/workbox.js";
import { purgeExcept, userCacheName } from "./platform/user-caches.js";
import { checkNames } from "./policy.js";

export type { PathSpelling, UrlRefusal } from "./gate/target.js";
export type {
  GateDecision,
  GateReason,
  GateRequest,
  GateRule,
  GateSession,
  GateVerifier,
  Match,
  Needs,
  Otherwise,
  Strategy,
  TokenOf,
} from "./gate/types.js";
export type { WorkboxPlugin } from "./gate/workbox.js";
export { type PurgeOptions, purgeUserCaches, userCacheName } from "./platform/user-caches.js";
export type { Refusal } from "./rights.js";

/** How a gate decides: by a session (service worker), or by the token each request carries (edge worker). */
export interface GateOptions {
  readonly session?: GateSession | undefined;
  readonly verifier?: GateVerifier | undefined;
  readonly rules: readonly GateRule[];
  /** With a verifier: takes the token from a request. Default: `Authorization: Bearer`. */
  readonly token?: TokenOf | undefined;
  /**
   * The origins whose requests the rules are for. Default: the worker's own; any in an edge worker. A service worker leaves
   * requests to others alone, an edge worker refuses them.
   */
  readonly origin?: string | readonly string[] | undefined;
  /** Spellings of paths that have two readings, and that are not refused since the app's paths hold such names. */
  readonly accept?: readonly PathSpelling[] | undefined;
  /** How long `network-first` waits before a cached answer is taken. Default: 5 seconds. */
  readonly networkTimeout?: Duration | undefined;
  /** How long a request waits for fresh tokens, or keys, before it is denied for old ones. 0: not at all. Default: 3 seconds. */
  readonly refreshTimeout?: Duration | undefined;
  /**
   * How many answers a cache keeps, of one person or of all who pass: 1 to 100,000. Beyond, those that were stored first go,
   * a tenth of them at once. Default: 500.
   */
  readonly maxEntries?: number | undefined;
  /** The greatest body, in bytes, that is kept: 1 to 2^31. Greater ones pass, and are not cached. Default: 33,554,432. */
  readonly maxEntryBytes?: number | undefined;
  /** Caches of the app in which {@link Gate.workboxPlugin} keeps entries: purged when the person changes. */
  readonly workboxCaches?: readonly string[] | undefined;
}

/** A `FetchEvent`, as far as a gate uses it. */
export interface FetchEventLike {
  readonly request: Request;
  readonly preloadResponse?: Promise<Response | undefined>;
  waitUntil?(work: Promise<unknown>): void;
}

/**
 * How an allowed request is answered where the gate's cache does not, for example by a strategy of Workbox:
 * `gate.handle(event, () => strategy.handle(event))`. The request has the canonical URL, the one that was judged; the
 * decision has the claims of who asks. Default: `fetch`; at the edge only with the option `origin`.
 */
export type Next = (request: Request, decision: GateDecision) => Response | Promise<Response>;

export interface Gate {
  /**
   * What the rules say about a request, now; `undefined` if none is about it. A URL that is not canonical is not allowed,
   * and one that is not absolute a {@link ConfigError}. Of a session that was not started it says that nobody is signed in:
   * `handle` waits for that.
   */
  decide(request: GateRequest): GateDecision | undefined;
  /** The answer; `undefined`, at once, if no rule is about the request: the app's own handlers go on. */
  handle(eventOrRequest: FetchEventLike | Request, next?: Next): Promise<Response> | undefined;
  /** Puts the pages of the rules' `otherwise` into the cache: for `event.waitUntil` in the worker's `install`. */
  install(): Promise<void>;
  /** The same guarantees for strategies of Workbox. */
  workboxPlugin(): WorkboxPlugin;
  /** Deletes what was cached for other people than the one who is signed in. Happens by itself when that changes. */
  purge(): Promise<void>;
  /** No longer listens to the session. */
  close(): void;
}

const OPTIONS = [
  "session",
  "verifier",
  "rules",
  "token",
  "origin",
  "accept",
  "networkTimeout",
  "refreshTimeout",
  "maxEntries",
  "maxEntryBytes",
  "workboxCaches",
];

/** Makes a gate; throws a {@link ConfigError} for options that cannot work. */
export function createGate(given: GateOptions): Gate {
  const options = checkNames(given, "createGate", OPTIONS);
  const { session, networkTimeout: patience = 5 } = options;
  const accept = acceptedSpellings(options.accept);
  const rules = checkRules(options.rules, accept);
  const origins = originsOf(options.origin);
  // Only a browser says by itself where requests go.
  const atEdge = session === undefined && !hasGlobal("registration");
  const workboxCaches = Array.isArray(options.workboxCaches)
    ? [...options.workboxCaches]
    : (options.workboxCaches ?? []);
  const networkTimeout = seconds(patience, "networkTimeout");
  const name = session?.name ?? "default";
  const sharedCache = sharedCacheName(name);
  const { maxEntries = 500, maxEntryBytes = 2 ** 25 } = options;
  checkWhole(maxEntries, 100_000, "maxEntries");
  checkWhole(maxEntryBytes, 2 ** 31, "maxEntryBytes");
  const isPinned = (url: string) => pageUrls().has(url);
  const limits: Limits = { maxEntries, maxEntryBytes, isPinned, counts: new Map() };
  const judge = judgeOf(options);
  // At the edge there is none.
  const hasHttpCache = session !== undefined || here() !== undefined;
  if (session === undefined && rules.some(({ cache }) => cache === "user")) {
    throw new ConfigError("invalid_option", 'a rule with "cache": "user" needs the option "session"', "rules");
  }
  if (!isStrings(workboxCaches)) {
    const expected = "an array of names of caches";
    throw new ConfigError("invalid_option", `the option "workboxCaches" should be ${expected}`, "workboxCaches");
  }

  /** `undefined`: not a request that the gate is for. */
  const look = (request: GateRequest): Looked | undefined => {
    if (typeof Object(request).url !== "string") {
      throw new ConfigError(
        "invalid_option",
        '"request" should be a Request, or have its url, method and headers',
        "request",
      );
    }
    const { url: given } = request;
    const target = readTarget(given, accept);
    if (target === "relative" && !(request instanceof Request))
      throw new ConfigError("invalid_option", NO_URL, "request");
    const refuse = (url: RefusedUrl): RefusedLook => {
      // What it does not say itself, nobody else says for it: not even a prototype that was tampered with.
      const own: RefusedUrl = Object.assign(Object.create(null), url);
      return { rule: undefined, refusal: refusedUrl(own, request.method), origin: own.origin };
    };
    // Bun gives a relative URL where the request names no host; a tunnel (CONNECT) has no path.
    if (target === "relative" || (atEdge && request.method === "CONNECT")) return refuse(refusedFor("authority"));
    if (target === "other") return atEdge ? refuse(refusedFor("authority")) : undefined;
    if (target.origin !== undefined && origins !== undefined && !origins.includes(originOf(target.origin))) {
      return atEdge ? refuse(refusedFor("origin")) : undefined;
    }
    if ("refused" in target) return refuse(target);
    const fragment = given.indexOf("#");
    if (atEdge && fragment >= 0) return refuse(refusedFor("fragment"));
    const { path, search, spelt } = target;
    // At the edge the name that the app gave is used, and not the one of the request.
    const origin = atEdge && origins !== undefined ? originOf(target.origin) : target.origin;
    const url = origin + path + search;
    const canonical = (fragment < 0 ? given : given.slice(0, fragment)) === url ? request : withUrl(request, url);
    const rule = findRule(rules, target, canonical, accept);
    if (rule === "ambiguous")
      return refuse({ ...refusedFor("rules", path === spelt ? undefined : path + search), origin });
    return { rule, request: canonical, refusal: undefined, origin };
  };

  /** Where the pages of `otherwise` are, each once. */
  const pageUrls = (): ReadonlySet<string> => {
    const pages = rules.flatMap(({ otherwise }) =>
      typeof otherwise === "object" && otherwise.page !== undefined ? otherwise.page : [],
    );
    const base = here()?.href;
    return new Set(base === undefined ? [] : pages.map((page) => new URL(page, base).href));
  };

  /** RFC 9111 section 3.5 means `Authorization`; what the option `token` takes from elsewhere, or a cookie, is no less. */
  const isAuthorized = (request: Request): boolean => {
    const { headers } = request;
    if (headers.has("authorization") || headers.has("cookie")) return true;
    if (session !== undefined && mayHaveCookies(request)) return true;
    try {
      return options.token !== undefined && Boolean(options.token(request));
    } catch {
      // Where a rule is open to all, the app may not expect to be asked for a token.
      return true;
    }
  };

  const refuseUrl = ({ refusal, origin }: RefusedLook): Response =>
    // At the edge the origin is what the request named, and the client knows where it is.
    refusedUrlAnswer(refusal, atEdge ? undefined : origin);

  const refuse = (rule: CheckedRule, decision: GateDecision, request: Request, next?: Next): Promise<Response> => {
    const askForPage = async (page: Request) => await (next ?? fetchAtEdge)(page, open(rule.given));
    return refusal(rule, decision, request, {
      caches: cachesHere(),
      sharedCache,
      challenge: judge.challenge(rule, decision),
      askForPage: atEdge ? askForPage : undefined,
    });
  };

  /** Whoever asked is told of a redirect: where it leads, the app has not named. */
  const fetchAtEdge: Next = (request) => {
    // Made anew, since Deno does not fetch the very request that its server was given.
    if (origins !== undefined) return fetch(new Request(request.url, request), { redirect: "manual" });
    const message = 'at the edge, "handle" needs a function that answers, or createGate the option "origin"';
    throw new ConfigError("missing_option", `${message}: nothing is fetched from where a request says`, "origin");
  };

  const answer = async (rule: CheckedRule, request: Request, event: FetchEventLike, next: Next): Promise<Response> => {
    const decision = await decided(rule, request, (work) => inBackground(event, work));
    if (!decision.allowed) return refuse(rule, decision, request, next);
    const isApart = hasHttpCache && rule.needs !== null && isSafe(request);
    const asked = isApart ? pastHttpCache(request) : request;
    const onwards = async () => {
      const response = await next(asked, decision);
      return isLostRedirect(request, asked, response) ? fetch(request) : response;
    };
    const given = (response: Response) => (isApart ? forThisTime(response) : response);
    if (!isSafe(request)) return changing(request, onwards);
    const shelf = shelfFor(rule, request);
    const network = async () => {
      const response = await onwards();
      if (rule.needs !== null) await judge.prepare();
      return response;
    };
    const isCached = shelf !== undefined && isCacheable(request);
    // At the edge a token that held holds.
    if (!isCached && (judge.presence === undefined || rule.needs === null)) return given(await onwards());
    const isSamePerson = isCached && rule.needs === null ? shelf.current : samePerson();
    const background = (work: Promise<unknown>) => inBackground(event, work);
    const response = isCached
      ? await STRATEGIES[rule.strategy]({ request, shelf, limits, networkTimeout, network, background })
      : await network();
    // Meanwhile this person may have signed out, and another one in: then it is asked again, for that one.
    if (isSamePerson() && judge.decide(rule, request).allowed) return given(response);
    letGo(response);
    return answer(rule, request, event, next);
  };

  const samePerson = () => {
    const atFirst = judge.presence?.sessionId;
    return () => judge.presence?.sessionId === atFirst;
  };

  /** What is cached of an address may be under another rule than what changes it. */
  const changing = async (request: Request, onwards: () => Promise<Response>): Promise<Response> => {
    const looked = look(cacheKey(request));
    const shelf = looked?.rule && shelfFor(looked.rule, request);
    const response = await onwards();
    if (shelf !== undefined) await invalidate(shelf, request, response);
    return response;
  };

  const decided = async (rule: CheckedRule, request: Request, goesOn: GoesOn = () => {}): Promise<GateDecision> => {
    if (rule.needs !== null) await judge.prepare();
    const decision = judge.decide(rule, request);
    const reconsidering = decision.allowed ? undefined : judge.reconsider(decision, request, goesOn);
    if (reconsidering === undefined) return decision;
    await reconsidering;
    return judge.decide(rule, request);
  };

  const shelfFor = (rule: CheckedRule, request: Request): Shelf | undefined => {
    const { cache, needs } = rule;
    const caches = cachesHere();
    if (caches === undefined || cache === false) return undefined;
    if (cache === "shared") {
      const shared = sharedCacheName(name, needs, rules.indexOf(rule));
      const authorized = isAuthorized(request);
      const lasting = { personal: false, current: () => true, over: () => false };
      return { caches, name: shared, cache: undefined, authorized, ...lasting };
    }
    const { presence } = judge;
    const { sessionId, cache: own } = presence ?? {};
    if (presence === undefined || sessionId === undefined || own === undefined) return undefined;
    const current = () => presence.sessionId === sessionId;
    const over = () => presence.isOver(sessionId);
    return {
      caches,
      name: userCacheName(name, sessionId),
      cache: own,
      personal: true,
      authorized: true,
      current,
      over,
    };
  };

  const ask = async (given: Request): Promise<Inquiry> => {
    const looked = look(given);
    if (looked?.refusal !== undefined) {
      const { refusal } = looked;
      const refuse = async () => refuseUrl(looked);
      return { request: given, rule: SIGNED_IN, decide: () => refusal, decided: async () => refusal, refuse };
    }
    const rule = looked?.rule ?? SIGNED_IN;
    const request = looked === undefined ? given : await canonicalRequest(given, looked);
    const decide = () => judge.decide(rule, request);
    return {
      request,
      rule,
      decide,
      decided: () => decided(rule, request),
      refuse: () => refuse(rule, decide(), request),
    };
  };

  const purge = async (): Promise<void> => {
    if (session?.state.status === "starting") await session.start();
    // Of a session that is locked the person has not changed; nor of one that is locked meanwhile.
    if (session === undefined || !isKnown(session)) return;
    let person = judge.presence?.sessionId;
    const kept = () => {
      if (isKnown(session)) person = judge.presence?.sessionId;
      return person;
    };
    await purgeExcept(kept, name, { entriesIn: workboxCaches, caches: cachesHere() });
  };
  const stopListening = onPersonChange(session, () => void purge().catch(() => {}));

  return Object.freeze({
    decide(request: GateRequest): GateDecision | undefined {
      const looked = look(request);
      if (looked?.rule === undefined) return looked?.refusal;
      return judge.decide(looked.rule, looked.request);
    },

    handle(eventOrRequest: FetchEventLike | Request, next?: Next): Promise<Response> | undefined {
      const isEvent = Object(eventOrRequest).request !== undefined;
      const event = (isEvent ? eventOrRequest : { request: eventOrRequest }) as FetchEventLike;
      try {
        const looked = look(event.request);
        if (looked?.refusal !== undefined) return Promise.resolve(refuseUrl(looked));
        if (looked?.rule === undefined) return undefined;
        const { rule } = looked;
        const fallback = atEdge ? fetchAtEdge : fromNetwork(event, rule);
        return canonicalRequest(event.request, looked).then((request) =>
          answer(rule, request, event, next ?? fallback),
        );
      } catch (error) {
        // A rule that cannot be judged: thrown in a fetch listener, this would let the request pass.
        return Promise.reject(error);
      }
    },

    async install(): Promise<void> {
      const cache = await cachesHere()?.open(sharedCache);
      await cache?.addAll([...pageUrls()].map((url) => new Request(url, { cache: "reload" })));
    },

    workboxPlugin: () =>
      workboxPlugin({
        name,
        caches: cachesHere(),
        sessionId: () => judge.presence?.sessionId,
        isOver: (sessionId) => judge.presence?.isOver(sessionId) ?? true,
        ask,
        isAuthorized,
        maxEntryBytes,
      }),

    purge,
    close: stopListening,
  });
}

const NO_URL =
  'the URL of a request should be absolute, such as "https://app.example/path". What Node calls "url" is only a path: ' +
  "give the gate { url: origin + request.url, method, headers }, with the origin that is yours";

/** A request that the gate is for: in canonical form, with the rule about it if there is one; or refused before any rule. */
type Looked = AcceptedLook | RefusedLook;

interface AcceptedLook {
  readonly request: GateRequest;
  readonly rule: CheckedRule | undefined;
  readonly refusal: undefined;
  readonly origin: string;
}

interface RefusedLook {
  readonly rule: undefined;
  readonly refusal: GateDecision;
  readonly origin: string | undefined;
}

/** What rules, and the functions of an app, see of a request that was spelt otherwise. */
function withUrl({ method, headers }: GateRequest, url: string): GateRequest {
  return { url, ...(method !== undefined && { method }), ...(headers !== undefined && { headers }) };
}

/** The request with its canonical URL: what is behind the gate sees no other spelling. */
async function canonicalRequest(given: Request, { request: { url }, request }: AcceptedLook): Promise<Request> {
  if (request === given) return given;
  // Nothing but the browser can make a request with the mode of a navigation.
  if (given.mode === "navigate") {
    const { method, headers, credentials, referrer, signal } = given;
    const init: RequestInit = {
      method,
      headers,
      credentials,
      referrer,
      signal,
      mode: "same-origin",
      redirect: "manual",
    };
    return new Request(url, given.method === "POST" ? { ...init, body: await given.blob() } : init);
  }
  // Some browsers do not show the body of a request as a stream.
  const hidesBody = given.body === undefined && given.method !== "GET" && given.method !== "HEAD";
  const respelt = new Request(url, given);
  return hidesBody ? new Request(respelt, { body: await given.blob() }) : respelt;
}

const [SIGNED_IN] = checkRules([{ match: () => true, cache: "user" }]) as [CheckedRule];

function judgeOf({ session, verifier, token, refreshTimeout = 3 }: GateOptions): Judge {
  if ((session === undefined) === (verifier === undefined)) {
    throw new ConfigError("missing_option", 'a gate needs one of the options "session" and "verifier"', "session");
  }
  if (token !== undefined && (verifier === undefined || typeof token !== "function")) {
    throw new ConfigError("invalid_option", 'the option "token" should be a function, beside "verifier"', "token");
  }
  const methods = session === undefined ? ["safeVerify", "assess"] : ["start", "sync", "access", "addEventListener"];
  const judge = Object(session ?? verifier);
  if (!methods.every((method) => typeof judge[method] === "function")) {
    const option = session === undefined ? "verifier" : "session";
    throw new ConfigError(
      "invalid_option",
      `the option "${option}" should be what tokenward makes of that name`,
      option,
    );
  }
  const patience = seconds(refreshTimeout, "refreshTimeout");
  return session === undefined
    ? verifierJudge(verifier as GateVerifier, token ?? bearerToken, patience)
    : sessionJudge(session, new Presence(session, patience, cachesHere));
}

/** `undefined`: any. */
function originsOf(origin: unknown): readonly string[] | undefined {
  if (origin === undefined) {
    const own = here()?.origin;
    return own === undefined ? undefined : [originOf(own)];
  }
  const list: unknown[] = Array.isArray(origin) && origin.length > 0 ? [...origin] : [origin];
  return list.map((one) => {
    const url = typeof one === "string" ? parsed(one) : undefined;
    if (url !== undefined && isHttp(url)) return originOf(url.origin);
    throw new ConfigError("invalid_option", 'the option "origin" should be an http or https origin', "origin");
  });
}

function acceptedSpellings(accept: unknown = []): readonly PathSpelling[] {
  const list: unknown[] = Array.isArray(accept) ? [...accept] : [accept];
  const isKnown = (one: unknown): one is PathSpelling => (SPELLINGS as readonly unknown[]).includes(one);
  if (Array.isArray(accept) && list.every(isKnown)) return list;
  const message = `the option "accept" should be an array of ${SPELLINGS.join(", ")}`;
  throw new ConfigError("invalid_option", message, "accept");
}

/** Whether the browser may send cookies along, which it shows to no worker; nor does it show what the answer sets. */
function mayHaveCookies({ credentials, url }: Request): boolean {
  if (credentials === "omit") return false;
  const own = here()?.origin;
  return credentials === "include" || own === undefined || new URL(url).origin === own;
}

/** A host with a dot at its end is the same host. */
function originOf(origin: string): string {
  return origin.replace(/\.(?=:\d+$|$)/, "");
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "https:" || protocol === "http:";
}

/** What the browser began to fetch while the worker started (navigation preload), or a fetch. */
function fromNetwork(event: FetchEventLike, { needs }: CheckedRule): Next {
  let preloaded = event.preloadResponse;
  return async (request) => {
    // What was fetched of another spelling is not what was judged.
    const pending = request.url === event.request.url ? preloaded : undefined;
    preloaded = undefined;
    const begun = await pending;
    if (begun === undefined) return fetch(request);
    if (needs === null || isFirstHand(begun)) return begun;
    letGo(begun);
    return fetch(request);
  };
}

function checkWhole(value: number, greatest: number, option: string): void {
  if (Number.isInteger(value) && value >= 1 && value <= greatest) return;
  const expected = `a whole number from 1 to ${greatest}`;
  throw new ConfigError("invalid_option", `the option "${option}" should be ${expected}`, option);
}

/** A failure behind an answer that was given already concerns nobody. */
function inBackground(event: FetchEventLike, work: Promise<unknown>): void {
  const done = work.catch(() => {});
  try {
    event.waitUntil?.(done);
  } catch {
    // The event is over: the work goes on for as long as the worker lives.
  }
}

/** Calls when another person, or nobody, is signed in. While a session is locked its person has not changed. */
function onPersonChange(session: GateSession | undefined, changed: () => void): () => void {
  let last: string | undefined;
  let known = false;
  const listener = () => {
    if (session === undefined || !isKnown(session)) return;
    const { status, sessionId } = session.state;
    const now = status === "signed_in" ? sessionId : undefined;
    if (known && now === last) return;
    last = now;
    known = true;
    changed();
  };
  session?.addEventListener("change", listener);
  listener();
  return () => session?.removeEventListener("change", listener);
}

function cachesHere(): CacheStorage | undefined {
  try {
    return globalThis.caches as CacheStorage | undefined;
  } catch {
    return undefined;
  }
}
