/** An issuer's keys at build time: fetched and checked, or from the committed bundle when the issuer cannot be reached. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, KeyStoreError } from "../errors.js";
import {
  bundledKeys,
  dateOfFetch,
  FUTURE_TOLERANCE,
  fetchTime,
  type Provenance,
  provenanceIn,
} from "../keys/bundle.js";
import { isSecret, type JwkMembers, type KeySet, readBundle, withoutSecrets } from "../keys/jwks.js";
import { fetchPublished, MAX_BYTES, readStrictly } from "../keys/published.js";
import { kindOf, nameOf, reportOf } from "../keys/report.js";
import { plainLines, shown } from "../shown.js";
import type { Source } from "./options.js";

/** What a build imports of an issuer. */
export interface BuiltKeys {
  readonly keys: readonly JwkMembers[];
  /** When the issuer said so, in Unix seconds. */
  readonly fetchedAt: number | undefined;
  /** What the developer should know. */
  readonly warnings: readonly string[];
}

export interface Surroundings {
  readonly root: string;
  readonly env: { readonly [name: string]: string | undefined };
  readonly fetch: typeof fetch;
  /** Unix seconds. */
  now(): number;
}

/** The keys of a source; an error's message says what is wrong and what to do. */
export async function buildKeys(source: Source, around: Surroundings): Promise<BuiltKeys> {
  const limits = { fetch: around.fetch, timeout: source.timeout, maxBytes: MAX_BYTES };
  try {
    const { set, fetched } = await fetchPublished(source, limits, around.now());
    const checked = await checkKeys(set, fetched.url);
    return { ...checked, fetchedAt: fetchTime(around.env, around.now()) };
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
    if (!isOffline(error)) throw failure(`the keys of ${source.label} cannot be used: ${error.message}`, error);
    return fromBundle(source, error, around);
  }
}

/** Whether the issuer gave no answer at all, or said that it has none just now. Another answer is not to be papered over. */
function isOffline({ code, status }: KeyStoreError): boolean {
  if (status === undefined) return code === "unreachable" || code === "timeout";
  return code === "http_status" && (status === 429 || status >= 500);
}

async function fromBundle(source: Source, why: KeyStoreError, around: Surroundings): Promise<BuiltKeys> {
  const path = source.bundled;
  if (path === undefined) {
    const remedy = `name a committed bundle in the option "bundled"; ${howToMake(source, "jwks.json")} makes one`;
    throw failure(`${why.message}; to build without a network, ${remedy}`, why);
  }
  let text: string;
  try {
    text = await readFile(resolve(around.root, path), "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code ?? "it is no file";
    throw failure(
      `${why.message}, and the bundle ${path} cannot be read (${code}): make it by ${howToMake(source, path)}`,
      why,
    );
  }
  const set = readFrom(path, text);
  const provenance = provenanceIn(text);
  const fetchedAt = dateOfFetch(provenance);
  if (fetchedAt === undefined) {
    const reason = `${why.message}, and ${path} does not say when its keys were fetched (tokenward.fetched_at)`;
    throw failure(`${reason}: nobody knows how old they are. Make it by ${howToMake(source, path)}`, why);
  }
  const other = whoseElse(source, provenance);
  if (other !== undefined) {
    const remedy = `make it by ${howToMake(source, path)} --renew`;
    throw failure(`${path} has the keys of ${other}, not those of ${source.label}: ${remedy} (${why.message})`, why);
  }
  const age = around.now() - fetchedAt;
  if (age < -FUTURE_TOLERANCE) {
    const future = `${shown(provenance.fetched_at)}, which is still to come by this machine's clock`;
    const reason = `${why.message}, and ${path} says that its keys were fetched at ${future}: nobody knows how old they are`;
    throw failure(`${reason}. Set the clock, or make the file by ${howToMake(source, path)} --renew`, why);
  }
  if (age > source.maxAge) {
    const limit = `${source.maxAge} s (${days(source.maxAge)}), the option "maxAge"`;
    const reason = `the keys in ${path} are ${days(age)} old, more than ${limit}, and there are no fresher ones`;
    throw failure(
      `${reason}: ${why.message}. Build with a network, or renew the file by ${howToMake(source, path)} --renew`,
      why,
    );
  }
  const { keys, warnings } = await checkKeys(set, path);
  const warning = `${why.message}: built with the keys in ${path}, which are ${days(Math.max(0, age))} old`;
  return { keys, fetchedAt, warnings: [warning, ...warnings] };
}

/**
 * Whose keys a bundle has by its own word, if not those of the source: whatever the source names, the bundle must name too,
 * and where it names both, both must fit. Of a source with both, keys are fetched from `jwksUri`.
 */
function whoseElse(source: Source, { issuer, jwks_uri }: Partial<Provenance>): string | undefined {
  const address = source.jwksUri === undefined ? undefined : new URL(source.jwksUri).href;
  if (address !== undefined && jwks_uri !== address) return jwks_uri === undefined ? "no address" : shown(jwks_uri);
  if (source.issuer === undefined || issuer === source.issuer) return undefined;
  if (issuer !== undefined) return shown(issuer);
  if (address !== undefined) return undefined;
  return jwks_uri === undefined ? "no issuer" : `${shown(jwks_uri)}, of no issuer`;
}

function readFrom(path: string, text: string): KeySet {
  try {
    return readStrictly(readBundle(text, "this bundle of keys"));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw failure(`${path}: ${error.message}`, error);
  }
}

/** The keys that can verify tokens. A private or weak one fails the build; what is for something else is left out. */
async function checkKeys(set: KeySet, from: string): Promise<Pick<BuiltKeys, "keys" | "warnings">> {
  const report = await reportOf(set);
  const innocent = withoutSecrets(set).keys;
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [place, key] of report.keys.entries()) {
    const members = set.keys[place] as JwkMembers;
    const said = `the key ${nameOf(key)} (${kindOf(key)}): ${key.message}`;
    if (isSecret(members) || !innocent.includes(members)) problems.push(said);
    else if (key.mark === "problem" && isKnownKind(members)) problems.push(said);
    else if (key.mark === "problem") warnings.push(`${from}: left out: ${said}`);
  }
  if (problems.length > 0) {
    const advice = "The issuer should withdraw it; until then, no build should trust this set";
    throw failure(`${from} has a key that must not be used:\n  ${problems.join("\n  ")}\n${advice}`);
  }
  if (report.usable === 0) throw failure(`${from} has no key that can verify a token`);
  warnings.push(...report.problems.map((problem) => `${from}: ${problem}`));
  return { keys: bundledKeys(set, report), warnings };
}

const CURVES: readonly unknown[] = ["P-256", "P-384", "P-521", "Ed25519"];

/** Of a kind that is supported: unusable only because it is weak or invalid. */
function isKnownKind({ kty, crv, alg }: JwkMembers): boolean {
  const isOurs = alg === undefined || alg === null || /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/.test(String(alg));
  return kty === "AKP" || (isOurs && (kty === "RSA" || CURVES.includes(crv)));
}

function howToMake({ issuer, jwksUri }: Source, path: string): string {
  return `npx tokenward keys fetch ${jwksUri ?? `--issuer ${issuer}`} --out ${path}`;
}

function days(age: number): string {
  if (age < 3600) return `${Math.floor(age / 60)} minutes`;
  return age < 172_800 ? `${Math.floor(age / 3600)} hours` : `${Math.floor(age / 86_400)} days`;
}

function failure(message: string, cause?: unknown): Error {
  return new Error(plainLines(`tokenward: ${message}`), { cause });
}
