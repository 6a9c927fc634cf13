import { bundledKeys, fetchTime, type Provenance, provenanceIn } from "../keys/bundle.js";
import { isSame, type KeySet, readBundle } from "../keys/jwks.js";
import { reportOf, type SetReport, thumbprintOf } from "../keys/report.js";
import { shown } from "../shown.js";
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
  const text = `${JSON.stringify({ keys, tokenward: provenance }, undefined, 2)}\n`;
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

/** Leaves a file alone that has the same keys from the same place. */
async function save({ print, host }: Run, path: string, bundle: KeySet, provenance: Provenance): Promise<void> {
  const isThere = await hasBundle(host, path, bundle, provenance);
  if (!isThere) {
    try {
      await host.writeText(path, bundle.text);
    } catch (error) {
      throw new UsageError(`${path} cannot be written: ${(error as { code?: string }).code ?? "it is no file"}`);
    }
  }
  print.mark("ok", isThere ? `${path} has these keys already: left as it is` : `${path} written`);
  printKeys(print, await reportOf(bundle));
  if (print.isJson) print.json({ ok: true, out: path, changed: !isThere, ...provenance });
}

async function hasBundle(host: Host, path: string, bundle: KeySet, provenance: Provenance): Promise<boolean> {
  try {
    const text = await host.readText(path);
    const { issuer, jwks_uri } = provenanceIn(text);
    const isFromThere = issuer === provenance.issuer && jwks_uri === provenance.jwks_uri;
    return isFromThere && isSame(readBundle(text), bundle);
  } catch {
    return false;
  }
}
