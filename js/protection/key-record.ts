import { ProtectionError } from "../errors.js";
import { exclusive } from "../platform/locks.js";
import type { Storage } from "../storage.js";
import { damaged, unsupported, webCryptoIsThere } from "./box.js";
import type { WrappedKey } from "./data-key.js";

/** What is stored as JSON of a key that a PIN or a passkey unlocks; each of them adds what it needs for that. */
export interface StoredKey extends WrappedKey {
  readonly version: 1;
  readonly salt: string;
}

/** Which of the two it is, as a key and as a word for people. */
const WORDS = { pin: "PIN", passkey: "passkey" } as const;

/** The one record of a protection in the storage: at most one PIN, or passkey, of a session. */
export class KeyRecord<Kept extends StoredKey> {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #word: string;
  readonly #check: (record: Partial<Record<keyof Kept, unknown>>) => void;

  /** `check` throws a {@link ProtectionError} for a record that lacks what only its kind has. */
  constructor(
    kind: keyof typeof WORDS,
    storage: Storage,
    name: string,
    check: (record: Partial<Record<keyof Kept, unknown>>) => void,
  ) {
    this.#storage = storage;
    this.#key = `${name}.${kind}`;
    this.#word = WORDS[kind];
    this.#check = check;
  }

  async read(): Promise<Kept | undefined> {
    const text = await this.#storage.get(this.#key);
    return text === undefined ? undefined : this.#parse(text);
  }

  async required(): Promise<Kept> {
    const record = await this.read();
    if (record !== undefined) return record;
    throw new ProtectionError("not_set_up", `there is no ${this.#word}: sign in, then set one up`);
  }

  /** One that cannot be read is one, too. */
  async requireNone(instead: string): Promise<void> {
    if ((await this.#storage.get(this.#key)) === undefined) return;
    throw new ProtectionError("already_set_up", `there is a ${this.#word} already: ${instead}, or forget it first`);
  }

  async write(record: Kept): Promise<void> {
    await this.#storage.set(this.#key, JSON.stringify(record));
  }

  async delete(): Promise<void> {
    await this.#storage.delete(this.#key);
  }

  /** Runs one work at a time: two tabs must not try two PINs for the price of one, or set two up. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    if (!webCryptoIsThere()) return Promise.reject(unsupported("there is no WebCrypto, as on plain http"));
    return exclusive(`tokenward:${this.#key}`, work);
  }

  #parse(text: string): Kept {
    let record: Partial<Record<keyof StoredKey, unknown>>;
    try {
      record = Object(JSON.parse(text));
    } catch (cause) {
      throw damaged(cause);
    }
    const { version, id, device, wrapped, salt } = record;
    const isText = [id, wrapped, salt].every((value) => typeof value === "string");
    if (version !== 1 || !isText || typeof device !== "boolean") throw damaged();
    this.#check(record as Partial<Record<keyof Kept, unknown>>);
    return record as unknown as Kept;
  }
}
