/**
 * A bounded memory of tokens, the least recently used forgotten first. The key is the whole token: a hash or a part of
 * one could be made to collide.
 */
export class TokenCache<Entry> {
  readonly #entries = new Map<string, Entry>();
  readonly #maxTokens: number;

  constructor(maxTokens: number) {
    this.#maxTokens = maxTokens;
  }

  get(token: string): Entry | undefined {
    const entry = this.#entries.get(token);
    if (entry !== undefined) {
      this.#entries.delete(token);
      this.#entries.set(token, entry);
    }
    return entry;
  }

  set(token: string, entry: Entry): void {
    this.#entries.set(token, entry);
    if (this.#entries.size > this.#maxTokens) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}
