import { ProtectionError, type ProtectionErrorFacts } from "../errors.js";
import type { Storage } from "../storage.js";

/** In seconds, after so many wrong attempts in a row; the last one for all that follow. */
const WAITS: readonly number[] = [0, 0, 0, 30, 60, 300, 900, 3600];

interface Count {
  /** Attempts since the last right one. */
  readonly failed: number;
  /** When the wait began, in Unix seconds. */
  readonly since: number;
}

/** What is known before an attempt. */
export interface AttemptsState {
  readonly failed: number;
  /** Seconds until the next attempt is looked at; 0 for at once. */
  readonly retryAfter: number;
}

/**
 * Counts wrong attempts in the storage, so that closing the page changes nothing. Each is counted before it is judged.
 *
 * The wait ends by the device's clock, the only one there is offline. A clock set back restarts the same wait, once; set
 * forward, it ends the wait, and a limit of attempts is what remains.
 */
export class Attempts {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #max: number | null;
  readonly #now: () => number;

  constructor(storage: Storage, key: string, max: number | null, now: () => number) {
    this.#storage = storage;
    this.#key = key;
    this.#max = max;
    this.#now = now;
  }

  async state(): Promise<AttemptsState> {
    const count = await this.#read();
    return { failed: count.failed, retryAfter: Math.ceil(this.#remaining(count)) };
  }

  /** Whether there has been the last attempt. */
  isOver(failed: number): boolean {
    return this.#max !== null && failed >= this.#max;
  }

  /**
   * Counts an attempt as wrong until {@link succeed}; rejects with `try_later` if it must not be looked at yet. Answers how
   * to take that back, for an attempt that could not be judged.
   */
  async begin(): Promise<() => Promise<void>> {
    const before = await this.#read();
    const retryAfter = Math.ceil(this.#remaining(before));
    if (retryAfter > 0) {
      const message = `there were too many wrong attempts: ask again after ${retryAfter} s`;
      throw new ProtectionError("try_later", message, this.#facts(before.failed, retryAfter));
    }
    await this.#write({ failed: before.failed + 1, since: this.#now() });
    return () => this.#write(before);
  }

  /** What to tell after a wrong attempt. */
  async facts(): Promise<ProtectionErrorFacts> {
    const { failed, retryAfter } = await this.state();
    return this.#facts(failed, retryAfter);
  }

  succeed(): Promise<void> {
    return this.#storage.delete(this.#key);
  }

  #facts(failed: number, retryAfter: number): ProtectionErrorFacts {
    return this.#max === null ? { retryAfter } : { retryAfter, attemptsLeft: Math.max(0, this.#max - failed) };
  }

  #remaining({ failed, since }: Count): number {
    const wait = WAITS[Math.min(failed, WAITS.length - 1)] ?? 0;
    return Math.max(0, since + wait - this.#now());
  }

  async #read(): Promise<Count> {
    const text = await this.#storage.get(this.#key);
    if (text === undefined) return { failed: 0, since: 0 };
    const now = this.#now();
    const count = parse(text);
    if (count !== undefined && count.since <= now) return count;
    // The clock is behind the moment that was noted, or the note is unreadable: the longest this can mean is a whole wait.
    const fresh = { failed: count?.failed ?? WAITS.length - 1, since: now };
    await this.#write(fresh);
    return fresh;
  }

  #write(count: Count): Promise<void> {
    return this.#storage.set(this.#key, JSON.stringify(count));
  }
}

function parse(text: string): Count | undefined {
  try {
    const { failed, since } = JSON.parse(text) as Partial<Count>;
    if (!Number.isSafeInteger(failed) || (failed as number) < 0 || !Number.isFinite(since)) return undefined;
    return { failed: failed as number, since: since as number };
  } catch {
    return undefined;
  }
}
