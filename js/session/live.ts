import { ConfigError, KeyStoreError, ProtectionError, SessionError } from "../errors.js";
import type { KeyRefresh } from "../keys.js";
import type { PinProtection } from "../pin.js";
import type { UnlockedKey } from "../protection.js";
import type { TokenSet } from "../providers.js";
import { type AccessRequest, checkRequest, refusalOf } from "../rights.js";
import type { AccessAnswer, RefreshOutcome, Session, SessionState } from "../session.js";
import type { Claims } from "../verifier.js";
import { readable, signInTime } from "./clock.js";
import { type Channel, type Environment, platformEnvironment } from "./environment.js";
import { type Held, Holding } from "./holding.js";
import type { CheckedOptions } from "./keeping.js";
import type { Message } from "./messages.js";
import {
  isNewer,
  randomId,
  readRecord,
  type SessionRecord,
  type SessionTokens,
  sameUser,
  tokensOf,
  userOf,
} from "./record.js";
import { Refreshing } from "./refreshing.js";
import { sameState, stateOf } from "./state.js";

/** Timers do not run while a device sleeps: it is looked again at least so often, in seconds. */
const LONGEST_TIMER = 15 * 60;
const LOOK_AGAIN = 60;
/** A check-in that is not worth another one, in seconds. */
const JUST_NOW = 60;

/** What an app calls: puts together what is held, its refreshing, the other tabs, and timers. */
export class LiveSession extends EventTarget implements Session {
  readonly name: string;
  readonly #environment: Environment;
  readonly #holding: Holding;
  readonly #refreshing: Refreshing;
  #state: SessionState;
  #started: Promise<void> | undefined;
  #refreshed: Promise<RefreshOutcome> | undefined;
  #channel: Channel | undefined;
  #stopTimer: (() => void) | undefined;
  readonly #stops: (() => void)[] = [];
  #stopped = false;

  constructor(options: CheckedOptions) {
    super();
    const { name, provider, environment, protection } = options;
    if (protection?.name !== undefined && protection.name !== name) {
      const message = `a session forgets its PIN or passkey: the option "protection" should have its name, "${name}"`;
      throw new ConfigError("invalid_option", message, "protection");
    }
    this.name = name;
    this.#environment = { ...platformEnvironment(), ...environment };
    this.#holding = new Holding(options, this.#environment);
    this.#refreshing = new Refreshing(this.#holding, provider, this.#environment, `tokenward:${name}`);
    this.#state = stateOf(this.#holding, this.#refreshing);
  }

  get state(): SessionState {
    return this.#state;
  }

  get accessToken(): string | undefined {
    return this.access().access === "none" ? undefined : this.#holding.held?.record.tokens.access_token;
  }

  async start(): Promise<SessionState> {
    this.#started ??= this.#start();
    await this.#started;
    return this.#state;
  }

  async sync(): Promise<SessionState> {
    await this.start();
    await this.#holding.load();
    return this.#update();
  }

