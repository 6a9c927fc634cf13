/** How a session's replica is stored, sealed: under `session` as one text, and under `revocations` what is left to revoke. */
import { ProtectionError, StorageError } from "../errors.js";
import { sealText } from "../protection/box.js";
import {
  deviceProtection,
  deviceProtectionIsSupported,
  noProtection,
  type Protection,
  type UnlockedKey,
} from "../protection.js";
import type { Storage } from "../storage.js";
import { type CheckIn, type Marks, readMarks } from "./clock.js";
import { EMPTY, EVERY_ID, end, type Place, type Replica, readReplica, writeReplica } from "./record.js";
import { parse, readSealed, type Sealed, writeSealed } from "./tokens.js";

/** Refresh tokens that are to be revoked when there is a network again. */
export interface Revocation {
  readonly refreshToken: string;
  /** When it was asked for, in Unix seconds. */
  readonly at: number;
}

/** Changes the stored replica, `null` if there is none: gives back another to write it, and the same to leave it. */
export type Change = (stored: Replica | null) => Replica | null;

/** How much longer a text may become that answers an intent, in characters. */
const ROOM = 512;

const FIRST_VERSION = /^([0-9a-f]{32}) (\d{1,12}) (.*)$/s;

export class SessionStore {
  /** Whether the storage outlasts a restart. Told to the app; nothing else here is another matter because of it. */
  readonly lasts: boolean;
  readonly #storage: Storage;
  readonly #name: string;
  /** Whether nobody chose the protection, so that it is the best there is. */
  readonly #isDefault: boolean;
  #hasKey: boolean;
  #protection: Protection;
  #device: Protection;

  constructor(storage: Storage, name: string, protection: Protection | undefined) {
    this.lasts = storage.persistent !== false;
    this.#storage = storage;
    this.#name = name;
    const isSupported = deviceProtectionIsSupported();
    const device = isSupported ? deviceProtection() : noProtection();
    this.#protection = protection ?? (isSupported ? deviceProtection({ name: `session ${name}` }) : device);
    this.#device = protection?.kind === "none" ? protection : device;
    this.#isDefault = protection === undefined;
    this.#hasKey = this.#protection.kind !== "device";
  }

  get protection(): Protection {
    return this.#protection;
  }

