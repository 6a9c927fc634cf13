import { keyDoubt, SessionError, TokenError } from "../errors.js";
import type { UnlockedKey } from "../protection.js";
import { ProviderUnavailable, RefreshRejected } from "../providers/errors.js";
import type { TokenProvider, TokenSet } from "../providers.js";
import type { RefreshOutcome } from "../session.js";
import type { Claims } from "../verifier.js";
import { answerTime, type CheckIn, checkInAt, readable, signInTime } from "./clock.js";
import type { Environment } from "./environment.js";
import type { Held, Holding } from "./holding.js";
import {
  isSameVersion,
  isToken,
  type Postponement,
  renewed,
  type SessionRecord,
  type SessionTokens,
  sameUser,
  userOf,
} from "./record.js";
import { Backoff, LONGEST_RETRY_AFTER, refreshDue } from "./schedule.js";

/** How long a provider may take to answer, and another tab to finish, in seconds. */
const ANSWER_LIMIT = 40;
const TURN_LIMIT = 60;
/** A storage that cannot be read hides that another tab was faster; one that never can must not stop a session. */
const UNREADABLE_LIMIT = 3;

/** Exchanges refresh tokens that serve once, in one tab at a time, so that no answer is lost and no token used twice. */
export class Refreshing {
  readonly backoff = new Backoff();
  /** Whether somebody has asked for this refresh, whom the provider's wish for peace does not bind. */
  wanted = false;
  #postponed: Postponement | undefined;
  readonly #holding: Holding;
  readonly #provider: TokenProvider | null;
  readonly #environment: Environment;
  readonly #lockName: string;

  constructor(holding: Holding, provider: TokenProvider | null, environment: Environment, lockName: string) {
    this.#holding = holding;
    this.#provider = provider;
    this.#environment = environment;
    this.#lockName = lockName;
  }

