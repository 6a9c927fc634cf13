import { ConfigError, keyDoubt, type TokenError } from "../errors.js";
import { type HeldRights, hasRights, own, words } from "../rights.js";
import type { Claims, Validity } from "../verifier.js";
import { within } from "../within.js";
import { readCredentials, type Scheme } from "./credentials.js";
import type { CurrentUser } from "./current-user.js";
import type { BoundToken, Dpop, DpopRefusal } from "./dpop.js";
import { decidedBy } from "./observation.js";
import type { CheckedRule } from "./rules.js";
import { enoughUntil, isEnough, stepUpChallenge } from "./step-up.js";
import type { RefusedUrl } from "./target.js";
import type {
  DpopErrorCode,
  GateDecision,
  GateReason,
  GateRequest,
  GateRule,
  GateSession,
  GateVerifier,
  TokenOf,
} from "./types.js";

export type GoesOn = (work: Promise<unknown>) => void;

/** Decides for a rule; one kind asks a session, the other the token that a request carries. */
export interface Decider {
  /** Work that has to be done before a decision; `undefined` if there is none. */
  prepare(): Promise<unknown> | undefined;
  /** Work that may change a denial; `undefined` if it stands. What goes on after nobody waits for it anymore is reported. */
  reconsider(denial: GateDecision, request: GateRequest, goesOn: GoesOn): Promise<unknown> | undefined;
  decide(rule: CheckedRule, request: GateRequest): GateDecision;
  /** Who is signed in, and where that person's answers are kept; `undefined` where each request has its own token. */
  readonly user: CurrentUser | undefined;
  /** Whether a decision stands only with a proof of possession, which nobody has looked at yet. */
  needsProof(decision: GateDecision): boolean;
  /** The decision with the request's proof counted in, which is then used. `undefined` where the decision needs none. */
  prove(rule: CheckedRule, decision: GateDecision, request: GateRequest): Promise<GateDecision> | undefined;
  /** What the header of a refusal says: the challenge, if any. */
  fields(rule: CheckedRule, decision: GateDecision, request: GateRequest): Promise<Fields>;
}

export type Fields = { readonly [name: string]: string };

/** What is decided of a URL that is refused: no rule is asked, and nobody may. */
export function refusedUrl({ refused, detail, location }: RefusedUrl, method = "GET"): GateDecision {
  const sent = location !== undefined && (method === "GET" || method === "HEAD");
  const facts = { rule: undefined, allowed: false, access: "none", reason: refused, until: null, refused } as const;
  return { ...facts, detail, ...(sent && { location }) };
}

export function decideBySession(session: GateSession, user: CurrentUser): Decider {
  return {
    user,
    prepare: () => user.confirm(),
    reconsider: () => user.reconsider(),
    decide({ given, needs, methods }, { method = "GET" }) {
      if (needs === null) return open(given);
      const asked = methods === undefined ? { ...needs, method } : needs;
      const { allowed, access, reason, until, refused, claims } = session.access(asked);
      const facts = { rule: given, access, reason, until };
      // As a session says it of the policy's methods: rights would not help.
      const isOtherMethod = access === "limited" && methods !== undefined && !methods.includes(method);
      if (isOtherMethod && refused !== "full_access_needed") return { ...facts, allowed: false, refused: "method" };
      return { ...facts, allowed, ...(refused && { refused }), ...(allowed && claims && { claims }) };
    },
    needsProof: () => false,
    prove: () => undefined,
    fields: async () => ({}),
  };
}

/** How long the first requests wait for a storage to tell of fresher keys, in seconds. */
const LOAD_LIMIT = 1;

/**
 * `given` takes the token from a request, in place of `Authorization`. `metadata`: where clients learn how to get a token, for
 * the challenges.
 */
