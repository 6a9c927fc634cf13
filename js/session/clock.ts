import type { ClockMarks } from "../policy.js";
import type { TokenSet } from "../providers.js";
import type { Claims } from "../verifier.js";

/** Clocks that differ by less, in seconds, and by no more than the tolerance, are taken for equal. */
const SAME_CLOCK = 60;

/** What the last check-in showed. */
export interface CheckIn {
  /** The provider's time then, in Unix seconds. */
  readonly at: number;
  /** How far the provider's clock was ahead of this device's, in seconds; 0 for about equal. */
  readonly skew: number;
}

/** What the device itself saw of time since. */
export interface SeenTime {
  readonly highest: number;
  readonly rolledBack: boolean;
  /** The check-in's, or 0 once the device's clock was seen to have been put right. */
  readonly skew: number;
}

/**
 * The time to judge by: the device's clock, corrected by what the last check-in showed, and not believed when it is
 * behind what was already seen. A check-in starts afresh, so that a mark far in the future (a clock set forward for a
 * day, one wrong answer of a server) holds only until then.
 */
export class TrustedClock {
  readonly #checkInAt: number;
  readonly #tolerance: number;
  #seen: SeenTime;

  constructor({ at, skew }: CheckIn, seen: SeenTime | undefined, tolerance: number) {
    this.#checkInAt = at;
    this.#tolerance = tolerance;
    this.#seen = seen ?? { highest: at, rolledBack: false, skew };
  }

  /** What the policy is told. Looking at the clock is itself a sighting of time. */
  read(device: number): ClockMarks {
    let { highest, rolledBack, skew } = this.#seen;
    const earliest = highest - this.#tolerance;
    // A clock that was ahead at the check-in, and has been put right since.
    if (device + skew < earliest && device >= earliest) skew = 0;
    const now = device + skew;
    if (now < earliest) rolledBack = true;
    else highest = Math.max(highest, now);
    this.#seen = { highest, rolledBack, skew };
    return { now, highest, lastCheckIn: this.#checkInAt, rolledBack };
  }

  /** What another tab, or another answer of the provider, showed of time since the same check-in. */
  learn({ highest, rolledBack }: Pick<SeenTime, "highest" | "rolledBack">): void {
    const own = this.#seen;
    this.#seen = { ...own, highest: Math.max(highest, own.highest), rolledBack: rolledBack || own.rolledBack };
  }

  get seen(): SeenTime {
    return this.#seen;
  }
}

/**
 * The check-in an answer of the provider is, given when it was asked and when the answer came. Without the provider's
 * time the two clocks are taken to agree.
 */
export function checkInAt(serverTime: number | undefined, asked: number, answered: number, tolerance: number): CheckIn {
  if (serverTime === undefined) return { at: answered, skew: 0 };
  // What is not corrected must be tolerated: a clock further behind would be taken for one that was set back.
  const same = Math.min(SAME_CLOCK, tolerance);
  if (serverTime > answered + same || serverTime < asked - same) {
    return { at: serverTime, skew: serverTime - asked };
  }
  return { at: serverTime, skew: 0 };
}

/** The signed times say when a token was made; that it was received just now, only the caller can say. */
export function signInTime({ iat }: Claims, time: number | undefined, now: number, tolerance: number): CheckIn {
  if (time !== undefined) return checkInAt(time, now, now, tolerance);
  // A token from the future is evidence of a clock that is behind; one from the past is evidence of nothing.
  return typeof iat === "number"
    ? { at: iat, skew: checkInAt(Math.max(iat, now), now, now, tolerance).skew }
    : { at: now, skew: 0 };
}

/**
 * The provider's time when it made an answer, near the signed `iat`; RFC 6749 section 5.1 counts `expires_in` from the
 * answer, and of the access token alone.
 */
export function answerTime(
  { access_token, serverTime: date, expires_in: lasts }: TokenSet,
  { iat, exp }: Claims,
  judged: string,
): number | undefined {
  const counts = judged === access_token && typeof exp === "number" && typeof lasts === "number" && lasts >= 0;
  const made = counts ? Math.max(exp - lasts, iat ?? 0) : iat;
  const said = readable(date);
  if (made === undefined || said === undefined) return made ?? said;
  return Math.abs(said - made) <= WRONG_DATE ? said : made;
}

/** `Date.parse` of a header that cannot be read is NaN. */
export function readable(time: number | undefined): number | undefined {
  return Number.isFinite(time) ? time : undefined;
}

/** A `Date` further from the signed time, in seconds, is a wrong answer of some server in between. */
const WRONG_DATE = 600;