  /** Never rejects. */
  async run(): Promise<RefreshOutcome> {
    const known = this.#holding.held?.record;
    try {
      const outcome = await this.#environment.exclusive(this.#lockName, TURN_LIMIT, () => this.#alone(known));
      if (outcome !== undefined) return outcome;
      throw new SessionError("busy", "another tab has not finished its refresh: it is tried again later");
    } catch (error) {
      this.#failed(error);
      return "unavailable";
    } finally {
      this.wanted = false;
    }
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
    const said = this.#postponed;
    const counts = said !== undefined && said.at <= now && isSameVersion(said, this.#holding.held?.record);
    const asked = counts ? Math.min(said.until, said.at + LONGEST_RETRY_AFTER) : Number.NEGATIVE_INFINITY;
    return Math.max(this.backoff.notBefore(now), asked);
  }

  /** The network may be back, which is a reason to try again; what the provider said stays. */
  reconnected(how: "online" | "visible"): void {
    if (how === "online") this.backoff.reset();
    else this.backoff.tryAgain(this.#environment.now());
  }

  /** What the provider has told another tab, or this one before it was loaded anew. */
  async learn(): Promise<void> {
    const { store, held } = this.#holding;
    const stored = await store.postponement().catch(() => undefined);
    if (stored !== undefined && isSameVersion(stored, held?.record)) this.#postponed = stored;
  }

  /** Whether there is what it takes to get fresh tokens. */
  get isPossible(): boolean {
    const tokens = this.#holding.held?.record.tokens;
    return this.#provider !== null && tokens?.refresh_token !== undefined;
  }

  /** When fresh tokens are due, by the device's clock; `undefined` if there is nothing to get them with. */
  dueAt(): number | undefined {
    const { held } = this.#holding;
    const { policy } = this.#holding.judging;
    if (held === undefined || this.#provider === null) return undefined;
    const { tokens, unverified, checkIn } = held.record;
    if (tokens.refresh_token === undefined && unverified === undefined) return undefined;
    if (this.#holding.judge().access !== "full" || held.payload === undefined || unverified !== undefined) return 0;
    const checkInDue = policy.checkIn === null ? undefined : checkIn.at + policy.checkIn / 2;
    const due = refreshDue(held.payload.exp, held.payload.iat, checkInDue);
    return due === undefined ? undefined : due - held.clock.seen.skew;
  }

  /** In this tab only, as long as it lasts. Whatever else happens meanwhile counts more. */
  async #alone(known: SessionRecord | undefined): Promise<RefreshOutcome> {
    const holding = this.#holding;
    if (!(await holding.load()) && ++holding.blindRefreshes < UNREADABLE_LIMIT) {
      holding.announce({ asksForHeld: true });
      throw holding.error;
    }
    await this.learn();
    const before = holding.held?.record;
    if (before === undefined) return holding.status === "locked" ? "locked" : "signed_out";
    if (before.unverified !== undefined) {
      const outcome = await this.#promote(before, before.unverified);
      if (outcome !== undefined) return outcome;
      if (!holding.isCurrent(before)) return this.#overtaken(before);
    } else if (!isSameVersion(before, known)) {
      return "adopted";
    }
    if (this.#provider === null || before.tokens.refresh_token === undefined) return "no_refresh_token";
    if (!this.wanted && !this.mayAsk()) return "unavailable";

    // Somebody may lock the session before the answer comes, which has to be sealed all the same.
    const key = holding.protection.share?.();
    const asked = this.#environment.now();
    const receive = (answer: TokenSet) => this.#receive(before, answer, asked, key);
    try {
      return await receive(await this.#ask(this.#provider, before.tokens, receive));
    } catch (error) {
      if (error instanceof RefreshRejected) return this.#rejected(before, error);
      if (error instanceof ProviderUnavailable) await this.#postpone(before, error);
      throw error;
    }
  }

  /** Noted for all tabs, and for when this one is loaded anew. */
  async #postpone({ sessionId, generation }: SessionRecord, { retryAfter = 0 }: ProviderUnavailable): Promise<void> {
    if (!(retryAfter > 0)) return;
    const at = this.#environment.now();
    this.#postponed = { sessionId, generation, at, until: at + retryAfter };
    await this.#holding.store.postpone(this.#postponed).catch(() => {});
  }

  /** One request with a limit: a turn must end, or every tab waits. What comes after it still counts. */
  #ask(
    provider: TokenProvider,
    tokens: SessionTokens,
    late: (answer: TokenSet) => Promise<unknown>,
  ): Promise<TokenSet> {
    const { after } = this.#environment;
    const limit = new AbortController();
    const refresh = async () => provider.refresh(tokens, { signal: limit.signal });
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
      answered.then((answer) => (isOver ? late(answer).catch(() => {}) : resolve(answer)), reject);
    });
  }

  /**
   * What was asked for before something else happened: tokens of a session that is over are not to be used; those of one that
   * was locked, and perhaps unlocked again by another page, are kept unless something newer is held.
   */
  async #overtaken(before: SessionRecord, tokens?: SessionTokens, key?: UnlockedKey): Promise<RefreshOutcome> {
    const holding = this.#holding;
    const { protection } = holding;
    if (tokens !== undefined && holding.held === undefined && !protection.locked) await holding.load();
    if (await holding.hasEnded(before.sessionId)) {
      if (tokens !== undefined) {
        await holding.revoker.add(tokens).catch(() => {});
        void holding.revoker.run();
      }
    } else if (tokens !== undefined) {
      const kept = { ...before.tokens, refresh_token: tokens.refresh_token };
      const record = { ...before, generation: before.generation + 1, tokens: kept, unverified: tokens };
      const held = holding.held?.record;
      const isOlder = held?.sessionId === before.sessionId && held.generation <= before.generation;
      if (protection.locked) await holding.keepLocked(record, key);
      else if (held === undefined || isOlder) {
        holding.takeUnsaved(record);
        await holding.write();
        return "unverified";
      }
    }
    if (holding.held !== undefined) return "adopted";
    return holding.status === "locked" ? "locked" : "signed_out";
  }