export function decideByVerifier(
  verifier: GateVerifier,
  given: TokenOf | undefined,
  patience: number,
  metadata: string | undefined,
  dpop: Dpop | undefined,
): Decider {
  const schemes: readonly Scheme[] = dpop === undefined ? ["Bearer"] : ["Bearer", "DPoP"];
  const present = (request: GateRequest) => {
    if (given === undefined) return readCredentials(request, schemes);
    const token = given(request) || undefined;
    if (token === undefined || typeof token === "string") return token && ({ scheme: "Bearer", token } as const);
    throw new ConfigError("invalid_option", 'the option "token" should give a string, at once', "token");
  };
  /** What must be proved before a decision stands. */
  const bound = new WeakMap<GateDecision, BoundToken>();
  let loading: Promise<unknown> | undefined;
  let loaded = verifier.load === undefined;
  return {
    user: undefined,
    prepare() {
      if (loaded) return undefined;
      // Keys that cannot be loaded are no reason not to judge by the ones that are there.
      loading ??= verifier.load?.();
      return within(loading as Promise<unknown>, LOAD_LIMIT).then(() => {
        loaded = true;
      });
    },
    reconsider({ error }, request, goesOn) {
      const token = keyDoubt(error) !== undefined && patience > 0 ? (present(request) || undefined)?.token : undefined;
      const looking = token === undefined ? undefined : verifier.verifyFresh?.(token);
      if (looking === undefined) return undefined;
      goesOn(looking);
      return within(looking, patience);
    },
    decide(rule, request) {
      const { given, needs } = rule;
      if (needs === null) return open(given);
      const credentials = present(request) || undefined;
      const none = { rule: given, allowed: false, access: "none", refused: "no_access" } as const;
      if (credentials === undefined) return { ...none, reason: "signed_out", until: null };
      const { scheme, token } = credentials;
      if (token === undefined) return { ...none, reason: "invalid_request", refused: "invalid_request", until: null };
      const result = verifier.safeVerify(token);
      if (!result.ok) {
        const { code } = result.error;
        const until = () => (code === "not_yet_valid" ? nextChange(verifier.validity?.(token)) : null);
        return withUntil(withCause(result.error, { ...none, reason: reasonOf(result.error), error: code }), until);
      }
      const { claims } = result.value;
      const rights = own(result.value, "rights");
      const binding = dpop?.binding(scheme, token);
      if (binding?.refused !== undefined) return unproved(rule, binding.refused);
      const decision = decidedBy(result.value, judged(rule, claims, rights, token));
      if (binding?.bound !== undefined) bound.set(decision, binding.bound);
      return decision;
    },
    needsProof: (decision) => decision.allowed && bound.has(decision),
    prove(rule, decision, request) {
      const token = bound.get(decision);
      return token && dpop?.check(request, token).then((refusal) => (refusal ? unproved(rule, refusal) : decision));
    },
    async fields(rule, decision, request) {
      if (decision.refused === "unavailable") return { "retry-after": "1" };
      const { scheme, token } = (given === undefined && readCredentials(request, schemes)) || {};
      const nonce = await dpop?.nonce(token);
      const challenge = challenges(challenged(rule, decision), scheme, metadata, dpop);
      return { "www-authenticate": challenge, ...(nonce !== undefined && { "dpop-nonce": nonce }) };
    },
  };

  /** Whether a token that holds is enough for a rule. */
  function judged(
    { given, needs, stepUp }: CheckedRule,
    claims: Claims,
    rights: HeldRights | undefined,
    token: string,
  ): GateDecision {
    const holder = { rule: given, access: "full", reason: "valid" } as const;
    const ends = () => verifier.validity?.(token).until ?? null;
    const refused = (why: "rights" | "step_up") => withUntil({ ...holder, allowed: false, refused: why }, ends);
    if (!hasRights(claims, needs ?? {}, rights)) return refused("rights");
    if (!isEnough(stepUp, claims, () => nowOf(verifier, token))) return refused("step_up");
    return withUntil({ ...holder, allowed: true, claims }, () => earliest(ends(), enoughUntil(stepUp, claims)));
  }
}

/** The time by which a verifier judges a token, in Unix seconds. */
export function nowOf(verifier: GateVerifier, token: string): number {
  return verifier.now?.(token) ?? Date.now() / 1000;
}

/** What is decided of a genuine token whose holder did not prove that it is theirs. */
function unproved({ given }: CheckedRule, { dpop, detail, cause }: DpopRefusal): GateDecision {
  const none = { rule: given, allowed: false, access: "none", until: null, dpop, detail } as const;
  if (dpop === "replay_unavailable") {
    return withCause(cause, { ...none, reason: "unavailable", refused: "unavailable" });
  }
  const reason = ABOUT_TOKEN.includes(dpop) ? "invalid_token" : "invalid_proof";
  return { ...none, reason, refused: "no_access" };
}

