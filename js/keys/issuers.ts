import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigError, TokenError, type TokenErrorCode } from "../errors.js";
import type { Jwks, Profile, VerifierOptions } from "../options.js";
import type { CreateVerifier, Verifier } from "../verifier.js";
import { inTime } from "../within.js";
import { busy, type Choice, namedIssuer, unknownIssuer } from "./combined.js";
import { EvictedRecords, type IssuerRecord } from "./issuer-record.js";
import type { KeyStore } from "./types.js";

/** What an app says of an issuer that it lets in: how its tokens are verified, and where its keys are. */
export interface AllowedIssuer extends Omit<VerifierOptions<StandardSchemaV1 | undefined, Profile>, "jwks" | "issuer"> {
  /** Its keys, if they are known. Default: they are fetched when it is met first. */
  jwks?: Jwks | undefined;
  /** Where its keys are. Default: where its metadata say so. */
  jwksUri?: string | undefined;
}

/** Whether an issuer is let in; asked with the `iss` of a token that nobody has verified. */
export type AllowIssuer = (
  issuer: string,
) => AllowedIssuer | null | undefined | Promise<AllowedIssuer | null | undefined>;

/** What a store is made of, once an issuer is let in. */
export type MakeStore<C, E> = (
  issuer: string,
  allowed: AllowedIssuer,
  record: IssuerRecord,
  /** Throws where an issuer must not be fetched from now. */
  requireMayFetch: (now: number) => void,
) => Promise<KeyStore<C, E>>;

export interface CheckedOptions<C, E> {
  readonly createVerifier: CreateVerifier;
  readonly allow: AllowIssuer;
  readonly make: MakeStore<C, E>;
  readonly recordOf: (issuer: string) => Promise<IssuerRecord>;
  /** How many issuers are known at once of whom a token has verified; of those that were refused, ten times as many. */
  readonly maxIssuers: number;
  /** How long an answer counts, in seconds. */
  readonly allowedFor: number;
  readonly refusedFor: number;
  readonly timeout: number;
  readonly now: () => number;
  readonly onError: ((error: Error) => void) | undefined;
  /** Told when a store comes. */
  readonly watch: (store: KeyStore<C, E>) => void;
}

/** An issuer that is let in. */
interface Known<C, E> {
  readonly store: KeyStore<C, E>;
  readonly allowed: AllowedIssuer;
  readonly record: IssuerRecord;
  /** When `allow` said so. */
  readonly at: number;
  /** Of `now`: until then it counts. */
  readonly until: number;
}

/** An issuer that is not let in. */
interface Refused {
  /** Why nothing could be found out about it. */
  readonly failure?: unknown;
  readonly at: number;
  readonly until: number;
}

/** What is decided before any key is looked for. */
const CODES_OF_FORM: readonly TokenErrorCode[] = [
  "too_large",
  "malformed",
  "unsupported_algorithm",
  "unsupported_critical",
];

/** No token is signed by it: it is there since a verifier needs a key. */
const NO_ONES_KEY = {
  kty: "OKP",
  crv: "Ed25519",
  kid: "tokenward: no key",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};

/** How many issuers are asked about at once. */
const MAX_FLIGHTS = 32;
/** How many issuers wait for their first genuine token, at the most. */
const MAX_MET = 32;
/** How long it is remembered that nothing could be found out, in seconds. */
export const FAILED_FOR = 10;
/** In UTF-16 units. */
const MAX_ISSUER_LENGTH = 2048;

/** The issuers that an app's function lets in, as they are met. Nothing is fetched before it said so. */
export class AllowList<C, E> implements Choice<C, E> {
  readonly #options: CheckedOptions<C, E>;
  readonly #reader: Verifier<unknown>;
  /** Those of whom a token has verified; the one of whom that was last stands last. */
  readonly #known = new Map<string, Known<C, E>>();
  /** Those that were let in, and of whom no token has verified yet: whoever forges tokens gets no further. */
  readonly #met = new Map<string, Known<C, E>>();
  readonly #refused = new Map<string, Refused>();
  readonly #evicted: EvictedRecords;
  readonly #issuers = new WeakMap<KeyStore<C, E>, string>();
  readonly #flights = new Map<string, Promise<KeyStore<C, E> | undefined>>();

