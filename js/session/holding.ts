import { ProtectionError, SessionError, StorageError, TokenError } from "../errors.js";
import { purgeExcept, purgeUserCaches } from "../gate/purge.js";
import type { KeyStore } from "../keys.js";
import type { Policy } from "../policy.js";
import {
  deviceProtection,
  deviceProtectionIsSupported,
  noProtection,
  type Protection,
  type UnlockedKey,
} from "../protection.js";
import type { SessionOptions, SessionState } from "../session.js";
import { indexedDbStorage, memoryStorage } from "../storage.js";
import type { Claims, Verifier } from "../verifier.js";
import { type SeenTime, TrustedClock } from "./clock.js";
import { Endings } from "./endings.js";
import type { Environment } from "./environment.js";
import { Marks } from "./marks.js";
import type { Message } from "./messages.js";
import { payloadOf } from "./payload.js";
import {
  type EndCause,
  type Ending,
  isNewer,
  isSameVersion,
  isToken,
  type SessionRecord,
  type SessionTokens,
  sameUser,
} from "./record.js";
import { Revoker } from "./revoker.js";
import { SessionStore } from "./store.js";

/** How long to wait for another tab that reads or writes the storage, in seconds. */
const STORAGE_TURN = 5;

export interface CheckedOptions extends SessionOptions {
  readonly policy: Policy;
  readonly token: "access_token" | "id_token";
  readonly name: string;
}

/** What is in memory of a signed-in person. */
export interface Held {
  readonly record: SessionRecord;
  readonly clock: TrustedClock;
  /** What the judged token says itself, once it was found genuine. */
  payload?: Claims;
}

/** Who is signed in, in memory and in the storage, and what that person may do. */
export class Holding {
  readonly policy: Policy;
  readonly verifier: Verifier<unknown> | KeyStore<unknown>;
  readonly store: SessionStore;
  readonly revoker: Revoker;
  protection: Protection;
  status: SessionState["status"] = "starting";
  held: Held | undefined;
  ending: Ending | undefined;
  error: Error | undefined;
  /** Whether the record in memory is newer than the stored one, because the storage refused. */
  unsaved = false;
  /** Tells the other tabs and workers. */
  announce: (message: Message) => void = () => {};
  /** Called when what is held has become another without being asked to. */
  changed: () => void = () => {};

  readonly #name: string;
  readonly #judged: "access_token" | "id_token";
  readonly #environment: Environment;
  readonly #marks: Marks;
  /** Whether nobody chose the protection, so that it is the best there is. */
  readonly #isDefault: boolean;
  /** Whether there is no need to find out about the device's key. */
  #hasKey: boolean;
  /** Whether the storage could be read the last time: if not, nobody knows who is signed in. */
  readable = true;
  readonly #endings: Endings;
  /** When it was said that whoever is stored is signed out, which nobody could read at the time. */
  #endsUnread: number | undefined;
  /** What is neither stored nor held, because this was locked too early: it is taken up when it is unlocked. */
  #waiting: SessionRecord | undefined;
  /** What was seen of time before this was locked. */
  #seenBefore: (Pick<SessionRecord, "sessionId" | "checkIn"> & { readonly seen: SeenTime }) | undefined;

  constructor(
    { verifier, provider, policy, token, storage, protection, name }: CheckedOptions,
    environment: Environment,
  ) {
    this.policy = policy;
    this.verifier = verifier;
    this.#name = name;
    this.#judged = token;
    this.#environment = environment;
    const device = deviceProtectionIsSupported() ? deviceProtection() : noProtection();
    this.protection = protection ?? device;
    this.#isDefault = protection === undefined;
    this.#hasKey = this.protection.kind !== "device";
    const kept = storage ?? (typeof indexedDB === "object" ? indexedDbStorage() : memoryStorage());
    this.store = new SessionStore(kept, name, this.protection, protection?.kind === "none" ? protection : device);
    this.#marks = new Marks(this.store);
    this.#endings = new Endings(this.store);
    this.revoker = new Revoker(this.store, provider, environment);
  }

  /** Finds out what can be stored. */
  async open(): Promise<void> {
    await this.store.open().catch((error) => this.failed(error));
  }

