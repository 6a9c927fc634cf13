import type { GateSession } from "./judge.js";
import { userCacheName } from "./purge.js";

/**
 * Whether the person whom this worker knows of is still the one who is signed in. A page that signs out tells the workers,
 * but nothing orders that message before the page's next request. What all see at once is the person's cache: sign-in and
 * sign-out delete it before they resolve. Once it is gone, the session is read again.
 */
export class Presence {
  readonly #session: GateSession;
  readonly #name: string;
  readonly #caches: () => CacheStorage | undefined;
  #seen: { readonly sessionId: string; readonly cache: Cache } | undefined;

  constructor(session: GateSession, name: string, caches: () => CacheStorage | undefined) {
    this.#session = session;
    this.#name = name;
    this.#caches = caches;
  }

  /** Who is signed in, as far as this worker knows. */
  get sessionId(): string | undefined {
    const { status, sessionId } = this.#session.state;
    return status === "signed_in" ? sessionId : undefined;
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
      // Without caches nothing of a person is kept, and only the storage can say who it is.
      this.#seen = undefined;
      await this.readAgain();
    }
  }

  /** Takes in what pages have stored. */
  async readAgain(): Promise<void> {
    await this.#session.sync?.().catch(() => {});
  }

  async #look(caches: CacheStorage | undefined): Promise<void> {
    const { sessionId } = this;
    if (sessionId === undefined) return;
    if (caches === undefined) return this.readAgain();
    const cacheName = userCacheName(this.#name, sessionId);
    if (this.cache !== undefined && (await caches.has(cacheName))) return;
    // In this order: whoever signs out after the reading finds the cache, and deletes it.
    const cache = await caches.open(cacheName);
    await this.readAgain();
    if (this.sessionId === sessionId) {
      this.#seen = { sessionId, cache };
      return;
    }
    await caches.delete(cacheName);
    await this.#look(caches);
  }
}
