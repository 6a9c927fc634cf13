import { ProtectionError } from "../errors.js";
import { type SeenTime, TrustedClock } from "./clock.js";
import type { SessionRecord } from "./record.js";
import type { SessionStore } from "./store.js";

/** What this device saw of time since the session's last check-in, as it is stored beside the session. */
export class StoredMarks {
  readonly #store: SessionStore;
  readonly #tolerance: number;
  #highest = Number.NEGATIVE_INFINITY;
  #rolledBack = false;

  constructor(store: SessionStore, tolerance: number) {
    this.#store = store;
    this.#tolerance = tolerance;
  }

  async read({ sessionId, checkIn }: SessionRecord): Promise<SeenTime | undefined> {
    try {
      const marks = await this.#store.readMarks();
      return marks?.sessionId === sessionId && marks.checkInAt === checkIn.at ? marks : undefined;
    } catch (error) {
      // Somebody altered them: until a check-in, no clock is believed. What cannot be read now may be later.
      if (!(error instanceof ProtectionError) || error.code !== "damaged") throw error;
      return { highest: checkIn.at, rolledBack: true, skew: checkIn.skew };
    }
  }

  clockFor({ checkIn }: SessionRecord, seen?: SeenTime): TrustedClock {
    this.#highest = seen?.highest ?? Number.NEGATIVE_INFINITY;
    this.#rolledBack = seen?.rolledBack ?? false;
    return new TrustedClock(checkIn, seen, this.#tolerance);
  }

  /** Stored now and then, and at once when the clock was found set back; `undefined` when it is not time yet. */
  save({ sessionId, checkIn }: SessionRecord, { seen }: TrustedClock): Promise<void> | undefined {
    // Not each sighting, and less than the tolerance.
    const step = Math.max(1, Math.min(30, this.#tolerance / 2));
    if (seen.highest < this.#highest + step && seen.rolledBack === this.#rolledBack) return undefined;
    this.#highest = seen.highest;
    this.#rolledBack = seen.rolledBack;
    return this.#store.writeMarks({ sessionId, checkInAt: checkIn.at, ...seen }).catch((error) => {
      // Told again next time: behind its mark, no later sighting is new.
      if (seen.rolledBack) this.#rolledBack = false;
      throw error;
    });
  }
}
