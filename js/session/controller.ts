/** What an app calls: puts together what is known, its refreshing, the other tabs, and timers. */
import { ConfigError, KeyStoreError, ProtectionError, SessionError } from "../errors.js";
import type { KeyRefresh } from "../keys/types.js";
import type { PinProtection } from "../pin.js";
import { type Channel, type Environment, platformEnvironment } from "../platform/environment.js";
import { randomId } from "../platform/random-id.js";
import { purgeExcept } from "../platform/user-caches.js";
import type { Protection, UnlockedKey } from "../protection.js";
import type { TokenSet } from "../providers/types.js";
import { type AccessRequest, checkRequest, type HeldRights, own, refusalOf } from "../rights.js";
import { indexedDbStorage, memoryStorage } from "../storage.js";
import type { Claims } from "../verifier.js";
import { readable, signInTime } from "./clock.js";
import { type EndedHere, lastsOf, Refreshing } from "./refresh.js";
import { isSameError, type ReplicaMessage, SessionReplica } from "./replica.js";
import { Revoker } from "./revoke.js";
import { SessionStore } from "./store.js";
import { isSameUser, Judge, payloadOf, renewed, type Sealed, type SessionTokens, userOf } from "./tokens.js";
import type { AccessAnswer, CheckedOptions, RefreshOutcome, Session, SessionState } from "./types.js";

/** Timers do not run while a device sleeps: it is looked again at least so often, in seconds. */
const LONGEST_TIMER = 15 * 60;
const LOOK_AGAIN = 60;
/** An app may ask for access all the time: what a storage refused of what was seen of time is tried again after so long. */
const SAVE_AGAIN = 5;
/** A check-in that is not worth another one, in seconds. */
const JUST_NOW = 60;

/** What the tabs and workers of one session tell each other; an empty message: look into the storage. */
interface Message extends Partial<ReplicaMessage> {
  /** A service worker can ask nobody for a PIN: a page that was unlocked unlocks it too. */
  readonly key?: UnlockedKey;
  readonly asksForKey?: true;
  readonly lock?: true;
}

export class SessionController extends EventTarget implements Session {
  readonly name: string;
  readonly #environment: Environment;
  readonly #judge: Judge;
  readonly #store: SessionStore;
  readonly #replica: SessionReplica;
  readonly #revoker: Revoker;
  readonly #refreshing: Refreshing;
  #state: SessionState;
  #isStarted = false;
  #starting: Promise<void> | undefined;
  #refreshed: Promise<RefreshOutcome> | undefined;
  #saving: Promise<void> | undefined;
  /** The key or PIN of somebody whose session is over, if it could not be forgotten yet. */
  #forgetsLater: EndedHere | undefined;
  /** When what was seen of time could not be saved. */
  #couldNotSaveAt = Number.NEGATIVE_INFINITY;
  /** The claims of the judged token: always the same object, so that it shows whether they have changed. */
  #claims: { readonly token: string; readonly claims: Claims } | undefined;
  /** Why the judged token is not genuine. */
  #doubt: Error | undefined;
  #channel: Channel | undefined;
  #stopTimer: (() => void) | undefined;
  readonly #stops: (() => void)[] = [];
  #isStopped = false;

  constructor({ name, provider, environment, protection, storage, verifier, policy, token }: CheckedOptions) {
    super();
    if (protection?.name !== undefined && protection.name !== name) {
      const message = `a session forgets its PIN or passkey: the option "protection" should have its name, "${name}"`;
      throw new ConfigError("invalid_option", message, "protection");
    }
    this.name = name;
    this.#environment = { ...platformEnvironment(), ...environment };
    const kept = storage ?? (typeof indexedDB === "object" ? indexedDbStorage() : memoryStorage());
    this.#store = new SessionStore(kept, name, protection);
    this.#judge = new Judge(verifier, policy, token);
    const about = { name, tolerance: policy.rollbackTolerance };
    this.#replica = new SessionReplica(this.#store, this.#environment, about, (message) => this.#post(message));
    const replica = this.#replica;
    this.#revoker = new Revoker(this.#store, provider, this.#environment, (work) => replica.exclusively(work));
    this.#refreshing = new Refreshing(replica, this.#judge, provider, this.#revoker, this.#environment, name);
    this.#state = this.#stateNow();
  }

  get state(): SessionState {
    return this.#state;
  }

  get accessToken(): string | undefined {
    return this.access().access === "none" ? undefined : this.#replica.opened?.sealed.tokens.access_token;
  }

