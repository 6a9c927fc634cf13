import { ProtectionError } from "../errors.js";
import { sealText } from "../protection/box.js";
import {
  deviceProtection,
  deviceProtectionIsSupported,
  noProtection,
  type Protection,
  type UnlockedKey,
} from "../protection.js";
import { memoryStorage, type Storage } from "../storage.js";
import {
  type Ending,
  type MarksRecord,
  type Postponement,
  readEndings,
  readMarks,
  readPostponement,
  readRecord,
  type SessionRecord,
} from "./record.js";

/** Refresh tokens that are to be revoked when there is a network again. */
export interface Revocation {
  readonly refreshToken: string;
  /** When it was asked for, in Unix seconds. */
  readonly at: number;
}

/** What goes with the session. */
const OF_ONE_SESSION = ["session", "marks", "postponed"] as const;
/** Revocations wait for so many, the latest ones. */
const MAX_REVOCATIONS = 10;
/** A tab that slept may come back with any session: it should still be known that it has ended. */
export const MAX_ENDINGS = 32;

/**
 * What a session keeps, under five names: `session` (sealed, after its id and generation), `marks` (sealed), `postponed`
 * and `ended` (no secrets), `revocations` (sealed by the device: they are due when the person's own secret is gone).
 */
export class SessionStore {
  /** Whether what is written gets into the storage that was given, not into memory in its place. */
  persistent = true;
  /** Whether that storage outlasts a restart. Told to the app; nothing else here is another matter because of it. */
  readonly lasts: boolean;
  readonly #given: Storage;
  #storage: Storage;
  readonly #name: string;
  /** Whether nobody chose the protection, so that it is the best there is. */
  readonly #isDefault: boolean;
  /** Whether there is no need to find out about the device's key. */
  #hasKey: boolean;
  #protection: Protection;
  #device: Protection;

  constructor(storage: Storage, name: string, protection: Protection | undefined) {
    this.#given = storage;
    this.lasts = storage.persistent !== false;
    this.#storage = storage;
    this.#name = name;
    const device = deviceProtectionIsSupported() ? deviceProtection() : noProtection();
    this.#protection = protection ?? device;
    this.#device = protection?.kind === "none" ? protection : device;
    this.#isDefault = protection === undefined;
    this.#hasKey = this.#protection.kind !== "device";
  }

  get protection(): Protection {
    return this.#protection;
  }

