/** Proof of possession (DPoP, RFC 9449): a token that is bound to a key is taken only from who has the key. */
import { ANYTHING, BOOLEAN, type Checks, checkOptions, hasMethods, isWhole } from "../check-options.js";
import { seconds } from "../duration.js";
import { ConfigError } from "../errors.js";
import { identity, isSecret, type JwkMembers } from "../keys/jwks.js";
import type { Algorithm } from "../options.js";
import { sha256 } from "../thumbprint.js";
import type { Claims, CreateVerifier, Verifier } from "../verifier.js";
import { inTime } from "../within.js";
import type { Scheme } from "./credentials.js";
import { givenNonces, type Nonces, rotatingNonces } from "./dpop-nonce.js";
import { ProofMemory } from "./dpop-replay.js";
import { type PathSpelling, readTarget } from "./target.js";
import type { DpopErrorCode, DpopNonce, DpopReplay, GateDpop, GateRequest } from "./types.js";

/** The longest proof that is read, in bytes. The largest there are (ML-DSA-87) have 11,000. */
const MAX_PROOF_BYTES = 16_384;
/** How many clients' keys are kept ready: a prepared key of a curve takes up to 156 kB. */
const MAX_KEYS = 32;
/** Seconds until a storage must have said whether a proof is new. */
const REPLAY_TIMEOUT = 5;

const ALGORITHMS: readonly Algorithm[] = [
  "ES256",
  "ES384",
  "ES512",
  "Ed25519",
  "EdDSA",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];

/** As in `js/verifier.ts`: engines have not all got it yet. */
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** What is wrong, for the app's own eyes; for what the verifier finds, the verifier's own message. */
const DETAILS = {
  proof_needed: "the token is bound to a key (cnf), and was presented without a proof: Authorization should say DPoP",
  not_bound: "the token is bound to no key: it has no thumbprint in cnf.jkt",
  key_mismatch: "the proof is signed with another key than the one that the token is bound to (cnf.jkt)",
  missing_proof: "there is no proof in the header DPoP",
  repeated_proof: "there is more than one proof in the header DPoP",
  too_large: `the proof is longer than ${MAX_PROOF_BYTES} bytes`,
  malformed: "the proof is no JWT with a public key (jwk) in its header",
  secret_key: "the key in the proof's header is private or symmetric: whoever has seen the request can sign with it",
  unexpected_type: 'the typ of the proof is not "dpop+jwt"',
  invalid_claim: "the claim jti of the proof is empty",
  htm_mismatch: "the proof is for another method (htm)",
  htu_mismatch:
    "the proof is for another URL (htu): it should be the origin that the gate was given, and the path of the request",
  ath_mismatch: "the proof is for another token (ath)",
  missing_nonce: "the proof has no nonce: the client should take the one of the header DPoP-Nonce, and try again",
  unknown_nonce: "the proof's nonce is no longer accepted: the client should use the one in the header DPoP-Nonce",
  replayed: "the proof was used before",
  replay_unavailable: "where it is remembered which proofs were used there is no answer, or no room",
} as const satisfies Partial<Record<DpopErrorCode, string>>;

/** Why a genuine token is refused all the same. */
export interface DpopRefusal {
  readonly dpop: DpopErrorCode;
  readonly detail: string;
  readonly cause?: unknown;
}

/** A genuine token and the key that it is bound to. */
export interface BoundToken {
  readonly token: string;
  /** RFC 7638, SHA-256. */
  readonly thumbprint: string;
  /** When it was judged, in Unix seconds: the proof is judged by the same time. */
  readonly now: number;
}

/** At most one of both: a bearer token that is taken has neither. */
export interface Binding {
  readonly refused: DpopRefusal | undefined;
  readonly bound: BoundToken | undefined;
}

/** What of the gate a proof is compared with. */
export interface DpopContext {
  readonly sibling: CreateVerifier | undefined;
  /** The time by which a token is judged, in Unix seconds. */
  now(token: string): number;
  /** Whether the app has named its origins, so that that of a request is one of them. */
  readonly hasOrigins: boolean;
  /** Of the resource's identifier: what clients call it, also behind a proxy. */
  readonly origin: string | undefined;
  readonly accept: readonly PathSpelling[];
}

const OPTIONS: Checks<GateDpop> = {
  maxAge: ANYTHING,
  clockTolerance: ANYTHING,
  algorithms: [(value) => Array.isArray(value) && value.length > 0, "an array of names of algorithms, not empty"],
  required: BOOLEAN,
  nonce: ANYTHING,
  replay: ANYTHING,
};

