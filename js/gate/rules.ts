import { ConfigError } from "../errors.js";
import { checkNames } from "../policy.js";
import { checkRights, RIGHTS } from "../rights.js";
import type { GateDecision } from "./judge.js";

/** What a rule is about; judged for the URL without its fragment. */
export type Match =
  /**
   * A path, exactly; or with `*` at its end all that begins so. `"/app/*"` also matches `/app` itself, since servers
   * answer both alike. What says more (a query, `:name`, `*` elsewhere) is a {@link ConfigError}.
   */
  | string
  /** Tested against the path, without the query. */
  | RegExp
  /** A `URLPattern`, or anything like it: gets the whole URL as text. */
  | { test(url: string): boolean }
  | ((url: URL, request: GateRequest) => boolean);

/** The parts of a request that decide: a `Request` has them. */
export interface GateRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: { get(name: string): string | null };
}

/** What the bearer must have, all of it. */
export interface Needs {
  /** Default: any but none. */
  readonly access?: "full" | "limited";
  /** Every one of these scopes (RFC 6749 section 3.3). */
  readonly scope?: string | readonly string[];
  /** One of these roles. */
  readonly role?: string | readonly string[];
  /** Judges the claims of the token, which was verified. */
  readonly claims?: (claims: { readonly [claim: string]: unknown }) => boolean;
}

/** What is answered where access is denied. */
export type Otherwise =
  /** For navigations: this page, by its path, from cache; `gate.install()` puts it there. Others get 401 or 403. */
  | { readonly page: string; readonly status?: 200 | 401 | 403 | undefined }
  /** An object as body is sent as JSON. */
  | { readonly status: 401 | 403; readonly body?: string | object | undefined }
  | ((decision: GateDecision, request: Request) => Response | Promise<Response>);

/**
 * `network-first`: the network's answer, the cached one when the network fails or takes too long. `cache-first`: the
 * network only for what is not cached. `stale-while-revalidate`: what is cached, and the network's answer for next time.
 */
export type Strategy = "network-first" | "cache-first" | "stale-while-revalidate";

/** Says what some requests need. The first rule that matches a request decides it. */
export interface GateRule {
  readonly match: Match;
  /** `null`: open to all. Default: `"signed_in"`, that is limited access or full. */
  readonly needs?: Needs | "signed_in" | null | undefined;
  /** Default: 401 where there is no access, 403 where it does not go far enough. */
  readonly otherwise?: Otherwise | undefined;
  /** The HTTP methods that limited access is for under this rule. Default: the policy's, that is `GET` and `HEAD`. */
  readonly methods?: readonly string[] | undefined;
  /**
   * `"user"`: cached for this person alone, deleted at sign-out. `"shared"`: one cache for all who pass this rule; for
   * answers that say nothing about a person. Default: `false`, not cached by the gate.
   */
  readonly cache?: "user" | "shared" | false | undefined;
  /** How the cache is used. Default: `"network-first"`. */
  readonly strategy?: Strategy | undefined;
}

/** A rule that was checked. */
export interface CheckedRule {
  readonly given: GateRule;
  readonly needs: Needs | null;
  readonly methods: readonly string[] | undefined;
  readonly otherwise: Otherwise | undefined;
  readonly cache: "user" | "shared" | false;
  readonly strategy: Strategy;
  matches(url: URL, path: string, request: GateRequest): boolean;
}

const STRATEGIES: readonly unknown[] = ["network-first", "cache-first", "stale-while-revalidate"];

/** Throws a {@link ConfigError} that names the rule by its place. */
export function checkRules(rules: unknown): readonly CheckedRule[] {
  if (Array.isArray(rules)) {
    const checked = rules.map((rule, place) => checkRule(rule, `rules[${place}]`));
    rules.forEach(({ match }: GateRule, place) => {
      const first = rules.findIndex((earlier: GateRule) => typeof match === "string" && covers(earlier.match, match));
      if (first < 0 || first >= place) return;
      const message = `rules[${place}] can never decide: rules[${first}] matches all that it does, and stands before it`;
      throw new ConfigError("invalid_option", message, "match");
    });
    return checked;
  }
  throw new ConfigError("invalid_option", 'the option "rules" should be an array of rules', "rules");
}

function checkRule(rule: GateRule, where: string): CheckedRule {
  const own = checkNames(rule, where, ["match", "needs", "otherwise", "methods", "cache", "strategy"]);
  const { match, needs: needed = "signed_in", otherwise, methods, cache = false, strategy = "network-first" } = own;
  const refuse = (option: string, expected: string): never => {
    throw new ConfigError("invalid_option", `${where}: "${option}" should be ${expected}`, option);
  };
  const needs = needed === "signed_in" ? {} : needed === null ? null : checkNeeds(needed, where, refuse);
  if (otherwise !== undefined && typeof otherwise !== "function") checkOtherwise(otherwise, where, refuse);
  if (methods !== undefined && !isStrings(methods)) refuse("methods", "an array of HTTP methods");
  if (cache !== "user" && cache !== "shared" && cache !== false) refuse("cache", '"user", "shared" or false');
  if (!STRATEGIES.includes(strategy)) refuse("strategy", STRATEGIES.join(", "));
  if (needs === null && cache === "user") refuse("needs", 'more than null where "cache" is "user"');
  return {
    given: rule,
    needs,
    methods: methods?.map((method) => method.toUpperCase()),
    otherwise,
    cache,
    strategy,
    matches: matcher(match) ?? refuse("match", MATCHES),
  };
}

