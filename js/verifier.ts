/// <reference lib="esnext.disposable" preserve="true" />
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { TokenCache } from "./cache.js";
import { checkNames, isBoolean } from "./check-options.js";
import type { AccessTokenClaims, Claims, IdTokenClaims } from "./claims.js";
import { CoreHandle, type Engine, type LoadModules } from "./core.js";
import { ConfigError, invalidOption, shouldBe, TokenError } from "./errors.js";
import {
  type CheckedOptions,
  coreOptions,
  type Jwks,
  jwksText,
  type Profile,
  type RightsOptions,
  readOptions,
  type VerifierOptions,
} from "./options.js";
import { type ClockMarks, createPolicy, type Decision, decisionOf, moment, type Policy } from "./policy.js";
import { type ExpectationsOf, expectedClaims, type IdTokenExpectations, readExpectations } from "./profile.js";
import { type HeldRights, list, words } from "./rights.js";
import { type Validate, validate } from "./schema.js";
import { leaveRoom } from "./stack.js";

export type { AccessTokenClaims, Claims, IdTokenClaims } from "./claims.js";
export type { HeldRights } from "./rights.js";

/** The JOSE header of a verified token. */
export interface JoseHeader {
  readonly alg: string;
  readonly kid?: string;
  readonly typ?: string;
  readonly [parameter: string]: unknown;
}

/** A key of the set: public facts from the JWK. */
export interface VerificationKey {
  /** Its place in {@link Verifier.keys}. */
  readonly index: number;
  readonly kid?: string;
  /** Of an unusable key whatever the set says, and empty where it says nothing. */
  readonly kty: "RSA" | "EC" | "OKP" | "AKP" | (string & {});
  readonly crv?: "P-256" | "P-384" | "P-521" | "Ed25519" | (string & {});
  readonly alg?: string;
  readonly use?: string;
  /** Why the key cannot verify any token; absent for a key that can. */
  readonly unusable?: string;
  /** The key is a secret that its provider has published, so it was left out ({@link SetKeysOptions.published}). */
  readonly secret?: "private_key" | "symmetric_key";
}

/** How {@link Verifier.setKeys} reads a set. */
export interface SetKeysOptions {
  /**
   * Whether a provider published this set: a private or symmetric key is then left out and reported in {@link Verifier.keys},
   * so that the rotation of all others goes on. Default: false: such a key refuses the set.
   */
  published?: boolean | undefined;
}

/** A token whose signature and claims held. */
export interface Verified<C = Claims> {
  readonly claims: C;
  readonly header: JoseHeader;
  readonly key: VerificationKey;
  /** Only with the option `rights`: what it finds in the claims. */
  readonly rights?: HeldRights;
}

/** A genuine token, and what its bearer may do under an offline policy: never to be read without `access`. */
export interface Assessment<C = Claims> extends Verified<C>, Decision {}

/** During which time a verifier accepts a genuine token, in Unix seconds; `null`: no such limit. */
export interface Validity {
  readonly from: number | null;
  /** The first moment at which it is refused again; where `maxTokenAge` ends it, the last one at which it is not. */
  readonly until: number | null;
}

/** The answer of {@link Verifier.safeVerify}. */
export type Result<C = Claims> =
  | { readonly ok: true; readonly value: Verified<C> }
  | { readonly ok: false; readonly error: TokenError };

