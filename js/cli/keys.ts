import { ConfigError, KeyStoreError } from "../errors.js";
import { isSame, type JwkMembers, type KeySet, readBundle } from "../keys/jwks.js";
import { errorFacts } from "./errors.js";
import { hasProblems, type KeyReport, kindOf, reportOf, type SetReport, thumbprintOf } from "./key-report.js";
import { type Printer, shown } from "./printer.js";
import { address, type Keys, keysAt, keysOfIssuer } from "./sources.js";
import { EXIT, type ExitCode, type Run, UsageError } from "./types.js";

/** What verification reads of a key, and so what a bundle keeps, in this order. */
const MEMBERS = ["kid", "kty", "alg", "use", "key_ops", "crv", "x", "y", "n", "e", "pub"] as const;

/** `tokenward keys fetch`: an issuer's usable keys as a file to commit, which changes only when the keys do. */
export async function fetchBundle(run: Run): Promise<ExitCode> {
  const { args, print, host } = run;
  const keys = await theKeys(run);
  if (keys.fetched === undefined)
    throw new UsageError("keys fetch takes an address or --issuer; keys check takes a file");
  const report = await reportOf(keys.set);
  const usable = keys.set.keys.filter((_, place) => report.keys[place]?.usable);
  for (const { kid, message, mark, usable } of report.keys) {
    if (!usable) print.aside(mark === "problem" ? "warning" : "note", `left out: the key ${shown(kid)}: ${message}`);
  }
  for (const problem of report.problems) print.aside("warning", problem);
  if (usable.length === 0) {
    if (print.isJson) print.json({ ok: false, from: keys.from, ...report });
    return EXIT.no;
  }
  const bundled = usable.map(bundledKey).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  const provenance = {
    ...(args.text("issuer") !== undefined && { issuer: args.text("issuer") }),
    jwks_uri: keys.fetched.url,
    fetched_at: new Date(1000 * fetchTime(run)).toISOString().replace(/\.\d+Z$/, "Z"),
    ...(keys.fetched.etag !== undefined && { etag: keys.fetched.etag }),
    thumbprints: await Promise.all(bundled.map(thumbprintOf)),
  };
  const text = `${JSON.stringify({ keys: bundled, tokenward: provenance }, undefined, 2)}\n`;
  const out = args.text("out");
  if (out === undefined) {
    print.raw(text);
    return EXIT.yes;
  }
  const old = await bundleAt(run, out);
  const isUnchanged = old !== undefined && isSame(old, { text, keys: bundled });
  if (!isUnchanged) await writeBundle(run, out, text);
  print.mark("ok", isUnchanged ? `${out} has these keys already: left as it is` : `${out} written`);
  printKeys(print, await reportOf({ text, keys: bundled }));
  if (print.isJson) print.json({ ok: true, out, changed: !isUnchanged, ...provenance, keys: bundled.length });
  return EXIT.yes;

  async function writeBundle({ args }: Run, path: string, content: string): Promise<void> {
    try {
      await host.writeText(path, content);
    } catch (error) {
      throw new UsageError(`${args.text("out")} cannot be written: ${(error as { code?: string }).code}`);
    }
  }
}

/** `SOURCE_DATE_EPOCH` is what reproducible builds set instead of the clock. */
function fetchTime({ host }: Run): number {
  const given = host.env["SOURCE_DATE_EPOCH"];
  return given !== undefined && /^\d{1,12}$/.test(given) ? Number(given) : host.now();
}

function bundledKey(key: JwkMembers): JwkMembers {
  const members = MEMBERS.map((name) => [name, key[name]] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined && value !== null));
}

async function bundleAt({ host }: Run, path: string): Promise<KeySet | undefined> {
  try {
    return readBundle(await host.readText(path));
  } catch {
    return undefined;
  }
}

/** `tokenward keys check`: whether each key of a set can serve, and why not. */
export async function checkKeys(run: Run): Promise<ExitCode> {
  const { print } = run;
  let keys: Keys;
  try {
    keys = await theKeys(run);
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

export function printKeys(print: Printer, { keys, problems }: SetReport): void {
  for (const key of keys) {
    const thumbprint = key.thumbprint === undefined ? "" : `  ${key.thumbprint}`;
    print.mark(key.mark, `${kindOf(key).padEnd(13)} ${key.message}${thumbprint}`, nameOf(key), "  ");
  }
  for (const problem of problems) print.mark("problem", problem, "", "  ");
}

function nameOf({ kid }: Pick<KeyReport, "kid">): string {
  return kid === undefined ? "(no kid)" : shown(kid);
}

interface Change {
  readonly kind: "added" | "removed" | "changed" | "replaced";
  readonly kid?: string | undefined;
  readonly thumbprint?: string | undefined;
  readonly message: string;
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
  if (changes.length === 0) print.mark("ok", `the same ${before.set.keys.length} keys`);
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
    .map((key) => change("removed", key, `${kindOf(key)} is not there any more`));
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

/** The set of a command: a file or an address as its argument, or that of an issuer. */
function theKeys(run: Run): Promise<Keys> {
  const { args } = run;
  const [where] = args.positionals;
  const issuer = args.text("issuer");
  if (where !== undefined && issuer === undefined) return keysAt(run, where);
  if (where === undefined && issuer !== undefined) return keysOfIssuer(run, address(issuer));
  throw new UsageError("say which keys: one file or address, or --issuer");
}