  /**
   * Whether the device's key can be used, until it can. One that a database refuses for a moment is not replaced: what was
   * sealed with it would be lost, and what comes next be stored in clear. Whether it can be used since just now.
   */
  async #findKey(): Promise<boolean> {
    if (this.#hasKey) return false;
    try {
      await this.protection.seal("");
    } catch (error) {
      const isUnsupported = error instanceof ProtectionError && error.code === "unsupported";
      if (!this.#isDefault || !isUnsupported) {
        this.failed(error);
        return false;
      }
      this.protection = noProtection();
      this.store.sealWith(this.protection);
    }
    this.#hasKey = true;
    if (this.error instanceof ProtectionError) this.error = undefined;
    return true;
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

  /**
   * Takes up what is stored, if it is newer than what is in memory: keys first, for tokens that another tab got may be
   * signed by one that only it has fetched. Whether the storage could be read.
   */
  async load(): Promise<boolean> {
    const { status } = this;
    const { locked } = this.protection;
    if (locked) this.#letGo();
    try {
      if ("load" in this.verifier) await this.verifier.load();
      await this.#load().catch((error) => {
        // The key in memory was not the one in use any more, and is forgotten by now.
        if (locked || !this.protection.locked) throw error;
        return this.#load();
      });
      this.readable = true;
    } catch (error) {
      this.failed(error);
      if (this.held !== undefined) this.#takeWaiting(({ sessionId }) => this.#endings.has(sessionId));
      else if (this.status !== "locked" || !this.protection.locked) this.status = "signed_out";
      this.readable = false;
    }
    // Another tab may have the key that is in use.
    if (this.status === "locked" && status !== "locked") this.announce({ asksForKey: true });
    return this.readable;
  }

  /** Whether what is known now will be there after a restart. */
  get isSaved(): boolean {
    return this.mayStore && !this.unsaved && this.#waiting === undefined;
  }

  /** Whether anything can be stored at all. */
  get mayStore(): boolean {
    return this.store.persistent && this.#hasKey;
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
    const { record, clock } = this.held;
    this.#seenBefore = { sessionId: record.sessionId, checkIn: record.checkIn, seen: clock.seen };
    this.held = undefined;
    this.unsaved = false;
    this.status = "locked";
    if (!unsaved) return;
    this.#wait(record);
    void this.exclusively(() => this.keepLocked(record, key)).then(() => this.changed());
  }

  /** Of the person who is in here, or will be once this is unlocked: the latest. */
  get #own(): SessionRecord | undefined {
    return this.held?.record ?? this.#waiting;
  }

  /** Whether nothing has happened since this was held. */
  isCurrent(record: SessionRecord): boolean {
    return this.held !== undefined && isSameVersion(this.held.record, record);
  }

  /** Another tab says so. Does not wait for the storage, which may not know. */
  learnEndings(endings: readonly Ending[]): void {
    for (const ending of endings) {
      if (typeof ending?.sessionId !== "string" || typeof ending.cause !== "string") continue;
      this.#endings.add(ending);
      if (this.#waiting?.sessionId === ending.sessionId) this.#waiting = undefined;
      if (this.held?.record.sessionId !== ending.sessionId) continue;
      this.held = undefined;
      this.status = "signed_out";
      this.ending = ending;
      this.unsaved = false;
    }
  }

  /** Tells a tab that has started what it cannot learn from a storage that refused. */
  tellUnsaved(): void {
    const unsaved = this.unsaved ? this.held?.record : undefined;
    const ended = this.#endings.here;
    if (unsaved !== undefined || ended.length > 0) this.announce({ unsaved, ended });
  }

  /** Whether it is known to have ended, here or in another tab. */
  hasEnded(sessionId: string): Promise<boolean> {
    return this.#endings.areKnownToHave(sessionId);
  }

  async #load(): Promise<void> {
    const mayStore = [await this.#findKey(), await this.#leaveMemory(), await this.#endUnread()];
    await this.#endings.tell().catch((error) => this.failed(error));
    if (this.held !== undefined && mayStore.includes(true)) await this.write();
    if (this.protection.locked) {
      this.#letGo();
      const ids = [await this.store.storedId(), this.#waiting?.sessionId];
      if (!this.protection.locked) return this.#load();
      this.status = ids.some((id) => id !== undefined && !this.#endings.has(id)) ? "locked" : "signed_out";
      return;
    }
    const { held } = this;
    const { record: stored, endings } = await this.store.read();
    const seen = stored && (await this.#marks.read(stored));
    // What was done meanwhile was done knowing more than this.
    if (this.protection.locked) return this.#load();
    if (this.held !== held) return;
    const hasEnded = ({ sessionId }: SessionRecord) =>
      this.#endings.has(sessionId) || endings.some((ending) => ending.sessionId === sessionId);
    if (stored !== undefined && !hasEnded(stored)) {
      this.#takeStored(stored, seen);
    } else if (held !== undefined && !hasEnded(held.record)) {
      // Nothing stored, and no word of an end: the browser has evicted it. Memory goes on, and is stored again later.
      this.unsaved = true;
    } else {
      const own = endings.find(({ sessionId }) => sessionId === held?.record.sessionId);
      this.ending = own ?? endings.at(-1) ?? this.ending;
      this.unsaved = false;
      this.held = undefined;
      this.status = "signed_out";
    }
    this.#takeWaiting(hasEnded);
  }

  #takeStored(record: SessionRecord, seen: SeenTime | undefined): void {
    if (this.held !== undefined && isSameVersion(record, this.held.record)) this.#isSaved();
    if (isNewer(record, this.held?.record)) {
      this.take(record, this.#resumedClock(record, seen));
      this.unsaved = false;
      this.error = undefined;
    } else if (seen !== undefined && this.held?.record.checkIn.at === record.checkIn.at) {
      this.held.clock.learn(seen);
    }
  }

  /** Takes up what the storage has not. */
  takeUnsaved(record: SessionRecord): void {
    this.take(record, this.#resumedClock(record));
    this.unsaved = true;
  }

  #takeWaiting(hasEnded: (record: SessionRecord) => boolean): void {
    const { held } = this;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined || hasEnded(waiting)) return;
    const isNext = held?.record.sessionId === waiting.sessionId && isNewer(waiting, held.record);
    if (held !== undefined && !isNext) return;
    this.takeUnsaved(waiting);
    void this.save().then(() => this.changed());
  }

  #wait(record: SessionRecord): void {
    if (isNewer(record, this.#waiting) && !this.#endings.has(record.sessionId)) this.#waiting = record;
  }

  /** The storage may work by now. Whether it does since just now: whoever signed in meanwhile is stored. */
  async #leaveMemory(): Promise<boolean> {
    if (this.store.persistent) return false;
    await this.store.open().catch(() => {});
    if (this.store.persistent && this.held === undefined) this.error = undefined;
    return this.store.persistent;
  }

  /**
   * Whoever was stored when somebody signed out, or signed in, and could not be read: it is over now, unless it is a later
   * sign-in of another tab, which counts more than one of here. Whether there was such a word.
   */
  async #endUnread(): Promise<boolean> {
    const said = this.#endsUnread;
    if (said === undefined || !this.store.persistent) return false;
    const sessionId = await this.store.storedId();
    const own = this.#own;
    if (sessionId !== undefined && sessionId !== own?.sessionId) {
      const stored = await this.#openStored();
      const over = (stored?.signedInAt ?? Number.NEGATIVE_INFINITY) > said ? own : { ...stored, sessionId };
      if (over !== undefined) {
        const isSamePerson = own !== undefined && stored !== undefined && sameUser(own.user, stored.user);
        // Some providers revoke all that one person has from them, the new tokens too.
        if (over.tokens !== undefined && !isSamePerson) await this.revoker.add(over.tokens).catch(() => {});
        this.learnEndings([{ sessionId: over.sessionId, cause: "signed_out" }]);
        await this.#endings.tell();
        void this.revoker.run();
      }
    }
    this.#endsUnread = undefined;
    return true;
  }

  /** `undefined` for what no key here opens. */
  async #openStored(): Promise<SessionRecord | undefined> {
    try {
      return this.protection.locked ? undefined : (await this.store.read()).record;
    } catch (error) {
      if (error instanceof ProtectionError && error.code !== "unavailable") return undefined;
      throw error;
    }
  }

  /** For a check-in that goes on: what was seen since, here too, counts. */
  #resumedClock(record: SessionRecord, stored?: SeenTime): TrustedClock {
    const clock = this.clockFor(record, stored);
    const { held } = this;
    for (const known of [held && { ...held.record, seen: held.clock.seen }, this.#seenBefore]) {
      const isSame = known?.sessionId === record.sessionId && known.checkIn.at === record.checkIn.at;
      if (isSame) clock.learn(known.seen);
    }
    return clock;
  }

  /** For a check-in that is new, or as far as is stored of it. */
  clockFor({ checkIn }: SessionRecord, seen?: SeenTime): TrustedClock {
    this.#marks.begin(seen);
    return new TrustedClock(checkIn, seen, this.policy.rollbackTolerance);
  }

  take(record: SessionRecord, clock: TrustedClock): void {
    this.held = { record, clock };
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
      const token = this.judgedToken(held.record.tokens);
      const marks = held.clock.read(this.#environment.now());
      const { access, reason, until } = this.verifier.assess(token, this.policy, marks);
      held.payload ??= payloadOf(token);
      this.#saveMarks(held);
      return { access, reason, until: until === null ? null : until - held.clock.seen.skew, claims: held.payload };
    } catch (error) {
      return { access: "none", reason: "invalid_token", until: null, error: error as Error };
    }
  }

  judgedToken(tokens: SessionTokens): string {
    const token = tokens[this.#judged];
    if (isToken(token)) return token;
    throw new SessionError("missing_token", `the tokens have no "${this.#judged}", which this session judges`);
  }

  /** Whether this is the token judged of these; they may be of a time when the app judged another kind. */
  hasToken(tokens: SessionTokens, token: string): boolean {
    return tokens[this.#judged] === token;
  }

  /** Not those of tokens that are not stored: marks are of use together with their check-in. */
  #saveMarks({ record, clock }: Held): void {
    if (this.protection.locked || this.unsaved || !this.#marks.areNews(clock.seen)) return;
    const { rolledBack } = clock.seen;
    this.#marks.begin(clock.seen);
    const saving = this.exclusively(async () => {
      if (this.held?.record !== record) return;
      const isStored = await this.#marks.write(record, clock);
      if (isStored) this.#isSaved();
      else await this.load();
      if (this.held?.record === record && !isStored) this.#marks.tellAgain();
      if (!isStored || clock.seen.rolledBack !== rolledBack) this.changed();
      // The other tabs are not to believe a clock that this one has seen set back.
      else if (rolledBack) this.announce({});
    });
    saving.catch((error) => {
      this.#marks.tellAgain();
      this.failed(error);
    });
  }

  /** Verifies but for the times. */
  verify(token: string, now: number): Claims {
    this.verifier.assess(token, this.policy, { now });
    return payloadOf(token);
  }

  /**
   * The same, fetching fresher keys if these do not know the token's. The provider itself has just given it, so that its
   * key is no invention, and no cool-down applies.
   */
  async verifyFresh(token: string, now: number): Promise<Claims> {
    try {
      return this.verify(token, now);
    } catch (error) {
      if (!(error instanceof TokenError) || error.code !== "key_not_found" || !("refresh" in this.verifier))
        throw error;
      await this.verifier.refresh().catch((cause) => {
        throw new TokenError(error.code, `${error.message}; no fresher keys could be fetched`, {}, { cause });
      });
      return this.verify(token, now);
    }
  }

  /** Stores what is held. */
  save(): Promise<void> {
    return this.exclusively(() => this.write());
  }

  /**
   * The same for whoever has the turn. A storage that is full is given room: cached pages can be had again, a one-time token
   * cannot. What another tab has done in the meantime is taken up instead.
   */
  async write(): Promise<void> {
    const record = this.held?.record;
    if (record === undefined) return;
    // Somebody may lock this before it is sealed.
    const key = this.protection.share?.();
    try {
      if (!(await this.#put(record, key))) return void (await this.load());
      this.#isSaved();
      this.announce({});
    } catch (cause) {
      if (this.isCurrent(record)) this.unsaved = true;
      else this.#wait(record);
      const message = "the storage refused the tokens: they are kept in memory, and lost with this page or worker";
      this.failed(new SessionError("not_saved", message, { cause }));
      this.announce({ unsaved: record, ended: this.#endings.here });
    }
  }

  #put(record: SessionRecord, key: UnlockedKey | undefined): Promise<boolean> {
    const put = () => this.store.write(record, (sessionId) => this.#endings.has(sessionId), key);
    return put().catch(async (error) => {
      if (!isFull(error)) throw error;
      await purgeUserCaches(this.#name, undefined, { caches: this.#environment.caches });
      return put();
    });
  }

  /** What the storage refused before, be it this or the marks of time, is over. */
  #isSaved(): void {
    this.unsaved = false;
    const { error } = this;
    const isOver = error instanceof StorageError || (error instanceof SessionError && error.code === "not_saved");
    if (isOver) this.error = undefined;
  }

  /** Keeps, sealed or else in memory, what was held or answered when this was locked. For whoever has the turn. */
  async keepLocked(record: SessionRecord, key: UnlockedKey | undefined): Promise<void> {
    this.#wait(record);
    if (key === undefined) return;
    try {
      // Whoever cannot be read yet is to end before this is stored.
      if (!(await this.#put(record, key)) && this.#endsUnread !== undefined) return;
      if (this.#waiting === record) this.#waiting = undefined;
      this.announce({});
    } catch (error) {
      this.failed(error);
    }
  }

  /** Everything of this person goes, and stays gone. For whoever has the turn. */
  async end(cause: EndCause): Promise<void> {
    const { kind } = this.protection;
    try {
      await this.endStored(cause).catch(async (error) => {
        if (!isFull(error)) throw error;
        // The word that it has ended, and what is to be revoked, go in where the cached pages were.
        await this.purge();
        await this.revoker.save().catch(() => {});
        await this.#endings.tell();
      });
    } finally {
      try {
        if (kind === "pin" || kind === "passkey") await this.protection.forget();
      } finally {
        await this.purge();
        this.announce({ ended: this.#endings.here });
      }
    }
  }

  /** Rejects if the storage refuses to hear of it, also where it cannot say who else is stored. */
  async endStored(cause: EndCause): Promise<void> {
    const record = this.#own;
    const isKnown = this.readable && this.store.persistent;
    this.held = undefined;
    this.#waiting = undefined;
    this.status = "signed_out";
    this.unsaved = false;
    this.error = undefined;
    let refusal: unknown;
    const over = record === undefined ? [] : [this.#ended(record.sessionId, cause)];
    if (cause === "signed_out" && (record === undefined || !isKnown)) {
      const stored = await this.#storedId().catch((error) => {
        this.#endsUnread = this.#environment.now();
        refusal = error;
      });
      if (stored !== undefined && stored !== record?.sessionId) over.push(this.#ended(stored, cause));
    }
    if (record !== undefined && cause !== "rejected") await this.revoker.add(record.tokens).catch(() => {});
    for (const ending of over) {
      await this.store.end(ending).catch((error) => {
        refusal = error;
      });
    }
    if (refusal !== undefined) throw refusal;
  }

  #ended(sessionId: string, cause: EndCause): Ending {
    this.ending = { sessionId, cause };
    this.#endings.add(this.ending);
    return this.ending;
  }

  /** Not of what is kept in memory until the storage can be read. */
  async #storedId(): Promise<string | undefined> {
    if (!this.store.persistent) await this.store.open();
    return this.store.storedId();
  }

  /** Deletes what was cached for others than the person who is signed in. */
  async purge(): Promise<void> {
    const { caches } = this.#environment;
    if (caches === undefined) return;
    const kept = () => this.held?.record.sessionId;
    await purgeExcept(kept, this.#name, { caches }).catch((error) => this.failed(error));
  }

  failed(error: unknown): void {
    this.error = error instanceof Error ? error : new Error("something unknown went wrong", { cause: error });
  }
}

function isFull(error: unknown): boolean {
  return error instanceof StorageError && error.code === "full";
}
