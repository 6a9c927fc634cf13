import type { Protection } from "../protection.js";
import { memoryStorage, type Storage } from "../storage.js";
import { type Ending, type MarksRecord, readEnding, readMarks, readRecord, type SessionRecord } from "./record.js";

/** Refresh tokens that are to be revoked when there is a network again. */
export interface Revocation {
  readonly refreshToken: string;
  /** When it was asked for, in Unix seconds. */
  readonly at: number;
}

/** Revocations wait for so many, the latest ones. */
const MAX_REVOCATIONS = 10;

/**
 * What a session keeps, under four names: `session` (sealed), `marks` (sealed), `ended` (no secret), `revocations`
 * (sealed by the device: they are due when the person's own secret is gone).
 */
export class SessionStore {
  /** Whether what is written will be there after a restart. */
  persistent = true;
  readonly #given: Storage;
  #storage: Storage;
  readonly #name: string;
  #protection: Protection;
  #device: Protection;

  constructor(storage: Storage, name: string, protection: Protection, device: Protection) {
    this.#given = storage;
    this.#storage = storage;
    this.#name = name;
    this.#protection = protection;
    this.#device = device;
  }

  /** A storage that cannot even be read (private mode, blocked) is replaced by memory until it can. */
  async open(): Promise<void> {
    try {
      await this.#given.get(this.#key("session"));
      this.#storage = this.#given;
      this.persistent = true;
    } catch (error) {
      if (this.persistent) this.#storage = memoryStorage();
      this.persistent = false;
      throw error;
    }
  }

  sealWith(protection: Protection): void {
    this.#protection = protection;
    this.#device = protection;
  }

  /** The session, or why the last one ended. */
  async read(): Promise<{ record?: SessionRecord | undefined; ending?: Ending | undefined }> {
    const ended = await this.#storage.get(this.#key("ended"));
    const ending = ended === undefined ? undefined : readEnding(ended);
    const { sessionId, sealed } = await this.#readSealed();
    if (sealed === undefined || sessionId === ending?.sessionId) return { ending };
    return { record: readRecord(await this.#protection.open(sealed, this.#key("session"))), ending };
  }

  /** Of the session that is stored and has not ended, which needs no key to know. */
  async storedId(): Promise<string | undefined> {
    const { sessionId } = await this.#readSealed();
    return sessionId === undefined || (await this.hasEnded(sessionId)) ? undefined : sessionId;
  }

  async write(record: SessionRecord): Promise<void> {
    const key = this.#key("session");
    await this.#storage.set(key, `${record.sessionId} ${await this.#protection.seal(JSON.stringify(record), key)}`);
  }

  async #readSealed(): Promise<{ sessionId?: string | undefined; sealed?: string | undefined }> {
    const stored = await this.#storage.get(this.#key("session"));
    const [, sessionId, sealed] = /^([0-9a-f]{32}) (.*)$/s.exec(stored ?? "") ?? [];
    return { sessionId, sealed };
  }

  async readMarks(): Promise<MarksRecord | undefined> {
    const sealed = await this.#storage.get(this.#key("marks"));
    return sealed === undefined ? undefined : readMarks(await this.#protection.open(sealed, this.#key("marks")));
  }

  async writeMarks(marks: MarksRecord): Promise<void> {
    const key = this.#key("marks");
    await this.#storage.set(key, await this.#protection.seal(JSON.stringify(marks), key));
  }

  /** From here on no record of this session counts, not even one that another tab is about to write. */
  async end(ending: Ending): Promise<void> {
    const [ended, ...deleted] = await Promise.allSettled([
      this.#storage.set(this.#key("ended"), JSON.stringify(ending)),
      this.#storage.delete(this.#key("session")),
      this.#storage.delete(this.#key("marks")),
    ]);
    // A full storage may refuse the word and still delete what it was about.
    const refused = deleted.find(({ status }) => status === "rejected") ?? ended;
    if (refused.status === "rejected") throw refused.reason;
  }

  async hasEnded(sessionId: string): Promise<boolean> {
    const ended = await this.#storage.get(this.#key("ended"));
    return ended !== undefined && readEnding(ended)?.sessionId === sessionId;
  }

  async revocations(): Promise<readonly Revocation[]> {
    try {
      const sealed = await this.#storage.get(this.#key("revocations"));
      const list: unknown =
        sealed === undefined ? [] : JSON.parse(await this.#device.open(sealed, this.#key("revocations")));
      return Array.isArray(list) ? list : [];
    } catch {
      // What cannot be opened cannot be revoked either.
      return [];
    }
  }

  async writeRevocations(list: readonly Revocation[]): Promise<void> {
    const key = this.#key("revocations");
    if (list.length === 0) return this.#storage.delete(key);
    await this.#storage.set(key, await this.#device.seal(JSON.stringify(list.slice(-MAX_REVOCATIONS)), key));
  }

  #key(what: string): string {
    return `${this.#name}.${what}`;
  }
}
