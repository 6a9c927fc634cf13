/** The characters at the end of a token by which it is looked up: bits of the signature, 6 each. */
const TAIL = 32;

/**
 * A bounded memory of tokens, the least recently used forgotten first. A token is looked up by its end, because hashing
 * a thousand characters takes longer than everything else here, and then compared as a whole: a part of one, or a hash, could
 * be made to collide. Of two tokens with one end, the later is remembered.
 */
export class TokenCache<Entry> {
  readonly #entries = new Map<string, { readonly token: string; readonly entry: Entry }>();
  readonly #maxTokens: number;

  constructor(maxTokens: number) {
    this.#maxTokens = maxTokens;
  }

  get(token: string): Entry | undefined {
    const tail = token.slice(-TAIL);
    const found = this.#entries.get(tail);
    if (found?.token !== token) return undefined;
    this.#entries.delete(tail);
    this.#entries.set(tail, found);
    return found.entry;
  }

  set(token: string, entry: Entry): void {
    const tail = token.slice(-TAIL);
    this.#entries.delete(tail);
    this.#entries.set(tail, { token, entry });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxTokens) break;
      this.#entries.delete(oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}
