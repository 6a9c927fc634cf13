/** A bundle: an issuer's usable keys as a file to commit, as `npx tokenward keys fetch` writes it. */
import type { JwkMembers, KeySet } from "./jwks.js";
import type { SetReport } from "./report.js";

/** What verification reads of a key, and so what a bundle keeps, in this order. */
const MEMBERS = ["kid", "kty", "alg", "use", "key_ops", "crv", "x", "y", "n", "e", "pub"] as const;

/** Where a bundle is from: its member `tokenward`, which readers of key sets ignore (RFC 7517 section 5). */
export interface Provenance {
  readonly issuer?: string | undefined;
  readonly jwks_uri: string;
  /** In UTC, as ISO 8601. */
  readonly fetched_at: string;
  readonly etag?: string | undefined;
  readonly thumbprints: readonly (string | undefined)[];
}

/** The usable keys of a set, in an order of their own, so that the bundle changes only when the keys do. */
export function bundledKeys({ keys }: KeySet, report: SetReport): readonly JwkMembers[] {
  const usable = keys.filter((_, place) => report.keys[place]?.usable).map(bundledKey);
  return usable.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

function bundledKey(key: JwkMembers): JwkMembers {
  const members = MEMBERS.map((name) => [name, key[name]] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined && value !== null));
}

/** What the text of a bundle says of where it is from: nothing that anybody has checked. */
export function provenanceIn(text: string): Partial<Provenance> {
  try {
    const { tokenward } = JSON.parse(text) as { tokenward?: unknown };
    return typeof tokenward === "object" && tokenward !== null ? tokenward : {};
  } catch {
    return {};
  }
}

/** How far the clocks of who fetched and who reads may differ, in seconds. A later date than that says nothing of the age. */
export const FUTURE_TOLERANCE = 300;

/** When a bundle says that it was fetched, in Unix seconds; `undefined` where it does not say. */
export function dateOfFetch({ fetched_at }: Partial<Provenance>): number | undefined {
  const date = typeof fetched_at === "string" ? Date.parse(fetched_at) / 1000 : Number.NaN;
  return Number.isFinite(date) ? date : undefined;
}

/** Now, in Unix seconds: `SOURCE_DATE_EPOCH` is what reproducible builds set instead of the clock. */
export function fetchTime(env: { readonly [name: string]: string | undefined }, now: number): number {
  const given = env["SOURCE_DATE_EPOCH"];
  return given !== undefined && /^\d{1,11}$/.test(given) ? Number(given) : now;
}