/** Verifies tokens, synchronously. `E`: what one call may expect, see {@link IdTokenExpectations}. */
export interface Verifier<C = Claims, E = never> {
  /**
   * Throws a {@link TokenError} for any token that does not hold, whatever is passed. With `profile: "id_token"`, `expected`
   * is what this one call asks for, also of a token that is remembered.
   */
  verify(token: string, expected?: E): Verified<C>;
  /** The same without throwing for a token. A {@link ConfigError}, a mistake in the app, is still thrown. */
  safeVerify(token: string, expected?: E): Result<C>;
  /**
   * Decides what the bearer may do under an offline policy. The token must be genuine, or a {@link TokenError} is thrown;
   * its times are not verified but judged: an expired one may still have `limited` access, an older one has `none`.
   */
  assess(token: string, policy: Policy, marks: ClockMarks): Assessment<C>;
  /**
   * During which time `verify` accepts a genuine token, including its tolerance and greatest age. Throws a
   * {@link TokenError} for a token that is not genuine, whatever the time.
   */
  validity(token: string): Validity;
  /** The time by which this token is judged, in Unix seconds: what the option `now` of its issuer says, or the system's clock. */
  now(token: string): number;
  /**
   * Replaces the keys, all or nothing: a set that cannot serve throws a {@link ConfigError}, and the old one stays.
   * Empties the cache. Of several issuers, `issuer` says whose keys these are.
   */
  setKeys(jwks: Jwks, issuer?: string, options?: SetKeysOptions): void;
  /** The keys in use, and those of the set that cannot be used, with why. Those of unsupported types stand last. */
  readonly keys: readonly VerificationKey[];
  /**
   * Makes another verifier, with options of its own and in the same WebAssembly module: for code that is handed a verifier and
   * does not choose an entry of the package. A gate verifies DPoP proofs by it.
   */
  readonly sibling: CreateVerifier;
  /**
   * Frees the verifier's memory at once, as `using` does at the end of a block. Whoever uses it afterwards gets a
   * {@link ConfigError} `disposed`; to dispose of it again does nothing. Without it the memory is freed when nobody has the
   * verifier any more, in runtimes that have `FinalizationRegistry`.
   */
  [Symbol.dispose](): void;
}

/** The name of that method also where engines have not got it yet: what polyfills and compilers take for it. */
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

const PARTIES: unique symbol = Symbol.for("tokenward.parties");

/** Which of a verifier's issuers something is about, by their place. */
interface Parties {
  /** Throws a {@link TokenError} for a token that no issuer is chosen by. */
  of(token: string): number;
  named(issuer: string): number | undefined;
}

/** For a key store of several issuers. */
export function partyOf(verifier: object): Parties | undefined {
  return (verifier as { readonly [PARTIES]?: Parties })[PARTIES];
}

const GENUINE_TOKENS = 8;

type Schema = StandardSchemaV1 | undefined;
/**
 * Of a schema that says nothing about its output, and where nobody knows whether there is one (`VerifierOptions` by itself, or
 * TypeScript without `strictNullChecks`), a verifier's own claims.
 */
type ClaimsOf<S extends Schema, P extends Profile | undefined> = S extends StandardSchemaV1
  ? Known<StandardSchemaV1.InferOutput<S>>
  : P extends "at+jwt"
    ? AccessTokenClaims
    : P extends "id_token"
      ? IdTokenClaims
      : Claims;

/** If an element says nothing about a schema, TypeScript assumes any. */
type ClaimsOfEach<S extends readonly Schema[]> = {
  readonly [I in keyof S]: Schema extends S[I] ? Claims : ClaimsOf<S[I], undefined>;
};

type Known<Output> = unknown extends Output ? Claims : Output;

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export interface CreateVerifier {
  /** For several issuers; each token goes to the one its `iss` names, exactly. */
  <const S extends readonly Schema[]>(
    options: {
      readonly [I in keyof S]: VerifierOptions<S[I]>;
    },
  ): Verifier<ClaimsOfEach<S>[number], IdTokenExpectations>;
  /** For one issuer. The last of the two, since that is the one TypeScript explains its errors by. */
  <S extends Schema = undefined, const P extends Profile | undefined = undefined>(
    options: VerifierOptions<S, P>,
  ): Verifier<ClaimsOf<S, P>, ExpectationsOf<P>>;
}

/** `createVerifier` on top of a module from wherever this entry of the package takes it. */
export function createVerifierWith(engine: Engine, load: LoadModules): CreateVerifier {
  const create = (options: unknown): Verifier => {
    const checked = Array.isArray(options) ? Array.from(options, readOptions) : [readOptions(options)];
    if (checked.length > 1) {
      for (const { issuer, tenants } of checked) {
        if (issuer === null && tenants === undefined) {
          throw invalidOption("each of several issuers must be named; null cannot be", "issuer");
        }
      }
    }
    leaveRoom();
    engine.instantiate(load);
    return makeVerifier(engine, checked, create as CreateVerifier);
  };
  return create as CreateVerifier;
}

