import { checkNames } from "../check-options.js";
import { ConfigError } from "../errors.js";
import { checkRights, RIGHTS } from "../rights.js";
import { checkStepUp, type StepUpNeeds } from "./step-up.js";
import {
  decodePrintable,
  encoded,
  folded,
  hasOneReading,
  otherReadings,
  type PathSpelling,
  type Reading,
  readRulePath,
  type Sensitivity,
  type Target,
} from "./target.js";
import type { GateRequest, GateRule, Match, Needs, Otherwise, Strategy } from "./types.js";

/** A rule that was checked: a frozen copy, so that nothing that the app changes later changes what is decided. */
export interface CheckedRule {
  /** The app's own object, which only names the rule in decisions: nothing is read from it. */
  readonly given: GateRule;
  readonly needs: Needs | null;
  /** What it needs of the authentication; empty: nothing. */
  readonly stepUp: StepUpNeeds;
  readonly methods: readonly string[] | undefined;
  readonly otherwise: CheckedOtherwise | undefined;
  readonly cache: "user" | "shared" | false;
  readonly strategy: Strategy;
  /** What it tells apart, so that more readings of a URL count. */
  readonly sensitivity: Sensitivity;
  matches(asked: Asked): boolean;
  /** Of a path: whether it is the one that a server reads which decodes all that separates nothing. */
  matchesDecoded?(path: string): boolean;
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
  /** As a server reads it: what it decodes is decoded. */
  readonly path: string;
  /** The same with everything encoded that must be, which is what expressions, patterns and functions are about. */
  readonly encoded: string;
  /** Whether letter case is ignored, and the path folded. */
  readonly folded: boolean;
  /** The whole URL, with the encoded path. */
  readonly href: string;
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
  const own = membersAt(where, given, ["match", "needs", "otherwise", "methods", "cache", "strategy"]);
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
  const stepUp = checkStepUp(needs ?? SIGNED_IN, refuse);
  const path = typeof match === "string" ? rulePath(match, accept, refuse) : undefined;
  const rule = Object.freeze({
    given,
    needs,
    stepUp,
    methods: methods && Object.freeze(methods.map((method) => method.toUpperCase())),
    otherwise: checkOtherwise(otherwise, where, refuse),
    cache,
    strategy,
    ...(path === undefined ? (matcher(match, where) ?? refuse("match", MATCHES)) : pathMatcher(path)),
  });
  return { rule, path };
}

/** Query, fragment, other wildcards and `:name` would be ignored or taken literally: never what was meant. */
const PATH = /^\/(?!\/)(?!(?:.*\/)?:)[^?#\\*]*\*?$/;

const MATCHES =
  'a path such as "/app" or "/app/*", without query, ":name" or another "*"; or a RegExp, a URLPattern or a function';

type Refuse = (option: string, expected: string) => never;

/** As {@link checkNames}; also where there is no such option, the message says in which rule. */
function membersAt<Options extends object>(where: string, given: Options, names: readonly string[]): Options {
  try {
    return checkNames(given, where, names);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== "unknown_option") throw error;
    throw new ConfigError(error.code, `${where}: ${error.message}`, error.option);
  }
}

function checkNeeds(given: Needs, where: string, refuse: Refuse): Needs {
  if (typeof given !== "object") refuse("needs", '"signed_in", null, or an object of what the bearer must have');
  const needs = checkRights(membersAt(`${where}.needs`, given, [...RIGHTS, "acr", "maxAge"]), refuse);
  // Of a Map or a Set nothing would be read, and anybody would pass who is signed in.
  const isOther = Object.prototype.toString.call(given) !== "[object Object]";
  if (isOther && Object.keys(needs).length === 0)
    refuse("needs", "an object with access, scope, role, acr, maxAge or claims");
  return needs;
}

