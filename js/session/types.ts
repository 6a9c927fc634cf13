/** What an app gives to a session and gets from it. */
import type { KeyStore } from "../keys/types.js";
import type { Environment } from "../platform/environment.js";
import type { Access, AccessReason, Policy, PolicyOptions } from "../policy.js";
import type { Protection } from "../protection.js";
import type { TokenProvider, TokenSet } from "../providers/types.js";
import type { AccessRequest, Refusal } from "../rights.js";
import type { Storage } from "../storage.js";
import type { Claims, Verifier } from "../verifier.js";
import type { EndCause } from "./record.js";

export interface SessionOptions {
  /** What judges the tokens: best a key store, which knows keys of a provider that has rotated them. */
  verifier: Verifier<unknown> | KeyStore<unknown>;
  /** Where fresh tokens come from; `null` for none: the person signs in again in time. */
  provider: TokenProvider | null;
  /** How long tokens serve offline, and for what. Default: that of `createPolicy`. */
  policy?: PolicyOptions | Policy | undefined;
  /** Which token says who may do what; it must be a JWT. Default: `access_token`. */
  token?: "access_token" | "id_token" | undefined;
  /** Default: IndexedDB where there is one, else memory. */
  storage?: Storage | undefined;
  /** How what is stored is sealed. Default: with a key of this device; not at all in a context that has no such keys. */
  protection?: Protection | undefined;
  /** Tells sessions of one origin apart, as well as their caches: letters, digits, `-` and `_`. Default: `default`. */
  name?: string | undefined;
  /** Parts of the platform to replace: for tests. */
  environment?: Partial<Environment> | undefined;
}

export type SessionStatus = "starting" | "signed_in" | "signed_out" | "locked";

/** As the policy says, and `locked` or `invalid_token`: by the keys in use, the token is not genuine. */
export type SessionReason = AccessReason | "locked" | "invalid_token";

export interface SessionState {
  readonly status: SessionStatus;
  readonly access: Access;
  readonly reason: SessionReason;
  /** The first moment, in Unix seconds, at which time alone changes the answer; `null` if it does not. */
  readonly until: number | null;
  /** What the judged token says, whatever a schema makes of it; also while there is no access, unless `invalid_token`. */
  readonly claims?: Claims;
  /** Random, made at sign-in, kept while the same person is signed in. */
  readonly sessionId?: string;
  /** Why the last session is over. */
  readonly ended?: EndCause;
  /**
   * Whether there are a provider and a refresh token, so that fresh tokens can be had. Signed in without: access ends with
   * these tokens, and only another sign-in helps.
   */
  readonly refreshable: boolean;
  /** Whether what is known now will be there after a restart: not if the storage refuses, or is memory only. */
  readonly persistent: boolean;
  readonly protectedBy: Protection["kind"];
  /** What last went wrong; gone once it went right. */
  readonly error?: Error;
}

/** May it happen now? */
export interface AccessAnswer {
  readonly allowed: boolean;
  readonly access: Access;
  readonly reason: SessionReason;
  readonly until: number | null;
  readonly claims?: Claims;
  /** Only where it is not allowed: whether access itself is missing (see the reason), or what it would take. */
  readonly refused?: Refusal;
}

/**
 * What a refresh came to:
 *
 * - `refreshed`: there are fresh tokens
 * - `adopted`: another tab had fetched them
 * - `signed_out`: nobody is signed in, or no longer, because the provider said so
 * - `unavailable`: no answer that counts; `state.error` says why, and it is tried again
 * - `unverified`: fresh tokens are kept, but the keys to verify them are missing; it is tried again
 * - `invalid_token`: the provider's fresh token is not one this app accepts; `state.error` says why
 * - `no_refresh_token`: nothing to refresh with: sign in again in time
 * - `locked`: unlock first
 */
export type RefreshOutcome =
  | "refreshed"
  | "adopted"
  | "signed_out"
  | "unavailable"
  | "unverified"
  | "invalid_token"
  | "no_refresh_token"
  | "locked";

/** Fires `change` whenever {@link Session.state} has become another one. */
export interface Session extends EventTarget {
  readonly name: string;
  readonly state: SessionState;
  /**
   * The access token, for `Authorization` headers; `undefined` while there is no access, or where the device holds none.
   */
  readonly accessToken: string | undefined;
  /** Takes up what is stored. Never waits for the network, and never rejects. */
  start(): Promise<SessionState>;
  /** Takes in what other tabs and workers have stored; happens by itself where they can tell each other. */
  sync(): Promise<SessionState>;
  /** Whether something may happen now, judged now: costs microseconds. */
  access(request?: AccessRequest): AccessAnswer;
  /**
   * Takes the tokens of a sign-in that has just happened. Throws a `TokenError` for a token that is not genuine, a
   * {@link SessionError} if it is missing or the session locked; nothing has changed then.
   *
   * `serverTime` is the provider's time in Unix seconds, where it is known: it puts a wrong device clock right.
   */
  signIn(tokens: TokenSet, options?: { readonly serverTime?: number | undefined }): Promise<SessionState>;
  /** Fetches fresh tokens now, in one tab at a time. Never rejects: see {@link RefreshOutcome}. */
  refresh(): Promise<RefreshOutcome>;
  /**
   * Deletes everything of this person here and in other tabs, also offline; the refresh token is revoked when there is a
   * network, if the provider offers that and the session is not locked. Rejects only if the storage refuses to delete, or cannot be read: nobody is signed
   * in then either, and who may be stored there is signed out as soon as it can be read here.
   */
  signOut(): Promise<void>;
  /**
   * Tells the session the provider's time, in Unix seconds, from any other answer of it, such as a key store's
   * `onServerTime`: a clock that is behind it by more than the tolerance is not believed.
   */
  observe(serverTime: number): void;
  /** Unlocks the protection, here and in this origin's other tabs and workers; rejects with its `ProtectionError`. */
  unlock(secret?: string): Promise<SessionState>;
  /** Forgets what was unlocked, in all of them. */
  lock(): void;
  /** Ends timers and listeners; what is stored stays. */
  stop(): void;
}

/** Options that were checked. */
export interface CheckedOptions extends SessionOptions {
  readonly policy: Policy;
  readonly token: "access_token" | "id_token";
  readonly name: string;
}
