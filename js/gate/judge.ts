import type { TokenError } from "../errors.js";
import type { Access, AccessReason } from "../policy.js";
import type { Result } from "../verifier.js";
import type { Presence } from "./presence.js";
import type { CheckedRule, GateRequest, GateRule, Needs } from "./rules.js";

/** As in a session, and `open`: the rule is open to all. */
export type GateReason = AccessReason | "locked" | "invalid_token" | "open";

/**
 * Why a request is denied: `no_access` (signed out, expired, ...: see the reason), `full_access_needed`, `method` (not
 * one that limited access is for), `rights` (scope, role or claims).
 */
export type Refusal = "no_access" | "full_access_needed" | "method" | "rights";

/** What a gate decides about one request. */
export interface GateDecision {
  /** The rule that matched, as it was given. */
  readonly rule: GateRule;
  readonly allowed: boolean;
  /** How much the bearer may do at all. */
  readonly access: Access;
  readonly reason: GateReason;
  /** The first moment, in Unix seconds, at which time alone changes the answer; `null` if it does not. */
  readonly until: number | null;
  /** Only where it is not allowed. */
  readonly refused?: Refusal;
}

/** Asks a session for a request. */
export interface AccessRequest {
  method?: string;
  access?: "full" | "limited";
  scope?: string | readonly string[];
  role?: string | readonly string[];
  claims?: (claims: { readonly [claim: string]: unknown }) => boolean;
}

/** What a gate uses of a session (`tokenward/session`). */
export interface GateSession {
  /** Names the caches. */
  readonly name?: string;
  readonly state: {
    readonly status: "starting" | "signed_in" | "signed_out" | "locked";
    readonly sessionId?: string | undefined;
  };
  start(): Promise<unknown>;
  /** Takes in what other tabs and workers have stored; never the network. */
  sync?(): Promise<unknown>;
  access(request?: AccessRequest): {
    readonly allowed: boolean;
    readonly access: Access;
    readonly reason: GateReason;
    readonly until: number | null;
  };
  addEventListener(type: "change", listener: () => void): void;
  removeEventListener(type: "change", listener: () => void): void;
}

/** What a gate uses of a verifier, or of a key store (`tokenward/keys`). */
export interface GateVerifier {
  safeVerify(token: string): Result<never> | Result;
  load?(): Promise<void>;
  verifyFresh?(token: string): Promise<unknown>;
}

/** Decides for a rule; one kind asks a session, the other the token that a request carries. */
export interface Judge {
  /** Work that has to be done before the first decision, or for this request; `undefined` if there is none. */
  prepare(request: GateRequest): Promise<unknown> | undefined;
  /** Looks again, before a denial: a page may have signed in a moment ago. */
  reconsider(): Promise<unknown> | undefined;
  decide(rule: CheckedRule, request: GateRequest): GateDecision;
  /** Who is signed in, and where that person's answers are kept. */
  readonly presence: Presence | undefined;
  /** The `WWW-Authenticate` of a refusal, if any. */
  challenge(decision: GateDecision, request: GateRequest): string | undefined;
}

export function sessionJudge(session: GateSession, presence: Presence): Judge {
  return {
    presence,
    prepare: () => presence.confirm(),
    reconsider: () => presence.readAgain(),
    decide({ given, needs, methods }, { method = "GET" }) {
      if (needs === null) return open(given);
      const asked = withoutUndefined(needs);
      if (methods === undefined) asked.method = method;
      const { allowed, access, reason, until } = session.access(asked);
      if (allowed && (access === "full" || methods === undefined || methods.includes(method))) {
        return { rule: given, allowed, access, reason, until };
      }
      const mayUse = () => methods?.includes(method) ?? session.access({ method }).allowed;
      const refused = why(access, needs, mayUse);
      return { rule: given, allowed: false, access, reason, until, refused };
    },
    challenge: () => undefined,
  };
}

/** Takes the token from a request; `undefined` if there is none. */
export type TokenOf = (request: GateRequest) => string | undefined;

