/** What an app gives to a gate and gets from it. */

import type { Duration } from "../duration.js";
import type { TokenErrorCode } from "../errors.js";
import type { Access, AccessReason } from "../policy.js";
import type { AccessRequest, Refusal } from "../rights.js";
import type { Claims, Result, Validity } from "../verifier.js";
import type { PathSpelling, UrlRefusal } from "./target.js";

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
  /** With a verifier: what the API is called, and where clients get tokens for it (RFC 9728). */
  readonly resource?: GateResource | undefined;
  /**
   * Is told of each decision, for logs and metrics: once by each call of `handle`, `admit` and `decide` that decides, and by
   * each handling of the Workbox plugin. It is called before the answer is made, and nobody waits for it; what it throws, or
   * a promise of its that rejects, changes nothing.
   */
  readonly onDecision?: DecisionObserver | undefined;
  /** Caches of the app in which `Gate.workboxPlugin` keeps entries: purged when the person changes. */
  readonly workboxCaches?: readonly string[] | undefined;
}

/**
 * An OAuth protected resource (RFC 9728). The gate answers `/.well-known/oauth-protected-resource` with its metadata, before
 * any rule, and names that address as `resource_metadata` in its challenges.
 */
export interface GateResource {
  /**
   * An https URL without a fragment, as clients know it: `"https://api.example"`, or with a path. It is what the tokens'
   * `aud` should be: give the same as `audience` to the verifier.
   */
  readonly identifier: string;
  /** The issuers whose tokens are accepted: https URLs, at least one. */
  readonly authorizationServers: readonly string[];
  /** What may be asked for. */
  readonly scopes?: readonly string[] | undefined;
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
/** What a rule is about; judged for the canonical URL, without its fragment. */
export type Match =
  /**
   * A path, exactly; or with `*` at its end all that begins so. A slash at the end makes no other path, and `"/app/*"`
   * also matches `/app` itself, since servers answer both alike. What says more (a query, `:name`, `*` elsewhere), or can
   * be no canonical path, is a `ConfigError`.
   */
  | string
  /** Tested against the canonical path, without the query. */
  | RegExp
  /** A `URLPattern`, or anything like it: gets the whole URL as text. */
  | { test(url: string): boolean }
  | ((url: URL, request: GateRequest) => boolean);

/** The parts of a request that decide: a `Request` has them. */
export interface GateRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: { get(name: string): string | null };
}

/** What the bearer must have, all of it. */
export interface Needs {
  /** Default: any but none. */
  readonly access?: "full" | "limited";
  /** Every one of these scopes (RFC 6749 section 3.3). */
  readonly scope?: string | readonly string[];
  /** One of these roles. */
  readonly role?: string | readonly string[];
  /**
   * How the bearer has authenticated (RFC 9470): the claim `acr` is one of these, the one you like best first. Only with a
   * verifier, as `maxAge`.
   */
  readonly acr?: string | readonly string[];
  /** How long ago that may have been, by the claim `auth_time`: whole seconds, 1 or more. */
  readonly maxAge?: Duration;
  /** Judges the claims of the token, which was verified. */
  readonly claims?: (claims: { readonly [claim: string]: unknown }) => boolean;
}

/** What is answered where access is denied. */
export type Otherwise =
  /** For navigations: this page, by its path, from cache; `gate.install()` puts it there. Others get 401 or 403. */
  | { readonly page: string; readonly status?: 200 | 401 | 403 | undefined }
  /** An object as body is sent as JSON. */
  | { readonly status: 401 | 403; readonly body?: string | object | undefined }
  | ((decision: GateDecision, request: Request) => Response | Promise<Response>);

/**
 * `network-first`: the network's answer, the cached one when the network fails or takes too long. `cache-first`: the
 * network only for what is not cached. `stale-while-revalidate`: what is cached, and the network's answer for next time.
 */
export type Strategy = "network-first" | "cache-first" | "stale-while-revalidate";

/** Says what some requests need. The first rule that matches a request decides it. */
export interface GateRule {
  readonly match: Match;
  /** `null`: open to all. Default: `"signed_in"`, that is limited access or full. */
  readonly needs?: Needs | "signed_in" | null | undefined;
  /** Default: 401 where there is no access, or another authentication would give it; 403 where it does not go far enough. */
  readonly otherwise?: Otherwise | undefined;
  /** The HTTP methods that limited access is for under this rule. Default: the policy's, that is `GET` and `HEAD`. */
  readonly methods?: readonly string[] | undefined;
  /**
   * `"user"`: cached for this person alone, deleted at sign-out. `"shared"`: one cache for all who pass this rule; for
   * answers that say nothing about a person. Default: `false`, not cached by the gate.
   */
  readonly cache?: "user" | "shared" | false | undefined;
  /** How the cache is used. Default: `"network-first"`. */
  readonly strategy?: Strategy | undefined;
}

