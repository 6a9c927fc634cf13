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
import { ConfigError } from "./errors.js";
import { isKnown, onPersonChange } from "./gate/current-user.js";
import { type GoesOn, open } from "./gate/decide.js";
import { pageUrls } from "./gate/denied-response.js";
import { Handler } from "./gate/handler.js";
import { lookUp } from "./gate/lookup.js";
import { readOptions, type Settings } from "./gate/options.js";
import { sharedCacheName } from "./gate/shelf.js";
import type { Admission, FetchEventLike, GateDecision, GateOptions, GateRequest, Next } from "./gate/types.js";
import { type WorkboxPlugin, workboxPlugin } from "./gate/workbox.js";
import { cachesHere, purgeExcept } from "./platform/user-caches.js";

export type { PathSpelling, UrlRefusal } from "./gate/target.js";
export type {
  Admission,
  DecisionObservation,
  DecisionObserver,
  DpopErrorCode,
  DpopNonce,
  DpopReplay,
  FetchEventLike,
  GateDecision,
  GateDpop,
  GateOptions,
  GateReason,
  GateRequest,
  GateResource,
  GateRule,
  GateSession,
  GateVerifier,
  Match,
  Needs,
  Next,
  Otherwise,
  Strategy,
  TokenOf,
} from "./gate/types.js";
export type { WorkboxPlugin } from "./gate/workbox.js";
export { type PurgeOptions, purgeUserCaches, userCacheName } from "./platform/user-caches.js";
export type { Refusal } from "./rights.js";

/** Decides about requests by rules, and answers them. */
export interface Gate {
  /**
   * What the rules say about a request, now; `undefined` if none is about it. A URL that is not canonical is not allowed,
   * and one that is not absolute a `ConfigError`. So is a token that needs a proof (`dpop`), which only `admit` and `handle`
   * check. Of a session that was not started it says that nobody is signed in:
   * `handle` waits for that.
   */
  decide(request: GateRequest): GateDecision | undefined;
  /** The answer; `undefined`, at once, if no rule is about the request: the app's own handlers go on. */
  handle(eventOrRequest: FetchEventLike | Request, next?: Next): Promise<Response> | undefined;
  /**
   * For middleware, which a router calls that has read the URL already: the decision, and what to answer where the request
   * must not go on. The router must go by the very text that `url` ends with. What the gate caches is left out. `waitUntil`
   * is told of work that goes on after the answer.
   */
  admit(request: GateRequest, waitUntil?: (work: Promise<unknown>) => void): Promise<Admission>;
  /** Puts the pages of the rules' `otherwise` into the cache: for `event.waitUntil` in the worker's `install`. */
  install(): Promise<void>;
  /** The same guarantees for strategies of Workbox. */
  workboxPlugin(): WorkboxPlugin;
  /** Deletes what was cached for other people than the one who is signed in. Happens by itself when that changes. */
  purge(): Promise<void>;
  /** No longer listens to the session. */
  close(): void;
}

/** Makes a gate; throws a `ConfigError` for options that cannot work. */
export function createGate(given: GateOptions): Gate {
  const settings = readOptions(given);
  const handler = new Handler(settings);
  const purge = () => purgeOthers(settings);
  const close = onPersonChange(settings.session, () => void purge().catch(() => {}));
  return Object.freeze({
    decide(request: GateRequest) {
      const tell = handler.observe();
      const decision = decide(settings, request);
      if (decision !== undefined) tell(decision);
      return decision;
    },
    handle: (given: FetchEventLike | Request, next?: Next) => handler.handle(eventOf(given), next),
    admit: (request: GateRequest, waitUntil?: GoesOn) => handler.admit(request, waitUntil),
    install: () => install(settings),
    workboxPlugin() {
      if (settings.dpop !== undefined)
        throw new ConfigError("invalid_option", 'a gate with "dpop" makes no Workbox plugin', "dpop");
      return workboxPlugin(settings, handler);
    },
    purge,
    close,
  });
}

function decide(settings: Settings, request: GateRequest): GateDecision | undefined {
  const looked = lookUp(settings, request);
  if (looked?.isMetadata) return open(undefined);
  if (looked?.rule === undefined) return looked?.refusal;
  const decision = settings.decider.decide(looked.rule, looked.request);
  if (!settings.decider.needsProof(decision)) return decision;
  const message = '"decide" answers at once, and a proof (DPoP) takes a while: use "admit" or "handle"';
  throw new ConfigError("invalid_option", message, "dpop");
}

function eventOf(given: FetchEventLike | Request): FetchEventLike {
  const isEvent = Object(given).request !== undefined;
  return (isEvent ? given : { request: given }) as FetchEventLike;
}

async function install({ name, rules }: Settings): Promise<void> {
  const cache = await cachesHere()?.open(sharedCacheName(name));
  await cache?.addAll([...pageUrls(rules)].map((url) => new Request(url, { cache: "reload" })));
}

async function purgeOthers({ name, session, decider, workboxCaches }: Settings): Promise<void> {
  if (session?.state.status === "starting") await session.start();
  // Of a session that is locked the person has not changed; nor of one that is locked meanwhile.
  if (session === undefined || !isKnown(session)) return;
  let person = decider.user?.sessionId;
  const kept = () => {
    if (isKnown(session)) person = decider.user?.sessionId;
    return person;
  };
  await purgeExcept(kept, name, { entriesIn: workboxCaches, caches: cachesHere() });
}
