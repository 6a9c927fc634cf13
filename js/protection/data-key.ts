import { ProtectionError } from "../errors.js";
import {
  type DeviceProtectionOptions,
  deviceProtection,
  deviceProtectionIsSupported,
  type Protection,
  type UnlockedKey,
} from "../protection.js";
import { type Context, importKey, openBytes, openText, randomBytes, sealBytes, sealText, toBase64 } from "./box.js";

const KEY_BYTES = 32;

/** What is kept of a data key: sealed with a key that a PIN or a passkey gives, and around that by the device's. */
export interface WrappedKey {
  /** Another one for each data key, so that tabs notice that theirs is not the one in use any more. */
  readonly id: string;
  /** Whether the device's key is around it. */
  readonly device: boolean;
  readonly wrapped: string;
}

/** Makes, wraps and unwraps data keys of one kind. */
export class KeyWrapper {
  readonly #kind: "pin" | "passkey";
  readonly #device: Protection | undefined;

  constructor(kind: "pin" | "passkey", device: DeviceProtectionOptions) {
    this.#kind = kind;
    this.#device = deviceProtectionIsSupported() ? deviceProtection(device) : undefined;
  }

  async wrapNew(wrapping: CryptoKey): Promise<{ key: WrappedKey; bytes: Uint8Array<ArrayBuffer> }> {
    const bytes = randomBytes(KEY_BYTES);
    const id = toBase64(randomBytes(12));
    const inner = await sealBytes(wrapping, bytes, this.#context(id));
    const outer = await this.#device?.seal(inner, this.#record(id)).catch((error: unknown) => {
      // Where IndexedDB refuses, the PIN or passkey alone has to do.
      if (error instanceof ProtectionError) return undefined;
      throw error;
    });
    return { bytes, key: { id, device: outer !== undefined, wrapped: outer ?? inner } };
  }

  /** The same data key, wrapped again. */
  async rewrap(key: WrappedKey, bytes: Uint8Array<ArrayBuffer>, wrapping: CryptoKey): Promise<WrappedKey> {
    const inner = await sealBytes(wrapping, bytes, this.#context(key.id));
    const wrapped = key.device ? await this.#required().seal(inner, this.#record(key.id)) : inner;
    return { id: key.id, device: key.device, wrapped };
  }

  /** Takes off what the device's key is around: what only the PIN or passkey can open. */
  withoutDevice(key: WrappedKey): Promise<string> {
    return key.device ? this.#required().open(key.wrapped, this.#record(key.id)) : Promise.resolve(key.wrapped);
  }

  unwrap(id: string, inner: string, wrapping: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
    return openBytes(wrapping, inner, this.#context(id));
  }

  async forget(): Promise<void> {
    await this.#device?.forget();
  }

  #required(): Protection {
    if (this.#device !== undefined) return this.#device;
    throw new ProtectionError("unsupported", "this was sealed with a key of this device, which cannot be used here");
  }

  #context(id: string): Context {
    return [this.#kind, "key", id];
  }

  #record(id: string): string {
    return `${this.#kind} ${id}`;
  }
}

/** A data key in memory, as long as it is the one in use. */
export class HeldKey {
  readonly #kind: "pin" | "passkey";
  readonly #idInUse: () => Promise<string | undefined>;
  #held: UnlockedKey | undefined;

  constructor(kind: "pin" | "passkey", idInUse: () => Promise<string | undefined>) {
    this.#kind = kind;
    this.#idInUse = idInUse;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Takes the bytes over: they are zero afterwards. */
  async hold(id: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#held = { id, key: await importKey(bytes) };
  }

  drop(): void {
    this.#held = undefined;
  }

  share(): UnlockedKey | undefined {
    return this.#held;
  }

  /** Whether no other key than this one is in use; it is dropped in any case. */
  async mayForget(id: string): Promise<boolean> {
    if (this.#held?.id === id) this.drop();
    const inUse = await this.#idInUse().catch((error: unknown) => {
      // What is damaged is nobody's.
      if (error instanceof ProtectionError && error.code === "damaged") return undefined;
      throw error;
    });
    return inUse === undefined || inUse === id;
  }

  async adopt(shared: UnlockedKey): Promise<void> {
    const { id, key } = Object(shared) as Partial<UnlockedKey>;
    if (id === undefined || id !== (await this.#idInUse()) || !(key instanceof CryptoKey)) throw this.#locked();
    this.#held = { id, key };
  }

  async seal(text: string, record = ""): Promise<string> {
    return sealText(await this.#current(), text, [this.#kind, "text", record]);
  }

  async open(sealed: string, record = ""): Promise<string> {
    return openText(await this.#current(), sealed, [this.#kind, "text", record]);
  }

  /** What another tab has replaced or forgotten must not seal anything more: nobody could open it again. */
  async #current(): Promise<CryptoKey> {
    const held = this.#held;
    if (held === undefined) throw this.#locked();
    if ((await this.#idInUse()) === held.id) return held.key;
    if (this.#held === held) this.drop();
    throw this.#locked();
  }

  #locked(): ProtectionError {
    const how = this.#kind === "pin" ? "the PIN or passphrase" : "the passkey";
    return new ProtectionError("locked", `this is locked: call unlock with ${how}`);
  }
}
