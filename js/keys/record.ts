import type { KeySource } from "./source.js";

/** A fetched set as it is stored: written whole or not at all. */
export interface SetRecord {
  readonly version: 1;
  /** What the app was told to fetch from. A record of another source is not used. */
  readonly source: string;
  readonly url: string;
  readonly etag?: string | undefined;
  /** When the request that brought or confirmed it was made, in Unix seconds. */
  readonly fetchedAt: number;
  /** Greater than that of the record it replaced: in whatever order the clocks say that they were fetched. */
  readonly serial: number;
  /** A mark of the bundle it was fetched beside: with another one a refresh is due. */
  readonly bundle: string;
  readonly set: string;
  /**
   * What is left of the set in use (perhaps no key) after one that could not serve has leaked some of its keys: a refresh is
   * due.
   */
  readonly rest?: true;
}

/** The last attempt to refresh, stored apart: noting one never touches the set. */
export interface Attempt {
  /** In Unix seconds. */
  readonly at: number;
  /** When the provider wants the next one, in Unix seconds. */
  readonly retryAt?: number | undefined;
}

export function describe({ issuer = "", jwksUri = "" }: KeySource): string {
  return `${issuer} ${jwksUri}`;
}

/** Under which name the set of a source is stored. */
export function setName(source: KeySource): string {
  return `keys.${shortName(describe(source))}`;
}

/** Reads what was stored; `undefined` for what this version did not write, or not for this source. */
export function readSetRecord(text: string, source: string): SetRecord | undefined {
  const record = parse(text) as Partial<SetRecord> | undefined;
  const { version, url, etag, fetchedAt, serial, bundle, set } = record ?? {};
  const texts = [url, bundle, set, etag ?? ""].every((value) => typeof value === "string");
  const numbers = Number.isFinite(fetchedAt) && Number.isSafeInteger(serial);
  const complete = version === 1 && record?.source === source && texts && numbers;
  return complete ? (record as SetRecord) : undefined;
}

export function readAttempt(text: string | undefined): Attempt | undefined {
  const attempt = (text === undefined ? undefined : parse(text)) as Partial<Attempt> | undefined;
  const complete = Number.isFinite(attempt?.at) && Number.isFinite(attempt?.retryAt ?? 0);
  return complete ? (attempt as Attempt) : undefined;
}

/** A short name for a text: FNV-1a of 32 bits. No protection rests on it. */
export function shortName(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(36);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}
