import { ConfigError, keyDoubt, type TokenError } from "../errors.js";
import { hasRights, words } from "../rights.js";
import type { Validity } from "../verifier.js";
import { within } from "../within.js";
import type { CurrentUser } from "./current-user.js";
import { decidedBy } from "./observation.js";
import type { CheckedRule } from "./rules.js";
import { enoughUntil, isEnough, stepUpChallenge } from "./step-up.js";
import type { RefusedUrl } from "./target.js";
import type { GateDecision, GateReason, GateRequest, GateRule, GateSession, GateVerifier, TokenOf } from "./types.js";

export type GoesOn = (work: Promise<unknown>) => void;

/** Decides for a rule; one kind asks a session, the other the token that a request carries. */
export interface Decider {
  /** Work that has to be done before a decision; `undefined` if there is none. */
  prepare(): Promise<unknown> | undefined;
  /** Work that may change a denial; `undefined` if it stands. What goes on when nobody waits for it any more is told. */
  reconsider(denial: GateDecision, request: GateRequest, goesOn: GoesOn): Promise<unknown> | undefined;
  decide(rule: CheckedRule, request: GateRequest): GateDecision;
  /** Who is signed in, and where that person's answers are kept; `undefined` where each request has its own token. */
  readonly user: CurrentUser | undefined;
  /** The `WWW-Authenticate` of a refusal, if any. */
  challenge(rule: CheckedRule, decision: GateDecision): string | undefined;
}

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
    challenge: () => undefined,
  };
}

/** How long the first requests wait for a storage to tell of fresher keys, in seconds. */
const LOAD_LIMIT = 1;

/** `metadata`: where clients learn how to get a token, for the challenges. */
export function decideByVerifier(
  verifier: GateVerifier,
  given: TokenOf,
  patience: number,
  metadata: string | undefined,
): Decider {
  const tokenOf = (request: GateRequest): string | undefined => {
    const token = given(request) || undefined;
    if (token === undefined || typeof token === "string") return token;
    throw new ConfigError("invalid_option", 'the option "token" should give a string, at once', "token");
  };
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
      const token = keyDoubt(error) !== undefined && patience > 0 ? tokenOf(request) : undefined;
      const looking = token === undefined ? undefined : verifier.verifyFresh?.(token);
      if (looking === undefined) return undefined;
      goesOn(looking);
      return within(looking, patience);
    },
    decide({ given, needs, stepUp }, request) {
      if (needs === null) return open(given);
      const token = tokenOf(request);
      const none = { rule: given, allowed: false, access: "none", refused: "no_access" } as const;
      if (token === undefined) return { ...none, reason: "signed_out", until: null };
      const result = verifier.safeVerify(token);
      if (!result.ok) {
        const { code } = result.error;
        const until = () => (code === "not_yet_valid" ? nextChange(verifier.validity?.(token)) : null);
        return withUntil({ ...none, reason: reasonOf(result.error), error: code }, until);
      }
      const holder = { rule: given, access: "full", reason: "valid" } as const;
      const { claims } = result.value;
      const ends = () => verifier.validity?.(token).until ?? null;
      const refused = (why: "rights" | "step_up") =>
        decidedBy(result.value, withUntil({ ...holder, allowed: false, refused: why }, ends));
      if (!hasRights(claims, needs)) return refused("rights");
      if (!isEnough(stepUp, claims, () => verifier.now?.(token) ?? Date.now() / 1000)) return refused("step_up");
      const until = () => earliest(ends(), enoughUntil(stepUp, claims));
      return decidedBy(result.value, withUntil({ ...holder, allowed: true, claims }, until));
    },
    challenge: (rule, decision) => bearer({ ...challenged(rule, decision), resource_metadata: metadata }),
  };
}

type Attributes = { readonly [name: string]: string | undefined };

/** RFC 6750 section 3. No details of what was expected: who asks may be anybody. */
function challenged({ needs, stepUp }: CheckedRule, { refused, error }: GateDecision): Attributes {
  const scope = words(needs?.scope).join(" ");
  if (error !== undefined) return { error: "invalid_token", error_description: error };
  if (refused === "step_up") return { ...stepUpChallenge(stepUp), scope };
  return refused === "rights" ? { error: "insufficient_scope", scope } : {};
}

function bearer(attributes: Attributes): string {
  const given = Object.entries(attributes).filter(([, value]) => value);
  const list = given.map(([name, value = ""]) => `${name}="${quotable(value)}"`).join(", ");
  return `Bearer ${list}`.trimEnd();
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

/** `Authorization: Bearer` (RFC 6750 section 2.1); the scheme in any letter case (RFC 9110 section 11.1). */
export function bearerToken({ headers }: GateRequest): string | undefined {
  return /^bearer +([\w\-.~+/]+=*) *$/i.exec(headers?.get("authorization") ?? "")?.[1];
}

export function open(rule: GateRule | undefined): GateDecision {
  return { rule, allowed: true, access: "full", reason: "open", until: null };
}

function reasonOf({ code }: TokenError): GateReason {
  return code === "expired" || code === "not_yet_valid" ? code : "invalid_token";
}

/** RFC 6750 section 3: what an attribute may hold. */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "");
}
