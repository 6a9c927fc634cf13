import { TokenError, type TokenErrorCode } from "../errors.js";
import { READING_KEY } from "../keys/published.js";
import { createVerifier } from "../ml-dsa.js";
import { isTooDeep, shown } from "../shown.js";
import { errorFacts } from "./errors.js";
import { type Mark, moment } from "./printer.js";
import { adviceOn, durationOf, type Keys, readKeys, readToken, timeOf } from "./sources.js";
import { EXIT, type ExitCode, type Run } from "./types.js";
import { judged, keyName, printMembers } from "./verify.js";

/** One thing that a verifier looks at. `unknown` is what cannot be judged from the token alone. */
interface Check {
  readonly name: string;
  readonly mark: Mark;
  readonly message: string;
  readonly code?: TokenErrorCode;
}

interface Members {
  readonly [name: string]: unknown;
}

/** What is decided before any key is looked for. */
const CODES_OF_FORM: readonly TokenErrorCode[] = [
  "too_large",
  "malformed",
  "unsupported_algorithm",
  "unsupported_critical",
];

/** `tokenward inspect`: what a token says, and how it would be judged. Only a key can say that it is valid. */
export async function inspect(run: Run): Promise<ExitCode> {
  const { print } = run;
  const token = await readToken(run);
  const keys = await readKeys(run);
  const now = timeOf(run);
  const [header, claims] = token.split(".").map(membersIn);
  const checks = [formOf(token), ...timesOf(run, claims, now), ...whatIsAsked(run, claims)];
  const verdict = keys === undefined ? undefined : judged(run, keys, token);
  checks.push(signatureCheck(verdict, keys));
  const outcome = verdict === undefined ? "unverified" : verdict instanceof TokenError ? "refused" : "valid";

  print.mark(MARKS[outcome], headline(outcome, keys, checks));
  for (const [title, members] of Object.entries({ Header: header, Claims: claims })) {
    print.line();
    print.title(members === undefined ? `${title}: cannot be read` : title);
    if (members !== undefined) printMembers(print, members, now);
  }
  print.line();
  print.title("How it would be judged");
  for (const { mark, message, name } of checks) print.mark(mark, message, name);
  if (print.isJson) {
    const error = verdict instanceof TokenError ? errorFacts(verdict) : undefined;
    print.json({
      verdict: outcome,
      header,
      claims,
      checks: checks.map(({ mark, ...check }) => ({ ...check, status: mark })),
      error,
    });
  }
  return checks.some(({ mark }) => mark === "problem") ? EXIT.no : EXIT.yes;
}

const MARKS = { unverified: "unknown", refused: "problem", valid: "ok" } as const;

function headline(outcome: keyof typeof MARKS, keys: Keys | undefined, checks: readonly Check[]): string {
  if (outcome === "unverified") return "not verified: without a key, anybody may have written this";
  if (outcome === "refused") return `refused, by the keys of ${keys?.from}`;
  const open = checks.filter(({ mark }) => mark === "unknown").map(({ name }) => name);
  return `valid, by the keys of ${keys?.from}${open.length === 0 ? "" : `, whatever the ${open.join(" and the ")}`}`;
}

/** The strict reader's word about the form, by a verifier that accepts whatever a claim says. */
function formOf(token: string): Check {
  const reader = createVerifier({ jwks: [READING_KEY], issuer: null, audience: null, requireExp: false });
  const result = reader.safeVerify(token);
  if (result.ok || !CODES_OF_FORM.includes(result.error.code)) {
    return {
      name: "form",
      mark: "ok",
      message: "three segments of strict base64url and JSON, with a supported algorithm",
    };
  }
  const { code, message } = result.error;
  const advice = code === "malformed" ? adviceOn(token) : undefined;
  const said = `${code}: ${message}${advice === undefined ? "" : `: ${advice}`}`;
  return { name: "form", mark: "problem", message: said, code };
}

function timesOf({ args }: Run, claims: Members | undefined, now: number): Check[] {
  const tolerance = durationOf(args, "tolerance") ?? 5;
  if (claims === undefined) return [];
  const { exp, nbf } = claims;
  const checks: Check[] = [];
  if (typeof exp !== "number") {
    const message = "there is no exp, which a verifier requires unless it is told not to";
    checks.push({
      name: "expiry",
      mark: "problem",
      message,
      code: exp === undefined ? "missing_claim" : "invalid_claim",
    });
  } else if (now >= exp + tolerance) {
    checks.push({ name: "expiry", mark: "problem", message: `expired: ${moment(exp, now)}`, code: "expired" });
  } else checks.push({ name: "expiry", mark: "ok", message: `expires ${moment(exp, now)}` });
  if (typeof nbf === "number" && now < nbf - tolerance) {
    checks.push({
      name: "not before",
      mark: "problem",
      message: `not yet: ${moment(nbf, now)}`,
      code: "not_yet_valid",
    });
  }
  return checks;
}

/** Issuer and audience, as far as the options name them. */
function whatIsAsked({ args }: Run, { iss, aud }: Members = {}): Check[] {
  const [issuer, audiences] = [args.text("issuer"), args.list("audience")];
  return [asked("issuer", iss, issuer === undefined ? undefined : [issuer]), asked("audience", aud, audiences)];
}

function asked(name: "issuer" | "audience", found: unknown, expected: readonly string[] | undefined): Check {
  if (expected === undefined) {
    return { name, mark: "unknown", message: `${shown(found)}; not compared: --${name} says what is expected` };
  }
  const fits = [found].flat().some((one) => expected.includes(one as string));
  if (fits) return { name, mark: "ok", message: `${shown(found)}, as expected` };
  const message = `${shown(found)}, where ${expected.map((one) => shown(one)).join(" or ")} is expected`;
  return { name, mark: "problem", message, code: found === undefined ? "missing_claim" : "claim_mismatch" };
}

function signatureCheck(verdict: ReturnType<typeof judged> | undefined, keys: Keys | undefined): Check {
  const name = "signature";
  if (verdict === undefined) {
    // Not the token's own iss: whoever forges a token names an issuer whose keys fit.
    const how = "--issuer names an issuer that you trust and fetches its keys, --keys takes a file";
    return { name, mark: "unknown", message: `not checked, for want of a key: ${how}` };
  }
  if (!(verdict instanceof TokenError)) {
    return { name, mark: "ok", message: `holds: ${verdict.header.alg}, by ${keyName(verdict.key)} of ${keys?.from}` };
  }
  return {
    name: "verdict",
    mark: "problem",
    message: `${verdict.code}: ${verdict.message}`,
    code: verdict.code,
  };
}

/** The members of a segment, as anybody reads them; `undefined` for what is no JSON object, or nested without end. */
function membersIn(segment: string): Members | undefined {
  try {
    const bytes = Uint8Array.from(atob(segment.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && !isTooDeep(value) ? (value as Members) : undefined;
  } catch {
    return undefined;
  }
}