  /** The provider says that the token is of no more use: unless another tab has a newer one, the session is over. */
  #rejected(before: SessionRecord, error: RefreshRejected): Promise<RefreshOutcome> {
    const holding = this.#holding;
    return holding.exclusively(async () => {
      await holding.load();
      if (!holding.isCurrent(before)) return this.#overtaken(before);
      await holding.end("rejected").catch(() => {});
      holding.error = error;
      return "signed_out";
    });
  }

  async #receive(before: SessionRecord, answer: TokenSet, asked: number, key?: UnlockedKey): Promise<RefreshOutcome> {
    const holding = this.#holding;
    const answered = this.#environment.now();
    const tokens = renewed(before.tokens, answer);
    const outcome = await holding.exclusively(async () => {
      await holding.load();
      if (!holding.isCurrent(before)) return this.#overtaken(before, tokens, key);
      return this.#take(before, tokens, answer, asked, answered);
    });
    const record = holding.held?.record;
    if (holding.status === "locked") return "locked";
    if (outcome !== "unverified" || record?.unverified === undefined) return outcome;
    return (await this.#promote(record, record.unverified)) ?? outcome;
  }

  /** What cannot be had twice is stored before anything else is tried with it. */
  async #take(
    before: SessionRecord,
    tokens: SessionTokens,
    answer: TokenSet,
    asked: number,
    answered: number,
  ): Promise<RefreshOutcome> {
    const holding = this.#holding;
    const { judging } = holding;
    const { clock } = holding.held as Held;
    const next = { ...before, generation: before.generation + 1, unverified: undefined };
    let claims: Claims;
    let checkIn: CheckIn;
    try {
      if (!isToken(answer?.access_token)) throw new SessionError("missing_token", "the answer has no access_token");
      const token = judging.tokenOf(tokens);
      claims = judging.verify(token, answered);
      // A token that was known before says nothing about the time of this answer; nor does its absence.
      const repeated = judging.isOf(before.tokens, token);
      const time = repeated ? readable(answer.serverTime) : answerTime(answer, claims, token);
      const { skew } = clock.seen;
      const { rollbackTolerance } = judging.policy;
      checkIn =
        time === undefined ? { at: answered + skew, skew } : checkInAt(time, asked, answered, rollbackTolerance);
    } catch (error) {
      const missingKey = error instanceof TokenError && keyDoubt(error.code) !== undefined;
      const kept = { ...before.tokens, refresh_token: tokens.refresh_token };
      holding.take({ ...next, tokens: kept, unverified: missingKey ? tokens : undefined }, clock);
      await holding.write();
      this.#failed(error);
      return missingKey ? "unverified" : "invalid_token";
    }
    return this.#accept(next, tokens, claims, checkIn);
  }

  /**
   * Tries again to verify what the provider answered; without the time of the answer it is not evidence of more. `undefined`
   * if it cannot be verified.
   */
  async #promote(record: SessionRecord, tokens: SessionTokens): Promise<RefreshOutcome | undefined> {
    const holding = this.#holding;
    const now = this.#environment.now();
    let claims: Claims;
    try {
      claims = await holding.judging.verifyFresh(holding.judging.tokenOf(tokens), now);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return undefined;
    }
    return holding.exclusively(async () => {
      await holding.load();
      if (!holding.isCurrent(record)) return this.#overtaken(record);
      const next = { ...record, generation: record.generation + 1, unverified: undefined };
      return this.#accept(
        next,
        tokens,
        claims,
        signInTime(claims, undefined, now, holding.judging.policy.rollbackTolerance),
      );
    });
  }

  async #accept(
    next: SessionRecord,
    tokens: SessionTokens,
    claims: Claims,
    checkIn: CheckIn,
  ): Promise<"refreshed" | "locked" | "signed_out"> {
    const holding = this.#holding;
    if (!sameUser(next.user, userOf(claims))) {
      await holding.revoker.add(tokens).catch(() => {});
      await holding.end("user_changed").catch(() => {});
      holding.failed(new SessionError("user_changed", "the provider answered with tokens of another person: sign in"));
      return "signed_out";
    }
    const record = { ...next, tokens, checkIn: { ...checkIn, generation: next.generation } };
    holding.take(record, holding.clockFor(record));
    holding.error = undefined;
    // A provider whose fresh tokens are not valid, or that repeats one until it expires, is not asked for others all the time.
    const { access, until } = holding.judge();
    if (access !== "full") this.#backOff();
    else if ((this.dueAt() ?? Number.POSITIVE_INFINITY) > this.#environment.now()) this.backoff.reset();
    else this.#backOff(until ?? undefined);
    await holding.write();
    return holding.status === "locked" ? "locked" : "refreshed";
  }

  #failed(error: unknown): void {
    this.#holding.failed(error);
    this.#backOff();
  }

  #backOff(latest?: number): void {
    const { now, random } = this.#environment;
    this.backoff.failed(now(), random(), latest);
  }
}
