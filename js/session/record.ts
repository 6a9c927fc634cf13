/**
 * What the tabs of a device and their storage hold of one session, its order, and its merge. Everything here is pure: no
 * clock, no keys, nothing outside. `rules.ts` says what happens to it; `tests/session/model` explores both.
 */

/** A record's place in the order of all records, in clear. Two records with equal places are the same record. */
export interface Place {
  /** Number of the sign-in: the clock in milliseconds, or one more than the greatest number seen. */
  readonly signIn: number;
  /** The session's random id. Also tells apart two sign-ins of one number. */
  readonly id: string;
  /** How many refreshes were answered since the sign-in. */
  readonly generation: number;
  /** In which attempt to refresh the generation before this answer was got, and a random id of that attempt. */
  readonly turn: number;
  readonly turnId: string;
}

export interface SessionRecord extends Place {
  /** Of this record's refresh token. 0: not spent; 2 x turn: that turn may have spent it; 2 x turn + 1: that turn did not. */
  readonly intent: number;
  /** The device's clock at the sign-in, in milliseconds. */
  readonly at: number;
  /** The tokens, sealed; absent as long as they cannot be sealed. */
  readonly sealed?: string | undefined;
  /** What was seen of time since the last check-in, sealed. */
  readonly marks?: string | undefined;
  /** What the provider said of when to ask again with this token, in Unix seconds of the device's clock. */
  readonly later?: Postponement | undefined;
  /** What is in `sealed`, where it could not be sealed: only in memory and in messages, never in a storage. */
  readonly clear?: string | undefined;
}

export interface Postponement {
  readonly at: number;
  readonly until: number;
}

/**
 * Why a session is over.
 *
 * - `signed_out`: somebody signed out, or another person in
 * - `rejected`: by the provider's word
 * - `interrupted`: by the provider's word about a one-time token whose answer a closed tab, or the network, had lost
 * - `user_changed`: the provider answered for another person
 * - `evicted`: the browser or the person deleted what was stored
 * - `clock_changed`: the device's clock was set while the storage could not be read, so that nobody knows which act was later
 */
export type EndCause = (typeof CAUSES)[number];

/** In the order that decides between equal places. */
const CAUSES = ["rejected", "interrupted", "user_changed", "evicted", "clock_changed", "signed_out"] as const;

/** Everything up to a place in the order of sign-ins is over. */
export interface Ended {
  readonly signIn: number;
  /** {@link EVERY_ID}: every session of this number. */
  readonly id: string;
  readonly cause: EndCause;
}

/** Memory, a message and the storage each hold one. */
export interface Replica<R extends SessionRecord = SessionRecord> {
  /** Of the storage that this belongs to: random, made by whoever wrote into an empty one. `null`: it has met none. */
  readonly epoch: string | null;
  readonly ended: Ended;
  readonly record: R | null;
}

/** Greater than any id. */
export const EVERY_ID = "~";

export const EMPTY: Replica<never> = Object.freeze({
  epoch: null,
  ended: Object.freeze({ signIn: 0, id: EVERY_ID, cause: "rejected" }),
  record: null,
});

/** Less than 0, 0 or greater than 0: the total order of records. */
export function compare(one: SessionRecord | null, other: SessionRecord | null): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null);
  return comparePlaces(one, other) || one.intent - other.intent;
}

export function comparePlaces(one: Place, other: Place): number {
  return (
    one.signIn - other.signIn ||
    compareTexts(one.id, other.id) ||
    one.generation - other.generation ||
    one.turn - other.turn ||
    compareTexts(one.turnId, other.turnId)
  );
}

export function compareEnded(one: Ended, other: Ended): number {
  return (
    one.signIn - other.signIn ||
    compareTexts(one.id, other.id) ||
    CAUSES.indexOf(one.cause) - CAUSES.indexOf(other.cause)
  );
}

function compareTexts(one: string, other: string): number {
  return Number(one > other) - Number(one < other);
}

/** Whether a sign-in is over. */
export function covers(ended: Ended, { signIn, id }: Pick<Place, "signIn" | "id">): boolean {
  return ended.signIn > signIn || (ended.signIn === signIn && ended.id >= id);
}

/** The greater end, and the greatest record above it. The epoch is the first one's. */
export function merge<R extends SessionRecord>(one: Replica<R>, other: Replica<R>): Replica<R> {
  const ended = compareEnded(other.ended, one.ended) > 0 ? other.ended : one.ended;
  const record = compare(other.record, one.record) > 0 ? other.record : one.record;
  return { epoch: one.epoch, ended, record: record !== null && covers(ended, record) ? null : record };
}

/** The same with everything up to a place over. */
export function end<R extends SessionRecord>(replica: Replica<R>, ended: Ended): Replica<R> {
  if (ended.signIn === 0) return replica;
  return merge(replica, { epoch: null, ended, record: null });
}

/** The greatest number of a sign-in that is known. */
export function greatest({ ended, record }: Replica): number {
  return Math.max(ended.signIn, record?.signIn ?? 0);
}

/** Whether a turn that may be over may have spent the token. */
export function isOpen({ intent }: SessionRecord): boolean {
  return intent !== 0 && intent % 2 === 0;
}

/** Which turn comes next for this record's token. */
export function nextTurn({ intent }: SessionRecord): number {
  return Math.floor(intent / 2) + 1;
}

export function isSamePlace(one: Place | null | undefined, other: Place | null | undefined): boolean {
  return one && other ? comparePlaces(one, other) === 0 : false;
}

/** About the year 10889: a number that is greater was not made by a sign-in. */
const MANY_MILLISECONDS = 2 ** 48;
const MANY = 2 ** 40;
const TEXTS = ["sealed", "marks", "clear"] as const;

/** Reads what was stored or heard; `undefined` for what this version did not write. */
export function readReplica(given: unknown): Replica | undefined {
  const { version, epoch, ended, record }: Record<string, unknown> = Object(given);
  const isWhole = version === 2 && (epoch === null || typeof epoch === "string") && isEnded(ended);
  if (!isWhole || !(record === null || isRecord(record))) return undefined;
  // What is over is not taken for going on because somebody put the two together.
  return merge(EMPTY as Replica, { epoch: null, ended, record }).record === record
    ? { epoch, ended, record }
    : { epoch, ended, record: null };
}

/** As {@link readReplica} reads it. */
export function writeReplica({ epoch, ended, record }: Replica): object {
  return { version: 2, epoch, ended, record };
}

function isEnded(value: unknown): value is Ended {
  const { signIn, id, cause }: Partial<Ended> = Object(value);
  return isCount(signIn, MANY_MILLISECONDS) && typeof id === "string" && CAUSES.includes(cause as EndCause);
}

function isRecord(value: unknown): value is SessionRecord {
  const record: Partial<SessionRecord> = Object(value);
  const { signIn, id, generation, turn, turnId, intent, at, later } = record;
  return (
    isCount(signIn, MANY_MILLISECONDS) &&
    [generation, turn, intent].every((count) => isCount(count, MANY)) &&
    typeof id === "string" &&
    /^[0-9a-f]{32}$/.test(id) &&
    typeof turnId === "string" &&
    Number.isFinite(at) &&
    TEXTS.every((name) => record[name] === undefined || typeof record[name] === "string") &&
    (record.sealed === undefined) !== (record.clear === undefined) &&
    (later === undefined || [Object(later).at, Object(later).until].every(Number.isFinite))
  );
}

function isCount(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < most;
}