export function verifierJudge(verifier: GateVerifier, tokenOf: TokenOf): Judge {
  let loaded: Promise<unknown> | undefined;
  const load = async () => {
    // Keys that cannot be loaded are no reason not to judge by the ones that are there.
    await verifier.load?.().catch(() => {});
  };
  const judged = (request: GateRequest): Result<never> | Result | undefined => {
    const token = tokenOf(request);
    return token === undefined ? undefined : verifier.safeVerify(token);
  };
  return {
    presence: undefined,
    reconsider: () => undefined,
    prepare(request) {
      if (verifier.load === undefined && verifier.verifyFresh === undefined) return undefined;
      loaded ??= load();
      return loaded.then(async () => {
        const result = judged(request);
        if (result === undefined || result.ok || result.error.code !== "key_not_found") return;
        await verifier.verifyFresh?.(tokenOf(request) as string).catch(() => {});
      });
    },
    decide({ given, needs }, request) {
      if (needs === null) return open(given);
      const result = judged(request);
      const none = { rule: given, allowed: false, access: "none", until: null, refused: "no_access" } as const;
      if (result === undefined) return { ...none, reason: "signed_out" };
      if (!result.ok) return { ...none, reason: reasonOf(result.error) };
      const { claims } = result.value;
      const until = typeof claims.exp === "number" ? claims.exp : null;
      const holder = { rule: given, access: "full", reason: "valid", until } as const;
      return hasRights(claims, needs) ? { ...holder, allowed: true } : { ...holder, allowed: false, refused: "rights" };
    },
    /** RFC 6750 section 3. No details of what was expected: who asks may be anybody. */
    challenge({ rule, refused }, request) {
      if (refused === "rights") {
        const scopes = typeof rule.needs === "object" ? list(rule.needs?.scope ?? []) : [];
        return `Bearer error="insufficient_scope"${scopes.length > 0 ? `, scope="${quotable(scopes.join(" "))}"` : ""}`;
      }
      const result = judged(request);
      if (result === undefined || result.ok) return "Bearer";
      return `Bearer error="invalid_token", error_description="${result.error.code}"`;
    },
  };
}

/** `Authorization: Bearer` (RFC 6750 section 2.1); the scheme in any letter case (RFC 9110 section 11.1). */
export function bearerToken({ headers }: GateRequest): string | undefined {
  return /^bearer +([\w\-.~+/]+=*) *$/i.exec(headers?.get("authorization") ?? "")?.[1];
}

function open(rule: GateRule): GateDecision {
  return { rule, allowed: true, access: "full", reason: "open", until: null };
}

function why(access: Access, needs: Needs, mayUseMethod: () => boolean): Refusal {
  if (access === "none") return "no_access";
  if (access === "full") return "rights";
  if (needs.access === "full") return "full_access_needed";
  return mayUseMethod() ? "rights" : "method";
}

function reasonOf({ code }: TokenError): GateReason {
  return code === "expired" || code === "not_yet_valid" ? code : "invalid_token";
}

type Claims = { readonly [claim: string]: unknown };

/** Scopes in `scope` (RFC 8693 section 4.2) or `scp`, roles in `roles` (RFC 9068 section 2.2.3.1) or `role`. */
function hasRights(claims: Claims, { scope, role, claims: judge }: Needs): boolean {
  const scopes = [...words(claims["scope"]), ...words(claims["scp"])];
  const roles = [...list(claims["roles"]), ...list(claims["role"])];
  return (
    (scope === undefined || words(scope).every((one) => scopes.includes(one))) &&
    (role === undefined || list(role).some((one) => roles.includes(one))) &&
    (judge === undefined || judge(claims) === true)
  );
}

function words(value: unknown): string[] {
  return list(value).flatMap((text) => text.split(" ").filter(Boolean));
}

function list(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === "string");
}

/** RFC 6750 section 3: what an attribute may hold. */
function quotable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "");
}

function withoutUndefined({ access, scope, role, claims }: Needs): AccessRequest {
  const request: AccessRequest = {};
  if (access !== undefined) request.access = access;
  if (scope !== undefined) request.scope = scope;
  if (role !== undefined) request.role = role;
  if (claims !== undefined) request.claims = claims;
  return request;
}
