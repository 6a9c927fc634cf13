import { SessionError, StorageError, TokenError } from "../errors.js";
import { purgeUserCaches } from "../gate/purge.js";
import type { KeyStore } from "../keys.js";
import type { Policy } from "../policy.js";
import {
  deviceProtection,
  deviceProtectionIsSupported,
  noProtection,
  type Protection,
  type UnlockedKey,
} from "../protection.js";
import { ProviderUnavailable, RefreshRejected, type TokenProvider, type TokenSet } from "../providers.js";
import { type AccessRequest, mayDo } from "../rights.js";
import type { AccessAnswer, RefreshOutcome, Session, SessionOptions, SessionState } from "../session.js";
import { indexedDbStorage, memoryStorage } from "../storage.js";
import type { Assessment, Claims, Verifier } from "../verifier.js";
import { type CheckIn, checkInAt, TrustedClock } from "./clock.js";
import { type Channel, type Environment, platformEnvironment } from "./environment.js";
import { payloadOf } from "./payload.js";
import type { EndCause, Ending, SessionRecord, SessionTokens } from "./record.js";
import { Revoker } from "./revoker.js";
import { Backoff, refreshDue } from "./schedule.js";
import { SessionStore } from "./store.js";

/** How long a provider may take to answer, and another tab to finish, in seconds. */
const ANSWER_LIMIT = 40;
const TURN_LIMIT = 60;
/** Sightings of time are stored when they are so much further, in seconds: less than any tolerance. */
const MARKS_STEP = 30;
/** A check-in that is not worth another one, in seconds. */
const JUST_NOW = 60;
/** Timers do not run while a device sleeps: it is looked again at least so often, in seconds. */
const LONGEST_TIMER = 15 * 60;

interface Options extends SessionOptions {
  readonly policy: Policy;
  readonly token: "access_token" | "id_token";
  readonly name: string;
}

/** What is in memory of a signed-in person. */
interface Held {
  readonly record: SessionRecord;
  readonly clock: TrustedClock;
  /** What the judged token says itself, once it was found genuine. */
  payload?: Claims;
}

/** What the tabs and workers of one session tell each other; an empty message: look into the storage. */
interface Message {
  readonly unsaved?: SessionRecord;
  readonly key?: UnlockedKey;
  readonly asksForKey?: true;
  readonly lock?: true;
}

export class LiveSession extends EventTarget implements Session {
  readonly name: string;
  readonly #verifier: Verifier<unknown> | KeyStore<unknown>;
  readonly #provider: TokenProvider | null;
  readonly #policy: Policy;
  readonly #judged: "access_token" | "id_token";
  #protection: Protection;
  /** Whether nobody chose the protection, so that it is the best there is. */
  readonly #isDefault: boolean;
  readonly #environment: Environment;
  readonly #store: SessionStore;
  readonly #revoker: Revoker;
  readonly #backoff = new Backoff();

  #status: SessionState["status"] = "starting";
  #held: Held | undefined;
  #ending: Ending | undefined;
  #error: Error | undefined;
  /** Whether the record in memory is newer than the stored one, because the storage refused. */
  #unsaved = false;
  #state: SessionState;
  #starting: Promise<SessionState> | undefined;
  #refreshing: Promise<RefreshOutcome> | undefined;
  #savedMarks = Number.NEGATIVE_INFINITY;
  #savedRolledBack = false;
  #stopTimer: (() => void) | undefined;
  readonly #stops: (() => void)[] = [];
  #channel: Channel | undefined;
  #stopped = false;

  constructor({ verifier, provider, policy, token, storage, protection, name, environment }: Options) {
    super();
    this.name = name;
    this.#verifier = verifier;
    this.#provider = provider;
    this.#policy = policy;
    this.#judged = token;
    this.#environment = { ...platformEnvironment(), ...environment };
    const device = deviceProtectionIsSupported() ? deviceProtection() : noProtection();
    this.#protection = protection ?? device;
    this.#isDefault = protection === undefined;
    const kept = storage ?? (typeof indexedDB === "object" ? indexedDbStorage() : memoryStorage());
    this.#store = new SessionStore(kept, name, this.#protection, protection?.kind === "none" ? protection : device);
    this.#revoker = new Revoker(this.#store, provider, this.#environment);
    this.#state = this.#stateNow();
  }

  get state(): SessionState {
    return this.#state;
  }

  get accessToken(): string | undefined {
    return this.access().access === "none" ? undefined : this.#held?.record.tokens.access_token;
  }

