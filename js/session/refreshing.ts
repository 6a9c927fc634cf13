import { SessionError, TokenError } from "../errors.js";
import { ProviderUnavailable, RefreshRejected } from "../providers/errors.js";
import type { TokenProvider, TokenSet } from "../providers.js";
import type { RefreshOutcome } from "../session.js";
import type { Claims } from "../verifier.js";
import { answerTime, type CheckIn, checkInAt, readable, signInTime } from "./clock.js";
import type { Environment } from "./environment.js";
import type { Held, Holding } from "./holding.js";
import { type SessionRecord, type SessionTokens, sameUser, tokensOf, userOf } from "./record.js";
import { Backoff, refreshDue } from "./schedule.js";

/** How long a provider may take to answer, and another tab to finish, in seconds. */
const ANSWER_LIMIT = 40;
const TURN_LIMIT = 60;
/** A storage that cannot be read hides that another tab was faster; one that never can must not stop a session. */
const UNREADABLE_LIMIT = 3;

/** Exchanges refresh tokens that serve once, in one tab at a time, so that no answer is lost and no token used twice. */
export class Refreshing {
  readonly backoff = new Backoff();
  readonly #holding: Holding;
  readonly #provider: TokenProvider | null;
  readonly #environment: Environment;
  readonly #lockName: string;
  #unreadable = 0;

  constructor(holding: Holding, provider: TokenProvider | null, environment: Environment, lockName: string) {
    this.#holding = holding;
    this.#provider = provider;
    this.#environment = environment;
    this.#lockName = lockName;
  }

  /** Never rejects. */
  async run(): Promise<RefreshOutcome> {
    const known = this.#holding.held?.record.generation;
    try {
      const outcome = await this.#environment.exclusive(this.#lockName, TURN_LIMIT, () => this.#alone(known));
      if (outcome !== undefined) return outcome;
      throw new SessionError("busy", "another tab has not finished its refresh: it is tried again later");
    } catch (error) {
      this.#failed(error);
      return "unavailable";
    }
  }

  /** Whether fresh tokens are due now. */
  isDue(): boolean {
    const now = this.#environment.now();
    return now >= this.backoff.notBefore && now >= (this.dueAt() ?? Number.POSITIVE_INFINITY);
  }

  /** When fresh tokens are due, by the device's clock; `undefined` if there is nothing to get them with. */
  dueAt(): number | undefined {
    const { held, policy } = this.#holding;
    if (held === undefined || this.#provider === null) return undefined;
    const { tokens, unverified, checkIn } = held.record;
    if (tokens.refresh_token === undefined && unverified === undefined) return undefined;
    if (this.#holding.judge().access !== "full" || held.payload === undefined || unverified !== undefined) return 0;
    const checkInDue = policy.checkIn === null ? undefined : checkIn.at + policy.checkIn / 2;
    const due = refreshDue(held.payload.exp, held.payload.iat, checkInDue);
    return due === undefined ? undefined : due - held.clock.seen.skew;
  }

  /** In this tab only, as long as it lasts. */
  async #alone(known: number | undefined): Promise<RefreshOutcome> {
    const holding = this.#holding;
    this.#unreadable = (await holding.load()) ? 0 : this.#unreadable + 1;
    if (this.#unreadable > 0 && this.#unreadable < UNREADABLE_LIMIT) throw holding.error;
    const before = holding.held?.record;
    if (before === undefined) return holding.status === "locked" ? "locked" : "signed_out";
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
    if (await holding.store.hasEnded(before.sessionId).catch(() => false)) {
      // Signed out meanwhile, here or in another tab: the fresh token is not to be used.
      await holding.revoker.add(tokens);
      void holding.revoker.run();
      await holding.load();
      return "signed_out";
    }
    await holding.load();
    // A sign-in in between is newer than this answer.
    if (holding.held?.record.generation !== before.generation) return "adopted";
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
    await this.#holding.load();
    const now = this.#holding.held?.record;
    if (now !== undefined && now.generation > before.generation) return "adopted";
    await this.#holding.end("rejected").catch(() => {});
    this.#holding.error = error;
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
    const holding = this.#holding;
    const { clock } = holding.held as Held;
    const next = { ...before, generation: before.generation + 1, unverified: undefined };
    let claims: Claims;
    try {
      claims = holding.verify(holding.judgedToken(tokens), answered);
    } catch (error) {
      const missingKey = error instanceof TokenError && error.code === "key_not_found";
      const kept = { ...before.tokens, refresh_token: tokens.refresh_token };
      const record = { ...next, tokens: kept, unverified: missingKey ? tokens : undefined };
      holding.take(record, clock);
      await holding.save();
      if (missingKey && (await this.#promote(record, tokens))) return "refreshed";
      this.#failed(error);
      return missingKey ? "unverified" : "invalid_token";
    }
    const repeated = holding.judgedToken(tokens) === holding.judgedToken(before.tokens);
    // A token that was known before says nothing about the time of this answer; nor does its absence.
    const time = repeated ? readable(answer.serverTime) : answerTime(answer, claims);
    const { skew } = clock.seen;
    const checkIn = time === undefined ? { at: answered + skew, skew } : checkInAt(time, asked, answered);
    return this.#accept(next, tokens, claims, checkIn);
  }

  /** Tries again to verify what the provider answered; without the time of the answer it is not evidence of more. */
  async #promote(record: SessionRecord, tokens: SessionTokens): Promise<boolean> {
    const now = this.#environment.now();
    try {
      const claims = await this.#holding.verifyFresh(this.#holding.judgedToken(tokens), now);
      const next = { ...record, generation: record.generation + 1, unverified: undefined };
      return (await this.#accept(next, tokens, claims, signInTime(claims, undefined, now))) === "refreshed";
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
    const holding = this.#holding;
    if (!sameUser(next.user, userOf(claims))) {
      await holding.revoker.add(tokens);
      await holding.end("user_changed");
      holding.failed(new SessionError("user_changed", "the provider answered with tokens of another person: sign in"));
      return "signed_out";
    }
    const record = { ...next, tokens, checkIn };
    holding.take(record, holding.clockFor(record));
    holding.error = undefined;
    // A provider whose fresh tokens are not valid is not asked for others all the time.
    if (holding.judge().access === "full") this.backoff.reset();
    else this.#backOff();
    await holding.save();
    return "refreshed";
  }

  #failed(error: unknown): void {
    this.#holding.failed(error);
    this.#backOff(error);
  }

  #backOff(error?: unknown): void {
    const { now, random } = this.#environment;
    this.backoff.failed(now(), random(), error instanceof ProviderUnavailable ? error.retryAfter : undefined);
  }
}
