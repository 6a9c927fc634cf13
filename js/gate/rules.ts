import { ConfigError } from "../errors.js";
import { checkNames } from "../policy.js";
import { checkRights, RIGHTS } from "../rights.js";
import type { GateDecision } from "./judge.js";
import { hasOneReading, otherReadings, type PathSpelling, type Reading, readRulePath, type Target } from "./target.js";

/** What a rule is about; judged for the canonical URL, without its fragment. */
export type Match =
  /**
   * A path, exactly; or with `*` at its end all that begins so. A slash at the end makes no other path, and `"/app/*"`
   * also matches `/app` itself, since servers answer both alike. What says more (a query, `:name`, `*` elsewhere), or can
   * be no canonical path, is a {@link ConfigError}.
   */
  | string
  /** Tested against the canonical path, without the query. */
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

/** A rule that was checked: a frozen copy, so that nothing that the app changes later changes what is decided. */
export interface CheckedRule {
  /** The app's own object, which only names the rule in decisions: nothing is read from it. */
  readonly given: GateRule;
  readonly needs: Needs | null;
  readonly methods: readonly string[] | undefined;
  readonly otherwise: CheckedOtherwise | undefined;
  readonly cache: "user" | "shared" | false;
  readonly strategy: Strategy;
  matches(asked: Asked): boolean;
}

/** An {@link Otherwise} whose body is text already. */
export type CheckedOtherwise =
  | Extract<Otherwise, (...all: never) => unknown>
  | {
      readonly page?: string | undefined;
      readonly status?: 200 | 401 | 403 | undefined;
      readonly body?: { readonly text: string; readonly isJson: boolean } | undefined;
    };

/** What a rule is asked about: one reading of a request's URL. */
export interface Asked {
  readonly path: string;
  /** Whether letter case is ignored, and the path in lower case. */
  readonly folded: boolean;
  readonly url: URL;
  readonly request: GateRequest;
}

const STRATEGIES: readonly unknown[] = ["network-first", "cache-first", "stale-while-revalidate"];

/** Throws a {@link ConfigError} that names the rule by its place. */
export function checkRules(rules: unknown, accept: readonly PathSpelling[] = []): readonly CheckedRule[] {
  if (!Array.isArray(rules)) {
    throw new ConfigError("invalid_option", 'the option "rules" should be an array of rules', "rules");
  }
  const checked = rules.map((rule, place) => checkRule(rule, `rules[${place}]`, accept));
  checked.forEach(({ path }, place) => {
    const first = checked.findIndex((earlier) => path !== undefined && covers(earlier.path, path));
    if (first < 0 || first >= place) return;
    const message = `rules[${place}] can never decide: rules[${first}] matches all that it does, and stands before it`;
    throw new ConfigError("invalid_option", message, "match");
  });
  return checked.map(({ rule }) => rule);
}

/** `path` is the canonical form of a rule that is about one. */
interface Checked {
  readonly rule: CheckedRule;
  readonly path: RulePath | undefined;
}

/** Inherits nothing, so that nothing that is put on all objects is asked for. */
const SIGNED_IN: Needs = Object.freeze(Object.create(null));

function checkRule(given: GateRule, where: string, accept: readonly PathSpelling[]): Checked {
  const own = checkNames(given, where, ["match", "needs", "otherwise", "methods", "cache", "strategy"]);
  const { match, needs: needed = "signed_in", otherwise, cache = false, strategy = "network-first" } = own;
  const methods = Array.isArray(own.methods) ? [...own.methods] : own.methods;
  const refuse = (option: string, expected: string): never => {
    throw new ConfigError("invalid_option", `${where}: "${option}" should be ${expected}`, option);
  };
  const needs = needed === "signed_in" ? SIGNED_IN : needed === null ? null : checkNeeds(needed, where, refuse);
  if (methods !== undefined && !isStrings(methods)) refuse("methods", "an array of HTTP methods");
  if (cache !== "user" && cache !== "shared" && cache !== false) refuse("cache", '"user", "shared" or false');
  if (!STRATEGIES.includes(strategy)) refuse("strategy", STRATEGIES.join(", "));
  if (needs === null && cache === "user") refuse("needs", 'more than null where "cache" is "user"');
  const path = typeof match === "string" ? rulePath(match, accept, refuse) : undefined;
  const rule = Object.freeze({
    given,
    needs,
    methods: methods && Object.freeze(methods.map((method) => method.toUpperCase())),
    otherwise: checkOtherwise(otherwise, where, refuse),
    cache,
    strategy,
    matches: path === undefined ? (matcher(match) ?? refuse("match", MATCHES)) : pathMatcher(path),
  });
  return { rule, path };
}

