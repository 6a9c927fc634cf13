import { ConfigError, KeyStoreError, TokenError } from "../errors.js";
import type { IdTokenExpectations } from "../profile.js";
import { shown } from "../shown.js";
import type { VerificationKey, Verified } from "../verifier.js";
import { errorFacts, UsageError } from "./errors.js";
import { moment, type Printer } from "./printer.js";
import { adviceOn, type Keys, readExpected, readKeys, readToken, timeOf, verifierOf } from "./sources.js";
import { EXIT, type ExitCode, type Run } from "./types.js";

/** `tokenward verify`: whether a token holds, or why not. */
export async function verify(run: Run): Promise<ExitCode> {
  const { args, print } = run;
  needChoice(run, "issuer");
  needChoice(run, "audience");
  if (args.text("keys") === undefined && args.text("issuer") === undefined) {
    throw new UsageError("there are no keys: name them by --keys (a file or an address) or by --issuer");
  }
  const expected = await readExpected(run);
  const token = await readToken(run);
  const keys = (await readKeys(run)) as Keys;
  const answer = judged(run, keys, token, expected);
  const now = timeOf(run);
  if (answer instanceof TokenError) {
    print.mark("problem", `refused (${answer.code}): ${answer.message}`);
    const advice = answer.code === "malformed" ? adviceOn(token) : undefined;
    if (advice !== undefined) print.aside("note", advice);
    if (print.isJson) print.json({ ok: false, keys: keys.from, error: errorFacts(answer) });
    return EXIT.no;
  }
  const { claims, header, key } = answer;
  print.mark("ok", `valid: signed with ${header.alg} by ${keyName(key)} of ${keys.from}`);
  printMembers(print, claims, now);
  if (print.isJson) print.json({ ok: true, keys: keys.from, claims, header, key });
  return EXIT.yes;
}

/** What the options make of a token: verified, or why it is refused. */
export function judged(run: Run, keys: Keys, token: string, expected?: IdTokenExpectations): Verified | TokenError {
  try {
    return verifierOf(run, keys).verify(token, expected);
  } catch (error) {
    if (error instanceof TokenError) return error;
    const isOurs = keys.fetched === undefined || run.args.list("algorithm") !== undefined;
    if (isOurs || !(error instanceof ConfigError) || error.code !== "no_usable_key") throw error;
    throw new KeyStoreError("invalid_set", error.message);
  }
}

/** That any issuer or audience will do is never an accident. */
function needChoice({ args }: Run, name: "issuer" | "audience"): void {
  const [named, any] = [args.text(name) !== undefined, args.flag(`any-${name}`)];
  if (named && any) throw new UsageError(`--${name} and --any-${name} contradict each other`);
  if (!named && !any) throw new UsageError(`say which ${name} the token must be of: --${name}, or --any-${name}`);
}

export function keyName({ kid, kty, crv }: VerificationKey): string {
  return kid === undefined ? `the ${crv ?? kty} key without a name` : `the key ${shown(kid)}`;
}

const TIMES: readonly string[] = ["exp", "nbf", "iat", "auth_time", "updated_at"];

/** A line for each member; times are told as people tell them. */
export function printMembers(print: Printer, members: { readonly [name: string]: unknown }, now: number): void {
  const names = Object.keys(members);
  const width = Math.min(24, Math.max(0, ...names.map((name) => label(name).length)));
  for (const name of names) {
    const value = members[name];
    const isTime = TIMES.includes(name) && typeof value === "number";
    print.line(`  ${label(name).padEnd(width)}  ${isTime ? `${value} (${moment(value, now)})` : shown(value)}`);
  }
}

/** A name that somebody else has chosen: quoted where it is not a plain one. */
function label(name: string): string {
  return /^[\w.:/#-]{1,60}$/.test(name) ? name : shown(name);
}
