import { ProtectionError } from "../errors.js";
import { type EndCause, type Ending, type SessionRecord, sameUser } from "./record.js";
import type { Revoker } from "./revoker.js";
import { MAX_ENDINGS, type SessionStore } from "./store.js";

/** As one tab tells another. */
export interface ToldEnding extends Ending {
  /** Whether the storage has heard of it. */
  readonly isTold?: boolean;
}

/** Sessions that have ended here do not come back, whatever the storage says. */
export class Endings {
  readonly #store: SessionStore;
  readonly #revoker: Revoker;
  readonly #now: () => number;
  readonly #here = new Map<string, Ending>();
  /** Which of them the storage may never have heard of. */
  readonly #untold = new Set<string>();
  #telling: Promise<void> | undefined;
  #latest: readonly string[] = [];
  /** When it was said that whoever is stored is signed out, which nobody could read at the time. */
  #unread: number | undefined;
  /** Who signed in since, here or in other tabs: they are not meant. */
  readonly #begun = new Set<string>();

  constructor(store: SessionStore, revoker: Revoker, now: () => number) {
    this.#store = store;
    this.#revoker = revoker;
    this.#now = now;
  }

  /** What the storage may not tell other tabs. */
  get untold(): readonly Ending[] {
    return this.#these(this.#untold);
  }

  /** What other tabs are to hear at once: that, and what ended last. */
  get news(): readonly ToldEnding[] {
    const news = this.#these(new Set([...this.#untold, ...this.#latest]));
    return news.map((ending) => ({ ...ending, isTold: !this.#untold.has(ending.sessionId) }));
  }

  #these(ids: ReadonlySet<string>): Ending[] {
    return [...this.#here.values()].filter(({ sessionId }) => ids.has(sessionId));
  }

  /** What is in memory in place of a storage says nothing to the storage. */
  #isTold(sessionId: string): void {
    if (this.#store.persistent) this.#untold.delete(sessionId);
  }

  /** What {@link end} ended last. */
  get latest(): Ending | undefined {
    return this.#here.get(this.#latest.at(-1) ?? "");
  }

  /** Somebody signed in just now. */
  spare(sessionId: string): void {
    this.#begun.add(sessionId);
  }

  /** Whether somebody is to end first who is stored and cannot be read yet. */
  get waitToRead(): boolean {
    return this.#unread !== undefined;
  }

  add({ sessionId, cause, isTold = false }: ToldEnding): void {
    if (!this.#here.has(sessionId) && !isTold) this.#untold.add(sessionId);
    this.#here.set(sessionId, { sessionId, cause });
    // The storage would not remember more.
    const [oldest] = this.#untold;
    if (this.#untold.size > MAX_ENDINGS) this.#untold.delete(oldest as string);
  }

  has(sessionId: string): boolean {
    return this.#here.has(sessionId);
  }

  /** Whether it is known to have ended, here or in another tab. */
  async areKnownToHave(sessionId: string): Promise<boolean> {
    const isStored = await this.#store.hasEnded(sessionId).catch(() => false);
    return isStored || this.has(sessionId);
  }

  /**
   * A storage that refused to hear of an end, or was emptied since, is told again; what it forgot for later ones is not. One
   * telling is for all who ask for it meanwhile.
   */
  tell(): Promise<void> {
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
    });
    return this.#telling;
  }

  async #tell(): Promise<void> {
    if (this.#here.size === 0) return;
    const known = await this.#store.endings();
    const isKnown = (sessionId: string) => known.some((ending) => ending.sessionId === sessionId);
    const missing = [...this.#here.values()].filter(({ sessionId }) => !isKnown(sessionId));
    // One less than it holds: a list that is full has forgotten ends, not been emptied (Holding.#manyEnded).
    const room = MAX_ENDINGS - 1 - known.length;
    const isLate = (place: number) => place >= missing.length - room;
    const due = missing.filter(({ sessionId }, place) => this.#untold.has(sessionId) || isLate(place));
    for (const ending of due) await this.#store.end(ending, "what is its own");
    for (const { sessionId } of [...known, ...due]) this.#isTold(sessionId);
  }

  /**
   * Ends the session of whoever is in here, and if asked to, of whoever is stored. Rejects if the storage refuses to hear of
   * it, or cannot say who is stored: that is made up for by {@link endUnread}.
   */
  async end(own: SessionRecord | undefined, cause: EndCause, alsoStored: boolean): Promise<void> {
    const ids = own === undefined ? [] : [own.sessionId];
    this.#latest = ids;
    for (const sessionId of ids) this.add({ sessionId, cause });
    const refusals: unknown[] = [];
    const refused = (error: unknown) => void refusals.push(error);
    if (alsoStored) {
      const stored = await this.#storedId().catch((error) => {
        this.#unread = this.#now();
        this.#begun.clear();
        refused(error);
      });
      if (stored !== undefined && !ids.includes(stored)) ids.push(stored);
    }
    if (own !== undefined && cause !== "rejected") await this.#revoker.add(own.tokens).catch(() => {});
    for (const sessionId of ids) {
      this.add({ sessionId, cause });
      await this.#store.end({ sessionId, cause }).then(() => this.#isTold(sessionId), refused);
    }
    // What is stored then is no session of this version.
    if (ids.length === 0 && refusals.length === 0) await this.#store.discard().catch(refused);
    if (refusals.length > 0) throw refusals.at(-1);
  }

  /** Not of what is kept in memory until the storage can be read. */
  async #storedId(): Promise<string | undefined> {
    if (!this.#store.persistent) await this.#store.open();
    return this.#store.storedId();
  }

  /**
   * Whoever was stored when somebody signed out, or signed in, and could not be read: it is over now, unless it is a later
   * sign-in of another tab, which counts more than one of here. Whether there was such a word; `learn` is told whose session
   * is over.
   */
  async endUnread(
    own: () => SessionRecord | undefined,
    isLocked: boolean,
    learn: (ending: Ending) => void,
  ): Promise<boolean> {
    const said = this.#unread;
    if (said === undefined || !this.#store.persistent) return false;
    const storedId = await this.#store.storedId();
    const stored = storedId === undefined || isLocked ? undefined : await this.#openStored();
    const mine = own();
    // Another tab may have stored what is in here since the id was read.
    const sessionId = stored?.sessionId ?? storedId;
    if (sessionId !== undefined && sessionId !== mine?.sessionId) {
      const isLater = this.#begun.has(sessionId) || (stored?.signedInAt ?? Number.NEGATIVE_INFINITY) > said;
      const over = isLater ? mine : { ...stored, sessionId };
      // Some providers revoke all that one person has from them, the new tokens too.
      const isSamePerson = mine !== undefined && stored !== undefined && sameUser(mine.user, stored.user);
      if (over?.tokens !== undefined && !isSamePerson) await this.#revoker.add(over.tokens).catch(() => {});
      if (over !== undefined) learn({ sessionId: over.sessionId, cause: "signed_out" });
      await this.tell();
      void this.#revoker.run();
    }
    this.#unread = undefined;
    return true;
  }

  /** `undefined` for what no key here opens. */
  async #openStored(): Promise<SessionRecord | undefined> {
    try {
      return (await this.#store.read()).record;
    } catch (error) {
      if (error instanceof ProtectionError && error.code !== "unavailable") return undefined;
      throw error;
    }
  }
}