  constructor(options: CheckedOptions<C, E>) {
    this.#options = options;
    this.#evicted = new EvictedRecords(options.maxIssuers);
    this.#reader = options.createVerifier({
      jwks: [NO_ONES_KEY],
      issuer: null,
      audience: null,
      requireExp: false,
      maxTokenBytes: 65_536,
    });
  }

  get stores(): KeyStore<C, E>[] {
    return [...this.#known.values(), ...this.#met.values()].map(({ store }) => store);
  }

  storeOf(token: string): KeyStore<C, E> {
    const issuer = this.#issuerOf(token);
    const known = this.#letIn(issuer);
    if (known !== undefined) return known.store;
    const refused = this.#counting(this.#refused.get(issuer));
    if (refused === undefined || refused.failure !== undefined) throw unknownIssuer(refused?.failure);
    throw new TokenError("claim_mismatch", 'the claim "iss" is none of the issuers that are allowed', { claim: "iss" });
  }

  /** Only a genuine token says that an issuer is in use; it may take the place of the one of whom the last was longest ago. */
  verified(store: KeyStore<C, E>): void {
    const issuer = this.#issuers.get(store);
    const known = issuer === undefined ? undefined : (this.#known.get(issuer) ?? this.#met.get(issuer));
    if (issuer === undefined || known?.store !== store) return;
    this.#met.delete(issuer);
    this.#known.delete(issuer);
    this.#known.set(issuer, known);
    this.#evict(this.#known, this.#options.maxIssuers);
  }

  async meet(token: string): Promise<KeyStore<C, E> | undefined> {
    const issuer = this.#issuerOf(token);
    const known = this.#letIn(issuer);
    if (known !== undefined || this.#counting(this.#refused.get(issuer)) !== undefined) return known?.store;
    let flight = this.#flights.get(issuer);
    if (flight === undefined) {
      // Strangers do not keep out who has been let in before.
      const isFull = this.#flights.size >= MAX_FLIGHTS && !this.#known.has(issuer);
      if (isFull) throw unknownIssuer(busy("too many issuers are being looked up at once"));
      flight = this.#ask(issuer).finally(() => this.#flights.delete(issuer));
      this.#flights.set(issuer, flight);
    }
    return await flight;
  }

  #issuerOf(token: string): string {
    const result = this.#reader.safeVerify(token);
    if (!result.ok && CODES_OF_FORM.includes(result.error.code)) throw result.error;
    const issuer = namedIssuer(token);
    if (issuer === undefined || issuer === "") {
      throw new TokenError("missing_claim", 'the claim "iss" is missing', { claim: "iss" });
    }
    if (issuer.length > MAX_ISSUER_LENGTH) {
      throw new TokenError("invalid_claim", `the claim "iss" is longer than ${MAX_ISSUER_LENGTH}`, { claim: "iss" });
    }
    return issuer;
  }

  #letIn(issuer: string): Known<C, E> | undefined {
    return this.#counting(this.#known.get(issuer) ?? this.#met.get(issuer));
  }

  #counting<T extends Refused>(found: T | undefined): T | undefined {
    const now = this.#options.now();
    // A clock that was set back must not make an answer last forever.
    return found !== undefined && found.at <= now && now < found.until ? found : undefined;
  }

  /** Never rejects: what went wrong is remembered, so that it is not tried again for each token. */
  async #ask(issuer: string): Promise<KeyStore<C, E> | undefined> {
    const { allow, make, now, timeout, allowedFor, refusedFor, watch, recordOf } = this.#options;
    const before = this.#known.get(issuer) ?? this.#met.get(issuer);
    const late = (): never => {
      throw busy(`whether the issuer is allowed was not known within ${timeout} s`);
    };
    let hasAnswered = false;
    let record = before?.record;
    try {
      const allowed = await inTime((async () => allow(issuer))(), timeout, late);
      hasAnswered = true;
      const at = now();
      if (allowed === undefined || allowed === null) {
        record ??= this.#evicted.take(issuer);
        record?.dropSets();
        this.#drop(issuer, record);
        this.#refuse(issuer, { at, until: at + refusedFor });
        return undefined;
      }
      if (typeof allowed !== "object" || Array.isArray(allowed)) {
        throw new ConfigError(
          "invalid_option",
          'the option "allow" should give an object of options, or nothing',
          "allow",
        );
      }
      record ??= this.#evicted.take(issuer) ?? (await recordOf(issuer));
      const isSame = before !== undefined && before.allowed === allowed;
      const store = isSame ? before.store : await make(issuer, allowed, record, this.#mayFetch(record));
      this.#letStay(issuer, { at, until: at + allowedFor, store, allowed, record });
      if (!isSame) watch(store);
      return store;
    } catch (failure) {
      this.#report(failure);
      const stays = hasAnswered ? undefined : this.#unanswered(issuer, before);
      if (stays !== undefined) return stays;
      const at = now();
      this.#drop(issuer, record);
      this.#refuse(issuer, { at, until: at + Math.min(refusedFor, FAILED_FOR), failure });
      return undefined;
    }
  }

  #mayFetch(record: IssuerRecord): (now: number) => void {
    return (now) => {
      record.requireMayFetch(now);
      if (this.#evicted.isFull(now)) throw busy("the keys of too many issuers were fetched a short while ago");
    };
  }

  #letStay(issuer: string, known: Known<C, E>): void {
    this.#refused.delete(issuer);
    // It may have been evicted while it was asked about.
    this.#evicted.take(issuer);
    known.record.restore();
    this.#issuers.set(known.store, issuer);
    if (this.#known.has(issuer)) {
      this.#known.set(issuer, known);
      return;
    }
    this.#met.delete(issuer);
    this.#met.set(issuer, known);
    this.#evict(this.#met, Math.min(this.#options.maxIssuers, MAX_MET));
  }

  /** Who cannot be asked about again stays, for as long again as the last answer counted. */
  #unanswered(issuer: string, before: Known<C, E> | undefined): KeyStore<C, E> | undefined {
    const { now, allowedFor } = this.#options;
    const list = this.#known.has(issuer) ? this.#known : this.#met;
    if (before === undefined || list.get(issuer) !== before) return undefined;
    const at = now();
    const last = before.at + 2 * allowedFor;
    if (at < before.at || at >= last) return undefined;
    list.set(issuer, { ...before, until: Math.min(at + FAILED_FOR, last) });
    return before.store;
  }

  #drop(issuer: string, record: IssuerRecord | undefined): void {
    this.#known.delete(issuer);
    this.#met.delete(issuer);
    if (record !== undefined) this.#evicted.keep(issuer, record);
  }

  #evict(list: Map<string, Known<C, E>>, most: number): void {
    for (const [issuer, { record }] of list) {
      if (list.size <= most) return;
      this.#drop(issuer, record);
    }
  }

  #refuse(issuer: string, refused: Refused): void {
    this.#refused.delete(issuer);
    this.#refused.set(issuer, refused);
    shrink(this.#refused, 10 * this.#options.maxIssuers);
  }

  #report(failure: unknown): void {
    try {
      this.#options.onError?.(failure instanceof Error ? failure : new Error(String(failure)));
    } catch {
      // Who is told of errors cannot be told of this one.
    }
  }
}

/** Without those that came first. */
function shrink(map: Map<string, unknown>, most: number): void {
  for (const name of map.keys()) {
    if (map.size <= most) return;
    map.delete(name);
  }
}