/** Query, fragment, other wildcards and `:name` would be ignored or taken literally: never what was meant. */
const PATH = /^\/(?!\/)(?!(?:.*\/)?:)[^?#\\*]*\*?$/;

const MATCHES =
  'a path such as "/app" or "/app/*", without query, ":name" or another "*"; or a RegExp, a URLPattern or a function';

type Refuse = (option: string, expected: string) => never;

function checkNeeds(given: Needs, where: string, refuse: Refuse): Needs {
  if (typeof given !== "object") refuse("needs", '"signed_in", null, or an object of what the bearer must have');
  return checkRights(checkNames(given, `${where}.needs`, RIGHTS), refuse);
}

function checkOtherwise(given: Otherwise | undefined, where: string, refuse: Refuse): CheckedOtherwise | undefined {
  if (given === undefined || typeof given === "function") return given;
  const own = checkNames(given, `${where}.otherwise`, ["page", "status", "body"]);
  const { page, status, body } = own as { page?: unknown; status?: unknown; body?: unknown };
  // What begins with two slashes, of either kind, is another host.
  if (page !== undefined && (typeof page !== "string" || !/^\/(?![/\\])/.test(page))) {
    refuse("page", 'a path that begins with one "/"');
  }
  if (page !== undefined && body !== undefined) refuse("otherwise", "either a page or a body");
  if (status !== 401 && status !== 403 && (page === undefined || (status !== undefined && status !== 200))) {
    refuse("status", page === undefined ? "401 or 403" : "200, 401 or 403");
  }
  const isJson = typeof body !== "string";
  const text = isJson ? JSON.stringify(body) : body;
  if (body !== undefined && text === undefined) refuse("body", "text, or what JSON can say");
  return Object.freeze({
    page: page as string | undefined,
    status: status as 200 | 401 | 403 | undefined,
    body: text === undefined ? undefined : Object.freeze({ text, isJson }),
  });
}

function matcher(match: Match): CheckedRule["matches"] | undefined {
  if (typeof match === "function") return ({ url, request }) => match(url, request);
  if (match instanceof RegExp) {
    // A global or sticky one would remember where it was.
    const pattern = new RegExp(match.source, match.flags.replace(/[gy]/g, ""));
    return ({ path }) => pattern.test(path);
  }
  if (typeof match !== "object" || typeof match?.test !== "function") return undefined;
  const test = match.test.bind(match);
  return ({ url }) => test(url.href);
}

/** A rule's path in canonical form: all that begins so, or exactly this, without a slash at its end. */
interface RulePath {
  readonly beginning: boolean;
  readonly text: string;
}

function rulePath(match: string, accept: readonly PathSpelling[], refuse: Refuse): RulePath {
  if (!PATH.test(match)) refuse("match", MATCHES);
  const beginning = match.endsWith("*");
  // With a letter in place of the asterisk, "/.*" is about names that begin with a dot.
  const { path, wrong } = readRulePath(beginning ? `${match.slice(0, -1)}x` : match, accept);
  if (wrong !== undefined) refuse("match", `a path that the gate lets pass, but ${wrong}`);
  if (beginning) return { beginning, text: path.slice(0, -1) };
  return { beginning, text: withoutSlash(path) };
}

function pathMatcher({ beginning, text }: RulePath): CheckedRule["matches"] {
  const matches = (wanted: string) => {
    const folder = wanted.endsWith("/") ? wanted.slice(0, -1) : undefined;
    if (beginning) return (path: string) => path.startsWith(wanted) || path === folder;
    return (path: string) => path === wanted || (path.length === wanted.length + 1 && path === `${wanted}/`);
  };
  const exactly = matches(text);
  const folded = matches(text.toLowerCase());
  return (asked) => (asked.folded ? folded(asked.path) : exactly(asked.path));
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** Whether one rule's path matches whatever another's does. */
function covers(one: RulePath | undefined, other: RulePath): boolean {
  if (one === undefined) return false;
  if (!one.beginning) return !other.beginning && one.text === other.text;
  return other.text.startsWith(one.text) || (!other.beginning && `${other.text}/` === one.text);
}

/**
 * The rule for a URL; `undefined` if there is none, `"ambiguous"` if some server may find the URL under another rule that
 * needs something.
 */
export function findRule(
  rules: readonly CheckedRule[],
  target: Target,
  request: GateRequest,
  accept: readonly PathSpelling[],
): CheckedRule | "ambiguous" | undefined {
  const place = placeOf(rules, asking(target, target.path, false, request));
  if (hasOneReading(target)) return rules[place];
  const readings = otherReadings(target, accept);
  const isOther = ({ path, folded, lenient }: Reading) => {
    const earlier = lenient && place >= 0 ? place : rules.length;
    const other = placeOf(rules, asking(target, path, folded, request), earlier);
    // Where that one is open, nobody gets what is not theirs.
    return other >= 0 && other !== place && rules[other]?.needs !== null;
  };
  return readings === undefined || readings.some(isOther) ? "ambiguous" : rules[place];
}

function placeOf(rules: readonly CheckedRule[], asked: Asked, end = rules.length): number {
  for (let place = 0; place < end; place += 1) if (rules[place]?.matches(asked)) return place;
  return -1;
}

/** Makes a URL only for rules that look at one. */
function asking({ origin, search }: Target, path: string, folded: boolean, request: GateRequest): Asked {
  let url: URL | undefined;
  return {
    path,
    folded,
    request,
    get url() {
      url ??= new URL(origin + path + search);
      return url;
    },
  };
}

export function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}