/** All that new keys replace. It is replaced in one write: a stack that ends in the middle leaves the old or the new. */
interface Serving {
  /** Each relying party's options, as JSON text. */
  readonly rules: readonly string[];
  readonly core: CoreHandle;
  readonly parties: readonly KeysInUse[];
}

/** The keys of one relying party, and what was verified with them. */
interface KeysInUse {
  readonly keys: readonly VerificationKey[];
  readonly cache: TokenCache<Accepted> | undefined;
  /** Genuine tokens whatever their times: the same one is assessed again and again. */
  readonly genuine: TokenCache<Remembered>;
}

function makeVerifier(engine: Engine, options: readonly CheckedOptions[], sibling: CreateVerifier): Verifier {
  /** Nothing, once the verifier was disposed of. */
  let current: Serving | undefined;
  const serving = (): Serving => {
    if (current !== undefined) return current;
    throw new ConfigError("disposed", "the verifier was disposed of: make another one, or dispose of it later");
  };
  const relyingParties = options.map((entry, index) => new RelyingParty(serving, index, entry));
  const [only] = relyingParties.length === 1 ? relyingParties : [];

  /** Makes a core of new rules, and serves with it. All parties but `changed` keep their keys and caches; at first each reads its keys. */
  const serve = (rules: readonly string[], changed?: RelyingParty): void => {
    const replaced = current;
    const core = new CoreHandle(engine, `[${rules.join(",")}]`);
    try {
      const parties = relyingParties.map((party, index) =>
        replaced !== undefined && party !== changed ? (replaced.parties[index] as KeysInUse) : party.keysOf(core),
      );
      current = { rules, core, parties };
    } catch (error) {
      core.free();
      throw error;
    }
    replaced?.core.free();
  };
  serve(options.map((entry) => coreOptions(entry, jwksText(entry.jwks))));

  const partyFor = (token: unknown): RelyingParty => {
    if (typeof token !== "string") {
      throw new TokenError("malformed", `the token is malformed: it is not a string but ${kindOf(token)}`);
    }
    const known = only ?? relyingParties.find((party) => party.remembers(token));
    if (known !== undefined) return known;
    leaveRoom();
    return relyingParties[serving().core.call("choose", token)] as RelyingParty;
  };

  // What a call may expect is the app's own affair: it must not depend on the issuer that a token names.
  const takesExpectations = options.some(({ profile }) => profile === "id_token");
  const verify = (token: string, given?: unknown): Verified => {
    const expected = readExpectations(given, takesExpectations);
    return partyFor(token).verify(token, expected);
  };
  const partyNamed = (issuer: string | undefined): RelyingParty | undefined =>
    relyingParties.find((one) => one.names(issuer)) ?? relyingParties.find((one) => one.isFor(issuer));

  const parties: Parties = Object.freeze({
    of: (token: string) => partyFor(token).index,
    named: (issuer: string) => partyNamed(issuer)?.index,
  });

  const free = (): void => {
    const last = current;
    current = undefined;
    last?.core.free();
  };

  return Object.freeze({
    [PARTIES]: parties,
    verify,
    assess: (token: string, policy: Policy, marks: ClockMarks) => partyFor(token).assess(token, policy, marks),
    validity: (token: string) => partyFor(token).validity(token),
    now: (token: string) => partyFor(token).now(),
    safeVerify(token: string, expected?: unknown): Result {
      try {
        return { ok: true, value: verify(token, expected) };
      } catch (error) {
        if (error instanceof TokenError) return { ok: false, error };
        throw error;
      }
    },
    setKeys(jwks: Jwks, issuer?: string, options: SetKeysOptions = {}): void {
      leaveRoom();
      const { published = false } = checkNames(options, "setKeys", ["published"]);
      if (!isBoolean(published)) {
        throw shouldBe("published", "true or false");
      }
      const isNamed = issuer === undefined || typeof issuer === "string";
      const party = isNamed ? (only ?? partyNamed(issuer)) : undefined;
      if (party === undefined || (issuer !== undefined && !party.isFor(issuer))) {
        throw invalidOption("setKeys should be told which of the issuers the keys are for", "issuer");
      }
      const text = jwksText(jwks);
      const rules = [...serving().rules];
      rules[party.index] = coreOptions(party.options, text, published);
      serve(rules, party);
    },
    get keys() {
      return serving().parties.flatMap(({ keys }) => keys);
    },
    sibling,
    [dispose]: free,
  });
}