  /** Whether the device's key is known to work, so that texts can be sealed and opened. */
  get hasKey(): boolean {
    return this.#hasKey;
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

  /**
   * Reads, changes and writes the replica; in one transaction where the storage has `update`, otherwise whoever calls must
   * have the turn. `change` may be called again, and is not called if the storage cannot be read.
   */
  async update(change: Change): Promise<void> {
    const name = this.#key("session");
    let first: FirstVersion | undefined;
    let isFirst: boolean;
    do {
      isFirst = false;
      await this.#change(name, (text) => {
        isFirst = first === undefined && text !== undefined && FIRST_VERSION.test(text);
        if (isFirst) return text;
        const stored = this.#read(text, first);
        const next = change(stored);
        if (first !== undefined) return this.#written(next ?? first.replica);
        return next === stored || next === null ? text : this.#written(next);
      });
      if (isFirst) first = await this.#firstVersion(name);
    } while (isFirst);
    if (first !== undefined) await this.#forgetFirstVersion(first);
  }

  async #change(name: string, changed: (text: string | undefined) => string | undefined): Promise<void> {
    if (this.#storage.update !== undefined) return this.#storage.update(name, changed);
    const before = await this.#storage.get(name);
    const next = changed(before);
    if (next !== before && next !== undefined) await this.#storage.set(name, next);
  }

  /** Empties the storage of a session whose end it refuses to hear of. */
  async empty(): Promise<void> {
    await this.#storage.delete(this.#key("session"));
  }

  #read(text: string | undefined, first: FirstVersion | undefined): Replica | null {
    const stored = text === undefined ? undefined : readReplica(parse(text));
    // What is in clear is never stored: somebody else has written that.
    if (stored?.record?.clear !== undefined) return null;
    return stored ?? first?.replica ?? null;
  }

  /** With room for the answer, where an intent is open: a storage that has taken this takes that. */
  #written(replica: Replica): string {
    const text = JSON.stringify(writeReplica(replica));
    const { intent = 0 } = replica.record ?? {};
    return intent !== 0 && intent % 2 === 0 ? text.padEnd(Math.ceil(text.length * 1.25) + ROOM) : text;
  }

  /**
   * What version 0.1 stored, before it is rewritten: the id and the generation before the seal, and a list of ends. Its
   * sign-in has the smallest number, so that any other is later.
   */
  async #firstVersion(name: string): Promise<FirstVersion | undefined> {
    const [, id, generation, sealed] = FIRST_VERSION.exec((await this.#storage.get(name)) ?? "") ?? [];
    if (id === undefined || sealed === undefined) return undefined;
    const ends = await this.#storage.get(this.#key("ended"));
    const list = ends === undefined ? [] : parse(ends);
    const isOver = Array.isArray(list) && list.some((ending) => Object(ending).sessionId === id);
    const marks = await this.#storage.get(this.#key("marks"));
    const place: Place = { signIn: 1, id, generation: Number(generation), turn: 0, turnId: "" };
    // The epoch is the same at each reading: until it is rewritten, the storage stays the one that it was.
    const replica: Replica = { ...EMPTY, epoch: id, record: { ...place, intent: 0, at: 0, sealed, marks } };
    const over = { signIn: 1, id: EVERY_ID, cause: "signed_out" as const };
    return { id, ends: Array.isArray(list) ? list : [], replica: isOver ? end(replica, over) : replica };
  }

  /** A tab that still runs version 0.1 finds that its session has ended, and spends none of its tokens. */
  async #forgetFirstVersion({ id, ends }: FirstVersion): Promise<void> {
    const others = ends.filter((ending) => Object(ending).sessionId !== id);
    await this.#storage
      .set(this.#key("ended"), JSON.stringify([...others, { sessionId: id, cause: "signed_out" }]))
      .catch(() => {});
    for (const what of ["marks", "postponed"]) await this.#storage.delete(this.#key(what)).catch(() => {});
  }

  /** What is sealed of a record; `key` seals when the protection was locked meanwhile. */
  async seal(
    sealed: Sealed,
    place: Place,
    marks: Marks,
    key?: UnlockedKey,
  ): Promise<{ sealed: string; marks: string }> {
    const texts = [
      ["session", writeSealed(sealed, place)],
      ["marks", JSON.stringify({ ...marks, sessionId: place.id, checkIn: sealed.checkIn.id })],
    ] as const;
    const [tokens, seen] = await Promise.all(texts.map(([what, text]) => this.#seal(text, this.#key(what), key)));
    return { sealed: tokens as string, marks: seen as string };
  }

  sealMarks(marks: Marks, { id }: Place, checkIn: CheckIn): Promise<string> {
    return this.#seal(JSON.stringify({ ...marks, sessionId: id, checkIn: checkIn.id }), this.#key("marks"));
  }

  #seal(text: string, name: string, key?: UnlockedKey): Promise<string> {
    const { kind, locked } = this.#protection;
    return locked && key ? sealText(key.key, text, [kind, "text", name]) : this.#protection.seal(text, name);
  }

  /**
   * A key of the device that is this session's own goes with it: old copies of what is stored can no longer be opened. What waits to be
   * revoked is sealed with another. `id`: only if the PIN or passkey is still that one, and not the next person's.
   */
  async forgetKey(id: string | undefined): Promise<void> {
    const { kind } = this.#protection;
    const isOwn = kind === "pin" || kind === "passkey" || (this.#isDefault && kind === "device");
    if (isOwn) await this.#protection.forget(id);
  }

  /** Rejects with a {@link ProtectionError} for what no key here opens; `undefined` for what this version did not seal. */
  async open(sealed: string, place: Place): Promise<Sealed | undefined> {
    return readSealed(await this.#open(sealed, "session"), place);
  }

  /** `undefined` for marks of another check-in. */
  async openMarks(sealed: string, { id }: Place, checkIn: CheckIn): Promise<Marks | undefined> {
    return readMarks(parse(await this.#open(sealed, "marks")), id, checkIn.id);
  }

  /** Version 0.1 had one key for all sessions of a device. */
  #open(sealed: string, what: string): Promise<string> {
    const name = this.#key(what);
    const opening = this.#protection.open(sealed, name);
    if (!this.#isDefault || this.#protection.kind !== "device") return opening;
    return opening.catch((error) => this.#device.open(sealed, name).catch(() => Promise.reject(error)));
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

  /** Sealed by the device: they are due when the person's own secret is gone. */
  async writeRevocations(list: readonly Revocation[]): Promise<void> {
    const key = this.#key("revocations");
    if (list.length === 0) return this.#storage.delete(key);
    await this.#storage.set(key, await this.#device.seal(JSON.stringify(list), key));
  }

  #key(what: string): string {
    return `${this.#name}.${what}`;
  }
}

interface FirstVersion {
  readonly id: string;
  readonly ends: readonly unknown[];
  readonly replica: Replica;
}

/** What a storage said, be it to a protection. */
export function ofStorage(error: unknown): StorageError | undefined {
  const said = error instanceof ProtectionError ? error.cause : error;
  return said instanceof StorageError ? said : undefined;
}
