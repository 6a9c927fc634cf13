/** Exchanges refresh tokens that serve once, in one tab at a time, so that no answer is lost and no token spent twice. */
import { keyDoubt, ProviderUnavailable, RefreshRejected, SessionError, SIGN_IN_NEEDED, TokenError } from "../errors.js";
import type { Environment } from "../platform/environment.js";
import { randomId } from "../platform/random-id.js";
import type { UnlockedKey } from "../protection.js";
import type { TokenProvider, TokenSet } from "../providers/types.js";
import type { Claims } from "../verifier.js";
import { answerTime, type CheckInTime, checkInAt, repeatedTime, signInTime } from "./clock.js";
import { type EndCause, isSamePlace, nextTurn, type Place, type SessionRecord } from "./record.js";
import type { Offer, Opened, SessionReplica } from "./replica.js";
import type { Revoker } from "./revoke.js";
import { rejection } from "./rules.js";
import { Backoff, LONGEST_RETRY_AFTER, refreshDue } from "./schedule.js";
import {
  isSameUser,
  isToken,
  type Judge,
  payloadOf,
  renewed,
  type Sealed,
  type SessionTokens,
  userOf,
} from "./tokens.js";
import type { RefreshOutcome } from "./types.js";

/** How long a provider may take to answer, and another tab to finish, in seconds. */
const ANSWER_LIMIT = 40;
const TURN_LIMIT = 60;

interface Asked {
  readonly record: SessionRecord;
  readonly sealed: Sealed;
  /** Somebody may lock the session before the answer comes, which has to be sealed all the same. */
  readonly key: UnlockedKey | undefined;
  readonly at: number;
}

/** A session that ended here. */
export interface EndedHere {
  /** Of the PIN or passkey that it was sealed with, where that was unlocked. */
  readonly keyId: string | undefined;
}

export class Refreshing {
  readonly backoff = new Backoff();
  /** When what was asked last has been answered, and received, however late. */
  late: Promise<void> = Promise.resolve();
  /** Whether somebody has asked for this refresh, whom the provider's wish for peace does not bind. */
  wanted = false;
  readonly #replica: SessionReplica;
  readonly #judge: Judge;
  readonly #provider: TokenProvider | null;
  readonly #revoker: Revoker;
  readonly #environment: Environment;
  readonly #turnName: string;
  /** The refresh turn: whether it has come, how many works need it, and how to pass it on. */
  #turn: Promise<boolean> | undefined;
  #works = 0;
  #pass: (() => void) | undefined;
  #ended: EndedHere | undefined;
  #isStopped = false;
  /** Whose provider said that only a sign-in helps. */
  #needsSignIn: Place | undefined;

  constructor(
    replica: SessionReplica,
    judge: Judge,
    provider: TokenProvider | null,
    revoker: Revoker,
    environment: Environment,
    name: string,
  ) {
    this.#replica = replica;
    this.#judge = judge;
    this.#provider = provider;
    this.#revoker = revoker;
    this.#environment = environment;
    this.#turnName = `tokenward:${name}`;
  }

  /** Never rejects. */
  async run(): Promise<RefreshOutcome> {
    const known = this.#replica.record;
    try {
      const outcome = await this.#inTurn(() => this.#alone(known));
      if (outcome !== undefined) return outcome;
      throw new SessionError("busy", "another tab has not finished its refresh: it is tried again later");
    } catch (error) {
      this.#failed(error);
      return "unavailable";
    } finally {
      this.wanted = false;
    }
  }

