import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigError, TokenError, type TokenErrorCode } from "../errors.js";
import type { Jwks, Profile, VerifierOptions } from "../options.js";
import type { CreateVerifier, Verifier } from "../verifier.js";
import { inTime } from "../within.js";
import { busy, type Choice, namedIssuer, unknownIssuer } from "./combined.js";
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
export type MakeStore<C, E> = (issuer: string, allowed: AllowedIssuer) => Promise<KeyStore<C, E>>;

export interface CheckedOptions<C, E> {
  readonly createVerifier: CreateVerifier;
  readonly allow: AllowIssuer;
  readonly make: MakeStore<C, E>;
  /** How many issuers are known at once; of those that were refused, ten times as many. */
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

/** What was found out about an issuer. */
interface Known<C, E> {
  /** `undefined`: it is not let in, or that could not be found out. */
  readonly store?: KeyStore<C, E>;
  readonly allowed?: AllowedIssuer;
  /** Why it could not be found out. */
  readonly failure?: unknown;
  readonly at: number;
  /** Of `now`: until then it counts. */
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
/** How long it is remembered that nothing could be found out, in seconds. */
const FAILED_FOR = 10;
/** In UTF-16 units. */
const MAX_ISSUER_LENGTH = 2048;

/** The issuers that an app's function lets in, as they are met. Nothing is fetched before it said so. */
export class AllowList<C, E> implements Choice<C, E> {
  readonly #options: CheckedOptions<C, E>;
  readonly #reader: Verifier<unknown>;
  /** The one that was used last stands last. */
  readonly #known = new Map<string, Known<C, E>>();
  readonly #refused = new Map<string, Known<C, E>>();
  readonly #flights = new Map<string, Promise<void>>();

  constructor(options: CheckedOptions<C, E>) {
    this.#options = options;
    this.#reader = options.createVerifier({
      jwks: [NO_ONES_KEY],
      issuer: null,
      audience: null,
      requireExp: false,
      maxTokenBytes: 65_536,
    });
  }

  get stores(): KeyStore<C, E>[] {
    return [...this.#known.values()].flatMap(({ store }) => (store === undefined ? [] : [store]));
  }

  storeOf(token: string): KeyStore<C, E> {
    const issuer = this.#issuerOf(token);
    const known = this.#lookUp(issuer);
    if (known?.store !== undefined) return known.store;
    if (known === undefined || known.failure !== undefined) throw unknownIssuer(known?.failure);
    throw new TokenError("claim_mismatch", 'the claim "iss" is none of the issuers that are allowed', { claim: "iss" });
  }

  async meet(token: string): Promise<void> {
    const issuer = this.#issuerOf(token);
    if (this.#lookUp(issuer) !== undefined) return;
    let flight = this.#flights.get(issuer);
    if (flight === undefined) {
      // Strangers do not keep out who has been let in before.
      const isFull = this.#flights.size >= MAX_FLIGHTS && !this.#known.has(issuer);
      if (isFull) throw unknownIssuer(busy("too many issuers are being looked up at once"));
      flight = this.#ask(issuer).finally(() => this.#flights.delete(issuer));
      this.#flights.set(issuer, flight);
    }
    await flight;
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

  #lookUp(issuer: string): Known<C, E> | undefined {
    const now = this.#options.now();
    for (const list of [this.#known, this.#refused]) {
      const known = list.get(issuer);
      // A clock that was set back must not make an answer last for ever.
      if (known === undefined || now < known.at || now >= known.until) continue;
      list.delete(issuer);
      list.set(issuer, known);
      return known;
    }
    return undefined;
  }

  /** Never rejects: what went wrong is remembered, so that it is not tried again for each token. */
  async #ask(issuer: string): Promise<void> {
    const { allow, make, now, timeout, allowedFor, refusedFor, watch } = this.#options;
    const before = this.#known.get(issuer);
    const late = (): never => {
      throw busy(`whether the issuer is allowed was not known within ${timeout} s`);
    };
    try {
      const allowed = await inTime((async () => allow(issuer))(), timeout, late);
      const at = now();
      const facts = { at, until: at + allowedFor };
      if (allowed === undefined || allowed === null) {
        this.#known.delete(issuer);
        return this.#refuse(issuer, { at, until: at + refusedFor });
      }
      if (typeof allowed !== "object" || Array.isArray(allowed)) {
        throw new ConfigError(
          "invalid_option",
          'the option "allow" should give an object of options, or nothing',
          "allow",
        );
      }
      const isSame = before !== undefined && before.allowed === allowed;
      const store = isSame ? (before.store as KeyStore<C, E>) : await make(issuer, allowed);
      if (!isSame) watch(store);
      this.#refused.delete(issuer);
      this.#known.delete(issuer);
      this.#known.set(issuer, { ...facts, store, allowed });
      shrink(this.#known, this.#options.maxIssuers);
    } catch (failure) {
      const at = now();
      this.#known.delete(issuer);
      this.#refuse(issuer, { at, until: at + Math.min(refusedFor, FAILED_FOR), failure });
      this.#report(failure);
    }
  }

  #refuse(issuer: string, known: Known<C, E>): void {
    this.#refused.set(issuer, known);
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

/** Without those that were used longest ago. */
function shrink(map: Map<string, unknown>, most: number): void {
  for (const name of map.keys()) {
    if (map.size <= most) return;
    map.delete(name);
  }
}