/** RFC 9449 section 7.1: a token that is bound to another key, or to none, is what is wrong. */
const ABOUT_TOKEN: readonly DpopErrorCode[] = ["proof_needed", "not_bound", "key_mismatch"];
const ABOUT_NONCE: readonly DpopErrorCode[] = ["missing_nonce", "unknown_nonce"];

type Attributes = { readonly [name: string]: string | undefined };

/** RFC 6750 section 3, RFC 9449 section 7.1. No details of what was expected: who asks may be anybody. */
function challenged({ needs, stepUp }: CheckedRule, { refused, reason, error, dpop }: GateDecision): Attributes {
  const scope = words(needs?.scope).join(" ");
  if (refused === "invalid_request") return { error: "invalid_request", error_description: "malformed credentials" };
  if (error !== undefined) return { error: "invalid_token", error_description: error };
  if (dpop !== undefined) {
    const proof = ABOUT_NONCE.includes(dpop) ? "use_dpop_nonce" : "invalid_dpop_proof";
    return { error: reason === "invalid_token" ? "invalid_token" : proof, error_description: dpop };
  }
  if (refused === "step_up") return { ...stepUpChallenge(stepUp), scope };
  return refused === "rights" ? { error: "insufficient_scope", scope } : {};
}

/** One for each scheme that the gate takes; the one in which the token came says what is wrong with it. */
function challenges(
  wrong: Attributes,
  presented: Scheme | undefined,
  metadata: string | undefined,
  dpop: Dpop | undefined,
): string {
  const isBearer = presented === "Bearer" || dpop === undefined;
  const bearer = (attributes: Attributes) => challenge("Bearer", { ...attributes, resource_metadata: metadata });
  if (dpop === undefined) return bearer(wrong);
  const proof = { algs: dpop.algorithms.join(" "), resource_metadata: metadata };
  if (dpop.required) return challenge("DPoP", { ...wrong, ...proof });
  const isAny = presented === undefined;
  return `${bearer(isBearer || isAny ? wrong : {})}, ${challenge("DPoP", { ...(!isBearer && wrong), ...proof })}`;
}

function challenge(scheme: Scheme, attributes: Attributes): string {
  const given = Object.entries(attributes).filter(([, value]) => value);
  // RFC 6750 section 3: at least one.
  if (given.length === 0) given.push(["realm", "protected"]);
  return `${scheme} ${given.map(([name, value = ""]) => `${name}="${quotable(value)}"`).join(", ")}`;
}

/** When a token that is not valid yet is judged otherwise: it begins, or it ends before it ever began. */
function nextChange({ from, until }: Validity = { from: null, until: null }): number | null {
  return from === null ? null : earliest(from, until);
}

function earliest(one: number | null, other: number | null): number | null {
  return one !== null && other !== null ? Math.min(one, other) : (one ?? other);
}

/** Worked out only for whoever wants to know: it may cost as much as the decision. */
function withUntil(facts: Omit<GateDecision, "until">, until: () => number | null): GateDecision {
  const get = () => {
    try {
      return until();
    } catch {
      // The keys are others by now: whatever the answer is, it is not time that changes it.
      return null;
    }
  };
  return Object.defineProperty(facts, "until", { get, enumerable: true }) as GateDecision;
}

export function open(rule: GateRule | undefined): GateDecision {
  return { rule, allowed: true, access: "full", reason: "open", until: null };
}

/**
 * Goes with its decision as an error's `cause` does: it is there for whoever asks, and not in a copy or in the JSON of a
 * decision, which may be sent to anybody. It says what claims held and what was expected of them, or has a database's own words.
 */
function withCause<D extends Omit<GateDecision, "until">>(cause: unknown, decision: D): D {
  return Object.defineProperty(decision, "cause", { value: cause });
}

function reasonOf({ code }: TokenError): GateReason {
  return code === "expired" || code === "not_yet_valid" ? code : "invalid_token";
}

/** RFC 6750 section 3: what an attribute may hold. */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "");
}
