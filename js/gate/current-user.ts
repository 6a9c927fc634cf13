import { userCacheName } from "../platform/user-caches.js";
import { within } from "../within.js";
import type { GateSession } from "./types.js";

/** Milliseconds from one refresh that a denial asked for to the next. */
const REFRESH_PAUSE = 30_000;

/**
 * Whether the person whom this worker knows of is still the one who is signed in. A page that signs out tells the workers,
 * but nothing orders that message before the page's next request. What all see at once is the person's cache: sign-in and
 * sign-out delete it before they resolve. Once it is gone, the session is read again.
 */
export class CurrentUser {
  readonly #session: GateSession;
  readonly #caches: () => CacheStorage | undefined;
  readonly #refreshTimeout: number;
  #refreshing: Promise<unknown> | undefined;
  #refreshNotBefore = 0;
  #seen: { readonly sessionId: string; readonly cache: Cache } | undefined;

  constructor(session: GateSession, refreshTimeout: number, caches: () => CacheStorage | undefined) {
    this.#session = session;
    this.#refreshTimeout = refreshTimeout;
    this.#caches = caches;
  }

  /** Who is signed in, as far as this worker knows. */
  get sessionId(): string | undefined {
    const { status, sessionId } = this.#session.state;
    return status === "signed_in" ? sessionId : undefined;
  }

  /** Whether a session has ended for certain: one that is locked, or cannot be read now, goes on. */
  isOver(sessionId: string): boolean {
    return isKnown(this.#session) && this.sessionId !== sessionId;
  }

  /** That person's cache. Once it was deleted, what is put into it is nowhere: it does not come back by its name. */
  get cache(): Cache | undefined {
    return this.#seen !== undefined && this.#seen.sessionId === this.sessionId ? this.#seen.cache : undefined;
  }

  /** Starts the session if it was not; then makes sure that this worker knows who is signed in. */
  async confirm(): Promise<void> {
    // A session that cannot start has nobody signed in: the decision says so.
    if (this.#session.state.status === "starting") await this.#session.start().catch(() => {});
    try {
      await this.#look(this.#caches());
    } catch {
      // Without caches nothing about a person is kept, and only the storage can say who it is.
      this.#seen = undefined;
      await this.readAgain();
    }
  }

  /** Before a denial for old tokens: a page may have fresh ones, or the provider, for which it waits a while. */
  async reconsider(): Promise<void> {
    if (this.sessionId !== undefined) await this.readAgain();
    const { access } = this.#session.access();
    if (this.sessionId === undefined || access === "full" || this.#refreshTimeout === 0 || !isPerhapsOnline()) return;
    // One that fails is not tried again for each image of a page.
    if (this.#refreshing === undefined && performance.now() < this.#refreshNotBefore) return;
    this.#refreshing ??= this.#session
      .refresh()
      .catch(() => {})
      .finally(() => {
        this.#refreshing = undefined;
        this.#refreshNotBefore = performance.now() + REFRESH_PAUSE;
      });
    await within(this.#refreshing, this.#refreshTimeout);
  }

  /** Takes in what pages have stored. */
  async readAgain(): Promise<void> {
    await this.#session.sync().catch(() => {});
  }

  async #look(caches: CacheStorage | undefined): Promise<void> {
    const seen = this.cache;
    if (caches !== undefined && seen !== undefined) {
      if (await caches.has(this.#cacheName())) return;
      // Only a new reading may find it again: not even the next request, once this one has recreated the cache.
      if (this.cache === seen) this.#seen = undefined;
      await this.readAgain();
    } else if (caches === undefined || this.sessionId === undefined) {
      await this.readAgain();
    }
    const { sessionId } = this;
    if (sessionId === undefined || caches === undefined) return;
    // In this order: whoever signs out after the reading finds the cache, and deletes it.
    const cacheName = this.#cacheName();
    const cache = await caches.open(cacheName);
    await this.readAgain();
    if (this.sessionId === sessionId) {
      this.#seen = { sessionId, cache };
      return;
    }
    if (this.isOver(sessionId)) await caches.delete(cacheName);
    await this.#look(caches);
  }

  #cacheName(): string {
    return userCacheName(this.#session.name, this.sessionId ?? "");
  }
}

/** Whether it is certain who is signed in, be it nobody. */
export function isKnown({ state: { status, ended, error } }: GateSession): boolean {
  // A storage that could not be read may say later whose the caches are.
  const isUnread = ended === undefined && error !== undefined;
  return status === "signed_in" || (status === "signed_out" && !isUnread);
}

/** A hint, no more: `false` means that trying is useless. */
function isPerhapsOnline(): boolean {
  return typeof navigator !== "object" || navigator.onLine !== false;
}

/** Calls when another person, or nobody, is signed in. While a session is locked its person has not changed. */
export function onPersonChange(session: GateSession | undefined, changed: () => void): () => void {
  let last: string | undefined;
  let known = false;
  const listener = () => {
    if (session === undefined || !isKnown(session)) return;
    const { status, sessionId } = session.state;
    const now = status === "signed_in" ? sessionId : undefined;
    if (known && now === last) return;
    last = now;
    known = true;
    changed();
  };
  session?.addEventListener("change", listener);
  listener();
  return () => session?.removeEventListener("change", listener);
}
