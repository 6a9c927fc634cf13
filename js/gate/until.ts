import { createPolicy } from "../policy.js";
import type { Assessing } from "./types.js";

/** As a verifier judges, which knows neither grace nor check-in; and no moment is a rollback, wherever `iat` is. */
const BARE = { grace: 0, checkIn: null, rollbackTolerance: Number.MAX_VALUE };
const BEGINNING = -(2 ** 53);
/** A grace longer than any tolerance. */
const LONG = 2 ** 30;
/** Beyond this, what is added to a time may be lost to rounding. */
const EXACT = 2 ** 52;

/**
 * The moment at which time alone changes a verifier's answer to a genuine token, with its tolerance and greatest age: from
 * there the token is refused, or, where `nbf` is said (or an `iat` to come), no longer refused as not yet valid. A verifier does not tell its clock,
 * but these moments are the token's: they can be asked for at any other.
 */
export function untilOf(verifier: Assessing, token: string, nbf?: number): number | null {
  const at = (now: number, grace = 0) => verifier.assess(token, createPolicy({ ...BARE, grace }), { now });
  const first = at(BEGINNING);
  if (first.reason === "not_yet_valid" && first.until !== null) {
    return nbf === undefined ? at(first.until).until : first.until;
  }
  // A policy takes time forward to `iat`: where that is later than the beginning, only the end is seen.
  const ends = first.until;
  if (nbf === undefined) return ends;
  const stale = ends === null ? null : at(ends, LONG).until;
  // A grace counts from where the tolerance does, so that this is the tolerance; a token without an end does not show it.
  return ends === null || stale === null || ends > EXACT ? nbf : nbf - (ends - (stale - LONG));
}
