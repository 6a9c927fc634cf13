import type { DpopReplay } from "./types.js";

/**
 * Which proofs were used, in this memory. Two sets take turns: one of this period, one of the last. No proof is accepted for
 * longer than a period, so that what is no longer in either set is refused for its age. A period is one of this machine's running
 * time: the clocks by which tokens are judged may differ between issuers, and may jump.
 */
export class ProofMemory implements DpopReplay {
  readonly #maxEntries: number;
  /** In seconds: how long a proof may be accepted after it was first seen. */
  readonly #period: number;
  #begun = Number.NEGATIVE_INFINITY;
  #present = new Set<string>();
  #past = new Set<string>();

  constructor(maxEntries: number, period: number) {
    this.#maxEntries = maxEntries;
    this.#period = period;
  }

  /** Nothing here waits: of two requests with one proof, one is the first. Throws when there is no room left. */
  remember(id: string): boolean {
    const now = performance.now() / 1000;
    if (now > this.#begun + this.#period) {
      const isLongAgo = now > this.#begun + 2 * this.#period;
      this.#past = isLongAgo ? new Set() : this.#present;
      this.#present = new Set();
      this.#begun = now;
    }
    if (this.#present.has(id) || this.#past.has(id)) return false;
    // Forgetting one that may be used again would let it be.
    if (this.#present.size + this.#past.size >= this.#maxEntries) throw new Error("no room for another proof");
    this.#present.add(id);
    return true;
  }
}
