import { ProtectionError } from "../errors.js";
import { type SeenTime, TrustedClock } from "./clock.js";
import type { Held } from "./holding.js";
import { isSameCheckIn, type SessionRecord } from "./record.js";
import type { SessionStore } from "./store.js";

/** What this device saw of time since the session's last check-in: clocks, and how far they are stored. */
export class Marks {
  readonly #store: SessionStore;
  readonly #tolerance: number;
  /** Sightings of time are stored when they are so much further, in seconds: less than the tolerance. */
  readonly #step: number;
  #highest = Number.NEGATIVE_INFINITY;
  #rolledBack = false;
  /** Whether nothing was stored yet of this check-in. */
  #isNew = false;
  /** What was seen before the session was locked. */
  #seenBefore: (Pick<SessionRecord, "sessionId" | "checkIn"> & { readonly seen: SeenTime }) | undefined;

  constructor(store: SessionStore, tolerance: number) {
    this.#store = store;
    this.#tolerance = tolerance;
    this.#step = Math.max(1, Math.min(30, tolerance / 2));
  }

  /** For a check-in that is new, or as far as is stored of it. */
  clockFor({ checkIn }: SessionRecord, stored?: SeenTime): TrustedClock {
    this.#highest = stored?.highest ?? Number.NEGATIVE_INFINITY;
    this.#rolledBack = stored?.rolledBack ?? false;
    this.#isNew = stored === undefined;
    return new TrustedClock(checkIn, stored, this.#tolerance);
  }

  /** For a check-in that goes on: what is held counts too, and was before a lock. */
  resumedClock(record: SessionRecord, held: Held | undefined, stored?: SeenTime): TrustedClock {
    const clock = this.clockFor(record, stored);
    for (const known of [held && { ...held.record, seen: held.clock.seen }, this.#seenBefore]) {
      if (known !== undefined && isSameCheckIn(known, record)) clock.learn(known.seen);
    }
    return clock;
  }

  /** The session is locked: its tokens are forgotten, what was seen of time is not. */
  keep({ record: { sessionId, checkIn }, clock }: Held): void {
    this.#seenBefore = { sessionId, checkIn, seen: clock.seen };
  }

  async read(record: SessionRecord): Promise<SeenTime | undefined> {
    try {
      const marks = await this.#store.readMarks();
      return isSameCheckIn(marks, record) ? marks : undefined;
    } catch (error) {
      // Somebody altered them: until a check-in, no clock is believed. What cannot be read now may be later.
      if (!(error instanceof ProtectionError) || error.code !== "damaged") throw error;
      // Of a check-in before.
      if (this.#isNew) return undefined;
      return { highest: record.checkIn.at, rolledBack: true, skew: record.checkIn.skew };
    }
  }

  /** Whether these are to be stored, which is to be tried then: now and then, and at once when the clock was found set back. */
  areNews({ highest, rolledBack }: SeenTime): boolean {
    if (highest < this.#highest + this.#step && rolledBack === this.#rolledBack) return false;
    this.#highest = highest;
    this.#rolledBack = rolledBack;
    return true;
  }

  /** Behind its mark no later sighting is new: that the clock was set back is told again next time. */
  tellAgain(): void {
    this.#rolledBack = false;
  }

  /**
   * Adds to what other tabs have stored. `false` if they have stored another version of the session, with a check-in whose
   * marks these are not.
   */
  async write({ record, clock }: Held): Promise<boolean> {
    const { sessionId, generation, checkIn } = record;
    const stored = await this.#store.storedVersion();
    if (stored.sessionId !== sessionId || stored.generation !== generation) return false;
    const seen = await this.read(record);
    if (seen !== undefined) clock.learn(seen);
    await this.#store.writeMarks({ sessionId, checkIn, ...clock.seen });
    this.#isNew = false;
    return true;
  }
}
