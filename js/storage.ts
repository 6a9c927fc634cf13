/** `tokenward/storage`: where key sets and sessions are kept. */
import type { DBSchema, IDBPDatabase } from "idb";
import { type Check, checkOptions, hasMethods, TEXT } from "./check-options.js";
import { ConfigError, StorageError } from "./errors.js";
import { ask, change, nameOf, openDatabase } from "./storage/database.js";

export { StorageError, type StorageErrorCode } from "./errors.js";

/**
 * A place for a few texts under short ASCII names. `set` is atomic: whoever reads finds the old or the new text. One
 * that refuses rejects, best with a {@link StorageError}.
 */
export interface Storage {
  /** `false`: everything in it is gone when the page, worker or process ends. */
  readonly persistent?: boolean | undefined;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * Reads, changes and writes one text, while nobody else writes it: `change` is given what is there, and gives back what is to
   * be there. It may be called again, and throws nothing. Optional: without it, sessions take turns instead.
   */
  update?(key: string, change: (value: string | undefined) => string | undefined): Promise<void>;
}

/** What is used of a Workers KV namespace. */
export interface KvNamespace {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Forgets everything when the page, worker or process ends. */
export function memoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    persistent: false,
    get: (key) => Promise.resolve(values.get(key)),
    set: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
  };
}

interface Values extends DBSchema {
  values: { key: string; value: string };
}

const STORE = "values";

/**
 * IndexedDB: pages, workers and service workers of one origin share it. Opened on first use, and again after the
 * browser has closed the connection. Default database: `tokenward`.
 */
export function indexedDbStorage(given: { readonly database?: string | undefined } = {}): Storage {
  const { database = "tokenward" } = checkOptions(given, "indexedDbStorage", { database: TEXT });
  let opened: Promise<IDBPDatabase<Values>> | undefined;

  const open = (): Promise<IDBPDatabase<Values>> => {
    const opening = openDatabase<Values>(database, STORE, () => {
      if (opened === opening) opened = undefined;
    });
    opening.catch(() => {
      if (opened === opening) opened = undefined;
    });
    return opening;
  };

  const using = async <T>(work: (values: IDBPDatabase<Values>) => Promise<T>): Promise<T> => {
    try {
      opened ??= open();
      const values = await opened;
      try {
        return await work(values);
      } catch (error) {
        // The connection is closing or gone: once more with a new one.
        if (nameOf(error) !== "InvalidStateError") throw error;
        values.close();
        opened = open();
        return await work(await opened);
      }
    } catch (error) {
      throw refusal("IndexedDB", error);
    }
  };

  return {
    get: (key) => using((values) => ask(values, STORE, "readonly", (store) => store.get(key))),
    set: (key, value) =>
      using(async (values) => void (await ask(values, STORE, "readwrite", (store) => store.put(value, key)))),
    delete: (key) => using((values) => ask(values, STORE, "readwrite", (store) => store.delete(key))),
    update: (key, changed) =>
      using((values) =>
        change(values, STORE, async (store) => {
          const before = await store.get(key);
          const next = changed(before);
          if (next === undefined && before !== undefined) await store.delete(key);
          else if (next !== undefined && next !== before) await store.put(next, key);
        }),
      ),
  };
}

/**
 * Workers KV. It is eventually consistent: another location may read what was there up to a minute ago, which is fine
 * for keys and not for sessions. `prefix` stands before each name. Default: `tokenward:`.
 */
export function kvStorage(namespace: KvNamespace, given: { readonly prefix?: string | undefined } = {}): Storage {
  if (!hasMethods("get", "put", "delete")(namespace)) {
    throw new ConfigError(
      "invalid_option",
      "kvStorage should be given a namespace of Workers KV, as bound",
      "namespace",
    );
  }
  const { prefix = "tokenward:" } = checkOptions(given, "kvStorage", { prefix: TEXT });
  const using = <T>(work: () => Promise<T>) => refusing("Workers KV", work);
  return {
    get: (key) => using(async () => (await namespace.get(prefix + key)) ?? undefined),
    set: (key, value) => using(() => namespace.put(prefix + key, value)),
    delete: (key) => using(() => namespace.delete(prefix + key)),
  };
}

/** Never resolved: only names entries of the cache (RFC 2606 section 2). */
const CACHE_ADDRESS = "https://tokenward.invalid/";

/**
 * The Cache API of browsers and of edge runtimes, where it is one cache for each location and may forget at any time.
 * Default cache: `tokenward-values`.
 */
export function cacheStorage(
  given: { readonly cache?: string | undefined; readonly caches?: CacheStorage | undefined } = {},
): Storage {
  const caches: Check = [hasMethods("open"), "a CacheStorage"];
  const options = checkOptions(given, "cacheStorage", { cache: TEXT, caches });
  const { cache: name = "tokenward-values" } = options;
  const using = <T>(work: (cache: Cache) => Promise<T>) =>
    refusing("the Cache API", async () => work(await (options.caches ?? globalThis.caches).open(name)));
  const address = (key: string) => CACHE_ADDRESS + encodeURIComponent(key);
  return {
    get: (key) => using(async (cache) => (await cache.match(address(key)))?.text()),
    set: (key, value) => using((cache) => cache.put(address(key), cacheable(value))),
    delete: (key) => using(async (cache) => void (await cache.delete(address(key)))),
  };
}

/** An edge cache keeps only what says for how long. */
function cacheable(value: string): Response {
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "max-age=31536000" };
  return new Response(value, { headers });
}

async function refusing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusal(what, error);
  }
}

function refusal(what: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const isFull = nameOf(cause) === "QuotaExceededError" || /\b413\b/.test(cause instanceof Error ? cause.message : "");
  if (isFull) return new StorageError("full", `${what} has no room left`, { cause });
  return new StorageError("unavailable", `${what} cannot be used here or now (${nameOf(cause)})`, { cause });
}
