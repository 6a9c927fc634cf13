import { ConfigError, KeyStoreError } from "../errors.js";
import { hasProblems, type KeyReport, kindOf, nameOf, reportOf } from "../keys/report.js";
import { shown } from "../shown.js";
import { errorFacts, UsageError } from "./errors.js";
import { printKeys } from "./key-report.js";
import { type Keys, keysAt, keysOfIssuer, readKeySet } from "./sources.js";
import { EXIT, type ExitCode, type Run } from "./types.js";

/** `tokenward keys check`: whether each key of a set can serve, and why not. */
export async function checkKeys(run: Run): Promise<ExitCode> {
  const { print } = run;
  let keys: Keys;
  try {
    keys = await readKeySet(run);
  } catch (error) {
    if (!isNoSet(error)) throw error;
    print.mark("problem", error.message);
    if (print.isJson) print.json({ ok: false, error: errorFacts(error) });
    return EXIT.no;
  }
  const report = await reportOf(keys.set);
  const isFine = !hasProblems(report);
  const count = `${report.usable} of ${report.keys.length} keys can verify tokens`;
  print.mark(isFine ? "ok" : "problem", `${keys.from}: ${count}`);
  printKeys(print, report);
  if (print.isJson) print.json({ ok: isFine, from: keys.from, ...report });
  return isFine ? EXIT.yes : EXIT.no;
}

/** What is there, but is no key set. */
function isNoSet(error: unknown): error is ConfigError | KeyStoreError {
  const isOurs = error instanceof ConfigError || error instanceof KeyStoreError;
  return isOurs && ["invalid_jwks", "invalid_set", "too_many_keys"].includes(error.code);
}

interface Change {
  readonly kind: "added" | "removed" | "changed" | "replaced";
  readonly kid?: string | undefined;
  readonly thumbprint?: string | undefined;
  readonly message: string;
}

function sameKeys(count: number): string {
  return count === 1 ? "the same key" : `the same ${count} keys`;
}

/** `tokenward keys diff`: what another set has that this one has not, by RFC 7638 thumbprints. */
export async function diffKeys(run: Run): Promise<ExitCode> {
  const { args, print } = run;
  const [first, second] = args.positionals;
  const issuer = args.text("issuer");
  if (first === undefined || (second === undefined) === (issuer === undefined)) {
    throw new UsageError("keys diff takes two sets: two files or addresses, or one and --issuer");
  }
  const before = await keysAt(run, first);
  const after = issuer === undefined ? await keysAt(run, second as string) : await keysOfIssuer(run, issuer);
  const changes = changesOf((await reportOf(before.set)).keys, (await reportOf(after.set)).keys);
  if (changes.length === 0) print.mark("ok", sameKeys(before.set.keys.length));
  for (const { kind, kid, message } of changes) {
    const sign = { added: "+", removed: "-", changed: "~", replaced: "~" }[kind];
    print.line(`${sign} ${nameOf({ kid }).padEnd(11)} ${message}`);
  }
  if (print.isJson) print.json({ ok: changes.length === 0, before: before.from, after: after.from, changes });
  return changes.length === 0 ? EXIT.yes : EXIT.no;
}

function changesOf(before: readonly KeyReport[], after: readonly KeyReport[]): readonly Change[] {
  const isSameKey = (one: KeyReport) => (other: KeyReport) =>
    one.thumbprint === undefined ? one.kid === other.kid : one.thumbprint === other.thumbprint;
  const removed = before
    .filter((key) => !after.some(isSameKey(key)))
    .map((key) => change("removed", key, `${kindOf(key)} is no longer there`));
  const added = after.flatMap((key) => {
    const old = before.find(isSameKey(key));
    if (old === undefined) {
      const isReused = key.kid !== undefined && before.some(({ kid }) => kid === key.kid);
      if (isReused) return [change("replaced", key, `${kindOf(key)} is another key under the same kid`)];
      return [change("added", key, `${kindOf(key)} is new: ${key.message}`)];
    }
    const names = (["kid", "alg", "use", "usable"] as const).filter((name) => old[name] !== key[name]);
    const told = names.map((name) => `${name} was ${shown(old[name])} and is ${shown(key[name])}`);
    return names.length === 0 ? [] : [change("changed", key, told.join(", "))];
  });
  return [...removed, ...added];
}

function change(kind: Change["kind"], { kid, thumbprint }: KeyReport, message: string): Change {
  return { kind, kid, thumbprint, message };
}