  access(given: AccessRequest = {}): AccessAnswer {
    const request = checkRequest(given);
    const { access, reason, until, claims } = this.#holding.judge();
    const refused = refusalOf(request, access, claims, this.#holding.judging.policy);
    const allowed = refused === undefined;
    return { allowed, access, reason, until, ...(claims && { claims }), ...(refused && { refused }) };
  }

  async signIn(tokens: TokenSet, options?: { serverTime?: number | undefined }): Promise<SessionState> {
    await this.start();
    await this.#checkMayTake();
    const holding = this.#holding;
    const now = this.#environment.now();
    const given = tokensOf(tokens);
    const claims = await holding.judging.verifyFresh(holding.judging.tokenOf(given), now);
    const time = readable(options?.serverTime) ?? readable(tokens.serverTime);
    // What was found out on the way is said, whether they are taken or not.
    await holding.exclusively(() => this.#take(given, claims, time, now)).finally(() => this.#update());
    // The first sign-in after a PIN was chosen: workers and tabs that run already have nothing to unlock with.
    this.#shareKey();
    void holding.revoker.run();
    return this.#update();
  }

  async #checkMayTake(): Promise<void> {
    if (this.#stopped) throw new SessionError("stopped", "this session was stopped: make a new one");
    if ((await this.#proveKey()) && !this.#holding.protection.locked) return;
    const what = (await this.#isSetUp())
      ? "the session is locked: unlock it"
      : "there is no PIN or passkey yet: set it up, with setup()";
    throw new SessionError("locked", `${what}, then sign in`);
  }

  /** PIN and passkey can tell; what an app brings itself need not. */
  async #isSetUp(): Promise<boolean> {
    const protection = this.#holding.protection as Partial<PinProtection>;
    const status = await protection.status?.().catch(() => undefined);
    return status?.isSetUp !== false;
  }

  /** Another tab may have replaced or forgotten the key in memory: what it sealed nobody could open. */
  async #proveKey(): Promise<boolean> {
    const { protection } = this.#holding;
    const refusal = protection.unlock && (await protection.seal("").catch((error: unknown) => error));
    return !(refusal instanceof ProtectionError && refusal.code === "locked");
  }

  /** What other tabs have done, and what happened here, is known when somebody signs in. */
  async #take(
    tokens: SessionTokens,
    claims: Claims,
    time: number | undefined,
    now: number,
    isAgain = false,
  ): Promise<void> {
    const holding = this.#holding;
    await holding.load();
    await this.#checkMayTake();
    const user = userOf(claims);
    const before = holding.held?.record;
    // Tokens that name nobody may be of another person each time.
    const same = before !== undefined && user[1] !== null && sameUser(before.user, user);
    if (!same) {
      // Also a session that is stored and cannot be opened any more.
      await holding.endStored("signed_out").catch((error) => holding.failed(error));
      await this.#checkMayTake();
    }
    const generation = (before?.generation ?? 0) + 1;
    const checkIn = signInTime(claims, time, now, holding.judging.policy.rollbackTolerance);
    const record: SessionRecord = {
      version: 1,
      generation,
      sessionId: same ? before.sessionId : randomId(),
      user,
      signedInAt: now,
      tokens,
      checkIn: { ...checkIn, generation },
    };
    const isNews = !same || time !== undefined || this.#provesContact(claims, before);
    if (isNews) holding.take(record, holding.clockFor(record));
    else holding.take({ ...record, checkIn: before.checkIn }, (holding.held as Held).clock);
    holding.error = undefined;
    this.#refreshing.backoff.reset();
    holding.learnBeginning(record.sessionId);
    holding.announce({ begun: record.sessionId });
    // At once: what a lock finds here is to be on its way into the storage.
    await holding.begin(record.sessionId);
    const isIn = holding.status === "locked" || holding.held?.record.sessionId === record.sessionId;
    // Another tab's word came meanwhile, of a sign-in that could not be stored before, or of an end: this is later.
    if (!isIn && !isAgain) return this.#take(tokens, claims, time, now, true);
    await holding.purge();
  }

  /**
   * A token no newer than the last check-in proves no contact with the provider since: what was seen of time stays. One that
   * is newer than the token of before does, whatever wrong time that check-in was given.
   */
  #provesContact({ iat }: Claims, { checkIn }: SessionRecord): boolean {
    const { claims: known } = this.#holding.judge();
    return typeof iat !== "number" || iat > Math.min(checkIn.at, known?.iat ?? checkIn.at);
  }

  refresh(): Promise<RefreshOutcome> {
    this.#refreshing.wanted = true;
    return this.#refresh();
  }

  #refresh(): Promise<RefreshOutcome> {
    const refresh = async () => {
      await this.start();
      const outcome = await this.#refreshing.run();
      // The provider can be reached: what waits for that is sent too.
      if (outcome === "refreshed") void this.#holding.revoker.run();
      return outcome;
    };
    this.#refreshed ??= refresh().finally(() => {
      this.#refreshed = undefined;
      this.#update();
    });
    return this.#refreshed;
  }

  async signOut(): Promise<void> {
    await this.start();
    const holding = this.#holding;
    try {
      await holding.exclusively(async () => {
        // What another tab has stored ends too, also where the storage was not readable before.
        await holding.load();
        await holding.end("signed_out");
      });
    } finally {
      this.#update();
      void holding.revoker.run();
    }
  }

  observe(serverTime: number): void {
    if (Number.isFinite(serverTime)) this.#holding.held?.clock.learn({ highest: serverTime, rolledBack: false });
    this.#update();
  }

  async unlock(secret?: string): Promise<SessionState> {
    await this.start();
    const { protection } = this.#holding;
    // Attempts are counted in the storage: without room for that nobody could unlock.
    await this.#holding.withRoom(async () => protection.unlock?.(secret));
    this.#shareKey();
    // What the storage refused was told when this could not hear it.
    this.#post({ asksForUnsaved: true });
    await this.#holding.load();
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
    this.#holding.revoker.stop();
    for (const stop of this.#stops.splice(0)) stop();
    this.#channel?.close();
    this.#channel = undefined;
  }

  async #start(): Promise<void> {
    const holding = this.#holding;
    await holding.open();
    if (!this.#stopped) this.#listen();
    await holding.load();
    await this.#refreshing.learn();
    this.#update();
    // What could not be read, or is locked, may say whose the caches are.
    if (holding.status !== "locked" && holding.readable && holding.store.persistent) void holding.purge();
    void holding.revoker.run();
    this.#reconnected();
  }

  #listen(): void {
    const { channel, onReconnect } = this.#environment;
    const { verifier } = this.#holding.judging;
    const told = (message: unknown) => void this.#told(Object(message)).catch((error) => this.#holding.failed(error));
    try {
      this.#channel = channel(`tokenward:${this.name}`, told);
    } catch (error) {
      this.#holding.failed(error);
    }
    this.#holding.announce = (message) => this.#post(message);
    this.#holding.changed = () => void this.#update();
    // Answered while the storage is read: before a refresh spends a token that is spent already.
    this.#post({ asksForUnsaved: true });
    this.#stops.push(
      onReconnect((how) => {
        this.#refreshing.reconnected(how);
        this.#reconnected(how);
        void this.#holding.revoker.run(how);
        void this.sync();
      }),
    );
    if ("onChange" in verifier) this.#stops.push(verifier.onChange(() => this.#update()));
  }

  async #adopt(key: UnlockedKey): Promise<void> {
    const { protection } = this.#holding;
    await protection.adopt?.(key).catch(() => {});
    if (protection.locked) return;
    // At once: whoever unlocked this may be about to spend a token that is spent already.
    this.#holding.tellUnsaved();
    this.#post({ asksForUnsaved: true });
  }

  #shareKey(): void {
    const { protection } = this.#holding;
    const key = protection.locked ? undefined : protection.share?.();
    if (key !== undefined) this.#post({ key });
  }

  #post(message: Message): void {
    try {
      this.#channel?.post(message);
    } catch (error) {
      // The other tabs find out from the storage.
      this.#holding.failed(error);
    }
  }

  /** Another tab has changed something. */
  async #told({ unsaved, ended, begun, key, lock, ...asks }: Message): Promise<void> {
    const holding = this.#holding;
    const { protection } = holding;
    if (lock) return this.#forgetKey();
    if (asks.asksForKey) return this.#shareKey();
    if (asks.asksForUnsaved) return holding.tellUnsaved();
    if (asks.asksForHeld) return holding.tellHeld();
    // Also in place of one that is held: after a sign-out and a new PIN that is not the one in use any more.
    if (key !== undefined && key.id !== protection.share?.()?.id) await this.#adopt(key);
    if (begun !== undefined) return holding.learnBeginning(begun);
    if (Array.isArray(ended)) {
      const { held } = holding;
      holding.learnEndings(ended);
      // With a session goes its PIN: a key that is not in use any more is forgotten by trying it.
      if (held !== undefined && holding.held === undefined) await this.#proveKey();
    }
    const record = unsaved && readRecord(JSON.stringify(unsaved));
    // Before anything else is looked at, for a refresh may be about to begin.
    if (holding.held?.record.sessionId === record?.sessionId) this.#hearUnsaved(record);
    await holding.load();
    if (record !== undefined && !(await holding.hasEnded(record.sessionId))) this.#hearUnsaved(record);
    this.#update();
  }

  #hearUnsaved(record: SessionRecord | undefined): void {
    const holding = this.#holding;
    if (record === undefined || holding.protection.locked) return;
    const held = holding.held?.record;
    const isOfAnother = held !== undefined && held.sessionId !== record.sessionId;
    if (!isOfAnother && isNewer(record, held)) holding.takeUnsaved(record);
  }

  #forgetKey(): void {
    this.#holding.lock();
    this.#update();
  }

  /** There may be a network again: whatever is due is done; after a time without any, a check-in is. */
  #reconnected(how?: "online" | "visible"): void {
    const { held, unsaved, judging, store } = this.#holding;
    const { verifier } = judging;
    if (this.#stopped || held === undefined) return;
    if (!store.isReady) void this.sync();
    else if (unsaved) void this.#holding.save().then(() => this.#update());
    if (!this.#environment.online()) return;
    if ("refreshIfDue" in verifier) {
      verifier.refreshIfDue().then(
        (refreshed) => refreshed && this.#hasFreshKeys(refreshed),
        (error) => this.#holding.failed(error),
      );
    }
    const sinceCheckIn = this.#environment.now() + held.clock.seen.skew - held.record.checkIn.at;
    const wasAway = how === "online" && sinceCheckIn > JUST_NOW && this.#refreshing.dueAt() !== undefined;
    if ((wasAway && this.#refreshing.mayAsk()) || this.#refreshing.isDue()) void this.#refresh();
  }

  #hasFreshKeys({ outcome }: KeyRefresh): void {
    if (outcome === "updated") this.#post({});
    if (this.#holding.error instanceof KeyStoreError) this.#holding.error = undefined;
    this.#update();
  }

  /** Works out the state anew, tells of a change, and sets the timer for the next one. */
  #update(): SessionState {
    if (this.#stopped) return this.#state;
    const before = this.#state;
    this.#state = stateOf(this.#holding, this.#refreshing);
    this.#setTimer();
    if (!sameState(before, this.#state)) this.dispatchEvent(new Event("change"));
    return this.#state;
  }

  #setTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#holding.held === undefined) {
      // A storage that refused may hold a session.
      const look = () => void this.sync();
      const { store, readable } = this.#holding;
      if (!store.isReady || !readable) this.#stopTimer = this.#environment.after(LOOK_AGAIN, look);
      return;
    }
    const now = this.#environment.now();
    const due = this.#environment.online() ? this.#refreshing.dueAt() : undefined;
    const next = Math.min(
      this.#state.until ?? Number.POSITIVE_INFINITY,
      due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, this.#refreshing.notBefore()),
      now + LONGEST_TIMER,
    );
    this.#stopTimer = this.#environment.after(Math.max(1, next - now), () => {
      this.#update();
      this.#reconnected();
    });
  }
}
