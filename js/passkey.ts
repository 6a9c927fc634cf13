/** `tokenward/passkey`: what is kept can be opened only with a passkey, through WebAuthn's PRF extension. */
import { ANYTHING, type Check, type Checks, checkOptions, NAME, TEXT } from "./check-options.js";
import { damaged, fromBase64, randomBytes, toBase64, unsupported, webCryptoIsThere } from "./protection/box.js";
import { HeldKey, KeyWrapper } from "./protection/data-key.js";
import { keptIn } from "./protection/kept.js";
import { KeyRecord, type StoredKey } from "./protection/key-record.js";
import { Unlockable } from "./protection/unlockable.js";
import { askPasskey, makePasskey, type Passkey, passkeysAreThere } from "./protection/webauthn.js";
import type { Protection, UnlockedKey } from "./protection.js";
import type { Storage } from "./storage.js";

export { ProtectionError, type ProtectionErrorCode, type ProtectionErrorFacts } from "./errors.js";
export { deviceProtection, noProtection, type Protection, type UnlockedKey } from "./protection.js";

/** How a passkey guards what is kept. */
export interface PasskeyProtectionOptions {
  /** Where the wrapped key is kept: the session's storage. */
  readonly storage: Storage;
  /** The session's name; it stands before the name in the storage. Default: `default`, as a session's. */
  readonly name?: string | undefined;
  /** The domain the passkey belongs to: the page's or a parent of it. Default: the page's. */
  readonly rpId?: string | undefined;
  /** The app's name, which the browser may show. Default: the `rpId` or the page's host. */
  readonly rpName?: string | undefined;
  /** What the browser shows beside the passkey, such as an address of mail. Default: the app's name. */
  readonly userName?: string | undefined;
  /** How long the person has, in seconds. Default: 120. */
  readonly timeout?: number | undefined;
  /** The IndexedDB database of the device's key. Default: `tokenward-keys`. */
  readonly database?: string | undefined;
}

/** A protection that a passkey unlocks. */
export interface PasskeyProtection extends Protection {
  readonly kind: "passkey";
  /** Whether there is a passkey, and whether a key of this device is needed too. */
  status(): Promise<{ readonly isSetUp: boolean; readonly boundToDevice: boolean }>;
  /**
   * Makes a passkey and unlocks. Call it while a click or key press is handled: browsers ask for that. Rejects with
   * `unsupported` where browser or authenticator has no PRF, `cancelled` or `already_set_up`.
   */
  setup(): Promise<void>;
  /** Asks for the passkey; needs no network. Rejects with `cancelled`, `not_set_up` or `unsupported`. */
  unlock(): Promise<void>;
  lock(): void;
  share(): UnlockedKey | undefined;
  adopt(shared: UnlockedKey): Promise<void>;
}

/**
 * Seals with a random key that is wrapped with a key HKDF-SHA-256 (RFC 5869) makes from what the passkey answers (WebAuthn
 * Level 3 section 10.1.4, `prf`), and around that with a key of the device where there is one. User verification is
 * required: the authenticator checks fingerprint, face or its own PIN, and counts wrong ones.
 *
 * The passkey signs nobody in: no server knows it. `forget` cannot remove it from the authenticator, where it is useless.
 */
export function passkeyProtection(options: PasskeyProtectionOptions): PasskeyProtection {
  return new PasskeyLock(options);
}

/** What is stored as JSON. */
interface PasskeyRecord extends StoredKey {
  readonly credential: string;
}

const SALT_BYTES = 32;

const SHOWN: Check = [(value) => typeof value === "string" && value !== "", "a text"];

const OPTIONS: Checks<PasskeyProtectionOptions> = {
  storage: ANYTHING,
  name: NAME,
  rpId: SHOWN,
  rpName: SHOWN,
  userName: SHOWN,
  timeout: [(value) => Number.isFinite(value) && (value as number) > 0, "a number of seconds, more than 0"],
  database: TEXT,
};

class PasskeyLock extends Unlockable implements PasskeyProtection {
  readonly kind = "passkey";
  readonly #options: PasskeyProtectionOptions;
  readonly #record: KeyRecord<PasskeyRecord>;
  readonly #wrapper: KeyWrapper;
  readonly #held: HeldKey;

  constructor(given: PasskeyProtectionOptions) {
    const options = checkOptions(given, "passkeyProtection", OPTIONS);
    const { storage, name = "default", database } = options;
    const record = new KeyRecord<PasskeyRecord>("passkey", keptIn(storage), name, ({ credential }) => {
      if (typeof credential !== "string") throw damaged();
    });
    const held = new HeldKey("passkey", async () => (await record.read())?.id);
    super(name, held);
    this.#options = options;
    this.#record = record;
    this.#wrapper = new KeyWrapper("passkey", { database, name: `passkey ${name}` });
    this.#held = held;
  }

  async status(): Promise<{ isSetUp: boolean; boundToDevice: boolean }> {
    const record = await this.#record.read();
    return { isSetUp: record !== undefined, boundToDevice: record?.device === true };
  }

  setup(): Promise<void> {
    return this.#alone(async () => {
      await this.#record.requireNone("unlock with it");
      const salt = randomBytes(SALT_BYTES);
      const passkey = await makePasskey(salt, this.#dialogue());
      const credential = toBase64(passkey.credential);
      const { key, bytes } = await this.#wrapper.wrapNew(await wrappingKey(passkey, salt));
      await this.#record.write({ version: 1, credential, salt: toBase64(salt), ...key });
      await this.#held.hold(key.id, bytes);
    });
  }

  unlock(): Promise<void> {
    return this.#alone(async () => {
      const record = await this.#record.required();
      const inner = await this.#wrapper.withoutDevice(record);
      const salt = fromBase64(record.salt);
      const passkey = await askPasskey(fromBase64(record.credential), salt, this.#dialogue());
      await this.#held.hold(record.id, await this.#wrapper.unwrap(record.id, inner, await wrappingKey(passkey, salt)));
    });
  }

  async forget(id?: string): Promise<void> {
    if (id !== undefined && !(await this.#held.mayForget(id))) return;
    this.#held.drop();
    await this.#record.delete();
    await this.#wrapper.forget();
  }

  #dialogue() {
    const { rpId, rpName = rpId ?? location.hostname, userName = rpName, timeout = 120 } = this.#options;
    return { rpId, rpName, userName, timeout };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    // The lack of WebCrypto explains more, so it is told first.
    if (webCryptoIsThere() && !passkeysAreThere()) return Promise.reject(unsupported("there are no passkeys here"));
    return this.#record.alone(work);
  }
}

/** The passkey's answer is zero afterwards. */
async function wrappingKey({ answer }: Passkey, salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  try {
    const secret = await crypto.subtle.importKey("raw", answer, "HKDF", false, ["deriveKey"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode("tokenward passkey 1") };
    return await crypto.subtle.deriveKey(hkdf, secret, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  } finally {
    answer.fill(0);
  }
}
