/** `tokenward/pin`: what is kept can be opened only with a PIN or passphrase. The one entry that brings Argon2id. */
import { ANYTHING, type Checks, checkOptions, FUNCTION, isString, isWhole, NAME, TEXT } from "./check-options.js";
import { ConfigError, ProtectionError } from "./errors.js";
import { argon2id, type Cost } from "./protection/argon2.js";
import { Attempts, type AttemptsState } from "./protection/attempts.js";
import { damaged, fromBase64, importKey, isSealed, randomBytes, toBase64 } from "./protection/box.js";
import { HeldKey, KeyWrapper } from "./protection/data-key.js";
import { keptIn } from "./protection/kept.js";
import { KeyRecord, type StoredKey } from "./protection/key-record.js";
import { Unlockable } from "./protection/unlockable.js";
import type { Protection, UnlockedKey } from "./protection.js";
import type { Storage } from "./storage.js";

export { ProtectionError, type ProtectionErrorCode, type ProtectionErrorFacts } from "./errors.js";
export { deviceProtection, noProtection, type Protection, type UnlockedKey } from "./protection.js";

/** How a PIN guards what is kept. */
export interface PinProtectionOptions {
  /** Where the wrapped key and the count of attempts are kept: the session's storage. */
  readonly storage: Storage;
  /** The session's name; it stands before the names in the storage. Default: `default`, as a session's. */
  readonly name?: string | undefined;
  /** KiB of memory for Argon2id, 19456 to 1048576. Default: 65536. */
  readonly memory?: number | undefined;
  /** Passes of Argon2id, 1 to 64; at least 2 below 47104 KiB. Default: 3. */
  readonly iterations?: number | undefined;
  /** Characters a new PIN must have at least, 4 or more. Default: 6. */
  readonly minLength?: number | undefined;
  /** Wrong attempts in a row after which everything is forgotten for good; `null` for never. Default: `null`. */
  readonly maxAttempts?: number | null | undefined;
  /** The IndexedDB database of the device's key. Default: `tokenward-keys`. */
  readonly database?: string | undefined;
  /** The current time in Unix seconds. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
}

/** A protection that a PIN or passphrase unlocks. */
export interface PinProtection extends Protection {
  readonly kind: "pin";
  /** Whether there is a PIN, and how attempts stand: for what a page shows before anybody types. */
  status(): Promise<PinStatus>;
  /** Sets the first PIN and unlocks. Rejects with `already_set_up` or `weak_secret`. */
  setup(secret: string): Promise<void>;
  /** Rejects with `wrong_secret` or `try_later`, which have `retryAfter`, `too_many_attempts` or `not_set_up`. */
  unlock(secret?: string): Promise<void>;
  lock(): void;
  share(): UnlockedKey | undefined;
  adopt(shared: UnlockedKey): Promise<void>;
  /** Sets another PIN, and unlocks. A wrong old one counts as an attempt. What was sealed before stays readable. */
  change(secret: string, next: string): Promise<void>;
}

/** How a PIN stands. */
export interface PinStatus extends AttemptsState {
  readonly isSetUp: boolean;
  /** Whether a key of this device is needed too: not where IndexedDB was missing or refused at `setup`. */
  readonly boundToDevice: boolean;
  /** Wrong attempts after which everything is forgotten; `null` without such a limit. */
  readonly attemptsLeft: number | null;
}

/**
 * Seals with a random key that is wrapped with a key Argon2id makes from the PIN, and around that with a key of the
 * device where there is one.
 *
 * Waiting after wrong attempts (0, 0, 30 s, 1 min, 5 min, 15 min, then 1 h each) stops whoever tries at the app's own
 * form. It does not stop who can run code on the device or has a copy of the browser's profile, which holds the device's
 * key too. At 0.2 s each, one processor tries all PINs of 4 digits in half an hour and those of 6 digits in two days; graphics
 * cards do it in seconds and minutes. Only a passphrase withstands that.
 */
export function pinProtection(options: PinProtectionOptions): PinProtection {
  return new Pin(options);
}

/** What is stored as JSON: parameters and salt with the data, so that both can change. */
interface PinRecord extends Cost, StoredKey {}

const SALT_BYTES = 16;

class Pin extends Unlockable implements PinProtection {
  readonly kind = "pin";
  readonly #settings: Settings;
  readonly #record: KeyRecord<PinRecord>;
  readonly #attempts: Attempts;
  readonly #wrapper: KeyWrapper;
  readonly #held: HeldKey;