  async start(): Promise<SessionState> {
    this.#starting ??= this.#start();
    await this.#starting;
    return this.#state;
  }

  async sync(): Promise<SessionState> {
    await this.start();
    await this.#load();
    return this.#update();
  }

  access(given: AccessRequest = {}): AccessAnswer {
    const request = checkRequest(given);
    const judged = this.#judged();
    const { access, reason, until, claims } = judged;
    this.#saveMarks();
    const refused = refusalOf(request, access, claims, this.#judge.policy, own(judged, "rights"));
    const allowed = refused === undefined;
    return { allowed, access, reason, until, ...(claims && { claims }), ...(refused && { refused }) };
  }

  async signIn(given: TokenSet, options?: { serverTime?: number | undefined }): Promise<SessionState> {
    await this.start();
    await this.#checkMayTake();
    const now = this.#environment.now();
    const tokens = renewed({}, given ?? undefined);
    const claims = await this.#judge.verifyFresh(this.#judge.tokenOf(tokens), now);
    const time = readable(options?.serverTime) ?? readable(given.serverTime);
    const taken = { tokens, claims, time, now, lasts: lastsOf(given) };
    // What was found out on the way is said, whether they are taken or not.
    await this.#replica.exclusively(() => this.#take(taken)).finally(() => this.#update());
    // The first sign-in after a PIN was chosen: workers and tabs that run already have nothing to unlock with.
    this.#shareKey();
    void this.#revoker.run();
    return this.#update();
  }

  async #checkMayTake(): Promise<void> {
    if (this.#isStopped) throw new SessionError("stopped", "this session was stopped: make a new one");
    if ((await this.#proveKey()) && !this.#protection.locked) return;
    const what = (await this.#isSetUp())
      ? "the session is locked: unlock it"
      : "there is no PIN or passkey yet: set it up, with setup()";
    throw new SessionError("locked", `${what}, then sign in`);
  }

  /** PIN and passkey can tell; what an app brings itself need not. */
  async #isSetUp(): Promise<boolean> {
    const protection = this.#protection as Partial<PinProtection>;
    const status = await protection.status?.().catch(() => undefined);
    return status?.isSetUp !== false;
  }

  /** Another tab may have replaced or forgotten the key in memory: what it sealed nobody could open. */
  async #proveKey(): Promise<boolean> {
    const protection = this.#protection;
    const refusal = protection.unlock && (await protection.seal("").catch((error: unknown) => error));
    const isLocked = refusal instanceof ProtectionError && refusal.code === "locked";
    if (isLocked) this.#update();
    return !isLocked;
  }

  /** What other tabs have done, and what happened here, is known when somebody signs in. For whoever has the turn. */
  async #take(taken: Taken, isAgain = false): Promise<void> {
    const { tokens, claims, time, now, lasts } = taken;
    const replica = this.#replica;
    await this.#loadKeys();
    await replica.look();
    await this.#checkMayTake();
    const user = userOf(claims);
    const before = replica.opened;
    // Tokens that name nobody may be of another person each time.
    const isSame = before !== undefined && user[1] !== null && isSameUser(before.sealed.user, user);
    const turnId = randomId();
    const checkIn = signInTime(claims, time, now, this.#judge.policy.rollbackTolerance);
    const isNews = !isSame || time !== undefined || this.#provesContact(claims, before.sealed);
    const sealed = {
      version: 2,
      user,
      tokens,
      checkIn: isNews ? { ...checkIn, id: turnId } : before.sealed.checkIn,
      lasts,
    } as const;
    const id = isSame ? before.place.id : randomId();
    const offer = {
      signIn: replica.nextSignIn(),
      id,
      generation: 0,
      turn: 0,
      turnId,
      at: this.#environment.now() * 1000,
    };
    replica.error = undefined;
    this.#refreshing.backoff.reset();
    await replica.offer(offer, sealed, { isSignIn: true });
    // A tab that hung while it had the turn has written meanwhile: this is later.
    if (replica.record?.turnId !== turnId && !isAgain) return this.#take(taken, true);
    await this.#revokeDisplaced();
    await this.#purge();
  }

  /**
   * A token no newer than the last check-in proves no contact with the provider since: what was seen of time stays. One that
   * is newer than the token of before does, whatever wrong time that check-in was given.
   */
  #provesContact({ iat }: Claims, { checkIn }: Sealed): boolean {
    const { claims: known } = this.#judged();
    return typeof iat !== "number" || iat > Math.min(checkIn.at, known?.iat ?? checkIn.at);
  }

  refresh(): Promise<RefreshOutcome> {
    this.#refreshing.wanted = true;
    return this.#refresh();
  }

  #refresh(): Promise<RefreshOutcome> {
    const refresh = async () => {
      await this.start();
      await this.#loadKeys();
      const outcome = await this.#refreshing.run();
      await this.#received();
      // The provider can be reached: what waits for that is sent too.
      if (outcome === "refreshed") void this.#revoker.run();
      // Its answer may come later than it was waited for.
      if (outcome === "unavailable") void this.#refreshing.late.then(() => this.#received()).then(() => this.#update());
      return outcome;
    };
    this.#refreshed ??= refresh().finally(() => {
      this.#refreshed = undefined;
      this.#update();
    });
    return this.#refreshed;
  }

  /** What an answer has ended or replaced is cleared away. */
  async #received(): Promise<void> {
    this.#forgetsLater = this.#refreshing.takeEnded() ?? this.#forgetsLater;
    await this.#settleEnd();
    await this.#revokeDisplaced();
  }

  async signOut(): Promise<void> {
    await this.start();
    const replica = this.#replica;
    const ended = { keyId: this.#protection.share?.()?.id };
    try {
      await replica.exclusively(async () => {
        // What another tab has stored ends too, also where the storage was not readable before.
        await replica.look();
        await replica.end(null, "signed_out").finally(() => this.#afterEnd(ended));
      });
    } finally {
      this.#update();
      void this.#revoker.run();
    }
  }

  /** Everything else of a person whose session has ended goes too. For whoever has the turn. */
  async #afterEnd(ended: EndedHere): Promise<void> {
    await this.#revokeDisplaced();
    try {
      await this.#forgetSecret(ended);
    } finally {
      await this.#purge();
    }
  }

  async #forgetSecret(ended: EndedHere): Promise<void> {
    this.#forgetsLater = ended;
    const forgetting = this.#store.forgetKey(ended.keyId);
    // The device's key guards old copies only: nobody has to wait for that.
    await (this.#protection.kind === "device" ? forgetting.catch((error) => this.#replica.failed(error)) : forgetting);
    this.#forgetsLater = undefined;
  }

  /** In the storage before the page is gone; sent by the revoker, when there is a network. */
  async #revokeDisplaced(): Promise<void> {
    for (const tokens of this.#replica.displaced()) await this.#revoker.add(tokens).catch(() => {});
  }

  observe(serverTime: number): void {
    if (Number.isFinite(serverTime)) this.#replica.learn({ highest: serverTime, rolledBack: false });
    this.#update();
  }

  async unlock(secret?: string): Promise<SessionState> {
    await this.start();
    const protection = this.#protection;
    // Attempts are counted in the storage: without room for that nobody could unlock.
    await this.#replica.withRoom(async () => protection.unlock?.(secret));
    this.#shareKey();
    this.#replica.tell();
    await this.#load();
    this.#reconnected();
    return this.#update();
  }

  lock(): void {
    this.#forgetKey();
    this.#post({ lock: true });
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer?.();
    this.#revoker.stop();
    this.#refreshing.stop();
    for (const stop of this.#stops.splice(0)) stop();
    this.#channel?.close();
    this.#channel = undefined;
  }

  get #protection(): Protection {
    return this.#store.protection;
  }

  async #start(): Promise<void> {
    if (!this.#isStopped) this.#listen();
    // Answered while the storage is read: before a refresh spends a token that is spent already.
    this.#replica.tell();
    await this.#load();
    this.#isStarted = true;
    this.#update();
    const { status } = this.#state;
    // What could not be read, or is locked, may say whose the caches are.
    if (status !== "locked" && this.#replica.isReadable && this.#store.hasKey) void this.#purge();
    void this.#revoker.run();
    this.#reconnected();
  }

  #listen(): void {
    const { channel, onReconnect } = this.#environment;
    const { verifier } = this.#judge;
    const told = (message: unknown) => void this.#told(Object(message)).catch((error) => this.#replica.failed(error));
    try {
      this.#channel = channel(`tokenward:${this.name}`, told);
    } catch (error) {
      this.#replica.failed(error);
    }
    this.#stops.push(
      onReconnect((how) => {
        this.#refreshing.reconnected(how);
        this.#reconnected(how);
        void this.#revoker.run(how);
        void this.sync();
      }),
    );
    if ("onChange" in verifier) this.#stops.push(verifier.onChange(() => this.#update()));
  }

  /** Keys first: tokens that another tab got may be signed by one that only it has fetched. */
  async #loadKeys(): Promise<void> {
    const { verifier } = this.#judge;
    if ("load" in verifier) await verifier.load().catch((error) => this.#replica.failed(error));
  }

  async #load(): Promise<void> {
    await this.#loadKeys();
    await this.#look(() => this.#replica.sync());
  }

  async #look(look: () => Promise<unknown>): Promise<void> {
    const { status } = this.#state;
    const { isReadable: couldRead, record: before } = this.#replica;
    await look();
    // Whoever ended it elsewhere may be gone before that, and an eviction is nobody's act.
    if (before !== null && before.id !== this.#replica.record?.id) await this.#purge();
    const isLocked = this.#protection.locked && this.#replica.record !== null;
    // Another tab may have the key that is in use.
    if (isLocked && (status !== "locked" || (!couldRead && this.#replica.isReadable))) this.#post({ asksForKey: true });
    await this.#revokeDisplaced();
    await this.#settleEnd();
  }

  /** In a turn: with a key of the device, the next person may have been sealed since. */
  async #settleEnd(): Promise<void> {
    const replica = this.#replica;
    if (this.#forgetsLater === undefined) return;
    await replica.exclusively(async () => {
      await replica.look();
      const later = this.#forgetsLater;
      if (later === undefined || !replica.isReadable) return;
      this.#forgetsLater = undefined;
      if (replica.record === null) await this.#afterEnd(later).catch((error) => replica.failed(error));
    });
  }

  async #adopt(key: UnlockedKey): Promise<void> {
    const protection = this.#protection;
    await protection.adopt?.(key).catch(() => {});
    // At once: whoever unlocked this may be about to spend a token that is spent already.
    if (!protection.locked) this.#replica.tell();
  }

  #shareKey(): void {
    const key = this.#protection.locked ? undefined : this.#protection.share?.();
    if (key !== undefined) this.#post({ key });
  }

  #post(message: Message): void {
    try {
      this.#channel?.post(message);
    } catch (error) {
      // The other tabs find out from the storage.
      this.#replica.failed(error);
    }
  }

  /** Another tab has changed something. */
  async #told({ key, lock, asksForKey, ...message }: Message): Promise<void> {
    if (lock) return this.#forgetKey();
    if (asksForKey) return this.#shareKey();
    // Even if there is one already: after a sign-out and a new PIN, that one is no longer in use.
    if (key !== undefined && key.id !== this.#protection.share?.()?.id) await this.#adopt(key);
    const before = this.#replica.record;
    if (message.replica === undefined) await this.#load();
    else {
      await this.#loadKeys();
      await this.#look(() => this.#replica.hear(message));
    }
    // With a session goes its PIN: trying a key that is no longer in use forgets it.
    if (before !== null && this.#replica.record === null) await this.#proveKey();
    this.#update();
  }

  #forgetKey(): void {
    this.#protection.lock?.();
    if (this.#protection.locked) this.#replica.close();
    // What the storage has refused before may go in now; that takes no key.
    if (this.#replica.isAhead) void this.sync();
    this.#update();
  }

  /** There may be a network again: whatever is due is done; after a time without any, a check-in is. */
  #reconnected(how?: "online" | "visible"): void {
    const { opened, marks, isAhead } = this.#replica;
    const { verifier } = this.#judge;
    if (this.#isStopped || opened === undefined || marks === undefined) return;
    if (isAhead || !this.#store.hasKey || !this.#replica.isReadable) void this.sync();
    if (!this.#environment.online()) return;
    if ("refreshIfDue" in verifier) {
      verifier.refreshIfDue().then(
        (refreshed) => refreshed && this.#hasFreshKeys(refreshed),
        (error) => this.#replica.failed(error),
      );
    }
    const sinceCheckIn = this.#environment.now() + marks.skew - opened.sealed.checkIn.at;
    const wasAway = how === "online" && sinceCheckIn > JUST_NOW && this.#refreshing.dueAt() !== undefined;
    if ((wasAway && this.#refreshing.mayAsk()) || this.#refreshing.isDue()) void this.#refresh();
  }

  #hasFreshKeys({ outcome }: KeyRefresh): void {
    if (outcome === "updated") this.#post({});
    if (this.#replica.error instanceof KeyStoreError) this.#replica.error = undefined;
    this.#update();
  }

  /** Deletes what was cached for others than the person who is signed in. */
  async #purge(): Promise<void> {
    const { caches } = this.#environment;
    const kept = () => this.#replica.record?.id;
    if (caches === undefined) return;
    await purgeExcept(kept, this.name, { caches }).catch((error) => this.#replica.failed(error));
  }

  /** What may be done now. Never throws. */
  #judged(): Pick<SessionState, "access" | "reason" | "until" | "claims" | "error"> & { readonly rights?: HeldRights } {
    const { opened, record } = this.#replica;
    const marks = opened && this.#replica.sight();
    if (opened === undefined || marks === undefined) {
      const isLocked = record !== null && this.#protection.locked;
      return { access: "none", reason: isLocked ? "locked" : "signed_out", until: null };
    }
    try {
      const token = this.#judge.tokenOf(opened.sealed.tokens);
      const assessed = this.#judge.accessOf(opened.sealed, marks, this.#environment.now());
      const { access, reason, until } = assessed;
      const rights = own(assessed, "rights");
      if (this.#claims?.token !== token) this.#claims = { token, claims: payloadOf(token) };
      const facts = { access, reason, until: until === null ? null : until - marks.skew, claims: this.#claims.claims };
      return rights === undefined ? facts : { ...facts, rights };
    } catch (error) {
      // Found again each time, but the same object, so that it counts as no change.
      if (!isSameError(this.#doubt, error as Error)) this.#doubt = error as Error;
      return { access: "none", reason: "invalid_token", until: null, error: this.#doubt as Error };
    }
  }

  /** Now and then, and at once when the clock was found set back. */
  #saveMarks(): void {
    const { now } = this.#environment;
    // Either way: the clock itself may have been set meanwhile.
    const isTooSoon = Math.abs(now() - this.#couldNotSaveAt) < SAVE_AGAIN;
    if (this.#saving !== undefined || isTooSoon || !this.#isStarted || !this.#replica.areMarksNews) return;
    this.#saving = this.#look(() => this.#replica.sync()).finally(() => {
      this.#saving = undefined;
      if (this.#replica.areMarksNews) this.#couldNotSaveAt = now();
      this.#update(false);
    });
  }

  #stateNow(): SessionState {
    const { record, opened, ended, error: failure, isPersistent } = this.#replica;
    const { error: refused, rights: _, ...answer } = this.#judged();
    const isLocked = record !== null && this.#protection.locked;
    const now = isLocked ? "locked" : opened === undefined ? "signed_out" : "signed_in";
    const status = this.#isStarted ? now : "starting";
    const error = failure ?? refused;
    return Object.freeze({
      status,
      ...answer,
      ...(opened && { sessionId: opened.place.id }),
      ...(record === null && ended && { ended: ended.cause }),
      refreshable: this.#refreshing.isPossible,
      persistent: isPersistent,
      protectedBy: this.#protection.kind,
      ...(error && { error }),
    });
  }

  /** Computes the state, reports a change, and sets the timer for the next one. */
  #update(mayStore = true): SessionState {
    if (this.#isStopped) return this.#state;
    const before = this.#state;
    this.#state = this.#stateNow();
    if (mayStore) this.#saveMarks();
    this.#refreshing.keepTurn();
    this.#setTimer();
    if (!isSameState(before, this.#state)) this.dispatchEvent(new Event("change"));
    return this.#state;
  }

  #setTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const { after, online } = this.#environment;
    const { opened, isReadable, isAhead } = this.#replica;
    if (opened === undefined) {
      // A storage that refused may hold a session.
      if (!this.#store.hasKey || !isReadable) this.#stopTimer = after(LOOK_AGAIN, () => void this.sync());
      return;
    }
    const now = this.#environment.now();
    // A refresh that is under way sets the timer when it is over.
    const due = online() && this.#refreshed === undefined ? this.#refreshing.dueAt() : undefined;
    const next = Math.min(
      this.#state.until ?? Number.POSITIVE_INFINITY,
      due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, this.#refreshing.notBefore()),
      now + (isAhead || !isReadable ? LOOK_AGAIN : LONGEST_TIMER),
    );
    this.#stopTimer = after(Math.max(1, next - now), () => {
      this.#update();
      this.#reconnected();
    });
  }
}

interface Taken {
  readonly tokens: SessionTokens;
  readonly claims: Claims;
  readonly time: number | undefined;
  readonly now: number;
  readonly lasts: number | undefined;
}

/** Whether there is nothing to tell. */
function isSameState(one: SessionState, other: SessionState): boolean {
  const told = ["status", "access", "reason", "until", "claims", "sessionId", "ended", "error"] as const;
  return [...told, "refreshable" as const, "persistent" as const].every((name) => one[name] === other[name]);
}