/** What is remembered of a token whose signature held. */
interface Remembered {
  /** Frozen: the same for everybody who asks, unless a schema makes something else of the claims. */
  readonly verified: Verified;
  readonly times: readonly [exp: number, nbf: number, iat: number];
}

/** One that was accepted, too, and between which times it is; `NaN`: without such a limit. */
interface Accepted extends Remembered {
  readonly from: number;
  readonly until: number;
}

/** A tenant, as the core reads it (src/tenant.rs). */
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** One issuer's options, with the JavaScript side of them: clock, schema, cache. */
class RelyingParty {
  readonly index: number;
  /** Without the keys, which others replace. */
  readonly options: Omit<CheckedOptions, "jwks">;
  readonly #serving: () => Serving;
  readonly #now: () => number;
  readonly #schema: Validate | undefined;
  readonly #rights: RightsOptions | undefined;

  constructor(serving: () => Serving, index: number, options: CheckedOptions) {
    const { now = systemTime, schema, rights } = options;
    this.index = index;
    // Without a prototype, as they were read: nothing that some code has put on every object is an option.
    this.options = Object.assign(Object.create(null), options, { jwks: undefined });
    this.#serving = serving;
    this.#now = now;
    this.#schema = schema;
    this.#rights = rights;
  }

  /** Whether it is named in the options, and not by a template for all tenants. */
  names(named: string | undefined): boolean {
    const { issuer } = this.options;
    return named !== undefined && (issuer === named || (Array.isArray(issuer) && issuer.includes(named)));
  }

  isFor(named: string | undefined): boolean {
    const { issuer, tenants } = this.options;
    if (named === undefined || issuer !== null) return this.names(named);
    if (tenants === undefined) return true;
    const [before = "", after = ""] = tenants.split("{tenantid}");
    const tenant = named.slice(before.length, named.length - after.length);
    // Only what the core takes for a tenant: another issuer's keys must not come here.
    return GUID.test(tenant) && named === `${before}${tenant}${after}`;
  }

  /** What a core has for this one, before anything was verified with it. */
  keysOf(core: CoreHandle): KeysInUse {
    const keys = deepFreeze(core.ask("keys", this.index) as VerificationKey[]);
    const { cache: maxTokens } = this.options;
    const cache = maxTokens ? new TokenCache<Accepted>(maxTokens) : undefined;
    return { keys, cache, genuine: new TokenCache(GENUINE_TOKENS) };
  }

  remembers(token: string): boolean {
    const { cache, genuine } = this.#inUse;
    return cache?.get(token) !== undefined || genuine.get(token) !== undefined;
  }

  now(): number {
    return finite(this.#now(), 'the option "now" should return');
  }

  /** `expected`: what this call expects besides, as the core reads it. */
  verify(token: string, expected?: string): Verified {
    const now = this.now();
    const { verified } = this.#accepted(token, now);
    if (expected !== undefined) {
      const { claims, header } = verified;
      this.#core.call("checkExpected", this.index, `["${header.alg}",${expectedClaims(claims)},${expected}]`, now);
    }
    return this.#validated(verified);
  }

  /** A token that holds at this time, whatever one call expects of it. */
  #accepted(token: string, now: number): Remembered {
    const { cache } = this.#inUse;
    const remembered = cache?.get(token);
    // Outside, and at the end itself, the core says which of its times a token has passed.
    if (remembered !== undefined && !(now < remembered.from || now >= remembered.until)) return remembered;
    const genuine = remembered ?? this.#checkGenuine(token);
    this.#core.call("checkTimes", this.index, ...genuine.times, now);
    if (cache !== undefined && remembered === undefined) {
      const [from, until] = this.#core.call("validity", this.index, ...genuine.times);
      cache.set(token, { ...genuine, from: from as number, until: until as number });
    }
    return genuine;
  }

