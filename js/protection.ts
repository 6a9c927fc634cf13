/** Protection at rest: what a text becomes before it reaches the storage. PIN and passkey have entries of their own. */
import { checkOptions, TEXT } from "./check-options.js";
import { ProtectionError } from "./errors.js";
import { isSealed, openText, sealText, webCryptoIsThere } from "./protection/box.js";
import { DeviceKey } from "./protection/device-key.js";

/**
 * Seals texts before they are stored and opens them after. What is sealed as one record cannot be opened as another.
 *
 * All methods reject with a `ProtectionError`; see its codes.
 */
export interface Protection {
  readonly kind: "none" | "device" | "pin" | "passkey";
  /** Of the one session that it is for: signing out of that forgets it. Without a name it may be any session's. */
  readonly name?: string | undefined;
  /** Whether `unlock` is needed before anything can be sealed or opened here. */
  readonly locked: boolean;
  seal(text: string, record?: string): Promise<string>;
  /** Rejects with `damaged` when the text was altered, is another record, or its key is gone. */
  open(sealed: string, record?: string): Promise<string>;
  unlock?(secret?: string): Promise<void>;
  /** Forgets the key in memory; what is stored stays. */
  lock?(): void;
  /** What is unlocked here, to post to the app's own workers and tabs; `undefined` while locked. */
  share?(): UnlockedKey | undefined;
  /** Unlocks with what another context shared. Rejects with `locked` when that is not, or no longer, the key in use. */
  adopt?(shared: UnlockedKey): Promise<void>;
  /**
   * Deletes the keys: what was sealed with them can never be opened again, in any tab. `id`: only if the key in use is the one
   * with that {@link UnlockedKey} `id`, so that nobody forgets a key that somebody else has chosen since.
   */
  forget(id?: string): Promise<void>;
}

/** A key that cannot be exported, as structured cloning carries it from one context of an origin to another. */
export interface UnlockedKey {
  readonly id: string;
  readonly key: CryptoKey;
}

/** Leaves texts as they are: for tests, and where nothing better can be had. */
export function noProtection(): Protection {
  return Object.freeze({
    kind: "none" as const,
    name: undefined,
    locked: false,
    seal: (text: string) => Promise.resolve(text),
    open: (text: string) =>
      isSealed(text)
        ? Promise.reject(new ProtectionError("unavailable", "this was sealed by a protection that is not in use now"))
        : Promise.resolve(text),
    forget: () => Promise.resolve(),
  });
}

/** Where a device's key is kept. */
export interface DeviceProtectionOptions {
  /** The IndexedDB database. Default: `tokenward-keys`. */
  readonly database?: string | undefined;
  /** The key in it: whoever uses another is not concerned by `forget`. Default: `device`. */
  readonly name?: string | undefined;
}

/**
 * AES-GCM with a key of 256 bits that is made on first use, kept in IndexedDB and cannot be exported.
 *
 * Guards against a copy of the stored texts. Not against code that runs in the page, which can use the key, nor against
 * a copy of the browser's profile, in which browsers keep such keys unencrypted. Without WebCrypto (plain http) or
 * IndexedDB every method but `forget` rejects with `unsupported`; where IndexedDB refuses, with `unavailable`.
 */
export function deviceProtection(given: DeviceProtectionOptions = {}): Protection {
  const checks = { database: TEXT, name: TEXT };
  const { database = "tokenward-keys", name = "device" } = checkOptions(given, "deviceProtection", checks);
  const device = new DeviceKey(database, name);
  return Object.freeze({
    kind: "device" as const,
    name: undefined,
    locked: false,
    seal: async (text: string, record = "") => sealText(await device.getOrMake(), text, ["device", record]),
    open: async (sealed: string, record = "") => {
      const key = await device.get();
      if (key !== undefined) return openText(key, sealed, ["device", record]);
      throw new ProtectionError("damaged", "the key of this device is gone: sign in again");
    },
    forget: () => device.delete(),
  });
}

/** Whether this context has what {@link deviceProtection} takes. IndexedDB may still refuse later. */
export function deviceProtectionIsSupported(): boolean {
  return webCryptoIsThere() && typeof indexedDB !== "undefined";
}
