/** `tokenward/keys`: keys that came with the app, refreshed from the provider when there is a network. */
import {
  ANYTHING,
  BOOLEAN,
  type Check,
  type Checks,
  checkNames,
  checkOptions,
  FUNCTION,
  hasMethods,
  isString,
  isWhole,
  STORAGE,
} from "./check-options.js";
import { type Duration, seconds, timeLimit } from "./duration.js";
import { ConfigError, KeyStoreError } from "./errors.js";
import { dateOfFetch, provenanceIn } from "./keys/bundle.js";
import { type Choice, combined } from "./keys/combined.js";
import { allowedUrl } from "./keys/fetch.js";
import { IssuerRecord } from "./keys/issuer-record.js";
import { type AllowIssuer, AllowList, FAILED_FOR, type MakeStore } from "./keys/issuers.js";
import { readBundle, readSet, withoutSecrets } from "./keys/jwks.js";
import { describe, readSetRecord, type SetRecord, setName, shortName } from "./keys/record.js";
import { KeyRefresher } from "./keys/refresher.js";
import { fetchKeys } from "./keys/source.js";
import type { KeyStore, KeyStoreOptions } from "./keys/types.js";
import { type Jwks, NAMES } from "./options.js";
import { quoted } from "./quoted.js";
import { indexedDbStorage, memoryStorage, type Storage } from "./storage.js";
import { sha256 } from "./thumbprint.js";
import { type Claims, type CreateVerifier, partyOf, type Verifier } from "./verifier.js";

export { KeyStoreError, type KeyStoreErrorCode, type KeyStoreErrorFacts } from "./errors.js";
export type { AllowedIssuer, AllowIssuer } from "./keys/issuers.js";
export type { KeyRefresh, KeyStore, KeyStoreOptions } from "./keys/types.js";

const ADDRESS: Check = [isString, "an absolute URL"];
const COUNT: Check = [isWhole(1), "a whole number, 1 or more"];

/** Durations are read by `seconds`, and the bundled set by `readBundle`. */
const OPTIONS: Checks<KeyStoreOptions> = {
  verifier: [hasMethods("verify", "setKeys"), "made by createVerifier"],
  bundled: ANYTHING,
  bundledAt: [Number.isFinite, "a finite number of Unix seconds"],
  issuer: ADDRESS,
  jwksUri: ADDRESS,
  storage: STORAGE,
  refreshEvery: ANYTHING,
  cooldown: ANYTHING,
  timeout: ANYTHING,
  maxBytes: COUNT,
  maxKeys: COUNT,
  pin: BOOLEAN,
  fetch: FUNCTION,
  now: FUNCTION,
  onServerTime: FUNCTION,
  onError: FUNCTION,
};

/**
 * Makes a key store, which starts with the bundled set; call `load()` next. Throws a {@link ConfigError} for options
 * that cannot work, a {@link KeyStoreError} `insecure_url` for an address that is neither https nor loopback.
 */
export function createKeyStore<C = Claims, E = never>(given: KeyStoreOptions<C, E>): KeyStore<C, E>;
/**
 * A key store for several issuers of one verifier, each with its own keys, refresh, cool-down and limits: options of a key store
 * for each, which have the same `verifier` and say their `issuer`. A token goes to the one that its `iss` names, exactly.
 * `refresh` and `refreshIfDue` ask all of them; of the keys of an issuer that is not among them the verifier's stay.
 */
export function createKeyStore<C = Claims, E = never>(given: readonly KeyStoreOptions<C, E>[]): KeyStore<C, E>;
export function createKeyStore<C, E>(given: KeyStoreOptions<C, E> | readonly KeyStoreOptions<C, E>[]): KeyStore<C, E> {
  return Array.isArray(given) ? storeOfSeveral([...given]) : storeOfOne(given as KeyStoreOptions<C, E>);
}