/** Query, fragment, other wildcards and `:name` would be ignored or taken literally: never what was meant. */
const PATH = /^\/(?!\/)(?!(?:.*\/)?:)[^?#\\*]*\*?$/;

const MATCHES =
  'a path such as "/app" or "/app/*", without query, ":name" or another "*"; or a RegExp, a URLPattern or a function';

type Refuse = (option: string, expected: string) => never;

function checkNeeds(given: Needs, where: string, refuse: Refuse): Needs {
  if (typeof given !== "object") refuse("needs", '"signed_in", null, or an object of what the bearer must have');
  const needs = checkNames(given, `${where}.needs`, RIGHTS);
  checkRights(needs, refuse);
  return needs;
}

function checkOtherwise(otherwise: Exclude<Otherwise, (...all: never) => unknown>, where: string, refuse: Refuse) {
  const own = checkNames(otherwise, `${where}.otherwise`, ["page", "status", "body"]);
  const { page, status, body } = own as { page?: unknown; status?: unknown; body?: unknown };
  // What begins with two slashes, of either kind, is another host.
  if (page !== undefined && (typeof page !== "string" || !/^\/(?![/\\])/.test(page))) {
    refuse("page", 'a path that begins with one "/"');
  }
  if (page !== undefined && body !== undefined) refuse("otherwise", "either a page or a body");
  if (status !== 401 && status !== 403 && (page === undefined || (status !== undefined && status !== 200))) {
    refuse("status", page === undefined ? "401 or 403" : "200, 401 or 403");
  }
}

function matcher(match: Match): CheckedRule["matches"] | undefined {
  if (typeof match === "function") return (url, _path, request) => match(url, request);
  if (typeof match === "string") return PATH.test(match) ? pathMatcher(match) : undefined;
  if (match instanceof RegExp) {
    // A global or sticky one would remember where it was.
    const pattern = new RegExp(match.source, match.flags.replace(/[gy]/g, ""));
    return (_url, path) => pattern.test(path);
  }
  return typeof match?.test === "function" ? (url) => match.test(url.href) : undefined;
}

function pathMatcher(match: string): CheckedRule["matches"] {
  const wild = match.endsWith("*");
  const wanted = plainPath(new URL(match, "http://rule").pathname);
  const beginning = wanted.slice(0, -1);
  const folder = wild && wanted.endsWith("/*") ? wanted.slice(0, -2) : undefined;
  return (_url, path) => (wild ? path.startsWith(beginning) || path === folder : path === wanted);
}

/** Whether one rule's path matches whatever another's does. */
function covers(one: Match, other: string): boolean {
  if (typeof one !== "string") return false;
  if (!one.endsWith("*")) return one === other;
  const beginning = one.slice(0, -1);
  return other.startsWith(beginning) || `${other}/` === beginning;
}

/**
 * The rule for a URL, which must not depend on spelling. Where servers differ in how they read it, the strictest of the
 * readings' rules counts, and where two of them need something, nobody may have the answer.
 */
export function findRule(rules: readonly CheckedRule[], url: URL, request: GateRequest): CheckedRule | undefined {
  return readings(url)
    .map((path) => ruleAt(rules, url, path, request))
    .reduce(stricter);
}

function stricter(one: CheckedRule | undefined, other: CheckedRule | undefined): CheckedRule | undefined {
  if (one === other || other === undefined) return one;
  if (one === undefined) return other;
  if (other.needs === null) return one;
  return one.needs === null ? other : AMBIGUOUS;
}

/**
 * The paths that servers may take one for. Some take %2F for a slash, some %5C, some both; some resolve dots before they
 * merge slashes and some after; and where a proxy has decoded a path, the server behind it does so again.
 */
function readings({ origin, pathname }: URL): readonly string[] {
  if (!/%(?:2F|5C|25)/i.test(pathname)) return [plainPath(pathname)];
  const read = (paths: readonly string[]): readonly string[] => {
    const split = paths.flatMap((path) => [path, ...SEPARATORS.map((separator) => path.replace(separator, "/"))]);
    const merged = split.map((path) => path.replace(/\/{2,}/g, "/"));
    // With the origin before it, it is a path whatever it looks like; parsing resolves its dots.
    return unique(unique([...split, ...merged]).map((path) => new URL(origin + path).pathname));
  };
  const once = read([pathname]);
  const again = read(once.filter((path) => path.includes("%25")).map((path) => path.replaceAll("%25", "%")));
  return unique([...once, ...again].map(plainPath));
}

function unique(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)];
}

const SEPARATORS = [/%2F/gi, /%5C/gi, /%(?:2F|5C)/gi];

function ruleAt(
  rules: readonly CheckedRule[],
  given: URL,
  path: string,
  request: GateRequest,
): CheckedRule | undefined {
  let url = given;
  if (url.pathname !== path) {
    url = new URL(given);
    url.pathname = path;
  }
  return rules.find((rule) => rule.matches(url, path, request));
}

const [AMBIGUOUS] = checkRules([{ match: () => true, needs: { claims: () => false } }]) as [CheckedRule];

/**
 * The path as most servers understand it: /%61pp//x is /app/x. What stands between a request and a rule must not be
 * spelling.
 */
export function plainPath(pathname: string): string {
  let path = pathname;
  if (path.includes("%")) path = path.replace(/%[0-9a-f]{2}/gi, decodePrintable);
  return path.includes("//") ? path.replace(/\/{2,}/g, "/") : path;
}

function decodePrintable(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[ -~]/.test(character) && !"%/\\?#".includes(character) ? character : encoded.toUpperCase();
}

export function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}