  /** Whether anything can be stored, sealed. */
  get isReady(): boolean {
    return this.persistent && this.#hasKey;
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

  /**
   * Tries the device's key, until it can be used. One that its database refuses for a moment is not done without: what was
   * sealed with it would be lost, and what comes next stored in clear.
   */
  async findKey(): Promise<void> {
    if (this.#hasKey) return;
    try {
      await this.#protection.seal("");
    } catch (error) {
      const isUnsupported = error instanceof ProtectionError && error.code === "unsupported";
      if (!this.#isDefault || !isUnsupported) throw error;
      this.#protection = noProtection();
      this.#device = this.#protection;
    }
    this.#hasKey = true;
  }

  /** What is in memory only needs no key of the device, which may not be there either. */
  get #sealing(): Protection {
    return this.persistent || this.#protection.kind !== "device" ? this.#protection : noProtection();
  }

  /** The session, and which ones have ended. */
  async read(): Promise<{ record?: SessionRecord | undefined; endings: readonly Ending[] }> {
    const before = await this.endings();
    const { sealed, ...told } = await this.#readSealed();
    // It may have ended between the two.
    const endings = sealed === undefined ? await this.endings() : before;
    if (sealed === undefined || endings.some((ending) => ending.sessionId === told.sessionId)) return { endings };
    const record = readRecord(await this.#sealing.open(sealed, this.#key("session")));
    // What stands before the seal can be written by anybody.
    const isWhole = record?.sessionId === told.sessionId && record?.generation === told.generation;
    return isWhole ? { record, endings } : { endings };
  }

  async endings(): Promise<readonly Ending[]> {
    return readEndings(await this.#storage.get(this.#key("ended")));
  }

  /** Of the session that is stored and has not ended, which needs no key to know. */
  async storedId(): Promise<string | undefined> {
    const { sessionId } = await this.#readSealed();
    return sessionId === undefined || (await this.hasEnded(sessionId)) ? undefined : sessionId;
  }

  /**
   * Whether it was written: not if it has ended, nor over a later version, nor over another session that goes on. `key`
   * seals when the protection was locked meanwhile.
   */
  async write(record: SessionRecord, isOver: (sessionId: string) => boolean, key?: UnlockedKey): Promise<boolean> {
    const { sessionId, generation } = record;
    const endings = await this.endings().catch(() => []);
    const ended = (id: string) => isOver(id) || endings.some((ending) => ending.sessionId === id);
    const stored = await this.#readSealed().catch(() => undefined);
    const isAnother = stored?.sessionId !== undefined && stored.sessionId !== sessionId && !ended(stored.sessionId);
    const isOlder = stored?.sessionId === sessionId && (stored.generation ?? 0) > generation;
    if (ended(sessionId) || isAnother || isOlder) return false;
    const name = this.#key("session");
    const text = JSON.stringify(record);
    const { kind, locked } = this.#protection;
    const sealed = locked && key ? sealText(key.key, text, [kind, "text", name]) : this.#sealing.seal(text, name);
    await this.#storage.set(name, `${sessionId} ${generation} ${await sealed}`);
    return true;
  }

  /** Of what is stored, which needs no key to know. */
  storedVersion(): Promise<{ sessionId?: string; generation?: number }> {
    return this.#readSealed();
  }

  async #readSealed(): Promise<{ sessionId?: string; generation?: number; sealed?: string }> {
    const stored = await this.#storage.get(this.#key("session"));
    const [, sessionId, generation, sealed] = /^([0-9a-f]{32}) (\d{1,15}) (.*)$/s.exec(stored ?? "") ?? [];
    if (sessionId === undefined || sealed === undefined) return {};
    return { sessionId, generation: Number(generation), sealed };
  }

  async readMarks(): Promise<MarksRecord | undefined> {
    const sealed = await this.#storage.get(this.#key("marks"));
    return sealed === undefined ? undefined : readMarks(await this.#sealing.open(sealed, this.#key("marks")));
  }

  async writeMarks(marks: MarksRecord): Promise<void> {
    const key = this.#key("marks");
    await this.#storage.set(key, await this.#sealing.seal(JSON.stringify(marks), key));
  }

  async postponement(): Promise<Postponement | undefined> {
    return readPostponement(await this.#storage.get(this.#key("postponed")));
  }

  async postpone(postponement: Postponement): Promise<void> {
    await this.#storage.set(this.#key("postponed"), JSON.stringify(postponement));
  }

  /**
   * From here on no record of this session counts, not even one that another tab is about to write. Whoever has not the turn
   * deletes only what is its own.
   */
  async end(
    ending: Ending,
    deleted: "what is its own" | "what is nobody else's" = "what is nobody else's",
  ): Promise<void> {
    const { sessionId } = ending;
    const others = (await this.endings().catch(() => [])).filter((other) => other.sessionId !== sessionId);
    const list = [...others, ending].slice(-MAX_ENDINGS);
    const stored = await this.#readSealed().catch((): { sessionId?: string } => ({}));
    // What cannot be recognised is nobody else's.
    const owner = stored.sessionId ?? (deleted === "what is its own" ? undefined : sessionId);
    const gone = owner === sessionId ? OF_ONE_SESSION : [];
    const [ended, ...deletions] = await Promise.allSettled([
      this.#storage.set(this.#key("ended"), JSON.stringify(list)),
      ...gone.map((what) => this.#storage.delete(this.#key(what))),
    ]);
    // A full storage may refuse the word and still delete what it was about.
    const refused = deletions.find(({ status }) => status === "rejected") ?? ended;
    if (refused?.status === "rejected") throw refused.reason;
  }

  /** Deletes what is stored and no session that goes on. */
  async discard(): Promise<void> {
    if ((await this.#storage.get(this.#key("session"))) === undefined) return;
    await Promise.all(OF_ONE_SESSION.map((what) => this.#storage.delete(this.#key(what))));
  }

  async hasEnded(sessionId: string): Promise<boolean> {
    return (await this.endings()).some((ending) => ending.sessionId === sessionId);
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
