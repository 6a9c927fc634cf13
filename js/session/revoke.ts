import { ProviderUnavailable, RefreshRejected } from "../errors.js";
import type { Environment } from "../platform/environment.js";
import type { TokenProvider } from "../providers/types.js";
import { Backoff } from "./schedule.js";
import type { Revocation, SessionStore } from "./store.js";
import type { SessionTokens } from "./tokens.js";

/** A refresh token that could not be revoked for so long has expired at most providers. In seconds. */
const GIVE_UP = 30 * 86_400;
const ANSWER_LIMIT = 20;

/** Revocations wait for so many, the latest ones. */
const MANY = 10;

/** Revokes the refresh tokens of people who signed out, when there is a network. */
export class Revoker {
  readonly #store: SessionStore;
  readonly #provider: TokenProvider | null;
  readonly #environment: Environment;
  readonly #exclusively: (work: () => Promise<void>) => Promise<void>;
  /** What no storage remembers: it refused, or there is none but memory. */
  #unsaved: readonly Revocation[] = [];
  /** What was given here to be revoked last: where the storage refuses, it is found there again and again. */
  #added: readonly string[] = [];
  /** What is being revoked just now: there are many reasons to begin. */
  readonly #asking = new Set<string>();
  readonly #backoff = new Backoff();
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  constructor(
    store: SessionStore,
    provider: TokenProvider | null,
    environment: Environment,
    exclusively: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.#store = store;
    this.#provider = provider;
    this.#environment = environment;
    this.#exclusively = exclusively;
  }

  /** Remembers a token to revoke, and nothing else of the person. For whoever has the turn. */
  async add({ refresh_token: refreshToken }: SessionTokens): Promise<void> {
    if (this.#provider?.revoke === undefined || refreshToken === undefined) return;
    if (this.#added.includes(refreshToken)) return this.save();
    this.#added = [...this.#added, refreshToken].slice(-MANY);
    this.#unsaved = [...this.#unsaved, { refreshToken, at: this.#environment.now() }].slice(-MANY);
    this.#backoff.reset();
    await this.save();
  }

  /** Stores what is not stored yet. For whoever has the turn. */
  async save(): Promise<void> {
    const unsaved = this.#unsaved;
    if (unsaved.length === 0 || !this.#store.hasKey) return;
    await this.#store.writeRevocations([...(await this.#store.revocations()), ...unsaved].slice(-MANY));
    this.#unsaved = this.#unsaved.filter((one) => !unsaved.includes(one));
  }

  /** Revokes what can be revoked now; what cannot waits, and is tried again. `online`: there is a network again. Never rejects. */
  async run(reason?: "online" | "visible"): Promise<void> {
    if (reason === "online") this.#backoff.reset();
    // A turn may be a lease in IndexedDB, which costs two writes.
    if (this.#unsaved.length > 0) await this.#exclusively(() => this.save()).catch(() => {});
    let failed = false;
    try {
      for (const revocation of [...(await this.#store.revocations()), ...this.#unsaved]) {
        const { refreshToken } = revocation;
        if (this.#asking.has(refreshToken)) continue;
        this.#asking.add(refreshToken);
        const isDone = await this.#settle(revocation).finally(() => this.#asking.delete(refreshToken));
        if (!isDone) failed = true;
      }
    } catch {
      // The storage refuses: it is tried again at the next start.
    }
    if (failed) this.#runLater();
  }

  /** Not every network that comes back says so, and once everybody has signed out nothing else asks the provider. */
  #runLater(): void {
    if (this.#stopped) return;
    const { now, random, after } = this.#environment;
    this.#backoff.failed(now(), random());
    this.#stopTimer?.();
    this.#stopTimer = after(Math.max(1, this.#backoff.notBefore(now()) - now()), () => void this.run());
  }

  /** What waits is tried again at the next start. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
  }

  /** Whether it needs to be revoked no more. */
  async #settle(revocation: Revocation): Promise<boolean> {
    const old = this.#environment.now() - revocation.at > GIVE_UP;
    if (!old && !(await this.#revoke(revocation))) return false;
    this.#unsaved = this.#unsaved.filter((one) => one !== revocation);
    await this.#exclusively(() => this.#forget(revocation));
    return true;
  }

  /** Others may have been added meanwhile. */
  async #forget(revocation: Revocation): Promise<void> {
    const waiting = await this.#store.revocations();
    const left = waiting.filter(({ refreshToken }) => refreshToken !== revocation.refreshToken);
    if (left.length < waiting.length) await this.#store.writeRevocations(left);
  }

  async #revoke({ refreshToken }: Revocation): Promise<boolean> {
    if (this.#provider?.revoke === undefined) return true;
    const limit = new AbortController();
    const cancel = this.#environment.after(ANSWER_LIMIT, () => limit.abort());
    try {
      await this.#provider.revoke({ refresh_token: refreshToken }, { signal: limit.signal });
      return true;
    } catch (error) {
      // What the provider refuses now it will refuse again; what did not even get there may another time.
      const isRefused = error instanceof ProviderUnavailable && error.code === "refused" && error.sent;
      return isRefused || error instanceof RefreshRejected;
    } finally {
      cancel();
    }
  }
}