function checkOtherwise(given: Otherwise | undefined, where: string, refuse: Refuse): CheckedOtherwise | undefined {
  if (given === undefined || typeof given === "function") return given;
  const own = membersAt(`${where}.otherwise`, given, ["page", "status", "body"]);
  const { page, status, body } = own as { page?: unknown; status?: unknown; body?: unknown };
  // What begins with two slashes, of either kind, is another host, also with a tab between them.
  if (page !== undefined && (typeof page !== "string" || !/^\/(?![/\\])/.test(page) || !isOnOrigin(page))) {
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

function isOnOrigin(page: string): boolean {
  const base = "http://page.invalid";
  return URL.canParse(page, base) && new URL(page, base).origin === base;
}

type Matcher = Pick<CheckedRule, "matches" | "matchesDecoded" | "sensitivity">;

function matcher(match: Match, where: string): Matcher | undefined {
  const toSlash = true;
  if (typeof match === "function") {
    // Each call gets a URL of its own: what one rule does to it is nothing to the next.
    const matches = ({ href, request }: Asked) => isMatch(match(new URL(href), request), where);
    return { matches, sensitivity: { toCase: false, toSlash } };
  }
  if (isRegExp(match)) {
    const exactly = expression(match, match.flags);
    const leniently = expression(match, match.flags.includes("i") ? match.flags : `${match.flags}i`);
    // Capitals that are no escapes such as \W.
    const toCase = /[A-Z]/.test(match.source.replace(/\\./g, ""));
    const matches = (asked: Asked) => (asked.folded ? leniently : exactly)(asked.encoded);
    return { matches, sensitivity: { toCase, toSlash } };
  }
  if (typeof match !== "object" || typeof match?.test !== "function") return undefined;
  const { pathname } = match as { pathname?: unknown };
  const insensitive = typeof pathname === "string" ? patternIgnoringCase(match) : match;
  const toCase = typeof pathname === "string" && /[A-Z]/.test(pathname);
  const matches = ({ href, folded }: Asked) => isMatch((folded ? insensitive : match).test(href), where);
  return { matches, sensitivity: { toCase, toSlash } };
}

/** Of whatever realm. */
function isRegExp(match: unknown): match is RegExp {
  return Object.prototype.toString.call(match) === "[object RegExp]";
}

/** A global one would remember where it was, a sticky one begins where it is told to. */
function expression({ source }: RegExp, flags: string): (path: string) => boolean {
  const pattern = new RegExp(source, flags.replace("g", ""));
  return (path) => {
    pattern.lastIndex = 0;
    return pattern.test(path);
  };
}

/** A `URLPattern` once more; itself where it cannot be had. */
function patternIgnoringCase(match: { test(url: string): boolean }): { test(url: string): boolean } {
  const pattern = match as unknown as URLPatternLike;
  const { protocol, hostname, port, pathname, search } = pattern;
  try {
    return new pattern.constructor({ protocol, hostname, port, pathname, search }, { ignoreCase: true });
  } catch {
    return match;
  }
}

interface URLPatternLike extends Record<"protocol" | "hostname" | "port" | "pathname" | "search", string> {
  constructor: new (init: object, options: object) => { test(url: string): boolean };
}

/** A promise would match whatever it comes to. */
function isMatch(answer: unknown, where: string): boolean {
  if (typeof (answer as { then?: unknown } | undefined)?.then !== "function") return Boolean(answer);
  Promise.resolve(answer).catch(() => {});
  const message = `${where}: "match" should answer true or false at once; it answered a promise`;
  throw new ConfigError("invalid_option", message, "match");
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

function pathMatcher({ beginning, text }: RulePath): Matcher {
  const matching = (wanted: string) => {
    const folder = wanted.endsWith("/") ? wanted.slice(0, -1) : undefined;
    if (beginning) return (path: string) => path.startsWith(wanted) || path === folder;
    return (path: string) => path === wanted || (path.length === wanted.length + 1 && path === `${wanted}/`);
  };
  const exactly = matching(text);
  const insensitively = matching(folded(text));
  const matches = ({ path, folded }: Asked) => (folded ? insensitively : exactly)(path);
  // What is encoded may be a letter of any script.
  const sensitivity = { toCase: /[A-Z%]/.test(text), toSlash: false };
  return { matches, matchesDecoded: matching(decodePrintable(text)), sensitivity };
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
  const canonical = asking(target, target.path, false, request);
  const place = placeOf(rules, canonical);
  const sensitivity = {
    toCase: rules.some((rule) => rule.sensitivity.toCase),
    toSlash: rules.some((rule) => rule.sensitivity.toSlash),
  };
  if (hasOneReading(target, sensitivity)) return rules[place];
  const readings = otherReadings(target, accept, sensitivity);
  const isOther = ({ path, folded, lenient }: Reading) => {
    const asked = asking(target, path, folded, request);
    const other = placeOf(rules, asked, lenient && place >= 0 ? place : rules.length);
    const isLater = other < 0 || other > place;
    if (!folded && isLater && rules[place]?.matchesDecoded?.(path)) {
      // The same rule, written otherwise; unless one of its own is about this way of writing.
      return rules.some((rule) => rule.needs !== null && rule.matches(asked) && !rule.matches(canonical));
    }
    // Where that one is open, nobody gets what is not theirs.
    return other >= 0 && other !== place && rules[other]?.needs !== null;
  };
  return readings === undefined || readings.some(isOther) ? "ambiguous" : rules[place];
}

function placeOf(rules: readonly CheckedRule[], asked: Asked, end = rules.length): number {
  for (let place = 0; place < end; place += 1) if (rules[place]?.matches(asked)) return place;
  return -1;
}

function asking(
  { origin, search, path: canonical }: Target,
  path: string,
  folded: boolean,
  request: GateRequest,
): Asked {
  const inUrl = path === canonical ? path : encoded(path);
  return { path, encoded: inUrl, folded, href: origin + inUrl + search, request };
}

export function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}