/** As in a session, and `open`: the rule is open to all. Of a URL that is refused before any rule, why it is. */
export type GateReason = AccessReason | "locked" | "invalid_token" | "open" | UrlRefusal;

/** What a gate decides about one request. */
export interface GateDecision {
  /** The rule that matched, as it was given; `undefined` where the URL was refused before any rule. */
  readonly rule: GateRule | undefined;
  readonly allowed: boolean;
  /** How much the bearer may do at all. */
  readonly access: Access;
  readonly reason: GateReason;
  /** The first moment, in Unix seconds, at which time alone changes the answer; `null` if it does not. */
  readonly until: number | null;
  /** Only where it is not allowed. `step_up`: not by this authentication (`acr`, `maxAge`); a better one would do. */
  readonly refused?: Refusal | UrlRefusal | "step_up";
  /** Of a URL that is refused: what is wrong with it, in a sentence that holds nothing of the request. */
  readonly detail?: string;
  /**
   * Of a `GET` or `HEAD` whose path has a canonical form that means the same: this path, with the query. Send the client
   * there (308), on the same origin.
   */
  readonly location?: string;
  /** Of the token, where it is allowed and the rule is not open to all. */
  readonly claims?: Claims;
  /** With a verifier: why the token was refused. */
  readonly error?: TokenErrorCode;
}

/** A decision as logs and metrics may have it: nothing in it is a token, a claim about a person, or a text of the request. */
export interface DecisionObservation {
  readonly outcome: "allowed" | "denied";
  readonly reason: GateReason;
  /** As in the decision. */
  readonly refused?: GateDecision["refused"];
  /** As in the decision: why the token was refused. */
  readonly error?: TokenErrorCode;
  /** The issuer of a token that was verified. Of one that was refused nobody knows who made it. */
  readonly issuer?: string;
  /** The id of the key that verified it, if the key has one. In a gate by session it is not known. */
  readonly kid?: string;
  /** The rule that matched, as it was given. */
  readonly rule: GateRule | undefined;
  /**
   * Whole microseconds from the call until the decision, with what it waited for, such as an unknown key. Cloudflare's clock
   * stands still while a worker computes: there it is only what was waited for.
   */
  readonly microseconds: number;
}

/** The work of a promise that it gives goes on after the answer, by `waitUntil`. */
export type DecisionObserver = (decision: DecisionObservation) => unknown;

/** Whether a request may go on behind a gate: where there is a `response`, that is the answer. */
export type Admission =
  | { readonly decision: GateDecision; readonly response?: undefined }
  /** Without a decision: no rule is about the request, so it is "not found". */
  | { readonly decision: GateDecision | undefined; readonly response: Response };

/** What a gate uses of a session (`tokenward/session`). */
export interface GateSession {
  readonly name: string;
  readonly state: {
    readonly status: "starting" | "signed_in" | "signed_out" | "locked";
    readonly sessionId?: string | undefined;
    readonly ended?: string | undefined;
    readonly error?: Error | undefined;
  };
  start(): Promise<unknown>;
  sync(): Promise<unknown>;
  refresh(): Promise<unknown>;
  access(request?: AccessRequest): {
    readonly allowed: boolean;
    readonly access: Access;
    readonly reason: GateReason;
    readonly until: number | null;
    /** Only where it is not allowed. */
    readonly refused?: Refusal | undefined;
    readonly claims?: Claims | undefined;
  };
  addEventListener(type: "change", listener: () => void): void;
  removeEventListener(type: "change", listener: () => void): void;
}

/** What a gate uses of a verifier, or of a key store (`tokenward/keys`). */
export interface GateVerifier {
  safeVerify(token: string): Result;
  /** Without it a decision has no `until`. */
  validity?(token: string): Validity;
  /** The time by which it judges this token. Default: the system's. */
  now?(token: string): number;
  load?(): Promise<void>;
  verifyFresh?(token: string): Promise<unknown>;
}

/** Takes the token from a request; `undefined`, `null` or `""` if there is none. */
export type TokenOf = (request: GateRequest) => string | null | undefined;
