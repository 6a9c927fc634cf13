/** How long before `exp` fresh tokens are fetched: a fifth of the token's life, within these bounds, in seconds; at most half of it. */
const LEAST_AHEAD = 30;
const MOST_AHEAD = 300;

/** Waiting after failures, in seconds: doubled each time, half of it up to chance. */
const FIRST_WAIT = 5;
const LONGEST_WAIT = 15 * 60;
/** However many reasons there are to try again: somebody may change between windows all the time. */
const BETWEEN_TRIES = 60;
/** A provider may ask for more patience, but not forever. */
export const LONGEST_RETRY_AFTER = 60 * 60;

/** What says when a token was made, the best first: not all of them have an `iat` (RFC 7519 section 4.1). */
export interface Life {
  readonly exp?: number | undefined;
  readonly iat?: number | undefined;
  readonly nbf?: number | undefined;
  /** How many seconds it lasts, by the answer that it came with. */
  readonly lasts?: number | undefined;
  /** When that answer came. */
  readonly since: number;
}

/** When a token is due to be replaced, in Unix seconds; `undefined` for one that lasts forever. */
export function refreshDue({ exp, iat, nbf, lasts, since }: Life, checkInDue: number | undefined): number | undefined {
  const due = checkInDue ?? Number.POSITIVE_INFINITY;
  const life = () => (exp as number) - (iat ?? (lasts === undefined ? (nbf ?? since) : (exp as number) - lasts));
  const first = Math.min(due, exp === undefined ? due : exp - ahead(life()));
  return Number.isFinite(first) ? first : undefined;
}

function ahead(life: number): number {
  return Math.min(MOST_AHEAD, Math.max(LEAST_AHEAD, life / 5), life / 2);
}

/** Exponential backoff with jitter, so that a thousand devices do not come back at once. */
export class Backoff {
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  /** `latest`: when there will be a new reason to try, in Unix seconds. */
  failed(now: number, random: number, latest = Number.POSITIVE_INFINITY): void {
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
    this.#failedAt = now;
    this.#until = Math.min(now + wait / 2 + (random * wait) / 2, latest);
  }

  /**
   * The moment before which nothing is to be tried without a new reason, in Unix seconds. A failure that is still to come
   * was noted by a clock that was ahead: nobody knows how long ago it was.
   */
  notBefore(now: number): number {
    return this.#failedAt <= now ? this.#until : Number.NEGATIVE_INFINITY;
  }

  /** A reason to try once more, if that was not tried just now. */
  tryAgain(now: number): void {
    if (this.#failedAt <= now - BETWEEN_TRIES) this.#until = Number.NEGATIVE_INFINITY;
  }

  reset(): void {
    this.#failures = 0;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
