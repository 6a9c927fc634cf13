/** What this tab knows of the session, and the only ways to change that: `offer`, `end`, `sync`, and `hear` for other tabs. */
import { ProtectionError, SessionError } from "../errors.js";
import type { Environment } from "../platform/environment.js";
import { randomId } from "../platform/random-id.js";
import { purgeUserCaches } from "../platform/user-caches.js";
import type { Protection, UnlockedKey } from "../protection.js";
import { type CheckIn, learned, type Marks, marksOf, sighted } from "./clock.js";
import {
  covers,
  type EndCause,
  type Ended,
  isOpen,
  isSamePlace,
  merge,
  type Place,
  type Postponement,
  type Replica,
  readReplica,
  type SessionRecord,
  writeReplica,
} from "./record.js";
import * as rules from "./rules.js";
import { ofStorage, type SessionStore } from "./store.js";
import { isSameUser, readSealed, type Sealed, type SessionTokens, writeSealed } from "./tokens.js";

/** How long to wait for another tab that reads or writes the storage, in seconds. */
const STORAGE_TURN = 5;

/** A record that could be opened. */
export interface Opened {
  readonly place: Place;
  readonly sealed: Sealed;
}

/** What a turn at the storage came to. */
export interface Outcome {
  /** Whether the storage could be read. */
  readonly isSighted: boolean;
  /** Whether what is known is in the storage. */
  readonly isStored: boolean;
}

/** As one tab posts it to the others. */
export interface ReplicaMessage {
  readonly replica: object;
  readonly stored: boolean;
}

type Knowledge = rules.Knowledge<SessionRecord>;

interface How {
  readonly isSighted: boolean;
  readonly stored: Replica | null;
  readonly storedEpoch: string | null;
  /** What was known before the storage was looked at. */
  readonly before: Knowledge;
}

type Act = (known: Knowledge, how: How) => Knowledge;

interface HowToUpdate {
  /** Whether this tab itself signs somebody in or out. */
  readonly isOwn?: boolean;
  /** Whether cached pages are worth more than this. */
  readonly canWait?: boolean;
  /** What the act brings, as opened. */
  readonly fresh?: Opened;
}

interface Updated extends Outcome {
  /** What was stored before; `null` also if it could not be read. */
  readonly stored: Replica | null;
  /** Whether the others were told, since something was written. */
  readonly isTold: boolean;
  readonly failure: unknown;
}

/** A record before it is sealed. */
export type Offer = Place & { readonly at: number };

export class SessionReplica {
  /** What last went wrong. */
  error: Error | undefined;
  /** Whether the storage could be read the last time: if not, nobody knows who is signed in. */
  isReadable = true;
  readonly #store: SessionStore;
  readonly #environment: Environment;
  readonly #name: string;
  readonly #tolerance: number;
  readonly #post: (message: ReplicaMessage) => void;
  #known: Knowledge = rules.NOTHING_KNOWN;
  #opened: Opened | undefined;
  /** What was seen of time since which check-in. Stays over a lock. */
  #marks: (Marks & { readonly of: string }) | undefined;
  /** The sealed marks that were opened last, and what they said. */
  #openedMarks: { readonly of: string; readonly text: string | undefined; readonly marks: Marks } | undefined;
  #lastTold: string | undefined;
  #triedMarks = Number.NEGATIVE_INFINITY;
  readonly #whenSettled: (() => void)[] = [];
  readonly #displaced: SessionTokens[] = [];

  constructor(
    store: SessionStore,
    environment: Environment,
    { name, tolerance }: { name: string; tolerance: number },
    post: (message: ReplicaMessage) => void,
  ) {
    this.#store = store;
    this.#environment = environment;
    this.#name = name;
    this.#tolerance = tolerance;
    this.#post = post;
  }

  get protection(): Protection {
    return this.#store.protection;
  }

  /** The record of whoever is signed in, locked or not. */
  get record(): SessionRecord | null {
    return this.#known.replica.record;
  }

