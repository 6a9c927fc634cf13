import { ProtectionError, StorageError } from "../errors.js";
import { purgeUserCaches } from "../gate/purge.js";
import type { Policy } from "../policy.js";
import type { Protection, UnlockedKey } from "../protection.js";
import type { SessionOptions } from "../session.js";
import { indexedDbStorage, memoryStorage } from "../storage.js";
import { Endings } from "./endings.js";
import type { Environment } from "./environment.js";
import type { SessionRecord } from "./record.js";
import { Revoker } from "./revoker.js";
import { SessionStore } from "./store.js";

/** How long to wait for another tab that reads or writes the storage, in seconds. */
const STORAGE_TURN = 5;

export interface CheckedOptions extends SessionOptions {
  readonly policy: Policy;
  readonly token: "access_token" | "id_token";
  readonly name: string;
}

/** How what is held gets into the storage: in turns, when that and the key can be used, and into a full one. */
export class Keeping {
  readonly store: SessionStore;
  readonly revoker: Revoker;
  /** What last went wrong. */
  error: Error | undefined;
  protected readonly name: string;
  protected readonly environment: Environment;
  protected readonly endings: Endings;

  constructor({ provider, storage, protection, name }: CheckedOptions, environment: Environment) {
    this.name = name;
    this.environment = environment;
    const kept = storage ?? (typeof indexedDB === "object" ? indexedDbStorage() : memoryStorage());
    this.store = new SessionStore(kept, name, protection);
    this.revoker = new Revoker(this.store, provider, environment, (work) => this.exclusively(work));
    this.endings = new Endings(this.store, this.revoker, environment.now);
  }

  get protection(): Protection {
    return this.store.protection;
  }

  /** Finds out what can be stored. */
  async open(): Promise<void> {
    await this.store.open().catch((error) => this.failed(error));
  }

  /** Key and storage may work by now. Whether they do since just now. */
  protected async getReady(): Promise<boolean> {
    const { isReady, persistent } = this.store;
    if (isReady) return false;
    await this.store.findKey().catch((error) => this.failed(error));
    if (!persistent) await this.store.open().catch(() => {});
    if (this.store.isReady && this.error instanceof ProtectionError) this.error = undefined;
    return this.store.isReady;
  }

  /**
   * Lets one tab at a time look at the storage and change it accordingly. What it does is short; a tab that hangs does not
   * stop the others, nor do turns that cannot be had.
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    let done: Promise<T> | undefined;
    const begin = () => {
      done = work();
      return done;
    };
    try {
      await this.environment.exclusive(`tokenward:${this.name}:storage`, STORAGE_TURN, begin);
    } catch {
      // What was done counts, or fails, for itself.
    }
    return done ?? work();
  }

  /** Does once more, with more room, what a full storage refuses: cached pages can be had again, a one-time token cannot. */
  async withRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (ofStorage(error)?.code !== "full") throw error;
      await purgeUserCaches(this.name, undefined, { caches: this.environment.caches });
      return work();
    }
  }

  protected put(record: SessionRecord, key: UnlockedKey | undefined): Promise<boolean> {
    return this.withRoom(() => this.store.write(record, (sessionId) => this.endings.has(sessionId), key));
  }

  protected async forgetSecret(): Promise<void> {
    const { kind } = this.protection;
    if (kind === "pin" || kind === "passkey") await this.protection.forget();
  }

  failed(error: unknown): void {
    this.error = error instanceof Error ? error : new Error("something unknown went wrong", { cause: error });
  }
}

/** What a storage said, be it to a protection. */
export function ofStorage(error: unknown): StorageError | undefined {
  const said = error instanceof ProtectionError ? error.cause : error;
  return said instanceof StorageError ? said : undefined;
}