  constructor(options: PinProtectionOptions) {
    const settings = settingsOf(options);
    const { name, maxAttempts, now, database } = settings;
    const storage = keptIn(settings.storage);
    const record = new KeyRecord<PinRecord>("pin", storage, name, (found) => checkRecord(found, settings.cost));
    const held = new HeldKey("pin", async () => (await record.read())?.id);
    super(name, held);
    this.#settings = settings;
    this.#record = record;
    this.#attempts = new Attempts(storage, `${name}.pin-attempts`, maxAttempts, now);
    this.#wrapper = new KeyWrapper("pin", { database, name: `pin ${name}` });
    this.#held = held;
  }

  status(): Promise<PinStatus> {
    return this.#record.alone(async () => {
      const { maxAttempts } = this.#settings;
      const record = await this.#record.read();
      const state = await this.#attempts.state();
      const attemptsLeft = maxAttempts === null ? null : Math.max(0, maxAttempts - state.failed);
      return { isSetUp: record !== undefined, boundToDevice: record?.device === true, ...state, attemptsLeft };
    });
  }

  setup(secret: string): Promise<void> {
    return this.#record.alone(async () => {
      await this.#record.requireNone("change it");
      const { cost } = this.#settings;
      const salt = randomBytes(SALT_BYTES);
      const { key, bytes } = await this.#wrapper.wrapNew(await derive(this.#strong(secret), salt, cost));
      await this.#attempts.succeed();
      await this.#record.write({ version: 1, ...cost, salt: toBase64(salt), ...key });
      await this.#held.hold(key.id, bytes);
    });
  }

  unlock(secret?: string): Promise<void> {
    return this.#record.alone(async () => {
      const record = await this.#record.required();
      const text = textOf(secret);
      const bytes = await this.#judge(record, text);
      // What was recorded as enough is raised as soon as the PIN is known; if that fails, at the next unlock.
      if (isWeaker(record, this.#settings.cost)) await this.#rewrap(record, bytes, text).catch(() => {});
      await this.#held.hold(record.id, bytes);
    });
  }

  change(secret: string, next: string): Promise<void> {
    return this.#record.alone(async () => {
      const strong = this.#strong(next);
      const record = await this.#record.required();
      const bytes = await this.#judge(record, textOf(secret));
      try {
        await this.#rewrap(record, bytes, strong);
        await this.#held.hold(record.id, bytes);
      } finally {
        bytes.fill(0);
      }
    });
  }

  forget(id?: string): Promise<void> {
    return this.#record.alone(async () => {
      if (id === undefined || (await this.#held.mayForget(id))) await this.#forget();
    });
  }

  /** The data key's bytes, if the secret is right; the count is stored before that is known. */
  async #judge(record: PinRecord, secret: string): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#attempts.isOver((await this.#attempts.state()).failed)) return this.#tooMany();
    // What no PIN can open is no attempt.
    const salt = fromBase64(record.salt);
    const inner = await this.#wrapper.withoutDevice(record);
    if (!isSealed(inner)) throw damaged();
    const undo = await this.#attempts.begin();
    const wrapping = await derive(secret, salt, record).catch(async (error: unknown) => {
      await undo().catch(() => {});
      throw error;
    });
    try {
      const bytes = await this.#wrapper.unwrap(record.id, inner, wrapping);
      // It was right: a count that cannot be taken back now must not keep anybody out.
      await this.#attempts.succeed().catch(() => {});
      return bytes;
    } catch {
      const facts = await this.#attempts.facts();
      if (facts.attemptsLeft === 0) return this.#tooMany();
      const when = facts.retryAfter ? `after ${facts.retryAfter} s` : "at once";
      throw new ProtectionError("wrong_secret", `that is not the PIN: it may be tried again ${when}`, facts);
    }
  }

  async #tooMany(): Promise<never> {
    await this.#forget();
    const message = "there were too many wrong attempts and what was kept is forgotten: sign in again";
    throw new ProtectionError("too_many_attempts", message);
  }

  /** The count goes last: whatever interrupts this, nobody gets more attempts. */
  async #forget(): Promise<void> {
    this.#held.drop();
    await this.#record.delete();
    await this.#wrapper.forget();
    await this.#attempts.succeed();
  }

  /** The same data key under another secret or cost: what is sealed with it stays. */
  async #rewrap(record: PinRecord, bytes: Uint8Array<ArrayBuffer>, secret: string): Promise<void> {
    const { cost } = this.#settings;
    const salt = randomBytes(SALT_BYTES);
    const key = await this.#wrapper.rewrap(record, bytes, await derive(secret, salt, cost));
    await this.#record.write({ version: 1, ...cost, salt: toBase64(salt), ...key });
  }

  #strong(secret: string): string {
    const { minLength } = this.#settings;
    const text = textOf(secret);
    if ([...text].length >= minLength) return text;
    throw new ProtectionError("weak_secret", `a PIN needs at least ${minLength} characters`);
  }
}

