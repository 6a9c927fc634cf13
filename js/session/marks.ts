import { ProtectionError } from "../errors.js";
import type { SeenTime, TrustedClock } from "./clock.js";
import type { MarksRecord, SessionRecord } from "./record.js";
import type { SessionStore } from "./store.js";

/** Sightings of time are stored when they are so much further, in seconds: less than any tolerance. */
const STEP = 30;

/** What this device saw of time since the session's last check-in, as far as it is stored. */
export class Marks {
  readonly #store: SessionStore;
  #highest = Number.NEGATIVE_INFINITY;
  #rolledBack = false;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** This much is stored. */
  begin(seen: SeenTime | undefined): void {
    this.#highest = seen?.highest ?? Number.NEGATIVE_INFINITY;
    this.#rolledBack = seen?.rolledBack ?? false;
  }

  /** Whether it is to be stored: now and then, and at once when the clock was found set back. */
  areNews({ highest, rolledBack }: SeenTime): boolean {
    return highest >= this.#highest + STEP || rolledBack !== this.#rolledBack;
  }

  /** Behind its mark no later sighting is new: that the clock was set back is told again next time. */
  tellAgain(): void {
    this.#rolledBack = false;
  }

  async read({ sessionId, checkIn }: SessionRecord): Promise<(SeenTime & Partial<MarksRecord>) | undefined> {
    try {
      const marks = await this.#store.readMarks();
      return marks?.sessionId === sessionId && marks.checkInAt === checkIn.at ? marks : undefined;
    } catch (error) {
      // Somebody altered them: until a check-in, no clock is believed. What cannot be read now may be later.
      if (!(error instanceof ProtectionError) || error.code !== "damaged") throw error;
      return { highest: checkIn.at, rolledBack: true, skew: checkIn.skew };
    }
  }

  /**
   * Adds to what other tabs have stored. `false` if they have stored another version of the session, with a check-in whose
   * marks these are not.
   */
  async write(record: SessionRecord, clock: TrustedClock): Promise<boolean> {
    const { sessionId, generation, checkIn } = record;
    const stored = await this.#store.storedVersion();
    if (stored.sessionId !== sessionId || stored.generation !== generation) return false;
    const seen = await this.read(record);
    if (seen?.generation === generation) clock.learn(seen);
    await this.#store.writeMarks({ sessionId, generation, checkInAt: checkIn.at, ...clock.seen });
    return true;
  }
}
