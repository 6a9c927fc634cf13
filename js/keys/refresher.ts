import { ConfigError, KeyStoreError, keyDoubt, TokenError, type TokenErrorCode } from "../errors.js";
import type { ClockMarks, Policy } from "../policy.js";
import { quoted } from "../quoted.js";
import type { Storage } from "../storage.js";
import type { Assessment, Result, Validity, VerificationKey, Verified, Verifier } from "../verifier.js";
import { inTime } from "../within.js";
import type { FetchLimits } from "./fetch.js";
import { isSame, type KeySet, readSet, stillPublished, withoutLeaked } from "./jwks.js";
import { type Attempt, describe, readAttempt, readSetRecord, type SetRecord, setName, shortName } from "./record.js";
import { type Fetched, fetchKeys, type KeySource } from "./source.js";
import type { KeyRefresh, KeyStore } from "./types.js";

/** The options of a key store, checked. */
export interface CheckedOptions<C, E> {
  readonly verifier: Verifier<C, E>;
  readonly bundled: KeySet;
  readonly bundledAt: number;
  readonly source: KeySource;
  readonly storage: Storage;
  readonly refreshEvery: number;
  readonly cooldown: number;
  readonly limits: FetchLimits;
  readonly maxKeys: number;
  readonly pin: boolean;
  readonly now: () => number;
  readonly onServerTime: ((seconds: number) => void) | undefined;
  readonly onError: ((error: Error) => void) | undefined;
}

/** What a verifier does with keys that a provider has published. */
interface Published {
  setKeys(jwks: string, issuer: string | undefined, options: { readonly published: boolean }): void;
  readonly keys: readonly (VerificationKey & {
    readonly secret?: "private_key" | "symmetric_key";
    readonly unusable?: string;
  })[];
}

const NO_KEYS: KeySet = { text: '{"keys":[]}', keys: [] };

/**
 * A refresh that all callers share. An edge runtime may end it without a word, together with the request that began it: from
 * `until` on, of `performance.now()`, it is given up.
 */
interface Flight {
  readonly refresh: Promise<KeyRefresh>;
  readonly until: number;
}

/** How often a refresh may take the time of one request: it makes three at the most, and reads and writes a storage. */
const PARTS = 4;

