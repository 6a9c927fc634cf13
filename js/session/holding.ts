import { SessionError } from "../errors.js";
import { purgeExcept } from "../gate/purge.js";
import type { UnlockedKey } from "../protection.js";
import type { SessionState } from "../session.js";
import type { Claims } from "../verifier.js";
import type { SeenTime, TrustedClock } from "./clock.js";
import type { ToldEnding } from "./endings.js";
import type { Environment } from "./environment.js";
import { Judging } from "./judging.js";
import { type CheckedOptions, Keeping, ofStorage } from "./keeping.js";
import { Marks } from "./marks.js";
import type { Message } from "./messages.js";
import { payloadOf } from "./payload.js";
import {
  type EndCause,
  type Ending,
  isNewer,
  isSameCheckIn,
  isSameVersion,
  type SessionRecord,
  sameUser,
} from "./record.js";
import { MAX_ENDINGS } from "./store.js";

/** What is in memory of a signed-in person. */
export interface Held {
  readonly record: SessionRecord;
  readonly clock: TrustedClock;
  /** What the judged token says itself, once it was found genuine. */
  payload?: Claims;
}

/** Who is signed in, in memory and in the storage, and what that person may do. */
export class Holding extends Keeping {
  readonly judging: Judging;
  status: SessionState["status"] = "starting";
  held: Held | undefined;
  ending: Ending | undefined;
  /** Whether the record in memory is newer than the stored one, because the storage refused. */
  unsaved = false;
  /** Tells the other tabs and workers. */
  announce: (message: Message) => void = () => {};
  /** Called when what is held has become another without being asked to. */
  changed: () => void = () => {};

  readonly #marks: Marks;
  /** Whether the storage could be read the last time: if not, nobody knows who is signed in. */
  readable = true;
  /** How many refreshes began without knowing what is stored, since it was read. */
  blindRefreshes = 0;
  /** The session that is just being signed in to. */
  #beginning: string | undefined;
  /** Whose end was the newest that the storage knew when it was last read; `""` if it knew none. */
  #newestEnd: string | undefined;
  /** How often the storage was looked at, and which of these looks was the last to be believed. */
  #looks = 0;
  #lookedAt = 0;
  /** What is neither stored nor held, because this was locked too early: it is taken up when it is unlocked. */
  #waiting: SessionRecord | undefined;
  /** Which key opened what is held, or waits: behind another PIN it is not to be had. */
  #keyId: string | undefined;

  constructor(options: CheckedOptions, environment: Environment) {
    super(options, environment);
    const { verifier, policy, token } = options;
    this.judging = new Judging(verifier, policy, token);
    this.#marks = new Marks(this.store, policy.rollbackTolerance);
  }