/** The proofs of a gate's requests. Throws a {@link ConfigError} for options that cannot work. */
export class Dpop {
  readonly algorithms: readonly Algorithm[];
  readonly required: boolean;
  readonly #context: DpopContext;
  readonly #sibling: CreateVerifier;
  readonly #maxAge: number;
  readonly #clockTolerance: number;
  readonly #nonces: Nonces | undefined;
  readonly #replay: DpopReplay;
  readonly #verifiers = new Map<string, Verifier>();
  /** By which the verifiers judge: each request's own. */
  #now = 0;

  constructor(given: GateDpop, context: DpopContext) {
    const options = checkOptions(given, "dpop", OPTIONS);
    const { algorithms = ALGORITHMS, required = true } = options;
    this.algorithms = Object.freeze([...algorithms]);
    this.required = required;
    this.#context = context;
    this.#maxAge = between(1, 86_400, options.maxAge ?? 60, "maxAge");
    this.#clockTolerance = between(0, 300, options.clockTolerance ?? 5, "clockTolerance");
    this.#nonces = options.nonce === undefined ? undefined : readNonce(options.nonce);
    this.#replay = readReplay(options.replay, this.#maxAge + 2 * this.#clockTolerance);
    if (context.sibling === undefined) {
      const message =
        'with "dpop", the option "verifier" should be made by createVerifier or createKeyStore: it verifies the proofs, too';
      throw new ConfigError("invalid_option", message, "verifier");
    }
    if (!context.hasOrigins && context.origin === undefined) {
      const message =
        'with "dpop" a gate needs the option "origin" or "resource": a proof is for one URL, and the host that a request names may be anybody\'s';
      throw new ConfigError("missing_option", message, "origin");
    }
    this.#sibling = context.sibling;
    this.#requireAlgorithms();
  }

  /** For the metadata of the resource (RFC 9728 section 2). */
  get metadata(): object {
    return {
      dpop_signing_alg_values_supported: this.algorithms,
      dpop_bound_access_tokens_required: this.required,
    };
  }