  /** The same, if it could be opened, and is not locked. */
  get opened(): Opened | undefined {
    return this.protection.locked || !isSamePlace(this.#opened?.place, this.record) ? undefined : this.#opened;
  }

  get ended(): Ended | undefined {
    const { ended } = this.#known.replica;
    return ended.signIn > 0 ? ended : undefined;
  }

  /** Whether what is known now will be there after a restart. */
  get isPersistent(): boolean {
    return this.#store.lasts && this.#store.hasKey && this.isReadable && this.#known.keep === 0;
  }

  /** Whether this tab knows more than the storage, of somebody who is signed in. */
  get isAhead(): boolean {
    return this.record !== null && this.#known.keep > 0;
  }

  /** Resolves when {@link isAhead} has become false. */
  settled(): Promise<void> {
    return this.isAhead ? new Promise((resolve) => this.#whenSettled.push(resolve)) : Promise.resolve();
  }

  /** What was seen of time since the last check-in of whoever is signed in. */
  get marks(): Marks | undefined {
    const { sealed } = this.opened ?? {};
    if (sealed === undefined) return undefined;
    return this.#marks?.of === sealed.checkIn.id ? this.#marks : marksOf(sealed.checkIn);
  }

  /** Notes that the device's clock was looked at. */
  sight(): Marks | undefined {
    const { marks } = this;
    return marks && this.#note(sighted(marks, this.#environment.now(), this.#tolerance));
  }

  /** Notes what was seen of time otherwise. */
  learn(seen: Pick<Marks, "highest" | "rolledBack">): void {
    const { marks } = this;
    if (marks !== undefined) this.#note(learned(marks, seen));
  }

  /** What counts of time for a check-in that is about to be offered. */
  expect({ at, skew, id }: CheckIn, seen: Pick<Marks, "highest" | "rolledBack">): void {
    this.#marks = { ...learned(marksOf({ at, skew }), seen), of: id };
  }

  #note(marks: Marks): Marks {
    const { checkIn } = (this.opened as Opened).sealed;
    this.#marks = { highest: marks.highest, rolledBack: marks.rolledBack, skew: marks.skew, of: checkIn.id };
    return marks;
  }

  /** Sightings of time are stored when they are so much further, in seconds: less than the tolerance. */
  get areMarksNews(): boolean {
    const { marks } = this;
    if (marks === undefined || this.isAhead) return false;
    const { marks: stored } = this.#openedMarks?.of === this.opened?.sealed.checkIn.id ? (this.#openedMarks ?? {}) : {};
    const step = Math.max(1, Math.min(30, this.#tolerance / 2));
    if (marks.rolledBack !== (stored?.rolledBack ?? false)) return true;
    return marks.highest >= Math.max(stored?.highest ?? Number.NEGATIVE_INFINITY, this.#triedMarks) + step;
  }

  /** The number of a sign-in now. */
  nextSignIn(): number {
    return rules.signInNumber(this.#known, this.#now());
  }

  /** Reads the storage, takes in what others did, and writes what it does not have. */
  sync(): Promise<Outcome> {
    return this.exclusively(() => this.look());
  }

  /** The same for whoever has the turn. */
  async look(): Promise<Outcome> {
    const outcome = await this.#update((known) => known);
    await this.#saveMarks();
    return outcome;
  }

  /** A sign-in or a fresh record of a refresh; `key` seals if the session was locked meanwhile. For whoever has the turn. */
  async offer(
    offer: Offer,
    sealed: Sealed,
    { isSignIn = false, key }: { isSignIn?: boolean; key?: UnlockedKey | undefined } = {},
  ): Promise<Outcome> {
    // Somebody may lock the session before this is sealed.
    const own = key ?? this.protection.share?.();
    const record = await this.#sealed(offer, sealed, own);
    const act: Act = (known, { isSighted }) =>
      isSignIn ? rules.signedIn(known, record, isSighted, this.#now()) : rules.answered(known, record, this.#now());
    const outcome = await this.#update(act, { isOwn: isSignIn, fresh: { place: record, sealed } });
    if (isSignIn && outcome.failure !== undefined) await this.#emptyOfOthers(outcome.stored);
    if (!isSignIn && !outcome.isStored) this.#known = rules.unstored(this.#known, record);
    if (!outcome.isTold) this.#tell();
    return outcome;
  }

  /** A storage that refuses a sign-in is not to bring back whoever was there before. */
  async #emptyOfOthers(stored: Replica | null): Promise<void> {
    const { record } = stored ?? {};
    if (!record || record.id === this.record?.id) return;
    await this.#store.empty().then(
      () => {
        this.#known = rules.emptied(this.#known);
      },
      () => {},
    );
  }

  async #sealed(offer: Offer, sealed: Sealed, key: UnlockedKey | undefined): Promise<SessionRecord> {
    const place: Offer & { intent: 0 } = { ...offer, intent: 0 };
    const marks = this.#marks?.of === sealed.checkIn.id ? this.#marks : marksOf(sealed.checkIn);
    const { highest, rolledBack, skew } = marks;
    try {
      if (!this.#store.hasKey) throw this.error;
      return { ...place, ...(await this.#store.seal(sealed, place, { highest, rolledBack, skew }, key)) };
    } catch (error) {
      if (error instanceof Error) this.failed(error);
      return { ...place, clear: writeSealed(sealed, place) };
    }
  }

  /**
   * Ends a record's session, or, without a record, signs out whoever is known or stored. Rejects if the storage refuses both to
   * hear of it and to delete what it was about, or cannot be read. For whoever has the turn.
   */
  async end(record: SessionRecord | null, cause: EndCause): Promise<void> {
    const act: Act = (known, { isSighted }) =>
      record === null ? rules.signedOut(known, isSighted, this.#now()) : rules.ended(known, record, cause);
    const { stored, isTold, ...updated } = await this.#update(act, { isOwn: true });
    let { failure } = updated;
    const isRefused = stored !== null && failure !== undefined;
    // What is no session of this version goes, too.
    const isForeign = stored === null && updated.isSighted && !isTold && failure === undefined;
    if (isRefused || isForeign) {
      try {
        await this.#store.empty();
        failure = undefined;
        if (isRefused) await this.#leaveWord();
      } catch (error) {
        failure = error;
      }
    }
    if (!isTold) this.#tell();
    if (failure !== undefined) throw failure;
    if (this.error !== undefined && this.record === null) this.error = undefined;
  }

  /** Where the storage was emptied there may be room to say why: tabs that find nothing take that for an eviction. */
  async #leaveWord(): Promise<void> {
    const { replica } = this.#known;
    let isLeft = false;
    const leaving = this.#store.update((stored) => {
      isLeft = stored === null;
      return stored ?? replica;
    });
    const left = await leaving.then(
      () => isLeft,
      () => false,
    );
    this.#known = left ? rules.written(this.#known, replica) : rules.emptied(this.#known);
  }

  /** Another tab tells what it knows. */
  async hear(message: unknown): Promise<void> {
    const { replica: given, stored }: Partial<ReplicaMessage> = Object(message);
    const replica = readReplica(given);
    if (replica === undefined) return;
    const told = { replica, stored: stored === true };
    await this.exclusively(async () => {
      const act: Act = (known, how) => rules.hear(known, told, { ...how, now: this.#now() });
      const { isTold } = await this.#update(act);
      if (!isTold && this.#hasAnswer(told)) this.#tell();
    });
  }

  /**
   * Writes the intent to spend the token of the record at a place, and gives that back as it was found. `undefined`: it is not to
   * be spent, because another record has come, or because its answer could not be kept and access is still good.
   */
  reserve(place: Place, isPastUse: boolean): Promise<SessionRecord | undefined> {
    return this.exclusively(async () => {
      let found: SessionRecord | undefined;
      let stored: Replica | null = null;
      const withIntent = (known: Knowledge, intent: number): Knowledge => {
        const { record } = known.replica;
        if (record === null || !isSamePlace(record, place)) return known;
        return { ...known, replica: { ...known.replica, record: { ...record, intent } } };
      };
      const { isSighted, isStored, failure } = await this.#update((known, how) => {
        const { record } = known.replica;
        if (record === null || !isSamePlace(record, place)) return known;
        stored = how.stored;
        found ??= record;
        return withIntent(known, rules.reserved(found).intent);
      });
      if (found === undefined || !isSamePlace(this.record, place)) return undefined;
      if (isStored) return found;
      // What was not written was not meant.
      const known = withIntent(this.#known, found.intent);
      this.#known = isSighted ? rules.refused(known, stored) : known;
      if (isSighted && !this.isAhead && failure !== undefined) this.failed(failure);
      return rules.maySpendUnreserved(this.#known, isSighted, isPastUse) ? found : undefined;
    });
  }

  /** The provider has surely not spent the token; perhaps it has said when to ask again. */
  async withdraw(record: SessionRecord, later: Postponement | undefined, isUnspent: boolean): Promise<void> {
    await this.exclusively(() =>
      this.#update((known) => {
        const after = isUnspent ? rules.withdrawn(known, record) : known;
        const { record: current } = after.replica;
        if (current === null || later === undefined || !isSamePlace(current, record)) return after;
        return { ...after, replica: { ...after.replica, record: { ...current, later } } };
      }),
    );
  }

  /**
   * Lets one tab at a time look at the storage and change it accordingly. What it does is short; a tab that hangs does not
   * stop the others, nor do turns that cannot be had.
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    let done: Promise<T> | undefined;
    const begin = () => {
      done = work();
      return done;
    };
    try {
      await this.#environment.exclusive(`tokenward:${this.#name}:storage`, STORAGE_TURN, begin);
    } catch {
      // What was done counts, or fails, for itself.
    }
    return done ?? work();
  }

  /** Posts what is known: a tab that starts, or was unlocked, or cannot read the storage, asks the others by it. */
  tell(): void {
    this.#tell();
  }

  /** What was told already is told again only to a tab that starts: two that cannot agree would go on forever. */
  #hasAnswer(told: rules.Told<SessionRecord>): boolean {
    const { ended, record } = told.replica;
    const isStarting = record === null && ended.signIn === 0;
    return rules.knowsMore(this.#known, told) && (isStarting || this.#lastTold !== this.#toTell());
  }

  #toTell(): string {
    const { replica, stored } = rules.toTell(this.#known);
    const { signIn, id, generation, turn, turnId, intent } = replica.record ?? {};
    return JSON.stringify([replica.epoch, replica.ended, stored, signIn, id, generation, turn, turnId, intent]);
  }

  #tell(): void {
    const { replica, stored } = rules.toTell(this.#known);
    this.#lastTold = this.#toTell();
    this.#post({ replica: writeReplica(replica), stored });
  }

  /** What went wrong again stays the same object, so that it is no news. */
  failed(given: unknown): void {
    const error = given instanceof Error ? given : new Error("something unknown went wrong", { cause: given });
    if (!isSameError(this.error, error)) this.error = error;
  }

  /** Forgets what was opened. */
  close(): void {
    this.#opened = undefined;
  }

  #now(): number {
    return this.#environment.now() * 1000;
  }

  /** The one way to the storage: look, act, write; then open what is known by then. */
  async #update(act: Act, { isOwn = false, canWait = false, fresh }: HowToUpdate = {}): Promise<Updated> {
    await this.#getReady();
    const opened = this.#opened;
    let seen: { readonly stored: Replica | null; readonly before: Knowledge } | undefined;
    let next: Replica | null = null;
    const work = () =>
      this.#store.update((stored) => {
        const before = this.#known;
        seen ??= { stored, before };
        const known = rules.look(before, stored, this.#now());
        this.#known = act(known, { isSighted: true, stored, storedEpoch: stored?.epoch ?? null, before });
        next = this.#toStore(stored);
        return next ?? stored;
      });
    const before = this.#known;
    let updated: Updated;
    try {
      await (canWait ? work() : this.withRoom(work));
      const isClear = this.record?.clear !== undefined;
      if (next !== null) this.#known = rules.written(this.#known, next);
      else if (isClear) this.#known = rules.refused(this.#known, seen?.stored ?? null);
      this.isReadable = true;
      this.#isOver(next !== null);
      updated = {
        isSighted: true,
        isStored: !isClear,
        stored: seen?.stored ?? null,
        isTold: next !== null,
        failure: undefined,
      };
    } catch (error) {
      this.isReadable = seen !== undefined;
      updated = {
        isSighted: this.isReadable,
        isStored: false,
        stored: seen?.stored ?? null,
        isTold: false,
        failure: error,
      };
      // A storage that hung may refuse long after something else was done here: what is known by now counts.
      const known = this.#known;
      if (seen !== undefined) this.#known = rules.refused(known, seen.stored);
      else this.#known = act(known, { isSighted: false, stored: null, storedEpoch: null, before: known });
      this.#couldNot(error);
    }
    if (fresh !== undefined && !this.protection.locked && isSamePlace(fresh.place, this.record)) this.#opened = fresh;
    await this.#open();
    await this.#noteDisplaced(opened, seen?.before ?? before, next === null ? null : (seen?.stored ?? null), isOwn);
    if (updated.isTold) this.#tell();
    if (!this.isAhead) for (const settle of this.#whenSettled.splice(0)) settle();
    return updated;
  }

  /** Whose refresh tokens are of no further use, because of an act of this tab or because only this tab knew them. */
  displaced(): SessionTokens[] {
    return this.#displaced.splice(0);
  }

  async #noteDisplaced(
    opened: Opened | undefined,
    before: Knowledge,
    stored: Replica | null,
    isOwn: boolean,
  ): Promise<void> {
    const { ended, record: now } = this.#known.replica;
    if (ended.cause !== "signed_out" && ended.cause !== "user_changed") return;
    const own = isOwn || before.keep > 0 ? before.replica.record : null;
    const gone = [own, stored?.record ?? null].filter((one) => one !== null && covers(ended, one));
    for (const [index, record] of gone.entries()) {
      if (record === null || (index > 0 && isSamePlace(record, gone[0]))) continue;
      const isOpened = isSamePlace(opened?.place, record);
      const sealed = isOpened ? opened?.sealed : await this.#openedOnce(record);
      const user = now === null ? undefined : this.opened?.sealed.user;
      // Some providers revoke all that one person has from them, the new tokens too.
      if (sealed !== undefined && !(user !== undefined && isSameUser(user, sealed.user)))
        this.#displaced.push({ ...sealed.tokens, ...sealed.unverified });
    }
  }

  /** `undefined` for what no key here opens. */
  async #openedOnce(record: SessionRecord): Promise<Sealed | undefined> {
    if (record.clear !== undefined) return readSealed(record.clear, record);
    if (this.protection.locked || !this.#store.hasKey) return undefined;
    return await this.#store.open(record.sealed as string, record).catch(() => undefined);
  }

  #couldNot(error: unknown): void {
    if (!this.isReadable) {
      const what =
        "the storage cannot be read: no one-time token is spent until it can; a reload of the page often helps";
      this.failed(new SessionError("not_readable", what, { cause: error }));
    } else if (this.isAhead) {
      const what = "the storage refused the tokens: they are kept in memory, and lost with this page or worker";
      this.failed(new SessionError("not_saved", what, { cause: error }));
    } else this.failed(error);
  }

  /** What the storage refused before is over. */
  #isOver(isWritten: boolean): void {
    const { error } = this;
    const code = error instanceof SessionError ? error.code : undefined;
    const isOver = code === "not_readable" || (code === "not_saved" && !this.isAhead);
    if (isOver || (isWritten && !this.isAhead && ofStorage(error))) this.error = undefined;
  }