  start(): Promise<SessionState> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async sync(): Promise<SessionState> {
    await this.start();
    await this.#load();
    return this.#update();
  }

  access(request: AccessRequest = {}): AccessAnswer {
    const { access, reason, until, claims } = this.#judge();
    const allowed = access !== "none" && claims !== undefined && mayDo(request, access, claims, this.#policy);
    return { allowed, access, reason, until, ...(claims && { claims }) };
  }

  async signIn(tokens: TokenSet, { serverTime }: { serverTime?: number | undefined } = {}): Promise<SessionState> {
    await this.start();
    this.#refuseIfStopped();
    if (this.#protection.locked) throw new SessionError("locked", "the session is locked: unlock it, then sign in");
    const now = this.#environment.now();
    const held = tokensOf(tokens, undefined);
    const claims = await this.#verifyFresh(this.#judgedToken(held), now);
    const user = userOf(claims);
    const time = serverTime ?? tokens.serverTime;
    const before = this.#held?.record;
    const same = before !== undefined && sameUser(before.user, user);
    if (before !== undefined && !same) await this.#endStored("signed_out");
    const record: SessionRecord = {
      version: 1,
      generation: (before?.generation ?? 0) + 1,
      sessionId: same ? before.sessionId : randomId(),
      user,
      tokens: held,
      checkIn: signInTime(claims, time, now),
    };
    // A token no newer than the last check-in proves no contact with the provider since: what was seen of time stays.
    const isNews = !same || time !== undefined || typeof claims.iat !== "number" || claims.iat > before.checkIn.at;
    const clock = isNews ? this.#clockFor(record) : (this.#held as Held).clock;
    this.#take(isNews ? record : { ...record, checkIn: before.checkIn }, clock);
    this.#error = undefined;
    this.#backoff.reset();
    await this.#purge();
    await this.#save();
    void this.#revoker.run();
    return this.#update();
  }

  refresh(): Promise<RefreshOutcome> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      this.#update();
    });
    return this.#refreshing;
  }

  async signOut(): Promise<void> {
    await this.start();
    try {
      await this.#end("signed_out");
    } finally {
      this.#update();
    }
    void this.#revoker.run();
  }

  async unlock(secret?: string): Promise<SessionState> {
    await this.start();
    await this.#protection.unlock?.(secret);
    const key = this.#protection.share?.();
    if (key !== undefined) this.#post({ key });
    await this.#load();
    this.#reconnected();
    return this.#update();
  }

  lock(): void {
    this.#forgetKey();
    this.#post({ lock: true });
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
    for (const stop of this.#stops.splice(0)) stop();
    this.#channel?.close();
  }

  async #start(): Promise<SessionState> {
    const refused = await this.#store.open();
    if (refused !== undefined) this.#failed(refused);
    if (this.#isDefault) await this.#settleProtection();
    if (!this.#stopped) this.#listen();
    // Only what is cached; a key store that cannot load works on with the bundled keys.
    if ("load" in this.#verifier) await this.#verifier.load();
    await this.#load();
    this.#update();
    if (this.#status === "locked") this.#post({ asksForKey: true });
    else void this.#purge();
    void this.#revoker.run();
    this.#reconnected();
    return this.#state;
  }

  /** A device's key needs IndexedDB, which may be there and refuse. */
  async #settleProtection(): Promise<void> {
    try {
      await this.#protection.seal("");
    } catch {
      this.#protection = noProtection();
      this.#store.sealWith(this.#protection);
    }
  }

  #forgetKey(): void {
    this.#protection.lock?.();
    if (!this.#protection.locked) return;
    if (this.#held !== undefined) this.#status = "locked";
    this.#held = undefined;
    this.#update();
  }

  #post(message: Message): void {
    this.#channel?.post(message);
  }

  #listen(): void {
    const { channel, onReconnect } = this.#environment;
    this.#channel = channel(`tokenward:${this.name}`, (message) => void this.#told(message));
    this.#stops.push(
      onReconnect((how) => {
        this.#backoff.reset();
        this.#reconnected(how);
        void this.#revoker.run();
        void this.sync();
      }),
    );
    if ("onChange" in this.#verifier) this.#stops.push(this.#verifier.onChange(() => this.#update()));
  }

  /** Another tab has changed something. What the storage refused there comes with the message. */
  async #told(message: unknown): Promise<void> {
    const { unsaved, key, asksForKey, lock } = (message ?? {}) as Message;
    if (lock) return this.#forgetKey();
    if (asksForKey) {
      const shared = this.#protection.locked ? undefined : this.#protection.share?.();
      if (shared !== undefined) this.#post({ key: shared });
      return;
    }
    // A service worker can ask nobody for a PIN: a page that was unlocked unlocks it too.
    if (key !== undefined && this.#protection.locked) await this.#protection.adopt?.(key).catch(() => {});
    if (unsaved !== undefined && !this.#protection.locked && isNewer(unsaved, this.#held?.record)) {
      if (await this.#store.hasEnded(unsaved.sessionId).catch(() => false)) return;
      this.#take(unsaved, this.#clockFor(unsaved));
      this.#unsaved = true;
    } else {
      await this.#load();
    }
    this.#update();
  }

  /** Takes up what is stored, if it is newer than what is in memory. */
  async #load(): Promise<void> {
    try {
      if (this.#protection.locked) {
        this.#held = undefined;
        this.#status = (await this.#store.storedId()) === undefined ? "signed_out" : "locked";
        return;
      }
      const { record, ending } = await this.#store.read();
      if (record !== undefined) {
        const marks = await this.#store.readMarks().catch(() => undefined);
        const seen = marks?.sessionId === record.sessionId && marks.checkInAt === record.checkIn.at ? marks : undefined;
        if (isNewer(record, this.#held?.record)) {
          this.#take(record, this.#clockFor(record, seen));
          this.#unsaved = false;
          this.#error = undefined;
        } else if (seen !== undefined && this.#held?.record.checkIn.at === seen.checkInAt) {
          this.#held.clock.learn(seen);
        }
        return;
      }
      this.#ending = ending;
      // Nothing stored, and no word of an end: the browser has evicted it. Memory goes on, and is stored again later.
      if (this.#held !== undefined && ending?.sessionId !== this.#held.record.sessionId) {
        this.#unsaved = true;
        return;
      }
      this.#held = undefined;
      this.#status = "signed_out";
    } catch (error) {
      this.#failed(error);
      if (this.#held === undefined) this.#status = "signed_out";
    }
  }

  #clockFor({ checkIn }: SessionRecord, seen?: ConstructorParameters<typeof TrustedClock>[1]): TrustedClock {
    this.#savedMarks = seen?.highest ?? Number.NEGATIVE_INFINITY;
    this.#savedRolledBack = seen?.rolledBack ?? false;
    return new TrustedClock(checkIn, seen, this.#policy.rollbackTolerance);
  }

  #take(record: SessionRecord, clock: TrustedClock): void {
    this.#held = { record, clock };
    this.#ending = undefined;
    this.#status = "signed_in";
  }

  /** What may be done now. Never throws. */
  #judge(): Pick<SessionState, "access" | "reason" | "until" | "claims" | "error"> {
    const held = this.#held;
    if (held === undefined) {
      const reason = this.#status === "locked" ? "locked" : "signed_out";
      return { access: "none", reason, until: null };
    }
    try {
      const { access, reason, until } = this.#assess(held);
      held.payload ??= payloadOf(this.#judgedToken(held.record.tokens));
      this.#saveMarks(held);
      return { access, reason, until: until === null ? null : until - held.clock.seen.skew, claims: held.payload };
    } catch (error) {
      return { access: "none", reason: "invalid_token", until: null, error: error as Error };
    }
  }

  #assess({ record, clock }: Held): Assessment<unknown> {
    const marks = clock.read(this.#environment.now());
    return this.#verifier.assess(this.#judgedToken(record.tokens), this.#policy, marks);
  }

  #judgedToken(tokens: SessionTokens): string {
    const token = tokens[this.#judged];
    if (typeof token === "string" && token !== "") return token;
    throw new SessionError("missing_token", `the tokens have no "${this.#judged}", which this session judges`);
  }

  /** Stored now and then, and at once when the clock was found set back. */
  #saveMarks({ record, clock }: Held): void {
    const { seen } = clock;
    if (this.#protection.locked || this.#stopped) return;
    if (seen.highest < this.#savedMarks + MARKS_STEP && seen.rolledBack === this.#savedRolledBack) return;
    this.#savedMarks = seen.highest;
    this.#savedRolledBack = seen.rolledBack;
    const marks = { sessionId: record.sessionId, checkInAt: record.checkIn.at, ...seen };
    const written = this.#store.writeMarks(marks);
    // The other tabs are not to believe a clock that this one has seen set back.
    written.then(() => seen.rolledBack && this.#channel?.post({})).catch((error) => this.#failed(error));
  }

  /** Verifies but for the times. */
  #verify(token: string, now: number): Claims {
    this.#verifier.assess(token, this.#policy, { now });
    return payloadOf(token);
  }

  /** The same, looking for fresher keys if these do not know the token's. */
  async #verifyFresh(token: string, now: number): Promise<Claims> {
    try {
      return this.#verify(token, now);
    } catch (error) {
      if (!(error instanceof TokenError) || error.code !== "key_not_found" || !("freshen" in this.#verifier))
        throw error;
      if (!(await this.#verifier.freshen(error))) throw error;
      return this.#verify(token, now);
    }
  }

  async #refresh(): Promise<RefreshOutcome> {
    await this.start();
    const known = this.#held?.record.generation;
    try {
      const turn = () => this.#refreshAlone(known);
      const outcome = await this.#environment.exclusive(`tokenward:${this.name}`, TURN_LIMIT, turn);
      if (outcome !== undefined) return outcome;
      throw new SessionError("busy", "another tab has not finished its refresh: it is tried again later");
    } catch (error) {
      this.#failed(error);
      this.#backOff(error);
      return "unavailable";
    }
  }

  /** In this tab only, as long as it lasts. */
  async #refreshAlone(known: number | undefined): Promise<RefreshOutcome> {
    await this.#load();
    const before = this.#held?.record;
    if (before === undefined) return this.#status === "locked" ? "locked" : "signed_out";
    if (before.generation !== known && before.unverified === undefined) return "adopted";
    if (before.unverified !== undefined && (await this.#promote(before, before.unverified))) return "refreshed";
    if (this.#provider === null || before.tokens.refresh_token === undefined) return "no_refresh_token";

    const asked = this.#environment.now();
    let answer: TokenSet;
    try {
      answer = await this.#ask(this.#provider, before.tokens);
    } catch (error) {
      if (!(error instanceof RefreshRejected)) throw error;
      return this.#rejected(before, error);
    }
    const answered = this.#environment.now();
    const tokens = tokensOf(answer, before.tokens);
    if (await this.#store.hasEnded(before.sessionId).catch(() => false)) {
      // Signed out meanwhile, here or in another tab: the fresh token is not to be used.
      await this.#revoker.add(tokens);
      void this.#revoker.run();
      await this.#load();
      return "signed_out";
    }
    await this.#load();
    // A sign-in in between is newer than this answer.
    if (this.#held?.record.generation !== before.generation) return "adopted";
    return this.#receive(before, tokens, answer, asked, answered);
  }

  /** One request with a limit: a turn must end, or every tab waits. */
  async #ask(provider: TokenProvider, tokens: SessionTokens): Promise<TokenSet> {
    const limit = new AbortController();
    const cancel = this.#environment.after(ANSWER_LIMIT, () => limit.abort());
    try {
      return await provider.refresh(tokens, { signal: limit.signal });
    } finally {
      cancel();
    }
  }

  /** The provider says that the token is of no more use: unless another tab has a newer one, the session is over. */
  async #rejected(before: SessionRecord, error: RefreshRejected): Promise<RefreshOutcome> {
    await this.#load();
    const now = this.#held?.record;
    if (now !== undefined && now.generation > before.generation) return "adopted";
    await this.#end("rejected");
    this.#error = error;
    return "signed_out";
  }

  /** What cannot be had twice is stored before anything else is tried with it. */
  async #receive(
    before: SessionRecord,
    tokens: SessionTokens,
    answer: TokenSet,
    asked: number,
    answered: number,
  ): Promise<RefreshOutcome> {
    const next = { ...before, generation: before.generation + 1, unverified: undefined };
    let claims: Claims;
    try {
      claims = this.#verify(this.#judgedToken(tokens), answered);
    } catch (error) {
      const kept = { ...before.tokens, refresh_token: tokens.refresh_token };
      const missingKey = error instanceof TokenError && error.code === "key_not_found";
      this.#take({ ...next, tokens: kept, unverified: missingKey ? tokens : undefined }, (this.#held as Held).clock);
      await this.#save();
      if (!missingKey) {
        this.#failed(error);
        this.#backOff(error);
        return "invalid_token";
      }
      if (await this.#promote((this.#held as Held).record, tokens)) return "refreshed";
      this.#failed(error);
      this.#backOff(error);
      return "unverified";
    }
    const repeated = this.#judgedToken(tokens) === this.#judgedToken(before.tokens);
    // A token that was known before says nothing about the time of this answer; nor does its absence.
    const time = repeated ? answer.serverTime : serverTime(answer, claims);
    const { skew } = (this.#held as Held).clock.seen;
    const checkIn = time === undefined ? { at: answered + skew, skew } : checkInAt(time, asked, answered);
    return this.#accept(next, tokens, claims, checkIn);
  }

  /** Tries again to verify what the provider answered; without the time of the answer it is not evidence of more. */
  async #promote(record: SessionRecord, tokens: SessionTokens): Promise<boolean> {
    const now = this.#environment.now();
    try {
      const claims = await this.#verifyFresh(this.#judgedToken(tokens), now);
      const checkIn = signInTime(claims, undefined, now);
      const next = { ...record, generation: record.generation + 1, unverified: undefined };
      return (await this.#accept(next, tokens, claims, checkIn)) === "refreshed";
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return false;
    }
  }

  async #accept(
    next: SessionRecord,
    tokens: SessionTokens,
    claims: Claims,
    checkIn: CheckIn,
  ): Promise<"refreshed" | "signed_out"> {
    if (!sameUser(next.user, userOf(claims))) {
      await this.#revoker.add(tokens);
      await this.#end("user_changed");
      this.#error = new SessionError("user_changed", "the provider answered with tokens of another person: sign in");
      return "signed_out";
    }
    const record = { ...next, tokens, checkIn };
    this.#take(record, this.#clockFor(record));
    this.#error = undefined;
    // A provider whose fresh tokens are not valid is not asked for others all the time.
    if (this.#judge().access === "full") this.#backoff.reset();
    else this.#backOff(undefined);
    await this.#save();
    return "refreshed";
  }

  /** Stores what is held. A storage that is full is given room: cached pages can be had again, a one-time token cannot. */
  async #save(): Promise<void> {
    const record = this.#held?.record;
    if (record === undefined) return;
    try {
      await this.#store.write(record).catch(async (error) => {
        if (!(error instanceof StorageError) || error.code !== "full") throw error;
        await purgeUserCaches(this.name, undefined, { caches: this.#environment.caches });
        await this.#store.write(record);
      });
      this.#unsaved = false;
      this.#post({});
    } catch (cause) {
      this.#unsaved = true;
      const message = "the storage refused the tokens: they are kept in memory, and lost with this page or worker";
      this.#failed(new SessionError("not_saved", message, { cause }));
      this.#post({ unsaved: record });
    }
  }

  /** Everything of this person goes, and stays gone. */
  async #end(cause: EndCause): Promise<void> {
    try {
      await this.#endStored(cause);
    } finally {
      if (this.#protection.kind === "pin" || this.#protection.kind === "passkey") await this.#protection.forget();
      await this.#purge();
      this.#post({});
    }
  }

  async #endStored(cause: EndCause): Promise<void> {
    const record = this.#held?.record;
    const sessionId = record?.sessionId ?? (await this.#store.storedId());
    if (record !== undefined && cause !== "rejected") await this.#revoker.add(record.tokens).catch(() => {});
    this.#held = undefined;
    this.#status = "signed_out";
    this.#unsaved = false;
    this.#error = undefined;
    if (sessionId === undefined) return;
    this.#ending = { sessionId, cause };
    await this.#store.end(this.#ending);
  }

  async #purge(): Promise<void> {
    const { caches } = this.#environment;
    if (caches === undefined) return;
    await purgeUserCaches(this.name, this.#held?.record.sessionId, { caches }).catch((error) => this.#failed(error));
  }

  /** There may be a network again: whatever is due is done; after a time without any, a check-in is. */
  #reconnected(how?: "online" | "visible"): void {
    if (this.#stopped || this.#held === undefined || !this.#environment.online()) return;
    const keys = this.#verifier;
    if ("refreshIfDue" in keys) keys.refreshIfDue().catch((error) => this.#failed(error));
    const sinceCheckIn = this.#environment.now() + this.#held.clock.seen.skew - this.#held.record.checkIn.at;
    const wasAway = how === "online" && sinceCheckIn > JUST_NOW && this.#provider !== null;
    if (wasAway || this.#isDue()) void this.refresh();
  }

  #isDue(): boolean {
    const held = this.#held;
    if (held === undefined || (this.#provider === null && held.record.unverified === undefined)) return false;
    const now = this.#environment.now();
    if (now < this.#backoff.notBefore) return false;
    return this.#unsaved || now >= (this.#dueAt(held) ?? Number.POSITIVE_INFINITY);
  }

  /** By the device's clock. */
  #dueAt(held: Held): number | undefined {
    const { access } = this.#judge();
    if (held.record.tokens.refresh_token === undefined && held.record.unverified === undefined) return undefined;
    if (access !== "full" || held.payload === undefined || held.record.unverified !== undefined) return 0;
    const { checkIn } = this.#policy;
    const checkInDue = checkIn === null ? undefined : held.record.checkIn.at + checkIn / 2;
    const due = refreshDue(held.payload.exp, held.payload.iat, checkInDue);
    return due === undefined ? undefined : due - held.clock.seen.skew;
  }

  #backOff(error: unknown): void {
    const { now, random } = this.#environment;
    this.#backoff.failed(now(), random(), error instanceof ProviderUnavailable ? error.retryAfter : undefined);
  }

  #failed(error: unknown): void {
    this.#error = error instanceof Error ? error : new Error("something unknown went wrong", { cause: error });
  }

  /** Works out the state anew, tells of a change, and sets the timer for the next one. */
  #update(): SessionState {
    if (this.#stopped) return this.#state;
    const before = this.#state;
    this.#state = this.#stateNow();
    this.#setTimer();
    if (!sameState(before, this.#state)) this.dispatchEvent(new Event("change"));
    return this.#state;
  }

  #stateNow(): SessionState {
    const { error: refused, ...answer } = this.#judge();
    const sessionId = this.#held?.record.sessionId;
    const error = this.#error ?? refused;
    return Object.freeze({
      status: this.#status,
      ...answer,
      ...(sessionId !== undefined && { sessionId }),
      ...(this.#ending && { ended: this.#ending.cause }),
      persistent: this.#store.persistent && !this.#unsaved,
      protectedBy: this.#protection.kind,
      ...(error && { error }),
    });
  }

  #setTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const held = this.#held;
    if (held === undefined) return;
    const now = this.#environment.now();
    const due = this.#provider === null || !this.#environment.online() ? undefined : this.#dueAt(held);
    const next = Math.min(
      this.#state.until ?? Number.POSITIVE_INFINITY,
      due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, this.#backoff.notBefore),
      now + LONGEST_TIMER,
    );
    this.#stopTimer = this.#environment.after(Math.max(1, next - now), () => {
      this.#update();
      this.#reconnected();
    });
  }

  #refuseIfStopped(): void {
    if (this.#stopped) throw new SessionError("stopped", "this session was stopped: make a new one");
  }
}

function tokensOf(answer: TokenSet, before: SessionTokens | undefined): SessionTokens {
  const { access_token, refresh_token = before?.refresh_token, id_token = before?.id_token } = answer ?? {};
  if (typeof access_token !== "string" || access_token === "") {
    throw new SessionError("missing_token", 'the tokens have no "access_token"');
  }
  return { access_token, ...(refresh_token && { refresh_token }), ...(id_token && { id_token }) };
}

function userOf({ iss, sub }: Claims): SessionRecord["user"] {
  return [iss ?? null, sub ?? null];
}

function sameUser(one: SessionRecord["user"], other: SessionRecord["user"]): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

function isNewer(record: SessionRecord, than: SessionRecord | undefined): boolean {
  return than === undefined || record.sessionId !== than.sessionId || record.generation > than.generation;
}

/** The signed times say when a token was made; that it was received just now, only the caller can say. */
function signInTime({ iat }: Claims, time: number | undefined, now: number): CheckIn {
  if (time !== undefined) return checkInAt(time, now, now);
  // A token from the future is evidence of a clock that is behind; one from the past is evidence of nothing.
  return typeof iat === "number"
    ? { at: iat, skew: checkInAt(Math.max(iat, now), now, now).skew }
    : { at: now, skew: 0 };
}

/** In agreement with the signed `iat`; RFC 6749 section 5.1 counts `expires_in` from the answer. */
function serverTime({ serverTime: date, expires_in: lasts }: TokenSet, { iat, exp }: Claims): number | undefined {
  const made = typeof exp === "number" && typeof lasts === "number" ? Math.max(exp - lasts, iat ?? 0) : iat;
  if (made === undefined || date === undefined) return made ?? date;
  return Math.abs(date - made) <= WRONG_DATE ? date : made;
}

/** A `Date` further from the signed time, in seconds, is a wrong answer of some server in between. */
const WRONG_DATE = 600;

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sameState(one: SessionState, other: SessionState): boolean {
  const names = ["status", "access", "reason", "until", "claims", "sessionId", "ended", "persistent", "error"] as const;
  return names.every((name) => one[name] === other[name]);
}
