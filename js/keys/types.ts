/** What an app gives to a key store and gets from it. */
import type { Duration } from "../duration.js";
import type { TokenError } from "../errors.js";
import type { Jwks } from "../options.js";
import type { Storage } from "../storage.js";
import type { Claims, Verified, Verifier } from "../verifier.js";

/** Which keys, where fresher ones come from, and how often. */
export interface KeyStoreOptions<C = Claims, E = never> {
  /** Made by `createVerifier` with the bundled set. Use the store in its place from then on: the store sets its keys. */
  verifier: Verifier<C, E>;
  /** The key set the app was built with: that of the verifier. */
  bundled: Jwks;
  /**
   * When `bundled` was fetched, in Unix seconds. A set cached before that is not used. Default: what its member
   * `tokenward.fetched_at` says, which `npx tokenward keys fetch` writes; without it any cached set is used.
   */
  bundledAt?: number | undefined;
  /**
   * The provider's issuer identifier: its metadata name the key set (OpenID Connect Discovery 1.0 section 4, RFC 8414
   * section 3). With `jwksUri` only says whose keys these are in a verifier of several issuers.
   */
  issuer?: string | undefined;
  /** Where the key set is, if that is known. */
  jwksUri?: string | undefined;
  /** Keeps fetched sets. Default: IndexedDB where there is one, else memory. */
  storage?: Storage | undefined;
  /** How old a set may be before `refreshIfDue` fetches it again. Default: 7 days. */
  refreshEvery?: Duration | undefined;
  /** How long after an attempt nothing but `refresh()` makes another one. Default: 5 minutes. */
  cooldown?: Duration | undefined;
  /** How long one request may take. Default: 10 seconds. */
  timeout?: Duration | undefined;
  /** The greatest size of an answer in bytes. Default: 524,288. */
  maxBytes?: number | undefined;
  /** The greatest number of keys in a set. Default: 100. */
  maxKeys?: number | undefined;
  /**
   * Whether only bundled keys count: the provider can then withdraw keys, never add one. Keys are the same if their
   * RFC 7638 thumbprints are; `kid` and `alg` are those of the bundle. Default: false.
   */
  pin?: boolean | undefined;
  /** Default: the global one, looked up at each use. */
  fetch?: typeof fetch | undefined;
  /** The current time in Unix seconds. Default: the system's clock. */
  now?: (() => number) | undefined;
  /** Told the `Date` of each answer that held, in Unix seconds: evidence of the real time. */
  onServerTime?: ((seconds: number) => void) | undefined;
  /** Told what went wrong without stopping anything: a storage that refused, a cached set that was dropped. */
  onError?: ((error: Error) => void) | undefined;
}

/** What a refresh found: `unchanged` too is a success, by a 304 or by the same keys. */
export interface KeyRefresh {
  readonly outcome: "updated" | "unchanged";
}

/** A verifier whose keys are the freshest there are. All but verifying is asynchronous. */
export interface KeyStore<C = Claims, E = never> extends Omit<Verifier<C, E>, "setKeys" | typeof Symbol.dispose> {
  /**
   * Takes the set that was stored, by this tab or another one, if it is fresher than the one in use. Never asks the
   * network and never rejects: a cached set that cannot be used is dropped.
   */
  load(): Promise<void>;
  /** Fetches the set now; a call meanwhile shares the attempt. Rejects with a `KeyStoreError`; the old set stays. */
  refresh(): Promise<KeyRefresh>;
  /**
   * Fetches the set if it is older than `refreshEvery` or fetched for another bundle; else, or inside the cool-down,
   * resolves with `undefined`.
   */
  refreshIfDue(): Promise<KeyRefresh | undefined>;
  /**
   * Like `verify`. After `key_not_found`, and after `bad_signature` and `key_unusable`, since a provider may have replaced
   * a key and kept its `kid`, first a fresher set is looked for, each once in a cool-down; why there was none is the
   * `cause` of the error.
   */
  verifyFresh(token: string, expected?: E): Promise<Verified<C>>;
  /**
   * After `key_not_found`, `bad_signature` or `key_unusable`: looks for a fresher set outside the cool-down. Whether the
   * keys changed; never rejects.
   */
  freshen(error: TokenError): Promise<boolean>;
  /** When the provider last confirmed the set in use, in Unix seconds; `undefined` for the bundled one. */
  readonly refreshedAt: number | undefined;
  /** Calls back after each change of the keys in use, until the function it returns is called. */
  onChange(listener: () => void): () => void;
}
