import type { DBSchema, IDBPDatabase } from "idb";
import { ProtectionError } from "../errors.js";
import { ask, nameOf, openDatabase } from "../storage/database.js";
import { unsupported, webCryptoIsThere } from "./box.js";

interface Keys extends DBSchema {
  keys: { key: string; value: CryptoKey };
}

const STORE = "keys";

/**
 * A key that cannot be exported, in IndexedDB. Read again each time: another tab may have deleted or replaced it, and a
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
    return this.#using((keys) => this.#read(keys));
  }

  /** Tabs that come here at once all get the same key: the first that was added. */
  getOrMake(): Promise<CryptoKey> {
    return this.#using(async (keys) => {
      const kept = await this.#read(keys);
      if (kept !== undefined) return kept;
      const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      try {
        await ask(keys, STORE, "readwrite", (store) => store.add(made, this.#name));
        return made;
      } catch (error) {
        if (nameOf(error) !== "ConstraintError") throw error;
        const winner = await this.#read(keys);
        if (winner === undefined) throw error;
        return winner;
      }
    });
  }

  async delete(): Promise<void> {
    // Where there is no such key, there is nothing to delete.
    if (!webCryptoIsThere() || typeof indexedDB === "undefined") return;
    await this.#using((keys) => ask(keys, STORE, "readwrite", (store) => store.delete(this.#name)));
  }

  #read(keys: IDBPDatabase<Keys>): Promise<CryptoKey | undefined> {
    return ask(keys, STORE, "readonly", (store) => store.get(this.#name));
  }

  async #using<T>(work: (keys: IDBPDatabase<Keys>) => Promise<T>): Promise<T> {
    if (!webCryptoIsThere()) throw unsupported("there is no WebCrypto, as on plain http");
    if (typeof indexedDB === "undefined") throw unsupported("there is no IndexedDB");
    try {
      return await this.#once(work).catch((error: unknown) => {
        // The connection made way for a store that another adds to the same database.
        if (nameOf(error) !== "InvalidStateError") throw error;
        return this.#once(work);
      });
    } catch (cause) {
      // Private windows and lockdown modes of some browsers store texts and no keys.
      if (cause instanceof DOMException && cause.name === "DataCloneError")
        throw unsupported("IndexedDB keeps no keys");
      const message = "IndexedDB refuses the key of this device: try later, or use another protection";
      throw new ProtectionError("unavailable", message, {}, { cause });
    }
  }

  /** A connection for each use is a few milliseconds, and never one that the browser has closed. */
  async #once<T>(work: (keys: IDBPDatabase<Keys>) => Promise<T>): Promise<T> {
    const keys = await openDatabase<Keys>(this.#database, STORE);
    try {
      return await work(keys);
    } finally {
      keys.close();
    }
  }
}
