import {
  bundledKeys,
  dateOfFetch,
  FUTURE_TOLERANCE,
  fetchTime,
  type Provenance,
  provenanceIn,
} from "../keys/bundle.js";
import { isSame, type KeySet, readBundle } from "../keys/jwks.js";
import { reportOf, type SetReport, thumbprintOf } from "../keys/report.js";
import { plainJson, shown } from "../shown.js";
import { UsageError } from "./errors.js";
import { printKeys } from "./key-report.js";
import type { Printer } from "./printer.js";
import { readKeySet } from "./sources.js";
import { EXIT, type ExitCode, type Host, type Run } from "./types.js";

/** `tokenward keys fetch`: an issuer's usable keys as a file to commit, which changes only when the keys do. */
export async function fetchBundle(run: Run): Promise<ExitCode> {
  const { args, print, host } = run;
  const { set, from, fetched } = await readKeySet(run);
  if (fetched === undefined) throw new UsageError("keys fetch takes an address or --issuer; keys check takes a file");
  const report = await reportOf(set);
  sayWhatIsLeftOut(print, report);
  if (report.usable === 0) {
    if (print.isJson) print.json({ ok: false, from, ...report });
    return EXIT.no;
  }
  const keys = bundledKeys(set, report);
  const provenance: Provenance = {
    issuer: args.text("issuer"),
    jwks_uri: fetched.url,
    fetched_at: new Date(1000 * fetchTime(host.env, host.now())).toISOString().replace(/\.\d+Z$/, "Z"),
    etag: fetched.etag,
    thumbprints: await Promise.all(keys.map(thumbprintOf)),
  };
  const text = `${plainJson({ keys, tokenward: provenance }, 2)}\n`;
  const out = args.text("out");
  if (out === undefined) print.raw(text);
  else await save(run, out, { text, keys }, provenance);
  return EXIT.yes;
}

function sayWhatIsLeftOut(print: Printer, { keys, problems }: SetReport): void {
  for (const { kid, message, mark, usable } of keys) {
    if (!usable) print.aside(mark === "problem" ? "warning" : "note", `left out: the key ${shown(kid)}: ${message}`);
  }
  for (const problem of problems) print.aside("warning", problem);
}

/** Leaves a file alone that has the same keys from the same place, unless its date is to be renewed. */
async function save({ args, print, host }: Run, path: string, bundle: KeySet, provenance: Provenance): Promise<void> {
  const before = args.flag("renew") ? undefined : await dateOfSame(host, path, bundle, provenance);
  if (before === undefined) {
    try {
      await host.writeText(path, bundle.text);
    } catch (error) {
      throw new UsageError(
        `${path} cannot be written: ${(error as { code?: string }).code ?? "it is no regular file"}`,
      );
    }
  }
  const same = `${path} has these keys already: left as it is (fetched_at ${before}; --renew sets it to now)`;
  print.mark("ok", before === undefined ? `${path} written` : same);
  printKeys(print, await reportOf(bundle));
  const changed = before === undefined;
  if (print.isJson)
    print.json({ ok: true, out: path, changed, ...provenance, fetched_at: before ?? provenance.fetched_at });
}

/** When a file that has the same keys from the same place was fetched; `undefined` for a file that must be rewritten. */
async function dateOfSame(
  host: Host,
  path: string,
  bundle: KeySet,
  { issuer, jwks_uri, fetched_at }: Provenance,
): Promise<string | undefined> {
  try {
    const text = await host.readText(path);
    const before = provenanceIn(text);
    const isFromThere = before.issuer === issuer && before.jwks_uri === jwks_uri;
    if (!isFromThere || !isSame(readBundle(text), bundle)) return undefined;
    // A build takes no file without a date, or with one that is still to come.
    const latest = Math.max(host.now(), Date.parse(fetched_at) / 1000) + FUTURE_TOLERANCE;
    const date = dateOfFetch(before);
    return date !== undefined && date <= latest ? before.fetched_at : undefined;
  } catch {
    return undefined;
  }
}
