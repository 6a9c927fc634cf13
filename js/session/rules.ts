/**
 * What happens to what a tab knows: the rules of the session, one function for each event. Everything here is pure, and is what
 * the explorer in `tests/session/model` drives.
 */
import {
  compare,
  covers,
  EMPTY,
  type EndCause,
  EVERY_ID,
  end,
  greatest,
  isOpen,
  isSamePlace,
  merge,
  nextTurn,
  type Replica,
  type SessionRecord,
} from "./record.js";

/** What a tab knows of the session. */
export interface Knowledge<R extends SessionRecord = SessionRecord> {
  readonly replica: Replica<R>;
  /**
   * How much more than the storage this tab knows. 0: the storage has its record. 1: it refused that. 2: the record comes of
   * an act of this tab's own that did not know the storage, or of an answer that only this tab has.
   */
  readonly keep: 0 | 1 | 2;
  /** The clock of its last act that did not know the storage, in milliseconds. */
  readonly blindSince: number | null;
}

export const NOTHING_KNOWN: Knowledge<never> = Object.freeze({ replica: EMPTY, keep: 0, blindSince: null });

/** What tabs tell one another. */
export interface Told<R extends SessionRecord = SessionRecord> {
  readonly replica: Replica<R>;
  /** Whether the storage has its record. */
  readonly stored: boolean;
}

export function toTell<R extends SessionRecord>({ replica, keep }: Knowledge<R>): Told<R> {
  return { replica, stored: replica.record !== null && keep === 0 };
}

/** The tab reads the storage: `null` if that is empty. */
export function look<R extends SessionRecord>(
  known: Knowledge<R>,
  stored: Replica<R> | null,
  now: number,
): Knowledge<R> {
  const { epoch } = known.replica;
  // It held something, and a sign-out leaves its word: evicted, or deleted by the person, and perhaps started again since.
  const isEvicted = epoch !== null && epoch !== (stored?.epoch ?? null);
  const before = isEvicted ? evicted(known) : known;
  if (stored === null) return before;
  const { replica, keep } = meet(before, stored, now);
  return {
    replica: { ...replica, epoch: stored.epoch, record: asStored(replica.record, stored.record) },
    keep: keepOver(replica, stored, keep),
    blindSince: null,
  };
}

/** Beside a record's tokens is what was stored there last. */
function asStored<R extends SessionRecord>(record: R | null, stored: R | null): R | null {
  if (record === null || stored === null || !isSamePlace(record, stored)) return record;
  return { ...record, marks: stored.marks, later: stored.later ?? record.later };
}

/** Whoever was known is over, and what is over stays so: none of it is written again. */
function evicted<R extends SessionRecord>({ replica }: Knowledge<R>): Knowledge<R> {
  const ended = { signIn: greatest(replica), id: EVERY_ID, cause: "evicted" as const };
  return { replica: end({ ...replica, epoch: null }, ended), keep: 0, blindSince: null };
}

/** A replica comes from outside. What a blind act of this tab meant is settled first. */
function meet<R extends SessionRecord>(known: Knowledge<R>, other: Replica<R>, now: number): Knowledge<R> {
  const { blindSince } = known;
  const { record } = other;
  let { replica } = known;
  const isForeign = record !== null && record.id !== replica.record?.id;
  if (blindSince !== null && blindSince <= now && isForeign && record.signIn > now) {
    // Only a clock that was ahead gives a number from the future: numbers are no evidence then. Who signed in after the blind
    // act by a clock that can be right is later; otherwise everybody is signed out.
    const isLater = blindSince <= record.at && record.at <= now;
    if (!isLater) replica = end(replica, { signIn: record.signIn, id: EVERY_ID, cause: "clock_changed" });
  }
  return { ...known, replica: merge(replica, other) };
}

function keepOver(replica: Replica, stored: Replica | null, keep: Knowledge["keep"]): Knowledge["keep"] {
  if (compare(replica.record, stored?.record ?? null) <= 0) return 0;
  return keep === 2 ? 2 : 1;
}

/** What is to be stored now; `null` if that is no news. `epoch`: for a storage that is empty. */
export function toStore<R extends SessionRecord>(
  { replica }: Knowledge<R>,
  stored: Replica<R> | null,
  epoch: string,
): Replica<R> | null {
  if (stored === null) {
    const isEmpty = replica.record === null && replica.ended.signIn === 0;
    return isEmpty ? null : { ...replica, epoch };
  }
  return isSame(replica, stored) ? null : { ...replica, epoch: stored.epoch };
}

export function isSame(one: Replica, other: Replica): boolean {
  const { ended } = one;
  const isSameEnd = covers(ended, other.ended) && covers(other.ended, ended) && ended.cause === other.ended.cause;
  return isSameEnd && compare(one.record, other.record) === 0;
}

/** The storage has taken a replica. */
export function written<R extends SessionRecord>(known: Knowledge<R>, stored: Replica<R>): Knowledge<R> {
  const replica = { ...known.replica, epoch: stored.epoch };
  return { replica, keep: keepOver(replica, stored, known.keep), blindSince: null };
}

/** The storage could be read, and refused to take what is known. */
export function refused<R extends SessionRecord>(known: Knowledge<R>, stored: Replica<R> | null): Knowledge<R> {
  const { replica } = known;
  const { record } = replica;
  const isMarked = record !== null && stored !== null && isSamePlace(record, stored.record);
  // What is beside the tokens counts as it is stored.
  const marked = isMarked ? { ...record, marks: stored.record?.marks } : record;
  return { ...known, replica: { ...replica, record: marked }, keep: keepOver(replica, stored, known.keep) };
}

