import { checkNames } from "./check-options.js";
import { ConfigError } from "./errors.js";
import type { Access, Policy } from "./policy.js";

/** What somebody wants to do. Whatever is left out is not asked for. */
export interface AccessRequest {
  /** The HTTP method: limited access is for the policy's `limited.methods` only. */
  readonly method?: string | undefined;
  /** `full`: not to be done with limited access, whatever the method. */
  readonly access?: "full" | "limited";
  /** Scopes that the token must all have. */
  readonly scope?: string | readonly string[];
  /** Roles of which the token must have one. */
  readonly role?: string | readonly string[];
  /** Anything else about the claims. */
  readonly claims?: (claims: TokenClaims) => boolean;
}

/**
 * Why something is not allowed: `no_access` (signed out, expired, ...: see the reason), `full_access_needed`, `method` (not
 * one that limited access is for), `rights` (scope, role or claims).
 */
export type Refusal = "no_access" | "full_access_needed" | "method" | "rights";

export type TokenClaims = { readonly [claim: string]: unknown };

/** A request as it was meant: what is misspelt, or of a wrong type, would ask for less. */
export function checkRequest(given: AccessRequest): AccessRequest {
  const request = checkNames(given, "access", ["method", ...RIGHTS]);
  const { method } = request;
  const refuse = (option: string, expected: string): never => {
    throw new ConfigError("invalid_option", `"${option}" should be ${expected}`, option);
  };
  if (method !== undefined && typeof method !== "string") refuse("method", "an HTTP method");
  return checkRights(request, refuse);
}

export const RIGHTS = ["access", "scope", "role", "claims"] as const;

/**
 * Freezes what {@link checkNames} has copied, its lists too: one that the app empties later must not ask for less. What was
 * meant to ask for something, but is `undefined` or empty, would ask for nothing.
 */
export function checkRights<Request extends AccessRequest>(
  given: Request,
  refuse: (option: string, expected: string) => never,
): Request {
  const own: { -readonly [Name in keyof AccessRequest]: AccessRequest[Name] } = given;
  if (Array.isArray(own.scope)) own.scope = Object.freeze([...own.scope]);
  if (Array.isArray(own.role)) own.role = Object.freeze([...own.role]);
  const { access, scope, role, claims } = given;
  for (const name of RIGHTS) {
    if (Object.hasOwn(given, name) && given[name] === undefined) refuse(name, "left out, or something to ask for");
  }
  if (access !== undefined && access !== "full" && access !== "limited") refuse("access", '"full" or "limited"');
  if (scope !== undefined && !areTexts(scope)) refuse("scope", "a scope or an array of scopes, not empty");
  if (role !== undefined && !areTexts(role)) refuse("role", "a role or an array of roles, not empty");
  if (claims !== undefined && typeof claims !== "function") refuse("claims", "a function that judges the claims");
  return Object.freeze(given);
}

function areTexts(value: unknown): boolean {
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  return texts.length > 0 && texts.every((text) => typeof text === "string" && text.trim() !== "");
}

/** Why somebody with these claims may not do it, given how much access there is; `undefined` if it is allowed. */
export function refusalOf(
  request: AccessRequest,
  access: Access,
  claims: TokenClaims | undefined,
  policy: Policy,
  held?: HeldRights,
): Refusal | undefined {
  if (access === "none" || claims === undefined) return "no_access";
  if (access === "limited") {
    const { methods, scopes } = policy.limited;
    if (request.access === "full") return "full_access_needed";
    if (request.method !== undefined && !methods.includes(request.method.toUpperCase())) return "method";
    if (scopes !== null && !words(request.scope).every((scope) => scopes.includes(scope))) return "rights";
  }
  return hasRights(claims, request, held) ? undefined : "rights";
}

/** What a bearer holds, where a verifier was told how to find it in the claims. */
export interface HeldRights {
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
}

/** A member that an object has itself: what some code of the page has put on every object there is, is nobody's right. */
export function own<T extends object, Name extends keyof T>(of: T | undefined, name: Name): T[Name] | undefined {
  return of !== undefined && Object.hasOwn(of, name) ? of[name] : undefined;
}

/** Scopes in `scope` (RFC 8693 section 4.2) or `scp`, roles in `roles` (RFC 9068 section 2.2.3.1) or `role`. */
export function hasRights(
  claims: TokenClaims,
  { scope, role, claims: judge }: AccessRequest,
  held: HeldRights | undefined,
): boolean {
  const claim = (name: string) => own(claims, name);
  const scopes = own(held, "scopes") ?? [...words(claim("scope")), ...words(claim("scp"))];
  const roles = own(held, "roles") ?? [...list(claim("roles")), ...list(claim("role"))];
  return (
    (scope === undefined || words(scope).every((one) => scopes.includes(one))) &&
    (role === undefined || list(role).some((one) => roles.includes(one))) &&
    (judge === undefined || judge(claims) === true)
  );
}

export function words(value: unknown): string[] {
  return list(value).flatMap((text) => text.split(" ").filter(Boolean));
}

export function list(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === "string");
}
