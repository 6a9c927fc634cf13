/** Which cache an answer belongs to: one person's, or one for all who pass a rule. */
import { cachesHere, userCacheName } from "../platform/user-caches.js";
import type { CurrentUser } from "./current-user.js";
import type { Settings } from "./options.js";
import type { CheckedRule } from "./rules.js";
import { here } from "./scope.js";
import type { Needs } from "./types.js";

/** One cache, for as long as it is the right one. */
export interface Shelf {
  readonly caches: CacheStorage;
  readonly name: string;
  /** For one person only: that person's cache, as it was when the request came. */
  readonly cache: Cache | undefined;
  /** Whether answers for one person only may be kept. */
  readonly personal: boolean;
  /** Whether the request says who asks: by `Authorization`, by the token that the gate takes from it, or perhaps by a cookie. */
  readonly authorized: boolean;
  /** Whether it still belongs to whoever it was opened for. */
  current(): boolean;
  /** Whether it never will again: not while a session is only locked. */
  over(): boolean;
}

/** The cache for a request under a rule; `undefined` if its answer is not to be cached. */
export function shelfFor(settings: Settings, rule: CheckedRule, request: Request): Shelf | undefined {
  const caches = cachesHere();
  if (caches === undefined || rule.cache === false) return undefined;
  if (rule.cache === "shared") return sharedShelf(caches, settings, rule, request);
  const { user } = settings.decider;
  return user && personalShelf(caches, settings.name, user);
}

function sharedShelf(caches: CacheStorage, settings: Settings, rule: CheckedRule, request: Request): Shelf {
  const name = sharedCacheName(settings.name, rule.needs, settings.rules.indexOf(rule));
  const authorized = isAuthorized(settings, request);
  return { caches, name, cache: undefined, personal: false, authorized, current: () => true, over: () => false };
}

function personalShelf(caches: CacheStorage, name: string, user: CurrentUser): Shelf | undefined {
  const { sessionId, cache } = user;
  if (sessionId === undefined || cache === undefined) return undefined;
  return {
    caches,
    name: userCacheName(name, sessionId),
    cache,
    personal: true,
    authorized: true,
    current: () => user.sessionId === sessionId,
    over: () => user.isOver(sessionId),
  };
}

/** RFC 9111 section 3.5 means `Authorization`; what the option `token` takes from elsewhere, or a cookie, is no less. */
export function isAuthorized({ session, token }: Settings, request: Request): boolean {
  const { headers } = request;
  if (headers.has("authorization") || headers.has("cookie")) return true;
  if (session !== undefined && mayHaveCookies(request)) return true;
  try {
    return token !== undefined && Boolean(token(request));
  } catch {
    // Where a rule is open to all, the app may not expect to be asked for a token.
    return true;
  }
}

/** Whether the browser may send cookies along, which it shows to no worker; nor does it show what the answer sets. */
function mayHaveCookies({ credentials, url }: Request): boolean {
  if (credentials === "omit") return false;
  const own = here()?.origin;
  return credentials === "include" || own === undefined || new URL(url).origin === own;
}

/**
 * Where answers for all are who pass a rule: no session deletes it. Rules that need the same share one; what a `claims`
 * function lets pass is known by the rule's place only.
 */
export function sharedCacheName(name: string, needs: Needs | null = null, place = 0): string {
  if (needs === null) return `tokenward-shared:${name}`;
  const { access, scope, role, claims, acr, maxAge } = needs;
  const isStepUp = acr !== undefined || maxAge !== undefined;
  const rights = [access, scope, role, claims && place, ...(isStepUp ? [acr, maxAge] : [])];
  return `tokenward-shared:${name}:${JSON.stringify(rights)}`;
}
