/** What an app gives to a gate and gets from it. */

import type { Duration } from "../duration.js";
import type { TokenError, TokenErrorCode } from "../errors.js";
import type { Algorithm } from "../options.js";
import type { Access, AccessReason } from "../policy.js";
import type { AccessRequest, Refusal } from "../rights.js";
import type { Claims, CreateVerifier, Result, Validity } from "../verifier.js";
import type { PathSpelling, UrlRefusal } from "./target.js";

/** How a gate decides: by a session (service worker), or by the token each request carries (edge worker). */
export interface GateOptions {
  readonly session?: GateSession | undefined;
  readonly verifier?: GateVerifier | undefined;
  readonly rules: readonly GateRule[];
  /** With a verifier: takes the token from a request. Default: `Authorization: Bearer`. Not beside `dpop`. */
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
   * With a verifier: whether clients prove that a token is theirs (DPoP, RFC 9449). `true`: they must, and no other token is
   * taken. Needs `origin`, or `resource`: a proof is for one URL. Default: false: tokens are bearer tokens, whatever `cnf` says.
   */
  readonly dpop?: boolean | GateDpop | undefined;
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

/** How proofs of possession are checked (RFC 9449 section 4.3). */
export interface GateDpop {
  /** How old a proof may be, by its `iat`: from 1 second to a day. Default: 60 seconds. */
  readonly maxAge?: Duration | undefined;
  /** How far the clocks of clients may be ahead or behind, 0 to 300 seconds. Default: 5 seconds. */
  readonly clockTolerance?: Duration | undefined;
  /** The algorithms that a proof may have. Default: all of the default entry. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** Whether a bearer token that is bound to no key is refused too. Default: true. */
  readonly required?: boolean | undefined;
  /** Nonces that a proof must have one of (section 9). Default: none are needed. */
  readonly nonce?: DpopNonce | undefined;
  /**
   * Where it is remembered which proofs were used. Default: in this memory, `{ maxEntries: 100_000 }`; 1 to 10,000,000. Each
   * takes about 100 bytes, for twice `maxAge` at most. When it is full, requests are answered 503.
   */
  readonly replay?: DpopReplay | { readonly maxEntries: number } | undefined;
}

/**
 * What the nonces are made of: a secret of at least 32 bytes that all servers of the resource share, from which a new nonce
 * follows every `lifetime` (1 second to a day, default: 5 minutes); it is accepted for two to three times as long. Or a
 * function that gives the nonces that are accepted now, the newest first.
 */
export type DpopNonce =
  | string
  | Uint8Array
  | { readonly secret: string | Uint8Array; readonly lifetime?: Duration | undefined }
  | (() => string | readonly string[] | Promise<string | readonly string[]>);

/** Remembers which proofs were used. */
export interface DpopReplay {
  /**
   * Remembers a proof, and says whether it was new. Both in one step: of two calls with one `id`, whoever makes them, one
   * gets `true`. `id` is 43 characters of base64url; after `until` it may be forgotten, and `now` is the time by which that is
   * counted, both in Unix seconds. Where this throws, or takes longer than 5 seconds, the request is answered 503.
   */
  remember(id: string, until: number, now: number): boolean | Promise<boolean>;
}

/**
 * Why a token was refused that is bound to a key, or should be. Of the token: `proof_needed` (it is bound, and was presented
 * without a proof), `not_bound` (it is bound to no key), `key_mismatch` (the proof is of another key). Of the proof: what a
 * verifier says of tokens, and what is listed here.
 */
export type DpopErrorCode =
  | TokenErrorCode
  | "proof_needed"
  | "not_bound"
  | "key_mismatch"
  | "missing_proof"
  | "repeated_proof"
  | "secret_key"
  | "htm_mismatch"
  | "htu_mismatch"
  | "ath_mismatch"
  | "missing_nonce"
  | "unknown_nonce"
  | "replayed"
  | "replay_unavailable";

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

/**
 * As in a session, and `open`: the rule is open to all. Of a URL that is refused before any rule, why it is. With a verifier
 * also `invalid_request`: `Authorization` is malformed; `invalid_proof`: see {@link GateDecision.dpop}.
 */
export type GateReason =
  | AccessReason
  | "locked"
  | "invalid_token"
  | "invalid_request"
  | "invalid_proof"
  | "unavailable"
  | "open"
  | UrlRefusal;

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
  /**
   * Only where it is not allowed. `step_up`: not by this authentication (`acr`, `maxAge`); a better one would do.
   * `invalid_request`: the credentials are malformed. `unavailable`: nobody can say now whether a proof was used before.
   */
  readonly refused?: Refusal | UrlRefusal | "step_up" | "invalid_request" | "unavailable";
  /** What is wrong with a URL that is refused, in a sentence that repeats nothing from the request; or with a proof. Not for clients. */
  readonly detail?: string;
  /**
   * Of a `GET` or `HEAD` whose path has a canonical form that means the same: this path, with the query. Send the client
   * there (308), on the same origin.
   */
  readonly location?: string;
  /** Of the token, where it is allowed and the rule is not open to all. */
  readonly claims?: Claims;
  /** With a verifier: why the token was refused. What it was about (`claim`, `expected`, `actual`) is in `cause`. */
  readonly error?: TokenErrorCode;
  /** With the option `dpop`: why a genuine token was refused all the same. */
  readonly dpop?: DpopErrorCode;
  /**
   * Where `error` is: the verifier's {@link TokenError}, with its message and `claim`, `expected`, `actual`. Of `unavailable`:
   * what was thrown. It is not enumerable, so it is in no copy and in no JSON of the decision. For the app's log, and not for
   * clients: it may have claims about a person.
   */
  readonly cause?: unknown;
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
  /** For the option `dpop`: makes the verifiers of proofs. */
  readonly sibling?: CreateVerifier;
}

/** Gets the token from a request; `undefined`, `null` or `""` if there is none. */
export type TokenOf = (request: GateRequest) => string | null | undefined;