  /** One tab at a time. `undefined` if the turn did not come in time. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.#works += 1;
    try {
      return (await this.#getTurn()) ? await work() : undefined;
    } finally {
      this.#works -= 1;
      this.#passTurn();
    }
  }

  /** Whether it came. */
  #getTurn(): Promise<boolean> {
    this.#turn ??= new Promise((resolve, reject) => {
      const turn = this.#environment.exclusive(this.#turnName, TURN_LIMIT, () => {
        resolve(true);
        return new Promise<void>((pass) => {
          this.#pass = pass;
        });
      });
      turn.then(() => resolve(false), reject);
    });
    const own = this.#turn;
    const forget = () => {
      if (this.#turn === own && this.#pass === undefined) this.#turn = undefined;
    };
    own.then((has) => has || forget(), forget);
    return own;
  }

  /**
   * Whoever knows more than the storage keeps the turn until that is stored or over, or this page is gone: nobody else can know
   * that a token is spent. A session that was stopped stores nothing more, and keeps nobody waiting.
   */
  #passTurn(): void {
    if (this.#works > 0 || this.#pass === undefined) return;
    if (this.#replica.isAhead && !this.#isStopped) {
      void this.#replica.settled().then(() => this.#passTurn());
      return;
    }
    this.#pass();
    this.#pass = undefined;
    this.#turn = undefined;
  }

  /** Gets the turn to keep it, where this tab knows more than the storage. */
  keepTurn(): void {
    if (this.#turn === undefined && this.#replica.isAhead) this.#inTurn(async () => {}).catch(() => {});
  }

  /** What was asked is still answered, and stored, before the turn is passed on: the token may be spent. */
  stop(): void {
    this.#isStopped = true;
    this.#passTurn();
  }

  /** What this tab has ended by the provider's word, told once: whoever ends a session deletes what else there is of it. */
  takeEnded(): EndedHere | undefined {
    const ended = this.#ended;
    this.#ended = undefined;
    return ended;
  }

  /** Whether fresh tokens are due now. */
  isDue(): boolean {
    return this.mayAsk() && this.#environment.now() >= (this.dueAt() ?? Number.POSITIVE_INFINITY);
  }

  mayAsk(): boolean {
    return this.#environment.now() >= this.notBefore();
  }

  /** The moment before which nothing is asked without a new reason, by the device's clock. */
  notBefore(): number {
    const now = this.#environment.now();
    const { later } = this.#replica.record ?? {};
    const counts = later !== undefined && later.at <= now;
    const asked = counts ? Math.min(later.until, later.at + LONGEST_RETRY_AFTER) : Number.NEGATIVE_INFINITY;
    return Math.max(this.backoff.notBefore(now), asked);
  }

  /** The network may be back, which is a reason to try again; what the provider said stays. */
  reconnected(how: "online" | "visible"): void {
    if (how === "online") this.backoff.reset();
    else this.backoff.tryAgain(this.#environment.now());
  }

  /** Whether there is what it takes to get fresh tokens. */
  get isPossible(): boolean {
    const { tokens } = this.#replica.opened?.sealed ?? {};
    return this.#provider !== null && tokens?.refresh_token !== undefined && !this.#isSignInNeeded;
  }

  get #isSignInNeeded(): boolean {
    return isSamePlace(this.#needsSignIn, this.#replica.record);
  }

  /** When fresh tokens are due, by the device's clock; `undefined` if there is nothing to get them with. */
  dueAt(): number | undefined {
    const { opened, marks } = this.#replica;
    if (opened === undefined || marks === undefined || this.#provider === null || this.#isSignInNeeded)
      return undefined;
    const { tokens, unverified, checkIn, lasts } = opened.sealed;
    if (tokens.refresh_token === undefined && unverified === undefined) return undefined;
    // An intent that is found open was of a turn that is over: a provider's time of grace counts from when it was spent.
    if (unverified !== undefined || this.#replica.mayBeSpent || !this.#isGood(opened)) return 0;
    const { exp, iat, nbf } = payloadOf(this.#judge.tokenOf(tokens));
    const checkInDue = this.#judge.policy.checkIn === null ? undefined : checkIn.at + this.#judge.policy.checkIn / 2;
    const due = refreshDue({ exp, iat, nbf, lasts, since: checkIn.at }, checkInDue);
    return due === undefined ? undefined : due - marks.skew;
  }

  /** Whether access is full now. */
  #isGood({ sealed }: Opened): boolean {
    const marks = this.#replica.sight();
    if (marks === undefined) return false;
    try {
      return this.#judge.accessOf(sealed, marks, this.#environment.now()).access === "full";
    } catch {
      return false;
    }
  }

  async #alone(known: Place | null): Promise<RefreshOutcome> {
    const replica = this.#replica;
    await replica.sync();
    const before = replica.opened;
    if (before === undefined) return this.#whoIsIn();
    if (before.sealed.unverified !== undefined) {
      const outcome = await this.#promote(before);
      if (outcome !== undefined) return outcome;
      if (!isSamePlace(replica.record, before.place)) return this.#whoIsIn();
    } else if (!isSamePlace(before.place, known)) {
      return "adopted";
    }
    const { sealed } = before;
    if (this.#provider === null || sealed.tokens.refresh_token === undefined) return "no_refresh_token";
    if (!this.wanted && !this.mayAsk()) return "unavailable";
    const key = replica.protection.share?.();
    const record = await replica.reserve(before.place, !this.#isGood(before));
    if (record === undefined) return this.#notReserved(before);
    const asked = { record, sealed, key, at: this.#environment.now() };
    try {
      return await this.#receive(asked, await this.#ask(this.#provider, asked));
    } catch (error) {
      if (error instanceof RefreshRejected) return this.#rejected(asked, error);
      if (error instanceof ProviderUnavailable) await this.#unavailable(asked, error);
      throw error;
    }
  }

  #whoIsIn(): RefreshOutcome {
    if (this.#replica.opened !== undefined) return "adopted";
    return this.#replica.record !== null && this.#replica.protection.locked ? "locked" : "signed_out";
  }

  #notReserved(opened: Opened): RefreshOutcome {
    if (!isSamePlace(this.#replica.record, opened.place)) return this.#whoIsIn();
    // Past use the token may be spent without its intent: that is a new reason to try.
    this.#backOff(this.#untilOf(opened) ?? undefined);
    return "unavailable";
  }

  /** What the provider has not spent is noted, and when it wants to be asked again, for all tabs and the next start. */
  async #unavailable(
    { record }: Asked,
    { sent, code, status, error, retryAfter = 0 }: ProviderUnavailable,
  ): Promise<void> {
    const isUnspent = !sent || code === "refused" || status === 429 || (status === 503 && retryAfter > 0);
    const now = this.#environment.now();
    const later = retryAfter > 0 ? { at: now, until: now + retryAfter } : undefined;
    if (code === "refused" && SIGN_IN_NEEDED.includes(error ?? "")) this.#needsSignIn = record;
    if (isUnspent || later !== undefined) await this.#replica.withdraw(record, later, isUnspent);
  }

  /** One request with a limit: a turn must end, or every tab waits. What comes after it still counts. */
  #ask(provider: TokenProvider, asked: Asked): Promise<TokenSet> {
    const { after } = this.#environment;
    const limit = new AbortController();
    const refresh = async () => provider.refresh(asked.sealed.tokens, { signal: limit.signal });
    return new Promise((resolve, reject) => {
      let isOver = false;
      const stopAborting = after(ANSWER_LIMIT, () => limit.abort());
      const stopWaiting = after(ANSWER_LIMIT + 1, () => {
        isOver = true;
        reject(new ProviderUnavailable("timeout", `the provider gave no answer within ${ANSWER_LIMIT} s`));
      });
      const answered = refresh().finally(() => {
        stopAborting();
        stopWaiting();
      });
      const late = (answer: TokenSet) => this.#receive(asked, answer).catch(() => {});
      const received = answered.then((answer) => (isOver ? late(answer) : resolve(answer)), reject);
      this.late = received.then(() => {});
    });
  }

  /** The provider says that the token is of no more use: unless another record has come, the session is over. */
  #rejected(asked: Asked, error: RefreshRejected): Promise<RefreshOutcome> {
    const replica = this.#replica;
    const { record } = asked;
    return replica.exclusively(async () => {
      await replica.look();
      if (!isSamePlace(replica.record, record)) return this.#whoIsIn();
      await this.#end(record, rejection(record), asked);
      replica.error = error;
      return "signed_out";
    });
  }

  async #end(record: SessionRecord | null, cause: EndCause, { key }: Pick<Asked, "key">): Promise<void> {
    this.#ended = { keyId: key?.id };
    await this.#replica.end(record, cause).catch(() => {});
  }

  /** What cannot be had twice is stored before anything else is tried with it. */
  async #receive(asked: Asked, answer: TokenSet): Promise<RefreshOutcome> {
    const replica = this.#replica;
    const answered = this.#environment.now();
    const tokens = renewed(asked.sealed.tokens, answer);
    const { outcome, next } = await replica.exclusively(async () => {
      await replica.look();
      return this.#take(asked, tokens, answer, answered);
    });
    if (outcome !== "unverified" || !isSamePlace(replica.record, next) || replica.opened === undefined) return outcome;
    return (await this.#promote(replica.opened)) ?? outcome;
  }

  async #take(
    asked: Asked,
    tokens: SessionTokens,
    answer: TokenSet,
    answered: number,
  ): Promise<{ outcome: RefreshOutcome; next: Place }> {
    const { sealed } = asked;
    const next = this.#nextOf(asked.record);
    let claims: Claims;
    let checkIn: CheckInTime;
    try {
      const token = this.#judge.tokenOf(tokens);
      // What an answer leaves out stays as it was; but it must bring some token that is of use here.
      if (!isToken(answer?.access_token) && !this.#judge.isOf(answer, token))
        throw new SessionError(
          "missing_token",
          "the answer has neither an access_token nor the token that this session judges",
        );
      claims = this.#judge.verify(token, answered);
      checkIn = this.#checkInOf(asked, token, claims, answer, answered);
    } catch (error) {
      const isKeyMissing = error instanceof TokenError && keyDoubt(error.code) !== undefined;
      const kept = { ...sealed.tokens, refresh_token: tokens.refresh_token };
      const unverified = isKeyMissing ? tokens : undefined;
      await this.#offer(next, { ...sealed, tokens: kept, unverified }, asked);
      this.#failed(error);
      return { outcome: this.#after(next, isKeyMissing ? "unverified" : "invalid_token"), next };
    }
    const fresh = { ...sealed, tokens, unverified: undefined, lasts: lastsOf(answer) };
    return { outcome: await this.#accept(next, fresh, claims, checkIn, asked), next };
  }

  /** A token that was known before says little about the time of this answer; nor does its absence. */
  #checkInOf({ sealed, at }: Asked, token: string, claims: Claims, answer: TokenSet, answered: number): CheckInTime {
    const skew = this.#replica.marks?.skew ?? sealed.checkIn.skew;
    const isRepeated = this.#judge.isOf(sealed.tokens, token);
    const time = isRepeated
      ? repeatedTime(answer.serverTime, claims, answered + skew)
      : answerTime(answer, claims, token);
    if (time === undefined) return { at: answered + skew, skew };
    return checkInAt(time, at, answered, this.#judge.policy.rollbackTolerance);
  }

  #nextOf(record: SessionRecord): Offer {
    const { signIn, id, generation, at } = record;
    return { signIn, id, generation: generation + 1, turn: nextTurn(record), turnId: randomId(), at };
  }

  async #offer(next: Offer, sealed: Sealed, { key }: Pick<Asked, "key">): Promise<void> {
    await this.#replica.offer(next, sealed, { key });
    // Of a session that is over nobody is to use the fresh tokens.
    const { record, ended, opened } = this.#replica;
    // Some providers revoke all that one person has from them, the tokens of a later sign-in too.
    if (opened !== undefined && isSameUser(opened.sealed.user, sealed.user)) return;
    const isOver =
      !isSamePlace(record, next) && ended !== undefined && (record === null || record.signIn !== next.signIn);
    if (!isOver) return;
    await this.#revoker.add({ ...sealed.tokens, ...sealed.unverified }).catch(() => {});
    void this.#revoker.run();
  }

  #after<Outcome extends RefreshOutcome>(next: Place, outcome: Outcome): RefreshOutcome {
    if (!isSamePlace(this.#replica.record, next)) return this.#whoIsIn();
    return this.#replica.protection.locked ? "locked" : outcome;
  }

  /**
   * Tries again to verify what the provider answered; without the time of the answer it is not evidence of more. `undefined`
   * if it cannot be verified. For whoever has the refresh turn.
   */
  async #promote({ place, sealed }: Opened): Promise<RefreshOutcome | undefined> {
    const replica = this.#replica;
    const { record } = replica;
    const { unverified } = sealed;
    if (record === null || unverified === undefined) return undefined;
    const now = this.#environment.now();
    let claims: Claims;
    try {
      claims = await this.#judge.verifyFresh(this.#judge.tokenOf(unverified), now);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return undefined;
    }
    return replica.exclusively(async () => {
      await replica.look();
      if (!isSamePlace(replica.record, place) || replica.opened === undefined) return this.#whoIsIn();
      // What was seen of time since that answer counts: the provider has not answered again.
      const { marks } = replica;
      const checkIn = signInTime(claims, undefined, now, this.#judge.policy.rollbackTolerance);
      const key = replica.protection.share?.();
      const asked = { record, sealed, key, at: now };
      const next = this.#nextOf(record);
      return this.#accept(
        next,
        { ...sealed, tokens: unverified, unverified: undefined },
        claims,
        checkIn,
        asked,
        marks,
      );
    });
  }

  async #accept(
    next: Offer,
    sealed: Sealed,
    claims: Claims,
    checkIn: CheckInTime,
    asked: Asked,
    seen?: { readonly highest: number; readonly rolledBack: boolean },
  ): Promise<RefreshOutcome> {
    const replica = this.#replica;
    if (!isSameUser(sealed.user, userOf(claims))) {
      await this.#revoker.add(sealed.tokens).catch(() => {});
      await this.#end(replica.record, "user_changed", asked);
      replica.failed(new SessionError("user_changed", "the provider answered with tokens of another person: sign in"));
      return "signed_out";
    }
    const fresh = { ...sealed, checkIn: { ...checkIn, id: next.turnId } };
    if (seen !== undefined) replica.expect(fresh.checkIn, seen);
    replica.error = undefined;
    await this.#offer(next, fresh, asked);
    const { opened } = replica;
    if (opened === undefined || !isSamePlace(opened.place, next)) return this.#after(next, "refreshed");
    // A provider whose fresh tokens are not valid, or that repeats one until it expires, is not asked for others all the time.
    const until = this.#untilOf(opened);
    if (!this.#isGood(opened)) this.#backOff();
    else if ((this.dueAt() ?? Number.POSITIVE_INFINITY) > this.#environment.now()) this.backoff.reset();
    else this.#backOff(until ?? undefined);
    return this.#after(next, "refreshed");
  }

  #untilOf({ sealed }: Opened): number | null {
    const marks = this.#replica.sight();
    if (marks === undefined) return null;
    const { until } = this.#judge.accessOf(sealed, marks, this.#environment.now());
    return until === null ? null : until - marks.skew;
  }

  #failed(error: unknown): void {
    this.#replica.failed(error);
    this.#backOff();
  }

  #backOff(latest?: number): void {
    const { now, random } = this.#environment;
    this.backoff.failed(now(), random(), latest);
  }
}

/** RFC 6749 section 5.1. */
export function lastsOf({ expires_in }: TokenSet): number | undefined {
  return typeof expires_in === "number" && expires_in > 0 && Number.isFinite(expires_in) ? expires_in : undefined;
}
