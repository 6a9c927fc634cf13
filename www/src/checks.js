// The checks as lines. Which one failed is the verifier's answer; since the order of checks is fixed, those before it
// passed and those after it were not reached. Nothing here decides anything about a token.

import { member } from "./decode.js";
import { make, spoken, update } from "./dom.js";
import { dateTime, duration } from "./time.js";

const DEFAULT_MAX_BYTES = 16_384;
const DEFAULT_TOLERANCE = 5;

/**
 * In the verifier's order. `fails` says which errors belong to the line, `asked` whether it was asked for at all,
 * `claim` that what it finds may be shown only once the signature held.
 */
const CHECKS = [
  {
    name: "Size",
    fails: ({ code }) => code === "too_large",
    found: ({ token }) => `${token.length} characters`,
    expected: ({ options }) => `at most ${options.maxTokenBytes ?? DEFAULT_MAX_BYTES} bytes`,
  },
  {
    name: "Form",
    fails: ({ code }) => code === "malformed",
    found: ({ parts }) => `${parts.length} ${parts.length === 1 ? "part" : "parts"}`,
    expected: () => "three parts of strict base64url and JSON",
  },
  {
    name: "Algorithm",
    fails: ({ code }) => code === "unsupported_algorithm" || code === "algorithm_not_allowed",
    found: ({ header }) => shown(member(header, "alg")),
    expected: ({ options }) => (options.algorithms ? oneOf(options.algorithms) : "any asymmetric one"),
  },
  {
    name: "Extensions",
    fails: ({ code }) => code === "unsupported_critical",
    found: ({ header }) => ["crit", "b64"].filter((name) => member(header, name) !== undefined).join(", ") || "none",
    expected: () => "no crit, no b64",
  },
  {
    name: "Type",
    asked: ({ options }) => options.typ !== undefined,
    fails: ({ code }) => code === "unexpected_type",
    found: ({ header }) => shown(member(header, "typ")),
    expected: ({ options }) => options.typ,
  },
  {
    name: "Key",
    fails: ({ code }) => code === "key_not_found" || code === "key_unusable",
    found: ({ header, value }) => (value ? keyName(value.key) : `kid ${shown(member(header, "kid"))}`),
    expected: () => "in the set, allowed to sign, strong enough",
  },
  {
    name: "Signature",
    fails: ({ code }) => code === "bad_signature",
    found: () => "fits",
    foundOnFailure: () => "does not fit",
    expected: () => "made by that key over these bytes",
  },
  {
    name: "Form of claims",
    claim: true,
    fails: ({ code }) => code === "invalid_claim",
    found: () => "as RFC 7519 says",
    expected: () => "times are numbers, names are text",
  },
  {
    name: "Issuer",
    claim: true,
    asked: ({ options }) => options.issuer !== null,
    fails: ({ code, claim }) => isAbout(code, claim, "iss"),
    found: ({ payload }) => shown(member(payload, "iss")),
    expected: ({ options }) => oneOf(options.issuer),
  },
  {
    name: "Audience",
    claim: true,
    asked: ({ options }) => options.audience !== null,
    fails: ({ code, claim }) => isAbout(code, claim, "aud"),
    found: ({ payload }) => shown(member(payload, "aud")),
    expected: ({ options }) => oneOf(options.audience),
  },
  {
    name: "Subject",
    claim: true,
    asked: ({ options }) => options.subject !== undefined,
    fails: ({ code, claim }) => isAbout(code, claim, "sub"),
    found: ({ payload }) => shown(member(payload, "sub")),
    expected: ({ options }) => options.subject,
  },
  {
    name: "Required claims",
    claim: true,
    asked: ({ options }) => options.requiredClaims !== undefined,
    fails: ({ code, claim }, { options }) => code === "missing_claim" && options.requiredClaims.includes(claim),
    found: () => "all there",
    expected: ({ options }) => options.requiredClaims.join(", "),
  },
  {
    name: "Expected claims",
    claim: true,
    asked: ({ options }) => options.claims !== undefined,
    fails: ({ code, claim }, { options }) => isAbout(code, claim, ...Object.keys(options.claims)),
    found: ({ payload, options }) => named(Object.keys(options.claims).map((name) => [name, member(payload, name)])),
    expected: ({ options }) => named(Object.entries(options.claims)),
  },
  {
    name: "Not expired",
    claim: true,
    fails: ({ code, claim }) => code === "expired" || (code === "missing_claim" && claim === "exp"),
    found: ({ payload }) => time(payload, "exp"),
    expected: ({ now, options }) => `after ${dateTime(now - tolerance(options))}`,
  },
  {
    name: "Already valid",
    claim: true,
    fails: ({ code }) => code === "not_yet_valid",
    found: ({ payload }) => time(payload, "nbf"),
    expected: ({ now, options }) => `not after ${dateTime(now + tolerance(options))}`,
  },
  {
    name: "Fresh",
    claim: true,
    asked: ({ options }) => options.maxTokenAge !== undefined,
    fails: ({ code, claim }) => code === "too_old" || (code === "missing_claim" && claim === "iat"),
    found: ({ payload, now }) => age(member(payload, "iat"), now),
    expected: ({ options }) => `at most ${duration(options.maxTokenAge)} old`,
  },
];

