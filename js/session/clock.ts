/** The time that a session judges by: the device's clock, corrected and doubted by what was seen of time. */
import type { ClockMarks } from "../policy.js";
import type { TokenSet } from "../providers/types.js";
import type { Claims } from "../verifier.js";

/** Clocks that differ by less, in seconds, and by no more than the tolerance, are taken for equal. */
const SAME_CLOCK = 60;

/** What an answer of the provider showed. */
export interface CheckInTime {
  /** The provider's time then, in Unix seconds. */
  readonly at: number;
  /** How far the provider's clock was ahead of this device's, in seconds; 0 for about equal. */
  readonly skew: number;
}

export interface CheckIn extends CheckInTime {
  /** Tells it from another one within the same second. */
  readonly id: string;
}

/** What the device itself saw of time since its last check-in. */
export interface Marks {
  readonly highest: number;
  readonly rolledBack: boolean;
  /** The check-in's, or 0 once the device's clock was seen to have been put right. */
  readonly skew: number;
}

/** Reads marks of a check-in; `undefined` for those of another. */
export function readMarks(given: unknown, sessionId: string, checkIn: string): Marks | undefined {
  const marks: Partial<Marks> & { sessionId?: unknown; checkIn?: unknown } = Object(given);
  const id = typeof marks.checkIn === "string" ? marks.checkIn : firstCheckInId(marks.checkIn);
  const isWhole = typeof marks.rolledBack === "boolean" && [marks.highest, marks.skew].every(Number.isFinite);
  return isWhole && marks.sessionId === sessionId && id === checkIn ? (marks as Marks) : undefined;
}

/** Version 0.1 numbered check-ins by the record's generation. */
export function firstCheckInId(checkIn: unknown): string {
  const { at, generation }: { at?: number; generation?: number } = Object(checkIn);
  return `${at} ${generation}`;
}

/** What is known of time right after a check-in. */
export function marksOf({ at, skew }: CheckInTime): Marks {
  return { highest: at, rolledBack: false, skew };
}

/** What is known once the device's clock was looked at: looking is itself a sighting of time. */
export function sighted({ highest, rolledBack, skew }: Marks, device: number, tolerance: number): Marks {
  const earliest = highest - tolerance;
  // A clock that was ahead at the check-in, and has been put right since.
  const isPutRight = device + skew < earliest && device >= earliest;
  const now = device + (isPutRight ? 0 : skew);
  const isBack = now < earliest;
  return {
    highest: isBack ? highest : Math.max(highest, now),
    rolledBack: rolledBack || isBack,
    skew: isPutRight ? 0 : skew,
  };
}

/** What the policy is told, of a clock that was just looked at. */
export function readClock(marks: Marks, device: number, { at }: CheckInTime): ClockMarks {
  return { now: device + marks.skew, highest: marks.highest, lastCheckIn: at, rolledBack: marks.rolledBack };
}

/** With what another tab, or another answer of the provider, showed of time since the same check-in. */
export function learned(own: Marks, { highest, rolledBack }: Pick<Marks, "highest" | "rolledBack">): Marks {
  return { ...own, highest: Math.max(highest, own.highest), rolledBack: rolledBack || own.rolledBack };
}

/**
 * The check-in an answer of the provider is, given when it was asked and when the answer came. Without the provider's
 * time the two clocks are taken to agree.
 */
export function checkInAt(
  serverTime: number | undefined,
  asked: number,
  answered: number,
  tolerance: number,
): CheckInTime {
  if (serverTime === undefined) return { at: answered, skew: 0 };
  // What is not corrected must be tolerated: a clock further behind would be taken for one that was set back.
  const same = Math.min(SAME_CLOCK, tolerance);
  if (serverTime > answered + same || serverTime < asked - same) {
    return { at: serverTime, skew: serverTime - asked };
  }
  return { at: serverTime, skew: 0 };
}

/** The signed times say when a token was made; that it was received just now, only the caller can say. */
export function signInTime({ iat }: Claims, time: number | undefined, now: number, tolerance: number): CheckInTime {
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

/**
 * The provider's time when its answer brought no token that was not known before. Nothing signed stands behind such a `Date`:
 * one that is far behind the clock would give that token more time, and one after the token's end proves no more than that end.
 */
export function repeatedTime(date: number | undefined, { exp }: Claims, clock: number): number | undefined {
  const said = readable(date);
  if (said === undefined || said < clock - WRONG_DATE) return undefined;
  return Math.min(said, Math.max(exp ?? said, clock));
}

/** `Date.parse` of a header that cannot be read is NaN. */
export function readable(time: number | undefined): number | undefined {
  return Number.isFinite(time) ? time : undefined;
}

/** A `Date` further from the signed time, in seconds, is a wrong answer of some server in between. */
const WRONG_DATE = 600;
