/** The characters at the end of a token by which it is looked up: bits of the signature, 6 each. */
const TAIL = 32;

interface Found<Entry> {
  readonly token: string;
  readonly entry: Entry;
}

/**
 * A bounded memory of tokens, the least recently used forgotten first. A token is looked up by its end, because hashing
 * a thousand characters takes longer than everything else here, and then compared as a whole: a part of one, or a hash, could
 * be made to collide. Of two tokens with one end, the later is remembered.
 */
export class TokenCache<Entry> {
  readonly #entries = new Map<string, Found<Entry>>();
  readonly #maxTokens: number;
  /** What was used last: a session asks about one token again and again. */
  #latest: Found<Entry> | undefined;

  constructor(maxTokens: number) {
    this.#maxTokens = maxTokens;
  }

  get(token: string): Entry | undefined {
    if (this.#latest?.token === token) return this.#latest.entry;
    const tail = token.slice(-TAIL);
    const found = this.#entries.get(tail);
    if (found?.token !== token) return undefined;
    this.#move(tail, found);
    return found.entry;
  }

  set(token: string, entry: Entry): void {
    this.#move(token.slice(-TAIL), { token, entry });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxTokens) break;
      this.#entries.delete(oldest);
    }
  }

  /** To the end, where those stand that were used last. */
  #move(tail: string, found: Found<Entry>): void {
    this.#entries.delete(tail);
    this.#entries.set(tail, found);
    this.#latest = found;
  }
}