/** Spellings that look alike are one (Unicode NFKC, as NIST SP 800-63-3B 5.1.1.2 says): digits are digits on any keyboard. */
function textOf(secret: unknown): string {
  // Lone surrogates would all be the same bytes.
  if (isString(secret)) return secret.normalize("NFKC");
  throw new ConfigError("invalid_option", "the PIN or passphrase should be a well-formed string", "secret");
}

async function derive(secret: string, salt: Uint8Array, cost: Cost): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  try {
    return await importKey(await argon2id(bytes, salt, cost));
  } finally {
    bytes.fill(0);
  }
}

function isWeaker(record: Cost, cost: Cost): boolean {
  return workOf(record) < workOf(cost) || record.memory < cost.memory;
}

const MEMORY = isWhole(19_456, 1_048_576);
const ITERATIONS = isWhole(1, 64);
const DEFAULT: Cost = { memory: 65_536, iterations: 3, parallelism: 1 };
const SALT = /^[\w-]{22,86}$/;

/**
 * Whether this library may have written a record of that cost for this app: in one lane always, with no less memory than it
 * accepts as an option. A version of the app that asked for more may have written it, but a record that anybody could have
 * put into the storage must not block this thread for minutes: so it may take at most 4 times the memory, and 16 times the
 * work, of what the app asks for now or of the default, whichever is greater.
 */
function isPlausible(record: Cost, asked: Cost): boolean {
  const memory = 4 * Math.max(asked.memory, DEFAULT.memory);
  const work = 16 * Math.max(workOf(asked), workOf(DEFAULT));
  return record.parallelism === 1 && record.memory <= memory && workOf(record) <= work;
}

function workOf({ memory, iterations }: Cost): number {
  return memory * iterations;
}

function checkRecord(record: Partial<Record<keyof PinRecord, unknown>>, asked: Cost): void {
  const { salt, memory, iterations, parallelism } = record;
  const isCost = MEMORY(memory) && ITERATIONS(iterations) && isWhole(1)(parallelism);
  if (!isCost || !SALT.test(salt as string)) throw damaged();
  if (isPlausible(record as unknown as Cost, asked)) return;
  const cost = `${memory} KiB, ${iterations} passes and ${parallelism} lanes`;
  const message = `the record of the PIN asks for ${cost} of Argon2id, which this app cannot have written: forget it, and sign in again`;
  throw new ProtectionError("damaged", message);
}

interface Settings {
  readonly storage: Storage;
  readonly name: string;
  readonly cost: Cost;
  readonly minLength: number;
  readonly maxAttempts: number | null;
  readonly database: string | undefined;
  readonly now: () => number;
}

const OPTIONS: Checks<PinProtectionOptions> = {
  storage: ANYTHING,
  name: NAME,
  memory: [MEMORY, "a whole number of KiB from 19456 to 1048576"],
  iterations: [ITERATIONS, "a whole number from 1 to 64"],
  minLength: [isWhole(4, 1000), "a whole number, 4 or more"],
  maxAttempts: [(value) => value === null || isWhole(1, 1_000_000)(value), "null or a whole number, 1 or more"],
  database: TEXT,
  now: FUNCTION,
};

/** OWASP Password Storage Cheat Sheet: 46 MiB once or 19 MiB twice at least. RFC 9106 4: 64 MiB three times. */
function settingsOf(given: PinProtectionOptions): Settings {
  const options = checkOptions(given, "pinProtection", OPTIONS);
  const { memory = DEFAULT.memory, iterations = DEFAULT.iterations } = options;
  const { storage, name = "default", minLength = 6, maxAttempts = null } = options;
  const { database, now = () => Date.now() / 1000 } = options;
  if (memory < 47_104 && iterations < 2) {
    const message = 'the option "iterations" should be 2 or more, with less than 47104 KiB of memory';
    throw new ConfigError("invalid_option", message, "iterations");
  }
  const cost = { ...DEFAULT, memory, iterations };
  return { storage, name, cost, minLength, maxAttempts, database, now: () => finite(now()) };
}

/** A clock that says nothing would end every wait. */
function finite(now: number): number {
  if (Number.isFinite(now)) return now;
  throw new ConfigError("invalid_option", 'the option "now" should return a finite number of Unix seconds', "now");
}