function storeOfSeveral<C, E>(given: readonly KeyStoreOptions<C, E>[]): KeyStore<C, E> {
  const [first] = given;
  if (first === undefined) {
    throw new ConfigError("missing_option", "createKeyStore takes options, or an array of them that is not empty");
  }
  const listeners = new Set<() => void>();
  const verifier = first.verifier;
  const stores = new Map<number, KeyStore<C, E>>();
  for (const options of given) {
    const store = storeOfOne(options);
    if (options.verifier !== verifier) {
      throw new ConfigError("invalid_option", "all of several key stores have the same verifier", "verifier");
    }
    if (options.issuer === undefined) {
      throw new ConfigError(
        "missing_option",
        'the option "issuer" is missing: each of several key stores says whose keys it has',
        "issuer",
      );
    }
    const party = partyOf(verifier)?.named(options.issuer);
    if (party === undefined) {
      throw new ConfigError("missing_option", `the verifier has no such issuer: ${quoted(options.issuer)}`, "issuer");
    }
    if (stores.has(party)) {
      throw new ConfigError("invalid_option", "two of several key stores are for the same issuer", "issuer");
    }
    store.onChange(() => tell(listeners));
    stores.set(party, store);
  }
  const choice: Choice<C, E> = {
    storeOf: (token) => stores.get(partyOf(verifier)?.of(token) as number) ?? withoutRefresh(verifier),
    stores: [...stores.values()],
  };
  return combined(choice, listeners, verifier.sibling);
}

/** For the tokens of an issuer whose keys nobody refreshes. */
function withoutRefresh<C, E>(verifier: Verifier<C, E>): KeyStore<C, E> {
  return {
    ...verifier,
    load: async () => {},
    refresh: async () => ({ outcome: "unchanged" }),
    refreshIfDue: async () => undefined,
    verifyFresh: async (token, expected) => verifier.verify(token, expected),
    freshen: async () => false,
    onChange: () => () => {},
    refreshedAt: undefined,
  };
}

function tell(listeners: ReadonlySet<() => void>): void {
  for (const listener of [...listeners]) {
    try {
      listener();
    } catch {
      // What a listener does with the news is its own affair.
    }
  }
}

/** Which issuers there are, as they turn up. */
export interface IssuerStoreOptions
  extends Omit<KeyStoreOptions, "verifier" | "bundled" | "bundledAt" | "issuer" | "jwksUri" | "pin" | "onServerTime"> {
  /** Of the entry of the package that you use: `tokenward`, `tokenward/slim`, ... */
  createVerifier: CreateVerifier;
  /**
   * Says of an issuer how its tokens are verified, or nothing: then it is refused. It is asked only for well-formed tokens, once
   * at a time for each issuer, and what it says is remembered. Nothing is fetched before it has said so.
   */
  allow: AllowIssuer;
  /**
   * How many issuers are known at once, 1 to 10,000; beyond, the one whose last genuine token is longest ago goes, and what was
   * stored of it. Choose it greater than the number of issuers that you let in. Default: 100.
   */
  maxIssuers?: number | undefined;
  /**
   * How long an issuer is let in before `allow` is asked again, more than 0. If it cannot say then (it throws or takes too long),
   * the issuer stays for as long again. Default: 1 hour.
   */
  allowedFor?: Duration | undefined;
  /** How long an issuer is refused before `allow` is asked again. Default: 5 minutes. */
  refusedFor?: Duration | undefined;
}

const SHARED_OPTIONS = {
  storage: STORAGE,
  refreshEvery: ANYTHING,
  cooldown: ANYTHING,
  timeout: ANYTHING,
  maxBytes: COUNT,
  maxKeys: COUNT,
  fetch: FUNCTION,
  now: FUNCTION,
  onError: FUNCTION,
} as const;

