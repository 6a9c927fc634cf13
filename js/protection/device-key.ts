import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { ProtectionError } from "../errors.js";
import { unsupported, webCryptoIsThere } from "./box.js";

interface Keys extends DBSchema {
  keys: { key: string; value: CryptoKey };
}

const STORE = "keys";
/** In milliseconds: some browsers now and then never answer `open`. */
const OPENING_LIMIT = 10_000;

/**
 * A key that cannot be exported, in IndexedDB. Read anew each time: another tab may have deleted or replaced it, and a
 * text sealed with the old one could never be opened.
 */
export class DeviceKey {
  readonly #database: string;
  readonly #name: string;

  constructor(database: string, name: string) {
    this.#database = database;
    this.#name = name;
  }

  get(): Promise<CryptoKey | undefined> {
    return this.#using((keys) => keys.get(STORE, this.#name));
  }

  /** Tabs that come here at once all get the same key: the one whose transaction was first. */
  getOrMake(): Promise<CryptoKey> {
    return this.#using(async (keys) => {
      const kept = await keys.get(STORE, this.#name);
      if (kept !== undefined) return kept;
      // Before the transaction, which would end while this is awaited.
      const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      // `strict`: the key must not be lost in a power cut that what it sealed survives.
      const transaction = keys.transaction(STORE, "readwrite", { durability: "strict" });
      const winner = await transaction.store.get(this.#name);
      if (winner === undefined) await transaction.store.put(made, this.#name);
      await transaction.done;
      return winner ?? made;
    });
  }

  async delete(): Promise<void> {
    // Where there is no such key, there is nothing to delete.
    if (!webCryptoIsThere() || typeof indexedDB === "undefined") return;
    await this.#using((keys) => keys.delete(STORE, this.#name));
  }

  /** A connection for each use is a few milliseconds, and never one that the browser has closed. */
  async #using<T>(work: (keys: IDBPDatabase<Keys>) => Promise<T>): Promise<T> {
    if (!webCryptoIsThere()) throw unsupported("there is no WebCrypto, as on plain http");
    if (typeof indexedDB === "undefined") throw unsupported("there is no IndexedDB");
    let keys: IDBPDatabase<Keys> | undefined;
    try {
      keys = await openKeys(this.#database);
      return await work(keys);
    } catch (cause) {
      // Private windows and lockdown modes of some browsers store texts and no keys.
      if (cause instanceof DOMException && cause.name === "DataCloneError")
        throw unsupported("IndexedDB keeps no keys");
      const message = "IndexedDB refuses the key of this device: try later, or use another protection";
      throw new ProtectionError("unavailable", message, {}, { cause });
    } finally {
      keys?.close();
    }
  }
}

function openKeys(database: string): Promise<IDBPDatabase<Keys>> {
  let late = false;
  const opening = openDB<Keys>(database, 1, {
    upgrade: (keys) => void keys.createObjectStore(STORE),
  }).then((keys) => {
    if (late) keys.close();
    return keys;
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new DOMException("the database did not open in time", "TimeoutError"));
    }, OPENING_LIMIT);
  });
  return Promise.race([opening, limit]).finally(() => clearTimeout(timer));
}