  /** What a genuine token is bound to, if it was presented so; or why it is refused. */
  binding(scheme: Scheme, token: string): Binding {
    // What a schema of the app makes of the claims may have no cnf. The token holds: whoever reads it now reads the same.
    const claims = segment(token, 1);
    if (!isObject(claims)) return { refused: refusal("not_bound"), bound: undefined };
    const cnf = own(claims, "cnf");
    const jkt = own(cnf, "jkt");
    if (scheme === "Bearer") {
      // Whatever it is bound to, merely having the token proves nothing (RFC 9449 section 7.2).
      if (cnf !== undefined) return { refused: refusal("proof_needed"), bound: undefined };
      return { refused: this.required ? refusal("not_bound") : undefined, bound: undefined };
    }
    const isBound = typeof jkt === "string" && jkt !== "";
    if (!isBound) return { refused: refusal("not_bound"), bound: undefined };
    return { refused: undefined, bound: { token, thumbprint: jkt, now: this.#context.now(token) } };
  }

  /**
   * Why the proof of a request does not hold; `undefined` if it does, and then it is used. The checks that cost least are the
   * first, and none is made for a token that does not hold.
   */
  async check(request: GateRequest, { token, thumbprint, now }: BoundToken): Promise<DpopRefusal | undefined> {
    const proof = request.headers?.get("dpop") ?? "";
    if (proof === "") return refusal("missing_proof");
    if (proof.length > MAX_PROOF_BYTES) return refusal("too_large");
    // How `Headers`, and Node, join two of them; no proof has one.
    if (proof.includes(",")) return refusal("repeated_proof");
    const key = keyOf(proof);
    if (key === undefined) return refusal("malformed");
    if (isSecret(key) || key["kty"] === "oct") return refusal("secret_key");
    if ((await sha256(identity(key))) !== thumbprint) return refusal("key_mismatch");
    const { claims, refused } = this.#verify(proof, key, now);
    if (claims === undefined) return refused;
    return (
      this.#compare(claims, request, await sha256(token)) ??
      (await this.#checkNonce(claims, now)) ??
      (await this.#remember(claims, thumbprint, now))
    );
  }

  /** The nonce that clients are to use from now on; `undefined` where none is needed. */
  async nonce(token: string | undefined): Promise<string | undefined> {
    return (await this.#nonces?.(this.#timeFor(token)))?.[0];
  }

  /** The claims of a proof that is signed by this key, and is of this time; or why not. */
  #verify(proof: string, key: JwkMembers, now: number): Verdict {
    let verifier: Verifier;
    try {
      verifier = this.#verifierFor(JSON.stringify([key]));
    } catch (error) {
      // A key that holds lists within lists by the thousand is too deep to be written as text.
      if (error instanceof RangeError) return refuse("malformed", DETAILS.malformed);
      if (!isAboutKey(error)) throw error;
      const isSecret = error.code === "private_key" || error.code === "symmetric_key";
      return refuse(isSecret ? "secret_key" : "key_unusable", error.message);
    }
    this.#now = now;
    const result = verifier.safeVerify(proof);
    if (!result.ok) {
      const { code, message } = result.error;
      // There is one key: it does not fit the algorithm.
      return refuse(code === "key_not_found" ? "key_unusable" : code, message);
    }
    const { claims, header } = result.value;
    // The verifier compares it as a media type, which may be longer and in any letter case.
    return header.typ === "dpop+jwt"
      ? { claims, refused: undefined }
      : refuse("unexpected_type", DETAILS.unexpected_type);
  }

  #compare(claims: Claims, request: GateRequest, hash: string): DpopRefusal | undefined {
    if (claims.jti === "") return refusal("invalid_claim");
    if (claims["htm"] !== (request.method ?? "GET")) return refusal("htm_mismatch");
    if (!this.#isFor(claims["htu"], request.url)) return refusal("htu_mismatch");
    return claims["ath"] === hash ? undefined : refusal("ath_mismatch");
  }

  /** Whether a proof is for a canonical URL, whatever the query (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3). */
  #isFor(htu: unknown, url: string): boolean {
    const { hasOrigins, origin, accept } = this.#context;
    const asked = readTarget(url, accept);
    const meant = typeof htu === "string" ? readUri(htu, accept) : undefined;
    if (typeof asked === "string" || "refused" in asked || meant?.path !== asked.path) return false;
    return (hasOrigins && meant.origin === asked.origin) || meant.origin === origin;
  }

  async #checkNonce(claims: Claims, now: number): Promise<DpopRefusal | undefined> {
    if (this.#nonces === undefined) return undefined;
    const nonce = own(claims, "nonce");
    if (nonce === undefined) return refusal("missing_nonce");
    return (await this.#nonces(now)).some((accepted) => accepted === nonce) ? undefined : refusal("unknown_nonce");
  }

  /** Only what holds in all else is remembered: nobody fills the memory with what they have made up. */
  async #remember(claims: Claims, thumbprint: string, now: number): Promise<DpopRefusal | undefined> {
    // Of its key, so that nobody uses up the identifiers of another client.
    const id = await sha256(`${thumbprint}.${claims.jti}`);
    const until = (claims.iat as number) + this.#maxAge + this.#clockTolerance;
    let isNew: unknown;
    try {
      isNew = this.#replay.remember(id, until, now);
      if (typeof isNew !== "boolean") {
        isNew = await inTime(Promise.resolve(isNew), REPLAY_TIMEOUT, () => {
          throw new Error("no answer in time");
        });
      }
    } catch (cause) {
      return { ...refusal("replay_unavailable"), cause };
    }
    if (typeof isNew === "boolean") return isNew ? undefined : refusal("replayed");
    throw new ConfigError("invalid_option", '"remember" of the option "replay" should give true or false', "replay");
  }

  #verifierFor(jwks: string): Verifier {
    const known = this.#verifiers.get(jwks);
    const verifier = known ?? (this.#sibling({ ...this.#verifierOptions(), jwks }) as Verifier);
    this.#verifiers.delete(jwks);
    this.#verifiers.set(jwks, verifier);
    for (const [oldest, forgotten] of this.#verifiers) {
      if (this.#verifiers.size <= MAX_KEYS) break;
      this.#verifiers.delete(oldest);
      forgotten[dispose]();
    }
    return verifier;
  }

  /** Names that do not exist, or that this entry of the package does not have, are a mistake in the app. */
  #requireAlgorithms(): void {
    try {
      this.#sibling({ ...this.#verifierOptions(), jwks: SOME_KEY })[dispose]();
    } catch (error) {
      if (!isAboutKey(error)) throw error;
    }
  }

  #verifierOptions() {
    return {
      issuer: null,
      audience: null,
      typ: "dpop+jwt",
      algorithms: this.algorithms,
      requireExp: false,
      requiredClaims: ["jti", "htm", "htu", "ath"],
      maxTokenAge: this.#maxAge,
      clockTolerance: this.#clockTolerance,
      maxTokenBytes: MAX_PROOF_BYTES,
      now: () => this.#now,
    } as const;
  }

  /** A token that is none, or anybody's, may name no issuer whose clock could be asked. */
  #timeFor(token = ""): number {
    try {
      return this.#context.now(token);
    } catch {
      return Date.now() / 1000;
    }
  }
}

/** Where a client asks for the same as with a canonical URL; a proof's URI may have dot segments, as RFC 3986 removes them. */
function readUri(htu: string, accept: readonly PathSpelling[]): { origin?: string; path?: string } | undefined {
  const read = readTarget(htu, accept);
  if (typeof read === "string") return undefined;
  if (!("refused" in read)) return read;
  const hasEmptySegment = /^[^/]*\/\/.*\/\//.test(htu.replace(/[?#].*/s, ""));
  if (read.origin === undefined || read.location === undefined || hasEmptySegment) return undefined;
  return { origin: read.origin, path: read.location.replace(/\?.*/s, "") };
}

/** The `jwk` of a proof's header, under the name that the header gives: which key it is has been said. */
function keyOf(proof: string): JwkMembers | undefined {
  const header = segment(proof, 0);
  const jwk = own(header, "jwk");
  return isObject(jwk) ? { ...jwk, kid: own(header, "kid") } : undefined;
}

/**
 * The JSON in a segment of a compact JWS; `undefined` where there is none. Whether it is strict, without duplicate members, is
 * seen where the whole is verified.
 */
function segment(text: string, place: 0 | 1): unknown {
  try {
    const binary = atob(text.split(".", 2)[place]?.replaceAll("-", "+").replaceAll("_", "/") ?? "");
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A member of an object's own, and not one that a page has put on every object. */
function own(object: unknown, name: string): unknown {
  return isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refusal(dpop: keyof typeof DETAILS): DpopRefusal {
  return { dpop, detail: DETAILS[dpop] };
}

/** Never one object for both: a proof has whatever claims its maker likes. */
type Verdict =
  | { readonly claims: Claims; readonly refused: undefined }
  | { readonly claims: undefined; readonly refused: DpopRefusal };

function refuse(dpop: DpopErrorCode, detail: string): Verdict {
  return { claims: undefined, refused: { dpop, detail } };
}

function isAboutKey(error: unknown): error is ConfigError {
  const codes: readonly string[] = ["invalid_jwks", "private_key", "symmetric_key", "no_usable_key"];
  return error instanceof ConfigError && codes.includes(error.code);
}

function between(least: number, most: number, given: unknown, option: string): number {
  const length = seconds(given, option);
  if (length >= least && length <= most) return length;
  const range = `from ${least} to ${most} seconds`;
  throw new ConfigError("invalid_option", `the option "${option}" should be a duration ${range}`, option);
}

function readReplay(given: unknown, period: number): DpopReplay {
  if (hasMethods("remember")(given)) return given as DpopReplay;
  const expected = 'an object with a method "remember", or { maxEntries } with a whole number from 1 to 10000000';
  const count: Checks<{ maxEntries: number }> = {
    maxEntries: [isWhole(1, 10_000_000), "a whole number from 1 to 10000000"],
  };
  if (given === undefined) return new ProofMemory(100_000, period);
  if (!isObject(given)) throw new ConfigError("invalid_option", `the option "replay" should be ${expected}`, "replay");
  const { maxEntries } = checkOptions(given as { maxEntries: number }, "replay", count, ["maxEntries"]);
  return new ProofMemory(maxEntries, period);
}

function readNonce(given: DpopNonce): Nonces {
  if (typeof given === "function") return givenNonces(given);
  const isSecretOnly = typeof given === "string" || given instanceof Uint8Array;
  type Secret = { readonly secret: string | Uint8Array; readonly lifetime?: unknown };
  const checks: Checks<Secret> = { secret: ANYTHING, lifetime: ANYTHING };
  const { secret, lifetime = 300 } = checkOptions<Secret>(isSecretOnly ? { secret: given } : given, "nonce", checks);
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
  if (!(bytes instanceof Uint8Array) || bytes.length < 32) {
    const expected = "a secret of at least 32 bytes (a text or a Uint8Array), { secret, lifetime }, or a function";
    throw new ConfigError("invalid_option", `the option "nonce" should be ${expected}`, "nonce");
  }
  return rotatingNonces(new Uint8Array(bytes), between(1, 86_400, lifetime, "lifetime"));
}

/** A key of RFC 8037 appendix A.2: any will do to see whether the options can work. */
const SOME_KEY = [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }];