const ISSUER_STORE_OPTIONS: Checks<IssuerStoreOptions> = {
  ...SHARED_OPTIONS,
  createVerifier: FUNCTION,
  allow: FUNCTION,
  maxIssuers: [isWhole(1, 10_000), "a whole number from 1 to 10000"],
  allowedFor: ANYTHING,
  refusedFor: ANYTHING,
};

/**
 * A key store for issuers that are known only later, as where each customer brings one: `allow` says of each whether and how its
 * tokens are verified. `verify` knows the issuers that were met; a token of another one is `key_not_found` until `verifyFresh`,
 * which a gate calls by itself, has asked about it. Throws a {@link ConfigError} for options that cannot work.
 *
 * ```ts
 * createIssuerStore({
 *   createVerifier,
 *   allow: async (issuer) => ((await isCustomer(issuer)) ? { audience: "my-api", profile: "at+jwt" } : undefined),
 * });
 * ```
 */
export function createIssuerStore(given: IssuerStoreOptions): KeyStore {
  const options = checkOptions(given, "createIssuerStore", ISSUER_STORE_OPTIONS, ["createVerifier", "allow"]);
  const { createVerifier, allow, maxIssuers, allowedFor, refusedFor, ...others } = options;
  const shared = { ...others, storage: others.storage ?? defaultStorage() };
  const { now = systemTime, onError } = shared;
  const timeout = timeLimit(shared.timeout ?? "10s", "timeout");
  const allowedSeconds = timeLimit(allowedFor ?? "1h", "allowedFor");
  const cooldown = seconds(shared.cooldown ?? "5m", "cooldown");
  const limits = {
    fetch: shared.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeout,
    maxBytes: shared.maxBytes ?? 524_288,
  } as const;
  const listeners = new Set<() => void>();
  const report = (error: unknown): void => {
    try {
      onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch {
      // Who is told of errors cannot be told of this one.
    }
  };
  const make: MakeStore<Claims, never> = async (issuer, given, record, requireMayFetch) => {
    if ("issuer" in given) {
      throw new ConfigError(
        "unknown_option",
        'what "allow" gives has no "issuer": it is the one that it was asked about',
      );
    }
    const { jwks, jwksUri, ...rules } = checkNames(given, "allow", [...NAMES, "jwksUri"]);
    const source = { issuer, jwksUri };
    checkAddress(jwksUri ?? issuer, jwksUri === undefined ? "issuer" : "jwksUri");
    const { storage } = record;
    const storeOf = (bundled: Jwks, verifier: Verifier): KeyStore =>
      createKeyStore({ ...shared, storage, verifier, bundled, ...source });
    await record.useSource(describe(source));
    if (jwks !== undefined) return storeOf(jwks, createVerifier({ now, ...rules, issuer, jwks }) as Verifier);

    /** A store that starts with a set that was fetched. */
    const startedWith = async (fetched: Omit<SetRecord, "bundle">): Promise<KeyStore> => {
      const { text } = withoutSecrets(readSet(fetched.set, shared.maxKeys ?? 100));
      const verifier = createVerifier({ now, ...rules, issuer, jwks: text }) as Verifier;
      // The very text must hold: what the strict reader refuses must not become valid by being rewritten.
      if (text !== fetched.set) verifier.setKeys(fetched.set, issuer, { published: true });
      const store = storeOf(text, verifier);
      const kept: SetRecord = { ...fetched, bundle: shortName(text) };
      await storage.set(setName(source), JSON.stringify(kept)).catch(report);
      await store.load();
      return store;
    };
    /** Each answer of `allow` is a reason to fetch the keys again; the stored ones serve where the provider cannot be reached. */
    const renewed = async (store: KeyStore, fetchedAt: number): Promise<void> => {
      const at = now();
      if (at - fetchedAt < allowedSeconds) return void (await store.refreshIfDue());
      requireMayFetch(at);
      record.noteFetch(at, at + cooldown);
      await store.refresh();
    };
    const stored = readSetRecord((await storage.get(setName(source)).catch(report)) ?? "", describe(source));
    if (stored !== undefined) {
      try {
        const store = await startedWith(stored);
        await renewed(store, stored.fetchedAt).catch(report);
        return store;
      } catch (error) {
        // Nothing is left of the set, or what stored it was another version: it is fetched again.
        if (!(error instanceof KeyStoreError) && !(error instanceof ConfigError && error.option === "jwks"))
          throw error;
        report(error);
      }
    }
    const at = now();
    requireMayFetch(at);
    record.noteFetch(at, at + Math.min(cooldown, FAILED_FOR));
    try {
      const { url, etag, text = "" } = await fetchKeys(source, undefined, limits, at);
      const serial = (stored?.serial ?? 0) + 1;
      const facts = { version: 1, source: describe(source), url, etag, fetchedAt: at, serial, set: text } as const;
      const store = await startedWith(facts);
      record.noteFetch(at, at + cooldown);
      return store;
    } catch (error) {
      const retryAt = error instanceof KeyStoreError ? error.retryAt : undefined;
      if (retryAt !== undefined) record.noteFetch(at, Math.max(retryAt, at + Math.min(cooldown, FAILED_FOR)));
      throw error;
    }
  };
  const list = new AllowList({
    createVerifier,
    allow,
    make,
    recordOf: async (issuer) => new IssuerRecord(shared.storage, await sha256(issuer)),
    maxIssuers: maxIssuers ?? 100,
    allowedFor: allowedSeconds,
    refusedFor: seconds(refusedFor ?? "5m", "refusedFor"),
    timeout,
    now,
    onError,
    watch: (store) => {
      store.onChange(() => tell(listeners));
      tell(listeners);
    },
  });
  return combined(list, listeners, createVerifier);
}

function storeOfOne<C, E>(given: KeyStoreOptions<C, E>): KeyStore<C, E> {
  const options = checkOptions(given, "createKeyStore", OPTIONS as Checks<KeyStoreOptions<C, E>>, [
    "verifier",
    "bundled",
  ]);
  const { verifier, bundled, issuer, jwksUri, fetch: fetching, now = systemTime } = options;
  if (issuer === undefined && jwksUri === undefined) {
    throw new ConfigError("missing_option", 'one of the options "issuer" and "jwksUri" is needed', "issuer");
  }
  if (jwksUri === undefined) checkAddress(issuer, "issuer");
  else checkAddress(jwksUri, "jwksUri");
  const set = readBundle(bundled);
  return new KeyRefresher({
    verifier,
    bundled: set,
    bundledAt: options.bundledAt ?? dateOfFetch(provenanceIn(set.text)) ?? Number.NEGATIVE_INFINITY,
    source: { issuer, jwksUri },
    storage: options.storage ?? defaultStorage(),
    refreshEvery: seconds(options.refreshEvery ?? "7d", "refreshEvery"),
    cooldown: seconds(options.cooldown ?? "5m", "cooldown"),
    limits: {
      fetch: fetching ?? ((input, init) => globalThis.fetch(input, init)),
      timeout: timeLimit(options.timeout ?? "10s", "timeout"),
      maxBytes: options.maxBytes ?? 524_288,
    },
    maxKeys: options.maxKeys ?? 100,
    pin: options.pin ?? false,
    now,
    onServerTime: options.onServerTime,
    onError: options.onError,
  }).asKeyStore();
}

function checkAddress(address: string | undefined, option: string): void {
  let url: URL;
  try {
    url = new URL(address as string);
  } catch (cause) {
    throw new ConfigError("invalid_option", `the option "${option}" should be an absolute URL`, option, { cause });
  }
  allowedUrl(url, true);
}

/** Whether IndexedDB may really be used shows only when it is: the store then goes on from memory. */
function defaultStorage(): Storage {
  return "indexedDB" in globalThis ? indexedDbStorage() : memoryStorage();
}

function systemTime(): number {
  return Date.now() / 1000;
}
