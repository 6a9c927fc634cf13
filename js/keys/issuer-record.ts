import { KeyStoreError } from "../errors.js";
import type { Storage } from "../storage.js";

/**
 * What is remembered of one issuer, whether its store is there or has been evicted: what its store wrote, and when it may be
 * fetched from again. So an eviction never buys a request.
 */
export class IssuerRecord {
  /** For the store of the issuer, under names of its own. An evicted store that is still at work writes here only to memory. */
  readonly storage: Storage;
  readonly #storage: Storage;
  readonly #suffix: string;
  readonly #texts = new Map<string, string>();
  /** What is in the storage, or may be. */
  readonly #stored = new Set<string>();
  /** What the storage has not taken: what it holds under that name is out of date. */
  readonly #unsaved = new Set<string>();
  #isEvicted = false;
  #clearing: Promise<unknown> = Promise.resolve();
  #source: string | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetchAfter = Number.NEGATIVE_INFINITY;

  /** `suffix` is no short name: that of one issuer may be that of another, and these are not all the app's own. */
  constructor(storage: Storage, suffix: string) {
    this.#storage = storage;
    this.#suffix = suffix;
    this.storage = {
      persistent: storage.persistent,
      get: (name) => this.#get(name),
      set: (name, text) => this.#set(name, text),
      delete: (name) => this.#delete(name),
    };
  }

  /** In UTF-16 units. */
  get size(): number {
    let size = 0;
    for (const text of this.#texts.values()) size += text.length;
    return size;
  }

  /** Deletes what was stored of another source of the same issuer. */
  async useSource(source: string): Promise<void> {
    if (this.#source !== undefined && this.#source !== source) {
      this.#texts.clear();
      await this.#clear();
    }
    this.#source = source;
  }

  /** Deletes what is stored, and keeps it in memory. */
  evict(): void {
    this.#isEvicted = true;
    void this.#clear();
  }

  /** The store is in use again. */
  restore(): void {
    this.#isEvicted = false;
  }

  /** Keeps of what was written only the small texts, which say when there was an attempt. */
  dropSets(): void {
    for (const [name, text] of this.#texts) if (text.length > MAX_NOTE) this.#texts.delete(name);
  }

  coolsUntil(now: number): number | undefined {
    // A clock that was set back must not make a cool-down last forever.
    return this.#fetchedAt <= now && now < this.#fetchAfter ? this.#fetchAfter : undefined;
  }

  noteFetch(at: number, fetchAfter: number): void {
    this.#fetchedAt = at;
    this.#fetchAfter = fetchAfter;
  }

  requireMayFetch(now: number): void {
    const until = this.coolsUntil(now);
    if (until === undefined) return;
    const message = "the keys of the issuer were fetched a short while ago, and its place was given to another issuer";
    throw new KeyStoreError("cooling_down", message, { retryAt: until });
  }

  async #get(name: string): Promise<string | undefined> {
    const known = this.#texts.get(name);
    if (known !== undefined && (this.#isEvicted || this.#unsaved.has(name))) return known;
    await this.#clearing;
    const text = await this.#storage.get(this.#named(name));
    if (text !== undefined) this.#stored.add(name);
    return text ?? known;
  }

  async #set(name: string, text: string): Promise<void> {
    this.#texts.set(name, text);
    this.#unsaved.add(name);
    await this.#clearing;
    if (this.#isEvicted) return;
    this.#stored.add(name);
    await this.#storage.set(this.#named(name), text);
    if (this.#texts.get(name) === text) this.#unsaved.delete(name);
    // It was evicted meanwhile.
    if (this.#isEvicted) await this.#clear();
  }

  async #delete(name: string): Promise<void> {
    this.#texts.delete(name);
    this.#unsaved.delete(name);
    await this.#clearing;
    await this.#storage.delete(this.#named(name));
    this.#stored.delete(name);
  }

  /** Never rejects: what a storage does not delete it is asked to delete again the next time. */
  #clear(): Promise<unknown> {
    const names = [...this.#stored];
    this.#clearing = this.#clearing.then(() =>
      Promise.allSettled(
        names.map(async (name) => {
          await this.#storage.delete(this.#named(name));
          this.#stored.delete(name);
        }),
      ),
    );
    return this.#clearing;
  }

  #named(name: string): string {
    return `${name}.${this.#suffix}`;
  }
}

/** The records of issuers whose stores are gone; the one that went last stands last. */
export class EvictedRecords {
  readonly #most: number;
  readonly #records = new Map<string, IssuerRecord>();
  /** How much is kept of whom. */
  readonly #sizes = new Map<string, number>();
  #size = 0;

  constructor(maxIssuers: number) {
    this.#most = Math.max(MIN_RECORDS, 10 * maxIssuers);
  }

  keep(issuer: string, record: IssuerRecord): void {
    this.take(issuer);
    record.evict();
    this.#records.set(issuer, record);
    this.#sizes.set(issuer, record.size);
    this.#size += record.size;
    for (const name of this.#sizes.keys()) {
      if (this.#size <= MAX_KEPT) break;
      this.#records.get(name)?.dropSets();
      this.#forgetSize(name);
    }
    for (const name of this.#records.keys()) {
      if (this.#records.size <= this.#most) break;
      this.take(name);
    }
  }

  take(issuer: string): IssuerRecord | undefined {
    const record = this.#records.get(issuer);
    this.#records.delete(issuer);
    this.#forgetSize(issuer);
    return record;
  }

  /** Whether one more would push out a record that says that an issuer must not be fetched from yet. */
  isFull(now: number): boolean {
    const [oldest] = this.#records.values();
    return this.#records.size >= this.#most && oldest?.coolsUntil(now) !== undefined;
  }

  #forgetSize(issuer: string): void {
    this.#size -= this.#sizes.get(issuer) ?? 0;
    this.#sizes.delete(issuer);
  }
}

/** A text that is no longer than this is no key set, in UTF-16 units. */
const MAX_NOTE = 128;
/** How much is kept of all evicted issuers, in UTF-16 units. */
const MAX_KEPT = 4_194_304;
const MIN_RECORDS = 10_000;