  /** What could not be sealed is not written; that others are over is. */
  #toStore(stored: Replica | null): Replica | null {
    const epoch = randomId();
    const { replica } = this.#known;
    const isClear = replica.record?.clear !== undefined;
    const known = isClear
      ? {
          ...this.#known,
          replica: { ...replica, record: stored && merge({ ...stored, ended: replica.ended }, stored).record },
        }
      : this.#known;
    const next = rules.toStore(known, stored, epoch);
    if (next !== null || stored === null || isClear) return next;
    const { marks, later, intent } = replica.record ?? {};
    const isNews = marks !== stored.record?.marks || later !== stored.record?.later;
    return isNews && intent === stored.record?.intent ? { ...replica, epoch: stored.epoch } : null;
  }

  async #getReady(): Promise<void> {
    if (!this.#store.hasKey) {
      await this.#store.findKey().then(
        () => {
          if (this.error instanceof ProtectionError) this.error = undefined;
        },
        (error) => this.failed(error),
      );
    }
    // What could not be sealed before is sealed as soon as it can be.
    const { record } = this;
    const { locked } = this.protection;
    const sealed =
      record?.clear === undefined || locked || !this.#store.hasKey ? undefined : readSealed(record.clear, record);
    if (record === null || sealed === undefined) return;
    const { clear: _, ...place } = record;
    const texts = await this.#store.seal(sealed, place, marksOf(sealed.checkIn)).catch(() => undefined);
    const { replica } = this.#known;
    if (texts === undefined || !isSamePlace(replica.record, record)) return;
    this.#known = { ...this.#known, replica: { ...replica, record: { ...place, ...texts } } };
  }

  /** Does once more, with more room, what a full storage refuses: cached pages can be had again, a one-time token cannot. */
  async withRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { caches } = this.#environment;
      if (ofStorage(error)?.code !== "full" || caches === undefined) throw error;
      await purgeUserCaches(this.#name, undefined, { caches }).catch(() => Promise.reject(error));
      return work();
    }
  }

  /** Opens the record that is known, and the marks beside it. */
  async #open(): Promise<void> {
    const { record } = this;
    if (record === null || this.protection.locked) {
      this.#opened = undefined;
      return;
    }
    try {
      if (!isSamePlace(this.#opened?.place, record)) {
        const text = record.sealed ?? record.clear ?? "";
        const sealed = record.sealed === undefined ? readSealed(text, record) : await this.#openSealed(record);
        if (!isSamePlace(this.record, record)) return this.#open();
        this.#opened = sealed && { place: record, sealed };
      }
      if (this.#opened !== undefined) await this.#openMarks(record, this.#opened.sealed);
    } catch (error) {
      if (isSamePlace(this.record, record) && !isSamePlace(this.#opened?.place, record)) this.#opened = undefined;
      if (!this.protection.locked) this.failed(error);
    }
  }

  #openSealed(record: SessionRecord): Promise<Sealed | undefined> {
    if (!this.#store.hasKey) throw this.error;
    return this.#store.open(record.sealed as string, record);
  }

  async #openMarks(record: SessionRecord, { checkIn }: Sealed): Promise<void> {
    const { marks: text } = record;
    if (record.sealed === undefined || (this.#openedMarks?.of === checkIn.id && this.#openedMarks.text === text))
      return;
    const opening = text === undefined ? undefined : this.#store.openMarks(text, record, checkIn);
    const marks = await opening?.catch((error) => {
      // What cannot be opened now may be later.
      if (!(error instanceof ProtectionError && error.code === "damaged")) throw error;
    });
    // Somebody has deleted or altered them: until a check-in, no clock is believed.
    const known = marks ?? { ...marksOf(checkIn), rolledBack: true };
    if (this.#openedMarks?.of !== checkIn.id) this.#triedMarks = Number.NEGATIVE_INFINITY;
    this.#openedMarks = { of: checkIn.id, text, marks: known };
    const own = this.#marks?.of === checkIn.id ? this.#marks : undefined;
    this.#marks = { ...(own === undefined ? known : learned(own, known)), of: checkIn.id };
  }

  /** Adds what was seen of time to what other tabs have stored of it. For whoever has the turn. */
  async #saveMarks(): Promise<void> {
    const { opened, record } = this;
    if (opened === undefined || record === null || !this.isReadable || !this.areMarksNews) return;
    const { highest, rolledBack, skew } = this.marks as Marks;
    const seen = { highest, rolledBack, skew };
    this.#triedMarks = highest;
    try {
      const marks = await this.#store.sealMarks(seen, record, opened.sealed.checkIn);
      let isNoted = false;
      const { isStored } = await this.#update(
        (known) => {
          const { record: current } = known.replica;
          isNoted = current !== null && isSamePlace(current, record) && current.marks === this.#openedMarks?.text;
          return isNoted
            ? { ...known, replica: { ...known.replica, record: { ...(current as SessionRecord), marks } } }
            : known;
        },
        { canWait: true },
      );
      if (isNoted && isStored) this.#openedMarks = { of: opened.sealed.checkIn.id, text: marks, marks: seen };
    } catch (error) {
      if (!this.protection.locked) this.failed(error);
    }
  }

  /** Whether somebody's turn may have spent the token of what is known, and is over. */
  get mayBeSpent(): boolean {
    return this.record !== null && isOpen(this.record);
  }
}

export function isSameError(one: Error | undefined, other: Error): boolean {
  return one?.message === other.message && one.name === other.name;
}