  /**
   * Takes up what is stored, if it is newer than what is in memory: keys first, for tokens that another tab got may be
   * signed by one that only it has fetched. Whether the storage could be read.
   */
  async load(): Promise<boolean> {
    const { status } = this;
    const { locked } = this.protection;
    if (locked) this.#letGo();
    else this.#dropForgotten();
    try {
      const { verifier } = this.judging;
      if ("load" in verifier) await verifier.load();
      await this.#load().catch((error) => {
        // The key in memory was not the one in use any more, and is forgotten by now.
        if (locked || !this.protection.locked) throw error;
        return this.#load();
      });
      this.readable = true;
      this.blindRefreshes = 0;
    } catch (error) {
      this.failed(error);
      if (this.held !== undefined) this.#takeWaiting(({ sessionId }) => this.endings.has(sessionId));
      else if (this.status !== "locked" || !this.protection.locked) this.status = "signed_out";
      this.readable = false;
    }
    // Another tab may have the key that is in use.
    if (this.status === "locked" && status !== "locked") this.announce({ asksForKey: true });
    return this.readable;
  }

  /** Whether what is known now is in the storage. */
  get isSaved(): boolean {
    return this.store.isReady && !this.unsaved && this.#waiting === undefined;
  }

  /** Forgets the key, and what is held: what the storage has not yet is sealed with that key, or else waits in memory. */
  lock(): void {
    const key = this.protection.share?.();
    this.protection.lock?.();
    if (this.protection.locked) this.#letGo(key);
  }

  #letGo(key?: UnlockedKey): void {
    if (this.held === undefined) return;
    const { unsaved } = this;
    const { record } = this.held;
    this.#marks.keep(this.held);
    this.held = undefined;
    this.unsaved = false;
    this.status = "locked";
    if (!unsaved) return;
    this.#wait(record);
    void this.exclusively(() => this.keepLocked(record, key)).then(() => this.changed());
  }

  /** Of the person who is in here, or will be once this is unlocked: the latest. */
  get #own(): SessionRecord | undefined {
    const held = this.held?.record;
    const waiting = this.#waiting;
    if (held === undefined || waiting === undefined) return held ?? waiting;
    return waiting.sessionId === held.sessionId && isNewer(waiting, held) ? waiting : held;
  }

  /** Whether nothing has happened since this was held. */
  isCurrent(record: SessionRecord): boolean {
    return this.held !== undefined && isSameVersion(this.held.record, record);
  }

  /** Another tab says so. Does not wait for the storage, which may not know. */
  learnEndings(endings: readonly ToldEnding[]): void {
    for (const ending of endings) {
      if (typeof ending?.sessionId !== "string" || typeof ending.cause !== "string") continue;
      this.endings.add(ending);
      if (this.#waiting?.sessionId === ending.sessionId) this.#waiting = undefined;
      if (this.held?.record.sessionId !== ending.sessionId) continue;
      this.held = undefined;
      this.status = "signed_out";
      this.ending = ending;
      this.unsaved = false;
    }
  }

  /** Somebody has signed in, here or in another tab. */
  learnBeginning(sessionId: string): void {
    this.endings.spare(sessionId);
  }

  /** Tells a tab that has started what it cannot learn from a storage that refused. */
  tellUnsaved(): void {
    const isAlone = this.unsaved || this.#waiting !== undefined;
    const unsaved = isAlone && !this.protection.locked ? this.#own : undefined;
    const ended = this.endings.untold;
    if (unsaved !== undefined || ended.length > 0) this.announce({ unsaved, ended });
  }

  /** Tells a tab that cannot read the storage. */
  tellHeld(): void {
    const unsaved = this.protection.locked ? undefined : this.held?.record;
    if (unsaved !== undefined) this.announce({ unsaved });
  }

  /** Whether it is known to have ended, here or in another tab. */
  hasEnded(sessionId: string): Promise<boolean> {
    return this.endings.areKnownToHave(sessionId);
  }

  async #load(): Promise<void> {
    const mayStore = [await this.getReady(), await this.#endUnread()];
    if (mayStore[0] && this.held === undefined) this.error = undefined;
    await this.endings.tell().catch((error) => this.failed(error));
    if (this.held !== undefined && mayStore.includes(true)) await this.write();
    if (this.protection.locked) {
      this.#letGo();
      const ids = [await this.store.storedId(), this.#waiting?.sessionId];
      if (!this.protection.locked) return this.#load();
      this.status = ids.some((id) => id !== undefined && !this.endings.has(id)) ? "locked" : "signed_out";
      return;
    }
    const { held } = this;
    const look = ++this.#looks;
    const { record: stored, endings } = await this.store.read();
    const seen = stored && (await this.#marks.read(stored));
    if (this.protection.locked) return this.#load();
    // What was found by a look that began after this one is newer.
    if (look < this.#lookedAt) return;
    this.#lookedAt = look;
    const hasEnded = ({ sessionId }: SessionRecord) =>
      this.endings.has(sessionId) || endings.some((ending) => ending.sessionId === sessionId);
    // What was done meanwhile counts, unless it was found by an older look.
    if (this.held !== held) return this.#load();
    const isOver = this.#manyEnded(endings);
    if (stored !== undefined && !hasEnded(stored)) {
      this.#takeStored(stored, seen);
    } else if (held !== undefined && !hasEnded(held.record) && !isOver) {
      // Nothing stored, and no word of an end: the browser has evicted it. Memory goes on, and is stored again later.
      this.unsaved = true;
    } else {
      const own = endings.find(({ sessionId }) => sessionId === held?.record.sessionId);
      this.ending = own ?? endings.at(-1) ?? this.ending;
      const { sessionId } = held?.record ?? {};
      if (sessionId !== undefined)
        this.endings.add(own ? { ...own, isTold: true } : { sessionId, cause: "signed_out" });
      this.unsaved = false;
      this.held = undefined;
      this.status = "signed_out";
    }
    this.#takeWaiting(hasEnded);
  }

  /**
   * Whether so many sessions have ended since the storage was last read that it has forgotten the first of them, of which
   * what was held then is one. It has not been evicted, or it would know fewer.
   */
  #manyEnded(endings: readonly Ending[]): boolean {
    const before = this.#newestEnd;
    this.#newestEnd = this.store.persistent ? (endings.at(-1)?.sessionId ?? "") : undefined;
    const isFull = endings.length >= MAX_ENDINGS;
    return before !== undefined && isFull && !endings.some(({ sessionId }) => sessionId === before);
  }

  async #endUnread(): Promise<boolean> {
    let isOver = false;
    const mayStore = await this.endings.endUnread(
      () => this.#own,
      this.protection.locked,
      (ending) => {
        isOver = ending.sessionId !== this.#own?.sessionId;
        this.learnEndings([ending]);
      },
    );
    // That was a sign-out, which was to forget the PIN.
    if (isOver && this.#own === undefined) await this.forgetSecret();
    return mayStore;
  }

  #takeStored(record: SessionRecord, seen: SeenTime | undefined): void {
    this.#endDisplaced(record);
    if (this.held !== undefined && isSameVersion(record, this.held.record)) this.#isSaved();
    if (isNewer(record, this.held?.record)) {
      this.take(record, this.#marks.resumedClock(record, this.held, seen));
      this.unsaved = false;
      this.error = undefined;
    } else if (seen !== undefined && this.held !== undefined && isSameCheckIn(this.held.record, record)) {
      this.held.clock.learn(seen);
    }
  }

  /** Who could not be stored makes way for a later sign-in that could, and is not to come back when that one has gone. */
  #endDisplaced(by: SessionRecord): void {
    const own = this.unsaved ? this.held?.record : undefined;
    if (own === undefined || own.sessionId === by.sessionId || own.sessionId === this.#beginning) return;
    if ((by.signedInAt ?? Number.NEGATIVE_INFINITY) < (own.signedInAt ?? Number.POSITIVE_INFINITY)) return;
    this.endings.add({ sessionId: own.sessionId, cause: "signed_out" });
    // Some providers revoke all that one person has from them, the new tokens too.
    if (!sameUser(own.user, by.user)) void this.revoker.add(own.tokens).catch(() => {});
  }

  /** Takes up what the storage has not. */
  takeUnsaved(record: SessionRecord): void {
    this.take(record, this.#marks.resumedClock(record, this.held));
    this.unsaved = true;
  }

  #takeWaiting(hasEnded: (record: SessionRecord) => boolean): void {
    this.#dropForgotten();
    const { held } = this;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined || hasEnded(waiting)) return;
    const isNext = held?.record.sessionId === waiting.sessionId && isNewer(waiting, held.record);
    if (held !== undefined && !isNext) return;
    this.takeUnsaved(waiting);
    void this.save().then(() => this.changed());
  }

  /** Once a PIN is forgotten, what was behind it is not to be had by setting up another. */
  #dropForgotten(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.protection.share?.()?.id === this.#keyId) return;
    this.#waiting = undefined;
    const added = this.revoker.add(waiting.tokens).catch(() => {});
    void added.then(() => this.revoker.run());
  }

  #wait(record: SessionRecord): void {
    if (isNewer(record, this.#own) && !this.endings.has(record.sessionId)) this.#waiting = record;
  }

  /** For a check-in that is new. */
  clockFor(record: SessionRecord): TrustedClock {
    return this.#marks.clockFor(record);
  }

  take(record: SessionRecord, clock: TrustedClock): void {
    this.held = { record, clock };
    this.#keyId = this.protection.share?.()?.id;
    this.ending = undefined;
    this.status = "signed_in";
  }

  /** What may be done now. Never throws. */
  judge(): Pick<SessionState, "access" | "reason" | "until" | "claims" | "error"> {
    const { held } = this;
    if (held === undefined) {
      const reason = this.status === "locked" ? "locked" : "signed_out";
      return { access: "none", reason, until: null };
    }
    try {
      const token = this.judging.tokenOf(held.record.tokens);
      const marks = held.clock.read(this.environment.now());
      const { access, reason, until } = this.judging.assess(token, marks);
      held.payload ??= payloadOf(token);
      this.#saveMarks(held);
      return { access, reason, until: until === null ? null : until - held.clock.seen.skew, claims: held.payload };
    } catch (error) {
      return { access: "none", reason: "invalid_token", until: null, error: error as Error };
    }
  }

  /** Not those of tokens that are not stored: marks are of use together with their check-in. */
  #saveMarks(held: Held): void {
    if (this.protection.locked || this.unsaved || !this.#marks.areNews(held.clock.seen)) return;
    const { rolledBack } = held.clock.seen;
    const saving = this.exclusively(async () => {
      if (this.held !== held) return;
      const isStored = await this.#marks.write(held);
      if (isStored) this.#isSaved();
      else await this.load();
      if (this.held === held && !isStored) this.#marks.tellAgain();
      if (!isStored || held.clock.seen.rolledBack !== rolledBack) this.changed();
      // The other tabs are not to believe a clock that this one has seen set back.
      else if (rolledBack) this.announce({});
    });
    saving.catch((error) => {
      this.#marks.tellAgain();
      this.failed(error);
    });
  }

  /** Stores what is held. */
  save(): Promise<void> {
    return this.exclusively(() => this.write());
  }

  /** Stores a sign-in, which may begin anew if it is displaced. For whoever has the turn. */
  async begin(sessionId: string): Promise<void> {
    this.#beginning = sessionId;
    await this.write();
    this.#beginning = undefined;
  }

  /** The same for whoever has the turn. What another tab has done in the meantime is taken up instead. */
  async write(): Promise<void> {
    const record = this.held?.record;
    if (record === undefined) return;
    // Somebody may lock this before it is sealed.
    const key = this.protection.share?.();
    try {
      if (!(await this.put(record, key))) return void (await this.load());
      if (this.held === undefined || this.isCurrent(record)) this.#isSaved();
      this.announce({});
    } catch (cause) {
      if (this.isCurrent(record)) this.unsaved = true;
      else this.#wait(record);
      const message = "the storage refused the tokens: they are kept in memory, and lost with this page or worker";
      this.failed(new SessionError("not_saved", message, { cause }));
      this.announce({ unsaved: record, ended: this.endings.untold });
    }
  }

  /** What the storage refused before, be it this or the marks of time, is over. */
  #isSaved(): void {
    this.unsaved = false;
    const { error } = this;
    const isOver = ofStorage(error) || (error instanceof SessionError && error.code === "not_saved");
    if (isOver) this.error = undefined;
  }

  /** Keeps, sealed or else in memory, what was held or answered when this was locked. For whoever has the turn. */
  async keepLocked(record: SessionRecord, key: UnlockedKey | undefined): Promise<void> {
    this.#wait(record);
    if (key === undefined) return;
    try {
      // Whoever cannot be read yet is to end before this is stored.
      if (!(await this.put(record, key)) && this.endings.waitToRead) return;
      // Unlocked since: what is read just now may be older.
      if (this.#waiting === record && this.protection.locked) this.#waiting = undefined;
      this.announce({});
    } catch (error) {
      this.failed(error);
    }
  }

  /** Everything of this person goes, and stays gone. For whoever has the turn. */
  async end(cause: EndCause): Promise<void> {
    try {
      await this.endStored(cause).catch(async (error) => {
        if (ofStorage(error)?.code !== "full") throw error;
        // The word that it has ended, and what is to be revoked, go in where the cached pages were.
        await this.purge();
        await this.revoker.save().catch(() => {});
        // One that had begun before may have been refused, too.
        await this.endings.tell().catch(() => this.endings.tell());
      });
    } finally {
      try {
        await this.forgetSecret();
      } finally {
        await this.purge();
        this.announce({ ended: this.endings.news });
      }
    }
  }

  /** Rejects if the storage refuses to hear of it, or cannot say who is stored. */
  async endStored(cause: EndCause): Promise<void> {
    const record = this.#own;
    const isKnown = record !== undefined && this.readable && this.store.persistent;
    if (record !== undefined) this.ending = { sessionId: record.sessionId, cause };
    this.held = undefined;
    this.#waiting = undefined;
    this.status = "signed_out";
    this.unsaved = false;
    this.error = undefined;
    await this.endings.end(record, cause, cause === "signed_out" && !isKnown).finally(() => {
      if (this.held === undefined) this.ending = this.endings.latest ?? this.ending;
    });
  }

  /** Deletes what was cached for others than the person who is signed in. */
  async purge(): Promise<void> {
    const { caches } = this.environment;
    if (caches === undefined || this.status === "locked") return;
    const before = this.held?.record.sessionId;
    const kept = () => (this.status === "locked" ? before : this.held?.record.sessionId);
    await purgeExcept(kept, this.name, { caches }).catch((error) => this.failed(error));
  }
}
