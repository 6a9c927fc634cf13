import type { Ending } from "./record.js";
import type { SessionStore } from "./store.js";

/** Sessions that have ended here do not come back, whatever the storage says. */
export class Endings {
  readonly #store: SessionStore;
  readonly #here = new Map<string, Ending>();

  constructor(store: SessionStore) {
    this.#store = store;
  }

  get here(): readonly Ending[] {
    return [...this.#here.values()];
  }

  add(ending: Ending): void {
    this.#here.set(ending.sessionId, ending);
  }

  has(sessionId: string): boolean {
    return this.#here.has(sessionId);
  }

  /** Whether it is known to have ended, here or in another tab. */
  async areKnownToHave(sessionId: string): Promise<boolean> {
    const isStored = await this.#store.hasEnded(sessionId).catch(() => false);
    return isStored || this.has(sessionId);
  }

  /** A storage that refused to hear of an end is told again. */
  async tell(): Promise<void> {
    if (this.#here.size === 0) return;
    const known = await this.#store.endings();
    const untold = this.here.filter(({ sessionId }) => !known.some((ending) => ending.sessionId === sessionId));
    for (const ending of untold) await this.#store.end(ending);
  }
}