/**
 * @param {import("./judge.js").Answer} answer
 * @param {{ token: string, parts: string[], header: unknown, payload: unknown, now: number }} facts
 */
export function checkLines(answer, facts) {
  if (!answer.options) return [];
  const about = { ...facts, ...answer, payload: answer.value?.claims ?? facts.payload };
  const asked = CHECKS.filter((check) => check.asked?.(about) ?? true);
  const failing = answer.error ? asked.findIndex((check) => check.fails(answer.error, about)) : asked.length;
  return asked.map((check, index) => {
    const state = index < failing ? "passed" : index === failing ? "failed" : "unreached";
    return {
      name: check.name,
      state,
      ...words(check, state, about),
      error: state === "failed" ? answer.error : undefined,
    };
  });
}

/** How many of the possible checks were not asked for, by name. */
export function uncheckedNames(answer) {
  if (!answer.options) return [];
  return CHECKS.filter((check) => check.asked && !check.asked(answer)).map((check) => check.name.toLowerCase());
}

function words(check, state, about) {
  const expected = check.expected(about);
  if (state === "unreached") return { found: "", expected };
  if (state === "passed") return { found: check.found(about), expected };
  const { code, actual } = about.error;
  const own = check.foundOnFailure ?? (code === "missing_claim" ? () => "missing" : check.found);
  const plain = actual === undefined || typeof actual === "number" || check.name === "Expected claims";
  return { found: plain ? own(about) : shown(actual), expected };
}

const SIGNS = { passed: "#holds", failed: "#refused", unreached: "#waiting" };
const SPOKEN = { passed: "Passed: ", failed: "Failed: ", unreached: "Not reached: " };

export function drawChecks(list, lines) {
  update(
    list,
    ...lines.map(({ name, state, found, expected, error }) =>
      make(
        `li.check.${state}`,
        {},
        sign(SIGNS[state]),
        make("span.check-name", {}, spoken(SPOKEN[state]), name),
        make("span.check-found", {}, make("span.label", {}, "Found "), make("span.value", {}, found || "not reached")),
        make("span.check-expected", {}, make("span.label", {}, "Expected "), make("span.value", {}, expected)),
        error && make("span.check-why", {}, make("code.code-chip", {}, error.code), " ", sentence(error.message)),
      ),
    ),
  );
}

export function sign(href) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 48 48");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "sign");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", href);
  svg.append(use);
  return svg;
}

/** A message as a sentence; names of header parameters keep their letter case. */
export function sentence(text) {
  const start = /^(alg|typ|kid)\b/.test(text) ? text.charAt(0) : text.charAt(0).toUpperCase();
  return `${start}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

const isAbout = (code, claim, ...names) =>
  (code === "missing_claim" || code === "claim_mismatch") && names.includes(claim);

const tolerance = (options) => options.clockTolerance ?? DEFAULT_TOLERANCE;

function time(payload, name) {
  const value = member(payload, name);
  return typeof value === "number" ? dateTime(value) : `no ${name}`;
}

const age = (iat, now) => (typeof iat === "number" ? `${duration(now - iat)} old` : "iat is missing");

const named = (entries) => entries.map(([name, value]) => `${name} ${shown(value)}`).join(", ");

const oneOf = (value) => [value].flat().join(" or ");

const keyName = ({ kid, alg, crv, kty }) => [kid ?? "without kid", crv ?? alg ?? kty].join(" · ");

function shown(value) {
  if (value === undefined) return "missing";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