/** The storage was emptied, because it refused the word of an end. */
export function emptied<R extends SessionRecord>(known: Knowledge<R>): Knowledge<R> {
  return { ...known, replica: { ...known.replica, epoch: null } };
}

/** Another tab tells what it knows, just after this one has looked; `before`: what was known before it looked. */
export function hear<R extends SessionRecord>(
  known: Knowledge<R>,
  { replica: other, stored }: Told<R>,
  { isSighted, storedEpoch, before, now }: HowHeard<R>,
): Knowledge<R> {
  const here = isSighted ? storedEpoch : known.replica.epoch;
  const isOfHere = other.epoch === null || other.epoch === here || (!isSighted && here === null);
  // Of another storage only what is over counts: this tab cannot know which of the two is the later one.
  if (!isOfHere) return { ...known, replica: end(known.replica, other.ended) };
  const met = meet(known, other, now);
  if (isSighted) return met;
  // Who only heard something that it did not do itself, and cannot read, spends nothing for it.
  const isReplaced = compare(met.replica.record, before.replica.record) !== 0;
  const keep = isReplaced || (stored && compare(other.record, met.replica.record) >= 0) ? 0 : known.keep;
  const epoch = here === null && keep === 0 ? other.epoch : met.replica.epoch;
  return { ...met, keep, replica: { ...met.replica, epoch } };
}

interface HowHeard<R extends SessionRecord> {
  readonly isSighted: boolean;
  readonly storedEpoch: string | null;
  readonly before: Knowledge<R>;
  readonly now: number;
}

/** Whether whoever told that should hear what is known here. */
export function knowsMore<R extends SessionRecord>({ replica }: Knowledge<R>, { replica: told }: Told<R>): boolean {
  return !covers(told.ended, replica.ended) || compare(replica.record, told.record) > 0;
}

/** The number of a sign-in now. */
export function signInNumber({ replica }: Knowledge, now: number): number {
  return Math.max(Math.floor(now), greatest(replica) + 1);
}

/** Somebody signs in, with the next number. The same person keeps the session's id. */
export function signedIn<R extends SessionRecord>(
  known: Knowledge<R>,
  record: R,
  isSighted: boolean,
  now: number,
): Knowledge<R> {
  const signedOut = { signIn: record.signIn - 1, id: EVERY_ID, cause: "signed_out" as const };
  const replica = merge(end(known.replica, signedOut), { epoch: null, ended: EMPTY.ended, record });
  if (isSighted) return { ...known, replica };
  return { replica: { ...replica, epoch: null }, keep: 2, blindSince: now };
}

/** Somebody signs out: who is known, or, where nobody can read who is stored, everybody until now. */
export function signedOut<R extends SessionRecord>(known: Knowledge<R>, isSighted: boolean, now: number): Knowledge<R> {
  const { replica } = known;
  if (isSighted) return ended(known, replica.record, "signed_out");
  const everybody = {
    signIn: Math.max(Math.floor(now), greatest(replica)),
    id: EVERY_ID,
    cause: "signed_out" as const,
  };
  return { ...known, replica: end(replica, everybody), blindSince: now };
}

/** A record's session is over, unless another record has come since that it does not know of. */
export function ended<R extends SessionRecord>(known: Knowledge<R>, record: R | null, cause: EndCause): Knowledge<R> {
  const { replica } = known;
  if (record === null || !isSamePlace(replica.record, record)) return known;
  return { ...known, replica: end(replica, { signIn: record.signIn, id: record.id, cause }) };
}

/** The cause of a rejection: whether a turn before may have spent the token, so that the provider took it for stolen. */
export function rejection(record: SessionRecord): "interrupted" | "rejected" {
  return isOpen(record) ? "interrupted" : "rejected";
}

/** The record with the intent of its next turn, which is written before its token is spent. */
export function reserved<R extends SessionRecord>(record: R): R {
  return { ...record, intent: 2 * nextTurn(record) };
}

/** Whether to go on without having written the intent: only past use, and only if nobody can have been faster. */
export function maySpendUnreserved({ keep }: Knowledge, isSighted: boolean, isPastUse: boolean): boolean {
  return isPastUse && (isSighted || keep === 2);
}

/** What the provider answered to a turn with a record's token. */
export function answered<R extends SessionRecord>(known: Knowledge<R>, next: R, now: number): Knowledge<R> {
  return meet(known, { epoch: null, ended: EMPTY.ended, record: next }, now);
}

/** The storage did not take that answer: only this tab has it. */
export function unstored<R extends SessionRecord>(known: Knowledge<R>, next: R): Knowledge<R> {
  return compare(known.replica.record, next) === 0 ? { ...known, keep: 2 } : known;
}

/** The provider has surely not spent the token of a turn. Not if an earlier turn may have spent it. */
export function withdrawn<R extends SessionRecord>(known: Knowledge<R>, asked: R): Knowledge<R> {
  const { record } = known.replica;
  const { intent } = reserved(asked);
  if (record === null || !isSamePlace(record, asked) || record.intent !== intent || isOpen(asked)) return known;
  return { ...known, replica: { ...known.replica, record: { ...record, intent: intent + 1 } } };
}