/** Keeps the keys of a verifier fresh. */
export class KeyRefresher<C, E = never> {
  readonly #options: CheckedOptions<C, E>;
  readonly #names: { readonly set: string; readonly attempt: string; readonly doubt: string };
  readonly #bundle: string;
  /** The set that was fetched last, and the keys of it in use. */
  #record: SetRecord | undefined;
  /** The greatest that was seen in the storage, or written. */
  #serial = 0;
  /** Whether the set in use is, or was, in the storage. If not, its serial number says nothing about those that are. */
  #isStored = false;
  /** What was stored when it was read last: it is no news, whatever the clock says by now. */
  #read: string | undefined;
  #keys: KeySet;
  #attempt: Attempt | undefined;
  /**
   * The last attempt that was made because a key was doubted. Anybody can forge a signature for a `kid` that exists: such
   * tokens have a cool-down of their own, so that they cannot delay the look-up of a key that is really new.
   */
  #doubt: Attempt | undefined;
  #flight: Flight | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(options: CheckedOptions<C, E>) {
    this.#options = options;
    const { bundled, source } = options;
    const name = setName(source);
    this.#names = { set: name, attempt: `${name}.attempt`, doubt: `${name}.doubt` };
    this.#bundle = shortName(bundled.text);
    this.#keys = bundled;
    try {
      this.#setKeys(bundled);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      if (cause.option === "jwks") throw new ConfigError(cause.code, cause.message, "bundled", { cause });
      if (cause.option !== "issuer") throw cause;
      const message =
        `the option "issuer" is ${quoted(source.issuer ?? "")}, which is none of the verifier's issuers; they are ` +
        "compared exactly, a slash at the end counts";
      throw new ConfigError("invalid_option", message, "issuer", { cause });
    }
  }

  asKeyStore(): KeyStore<C, E> {
    const self = this;
    return Object.freeze({
      verify: (token: string, expected?: E) => this.#verify(token, expected),
      safeVerify: (token: string, expected?: E) => this.#safeVerify(token, expected),
      assess: (token: string, policy: Policy, marks: ClockMarks) => this.#assess(token, policy, marks),
      validity: (token: string) => this.#validity(token),
      now: (token: string) => this.#options.verifier.now(token),
      load: async () => void (await this.#load()),
      refresh: () => this.#refresh(),
      refreshIfDue: () => this.#refreshIfDue(),
      verifyFresh: (token: string, expected?: E) => this.#verifyFresh(token, expected),
      freshen: (error: TokenError) => this.#freshen(error),
      onChange: (listener: () => void) => this.#onChange(listener),
      sibling: this.#options.verifier.sibling,
      get keys() {
        return self.#visibleKeys;
      },
      get refreshedAt() {
        return self.#record?.fetchedAt;
      },
    });
  }

  #verify(token: string, expected?: E): Verified<C> {
    const verified = this.#options.verifier.verify(token, expected);
    this.#requireKeys();
    return verified;
  }

  #safeVerify(token: string, expected?: E): Result<C> {
    const result = this.#options.verifier.safeVerify(token, expected);
    if (result.ok && this.#allWithdrawn) return { ok: false, error: this.#noKeys() };
    return result;
  }

  #assess(token: string, policy: Policy, marks: ClockMarks): Assessment<C> {
    const assessment = this.#options.verifier.assess(token, policy, marks);
    this.#requireKeys();
    return assessment;
  }

  #validity(token: string): Validity {
    const validity = this.#options.verifier.validity(token);
    this.#requireKeys();
    return validity;
  }

  get #visibleKeys(): readonly VerificationKey[] {
    return this.#allWithdrawn ? [] : this.#options.verifier.keys;
  }

  get #allWithdrawn(): boolean {
    return this.#keys.keys.length === 0;
  }

  #requireKeys(): void {
    if (this.#allWithdrawn) throw this.#noKeys();
  }

  #noKeys(): TokenError {
    return this.#record?.rest || !this.#options.pin ? allLeaked() : allWithdrawn();
  }

  async #verifyFresh(token: string, expected?: E): Promise<Verified<C>> {
    const first = this.#safeVerify(token, expected);
    if (first.ok) return first.value;
    const { code } = first.error;
    const before = this.#keys;
    if (keyDoubt(code) === undefined) throw first.error;
    const cause = await this.#lookForFresher(code).then(
      () => undefined,
      (error: unknown) => error,
    );
    // A forged token costs no second look at its signature, unless there are other keys.
    const second = this.#keys === before ? first : this.#safeVerify(token, expected);
    if (second.ok) return second.value;
    throw cause !== undefined && second.error.code === code ? because(second.error, cause) : second.error;
  }

  async #freshen(error: TokenError): Promise<boolean> {
    if (keyDoubt(error?.code) === undefined) return false;
    const before = this.#keys;
    await this.#lookForFresher(error.code).catch((failure) => {
      if (failure.code !== "cooling_down") this.#report(failure);
    });
    return this.#keys !== before;
  }

  /** First what another tab may have stored, then the provider; rejects with a KeyStoreError. */
  async #lookForFresher(code: TokenErrorCode): Promise<void> {
    const isDoubt = keyDoubt(code) === "doubted";
    if (!this.#isFlying) {
      this.#refuseWhileCooling(isDoubt);
      if (await this.#load()) return;
      // No answer of the provider could add a key.
      if (this.#options.pin && isSame(this.#keys, this.#options.bundled)) return;
      if (isDoubt) await this.#loadDoubt();
      if (!this.#isFlying) this.#refuseWhileCooling(isDoubt);
    }
    await this.#refresh(isDoubt);
  }

  async #refreshIfDue(): Promise<KeyRefresh | undefined> {
    // A storage is read only where it may say that another tab, or another isolate, was quicker.
    if (!this.#mayRefresh() && !this.#isFlying) return undefined;
    await this.#load();
    return this.#mayRefresh() || this.#isFlying ? this.#refresh() : undefined;
  }

  #mayRefresh(): boolean {
    const now = this.#options.now();
    return this.#isDue(now) && this.#coolsUntil(now, true) === undefined;
  }

  #isDue(now: number): boolean {
    if (this.#record === undefined || this.#record.rest || this.#record.bundle !== this.#bundle) return true;
    const age = now - this.#record.fetchedAt;
    return age < 0 || age >= this.#options.refreshEvery;
  }

  get #isFlying(): boolean {
    return this.#flight !== undefined && performance.now() < this.#flight.until;
  }

  #refresh(isDoubt = false): Promise<KeyRefresh> {
    if (!this.#isFlying) {
      const limit = PARTS * this.#options.limits.timeout;
      this.#flight = { refresh: this.#fetch(isDoubt), until: performance.now() + limit * 1000 };
    }
    const flight = this.#flight as Flight;
    const isOver = () => {
      if (this.#flight === flight) this.#flight = undefined;
    };
    return inTime(flight.refresh, (flight.until - performance.now()) / 1000, () => {
      throw new KeyStoreError("timeout", "a refresh of the keys, which another request had begun, did not end");
    }).finally(isOver);
  }

  async #fetch(isDoubt: boolean): Promise<KeyRefresh> {
    const { source, limits, now, onServerTime } = this.#options;
    await this.#load();
    const at = now();
    const { retryAt } = this.#attemptOf(at) ?? {};
    if (retryAt !== undefined && retryAt > at) throw coolingDown(retryAt);
    const noted = isDoubt ? this.#noteDoubt({ at }) : this.#note({ at });
    try {
      const asked = this.#record;
      const fetched = await fetchKeys(source, asked, limits, at);
      const keys = this.#keys;
      // Another tab may have been quicker meanwhile; what it stored may be the fresher set.
      await this.#load();
      const fetchedAt = Math.min(at, now());
      // Where the clock was set back meanwhile, times do not tell who asked later.
      const isOvertaken = this.#record !== asked && (fetchedAt < at || this.#knowsFresher(at));
      if (!isOvertaken) await this.#take(fetched, asked, fetchedAt);
      if (fetched.serverTime !== undefined) this.#tell(onServerTime, fetched.serverTime);
      return { outcome: isSame(this.#keys, keys) ? "unchanged" : "updated" };
    } catch (error) {
      await noted;
      if (error instanceof KeyStoreError && error.retryAt !== undefined && error.retryAt > at) {
        await this.#note({ at, retryAt: error.retryAt });
      }
      throw error;
    } finally {
      await noted;
    }
  }

  async #take(fetched: Fetched, asked: SetRecord | undefined, fetchedAt: number): Promise<void> {
    const { url, etag, text = this.#record === asked ? asked?.set : undefined } = fetched;
    // Confirmed was a set that has been replaced meanwhile.
    if (text === undefined) return;
    const { source, maxKeys } = this.#options;
    this.#serial += 1;
    const record = {
      version: 1,
      source: describe(source),
      url,
      etag,
      fetchedAt,
      serial: this.#serial,
      bundle: this.#bundle,
      set: text,
    } as const;
    const before = this.#record;
    try {
      this.#use(record, readSet(text, maxKeys));
    } finally {
      if (this.#record !== undefined && this.#record !== before) await this.#store(this.#record);
    }
  }

  async #store(record: SetRecord): Promise<void> {
    this.#isStored = false;
    await this.#stored(async (storage) => {
      await storage.set(this.#names.set, JSON.stringify(record));
      this.#isStored = true;
    });
  }

  /** Takes what is stored if it is fresher. Whether the keys changed. */
  async #load(): Promise<boolean> {
    const { source, maxKeys, bundledAt } = this.#options;
    const [text, attempt] = await Promise.all([
      this.#stored((storage) => storage.get(this.#names.set)),
      this.#stored((storage) => storage.get(this.#names.attempt)),
    ]);
    this.#attempt = this.#later(readAttempt(attempt), this.#attempt);
    if (text === undefined || text === this.#read) return false;
    this.#read = text;
    const record = readSetRecord(text, describe(source));
    this.#serial = Math.max(this.#serial, record?.serial ?? 0);
    // What was fetched beside this very bundle is newer, whatever the clock said.
    const isOlder = record !== undefined && record.bundle !== this.#bundle && record.fetchedAt < bundledAt;
    if (record !== undefined && (isOlder || !this.#isFresher(record))) return false;
    const [before, known] = [this.#keys, this.#record];
    try {
      if (record === undefined) throw new KeyStoreError("invalid_set", "the stored record cannot be read");
      this.#use(record, readSet(record.set, maxKeys));
      this.#isStored = true;
    } catch (cause) {
      if (!(cause instanceof KeyStoreError)) {
        this.#report(cause as Error);
        return false;
      }
      this.#report(new KeyStoreError("invalid_set", "the cached key set cannot be used and is dropped", {}, { cause }));
      if (this.#record !== undefined && this.#record !== known) await this.#store(this.#record);
      else await this.#stored((storage) => storage.delete(this.#names.set));
    }
    return this.#keys !== before;
  }

  /** All or nothing: the whole set must hold, also where only some of its keys count. */
  #use(record: SetRecord, set: KeySet): void {
    if (set.text === this.#record?.set && !this.#record.rest) this.#record = record;
    else if (record.rest && set.keys.length === 0) this.#adopt(record, this.#setNone());
    else this.#tryKeys(record, set);
  }

  #adopt(record: SetRecord, keys: KeySet): void {
    this.#record = record;
    if (isSame(keys, this.#keys)) return;
    this.#keys = keys;
    for (const listener of [...this.#listeners]) this.#tell(listener, undefined);
  }

  /** Sets the keys of a set that count. Nobody else, not even `onError`, gets to run before the leaked ones are out. */
  #tryKeys(record: SetRecord, set: KeySet): void {
    // The very text first: what the strict reader refuses must not become valid by being rewritten.
    const refused = this.#refusal(set);
    if (refused !== undefined) {
      const dropped = refused.code === "no_usable_key" && this.#dropLeaked(set);
      throw unusable(refused, dropped);
    }
    const { listed, keys, problem } = this.#orRefuseAll(() => this.#withoutLeaked(set));
    if (keys !== undefined) this.#adopt(record, keys);
    const dropped = problem !== undefined && this.#dropLeaked(set);
    this.#reportSecrets(set, listed);
    if (problem !== undefined) throw unusable(problem, dropped);
  }

  /** Of a set that the verifier has just taken whole. */
  #withoutLeaked(set: KeySet): { listed: Published["keys"]; keys?: KeySet; problem?: ConfigError } {
    const listed = this.#options.verifier.keys;
    const left = withoutLeaked(set, set);
    const problem = left === set ? undefined : this.#refusal(left);
    if (problem !== undefined) return { listed, problem };
    return { listed, keys: this.#options.pin ? this.#setPinned(left) : left };
  }

  /** Sets the keys that a provider has published, or says what is wrong with them. */
  #refusal(set: KeySet): ConfigError | undefined {
    try {
      this.#setKeys(set, true);
      return undefined;
    } catch (cause) {
      if (isAboutKeys(cause)) return cause;
      throw cause;
    }
  }

  /** If the module stops while the verifier holds keys that do not count, no token holds until a set is read again. */
  #orRefuseAll<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#keys = NO_KEYS;
      this.#record = undefined;
      this.#read = undefined;
      throw error;
    }
  }

  /** What a set that cannot serve has leaked of the keys in use is used no more; the others stay. Whether there was any. */
  #dropLeaked(set: KeySet): boolean {
    const { source, now } = this.#options;
    const left = this.#orRefuseAll(() => {
      const others = withoutLeaked(this.#keys, set);
      return this.#refusal(others) === undefined ? others : this.#setNone();
    });
    if (isSame(left, this.#keys)) return false;
    this.#serial += 1;
    const record = {
      version: 1,
      source: describe(source),
      url: source.jwksUri ?? source.issuer ?? "",
      fetchedAt: now(),
      serial: this.#serial,
      bundle: this.#bundle,
      set: left.text,
      rest: true,
    } as const;
    this.#adopt(record, left);
    return true;
  }

  /** A secret that a provider has published is its mistake; the keys beside it still serve (RFC 7517 section 5). */
  #reportSecrets({ keys }: KeySet, listed: Published["keys"]): void {
    for (const { kid, kty, secret, unusable } of listed) {
      const isOfThisSet = keys.some((key) => (key["kid"] ?? undefined) === kid && key["kty"] === kty);
      if (secret === undefined || !isOfThisSet) continue;
      const which = kid === undefined ? "a key without kid" : `the key ${quoted(kid)}`;
      const message = `${which} of the provider's set is left out, and its public half with it: ${unusable}. Tell the provider to replace it`;
      this.#report(new KeyStoreError(secret, message, kid === undefined ? {} : { kid }));
    }
  }

  #setPinned(set: KeySet): KeySet {
    const { bundled } = this.#options;
    const left = stillPublished(bundled, set);
    try {
      this.#setKeys(left);
      return left;
    } catch (cause) {
      if (!isAboutKeys(cause)) throw cause;
      return this.#setNone();
    }
  }

  /** A verifier needs a key that can serve: it keeps the bundled ones, and this store refuses for it. */
  #setNone(): KeySet {
    this.#setKeys(this.#options.bundled);
    return NO_KEYS;
  }

  #setKeys({ text }: KeySet, published = false): void {
    const { verifier, source } = this.#options;
    (verifier as Published).setKeys(text, source.issuer, { published });
  }

  #onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** By the order in which they were stored, for clocks may be wrong; by time where two tabs wrote at once, or the storage refused. */
  #isFresher({ serial, fetchedAt }: SetRecord): boolean {
    const own = this.#record;
    if (own === undefined || (this.#isStored && serial > own.serial)) return true;
    const now = this.#options.now();
    return inOrder(fetchedAt, now) > inOrder(own.fetchedAt, now);
  }

  #knowsFresher(fetchedAt: number): boolean {
    const now = this.#options.now();
    return this.#record !== undefined && inOrder(this.#record.fetchedAt, now) > inOrder(fetchedAt, now);
  }

  #later(attempt: Attempt | undefined, known: Attempt | undefined): Attempt | undefined {
    if (attempt === undefined || known === undefined) return attempt ?? known;
    const now = this.#options.now();
    return inOrder(attempt.at, now) > inOrder(known.at, now) ? attempt : known;
  }

  #refuseWhileCooling(isDoubt: boolean): void {
    const until = this.#coolsUntil(this.#options.now(), isDoubt);
    if (until !== undefined) throw coolingDown(until);
  }

  /** A look-up of an unknown key waits for no attempt that a doubted one has caused; all others wait for both. */
  #coolsUntil(now: number, afterDoubt: boolean): number | undefined {
    const { at, retryAt = 0 } = this.#attemptOf(now) ?? { at: Number.NEGATIVE_INFINITY };
    const doubtedAt = afterDoubt && this.#doubt !== undefined && this.#doubt.at <= now ? this.#doubt.at : at;
    const until = Math.max(Math.max(at, doubtedAt) + this.#options.cooldown, retryAt);
    return now < until ? until : undefined;
  }

  /** The last attempt; one from the future was noted by a clock that was wrong. */
  #attemptOf(now: number): Attempt | undefined {
    return this.#attempt !== undefined && this.#attempt.at <= now ? this.#attempt : undefined;
  }

  /** Before the request, so that it counts even if the page is closed while it hangs. */
  async #note(attempt: Attempt): Promise<void> {
    this.#attempt = attempt;
    await this.#stored((storage) => storage.set(this.#names.attempt, JSON.stringify(attempt)));
  }

  async #noteDoubt(doubt: Attempt): Promise<void> {
    this.#doubt = doubt;
    await this.#stored((storage) => storage.set(this.#names.doubt, JSON.stringify(doubt)));
  }

  async #loadDoubt(): Promise<void> {
    const doubt = await this.#stored((storage) => storage.get(this.#names.doubt));
    this.#doubt = this.#later(readAttempt(doubt), this.#doubt);
  }

  /** A storage that refuses stops nothing: the keys stay in memory. */
  async #stored<T>(work: (storage: Storage) => Promise<T>): Promise<T | undefined> {
    try {
      return await work(this.#options.storage);
    } catch (error) {
      this.#report(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  #report(error: Error): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // Who is told of errors cannot be told of this one.
    }
  }

  #tell<T>(listener: ((value: T) => void) | undefined, value: T): void {
    try {
      listener?.(value);
    } catch (error) {
      this.#report(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** A time that is still to come counts as older than any other: the clock that noted it was wrong. */
function inOrder(time: number, now: number): number {
  return time > now ? time - 1e12 : time;
}

function coolingDown(retryAt: number): KeyStoreError {
  const message = `the provider was asked for keys too recently; from ${retryAt} (Unix seconds) on it will be again`;
  return new KeyStoreError("cooling_down", message, { retryAt });
}

function allWithdrawn(): TokenError {
  const message = "the provider has withdrawn every pinned key: the app needs an update with its new ones";
  return new TokenError("key_not_found", message);
}

function allLeaked(): TokenError {
  const message = "the provider has published the private half of every key in use: it has to replace them";
  return new TokenError("key_not_found", message);
}

function unusable(cause: ConfigError, dropped: boolean): KeyStoreError {
  const more = dropped ? "; keys in use whose private half it publishes are used no more" : "";
  return new KeyStoreError("invalid_set", `the key set cannot be used: ${cause.message}${more}`, {}, { cause });
}

/** The same error with what stood in the way of fresher keys. */
function because({ code, message, claim, expected, actual }: TokenError, cause: unknown): TokenError {
  const facts = Object.fromEntries(
    Object.entries({ claim, expected, actual }).filter(([, fact]) => fact !== undefined),
  );
  return new TokenError(code, message, facts, { cause });
}

/** Whether the set is at fault. The end of the stack or of the module's memory says nothing about it. */
function isAboutKeys(cause: unknown): cause is ConfigError {
  return cause instanceof ConfigError && cause.code !== "out_of_memory" && cause.code !== "disposed";
}