  assess(token: string, policy: Policy, marks: ClockMarks): Assessment {
    const { grace, checkIn, rollbackTolerance } = createPolicy(policy);
    const known = checkNames(marks, "marks", ["now", "highest", "lastCheckIn", "rolledBack"]);
    const { now, highest, lastCheckIn, rolledBack } = known;
    finite(now, '"now" should be');
    for (const mark of [highest, lastCheckIn]) if (mark !== undefined) finite(mark, "the marks should be");
    const { verified, times } = this.#genuine(token);
    const seen = [highest ?? Number.NaN, lastCheckIn ?? Number.NaN, Boolean(rolledBack)] as const;
    const durations = [grace, checkIn ?? Number.NaN, rollbackTolerance] as const;
    const [reason, until] = this.#core.call("decide", this.index, ...times, now, ...seen, ...durations);
    const decision = decisionOf(reason as number, until as number);
    return Object.freeze({ ...decision, ...this.#validated(verified) });
  }

  validity(token: string): Validity {
    const { times } = this.#genuine(token);
    const [from, until] = this.#core.call("validity", this.index, ...times);
    return Object.freeze({ from: moment(from as number), until: moment(until as number) });
  }

  get #core(): CoreHandle {
    return this.#serving().core;
  }

  get #inUse(): KeysInUse {
    return this.#serving().parties[this.index] as KeysInUse;
  }

  /** A genuine token, which is asked about again and again whatever its times are. */
  #genuine(token: string): Remembered {
    const { genuine } = this.#inUse;
    const remembered = genuine.get(token);
    if (remembered !== undefined) return remembered;
    const checked = this.#checkGenuine(token);
    genuine.set(token, checked);
    return checked;
  }

  #checkGenuine(token: string): Remembered {
    leaveRoom();
    const { keys } = this.#inUse;
    return read(this.#core.call("genuine", this.index, token), keys);
  }

  /** The claims as the app's schema has them, and the rights as the token's own claims say. */
  #validated(verified: Verified): Verified {
    if (this.#schema === undefined && this.#rights === undefined) return verified;
    const own = verified.claims;
    const claims = this.#schema === undefined ? own : (validate(this.#schema, own) as Claims);
    return Object.freeze({
      ...verified,
      claims,
      ...(this.#rights !== undefined && { rights: heldRights(this.#rights, own) }),
    });
  }
}

function heldRights({ roles, scopes }: RightsOptions, claims: Claims): HeldRights {
  return deepFreeze({
    ...(roles && { roles: list(rightsBy(roles, claims)) }),
    ...(scopes && { scopes: words(rightsBy(scopes, claims)) }),
  });
}

/** What a function cannot find is not held. */
function rightsBy(find: (claims: Claims) => unknown, claims: Claims): unknown {
  try {
    return find(claims);
  } catch {
    return undefined;
  }
}

function read(text: string, keys: readonly VerificationKey[]): Remembered {
  const [header, claims, keyIndex] = deepFreeze(JSON.parse(text) as [JoseHeader, Claims, number]);
  const key = keys[keyIndex] as VerificationKey;
  const verified = Object.freeze({ claims, header, key });
  return { verified, times: [time(claims, "exp"), time(claims, "nbf"), time(claims, "iat")] };
}

/** Only a claim of the token's own, whatever a page has put on `Object.prototype`; `NaN` for none. */
function time(claims: Claims, name: "exp" | "nbf" | "iat"): number {
  return (Object.hasOwn(claims, name) ? claims[name] : undefined) ?? Number.NaN;
}

/** What was verified stays what was verified, also for the next caller who gets it from the cache. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}

function finite(now: number, what: string): number {
  if (Number.isFinite(now)) return now;
  throw invalidOption(`${what} a finite number of Unix seconds`, "now");
}

function systemTime(): number {
  return Date.now() / 1000;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
