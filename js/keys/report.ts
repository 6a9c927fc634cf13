/** What there is to say about a key set, for `npx tokenward` and for builds. */
import { ConfigError } from "../errors.js";
import { createVerifier } from "../ml-dsa.js";
import { shown } from "../shown.js";
import { thumbprint } from "../thumbprint.js";
import { isForSignatures, isSecret, type JwkMembers, type KeySet, withoutSecrets } from "./jwks.js";
import { READING_KEY } from "./published.js";

export interface KeyReport {
  readonly kid?: string | undefined;
  readonly kty: unknown;
  readonly crv?: unknown;
  readonly alg?: unknown;
  readonly use?: unknown;
  /** RFC 7638, by SHA-256. */
  readonly thumbprint?: string | undefined;
  /** Whether it can verify tokens. */
  readonly usable: boolean;
  readonly mark: "ok" | "note" | "problem";
  readonly message: string;
}

export interface SetReport {
  readonly keys: readonly KeyReport[];
  /** What is wrong with the set as a whole. */
  readonly problems: readonly string[];
  readonly usable: number;
}

/** Reports on each key of a set, in its order. */
export async function reportOf(set: KeySet): Promise<SetReport> {
  const keys = await Promise.all(set.keys.map((key) => reportOfKey(key, set)));
  const usable = keys.filter((key) => key.usable);
  const problems = [];
  if (usable.length === 0) problems.push("no key can verify a token");
  for (const kid of repeated(usable.map((key) => key.kid))) {
    problems.push(`several usable keys have the kid ${shown(kid)}: a token does not say which one it means`);
  }
  const nameless = usable.filter(({ kid }) => kid === undefined).length;
  if (nameless > 0 && usable.length > 1) problems.push(`${nameless} of ${usable.length} usable keys have no kid`);
  return { keys, problems, usable: usable.length };
}

export function hasProblems({ keys, problems }: SetReport): boolean {
  return problems.length > 0 || keys.some(({ mark }) => mark === "problem");
}

/** What is in a key for people: `ES256 P-256`, `RSA`. */
export function kindOf({ kty, crv, alg }: Pick<KeyReport, "kty" | "crv" | "alg">): string {
  const kinds = [alg, crv ?? kty].filter((one) => typeof one === "string");
  return kinds.length === 0 ? "of no type" : [...new Set(kinds)].map((one) => shown(one).slice(1, -1)).join(" ");
}

async function reportOfKey(key: JwkMembers, set: KeySet): Promise<KeyReport> {
  const { kid, kty, crv, alg, use } = key;
  const facts = { kid: typeof kid === "string" ? kid : undefined, kty, crv, alg, use };
  const thumbprint = await thumbprintOf(key);
  if (isSecret(key)) {
    const message = "its private half is public: whoever has read the set can sign with it";
    return { ...facts, thumbprint, usable: false, mark: "problem", message };
  }
  if (!withoutSecrets(set).keys.includes(key)) {
    const message = "the private half of this key stands elsewhere in the set: whoever has read it can sign with it";
    return { ...facts, thumbprint, usable: false, mark: "problem", message };
  }
  const unusable = whyUnusable(key);
  if (unusable === undefined) {
    const message = kty === "AKP" ? "usable with tokenward/ml-dsa" : "usable";
    return { ...facts, thumbprint, usable: true, mark: "ok", message };
  }
  const mark = isForSignatures(key) && SIGNING_TYPES.includes(kty as string) ? "problem" : "note";
  return { ...facts, thumbprint, usable: false, mark, message: unusable };
}

export function nameOf({ kid }: Pick<KeyReport, "kid">): string {
  return kid === undefined ? "(no kid)" : shown(kid);
}

/** Types whose keys are expected to verify tokens; others are for something else. */
const SIGNING_TYPES: readonly string[] = ["RSA", "EC", "OKP", "AKP"];

/** By the verifier's own word, for this key beside one that can serve. */
function whyUnusable(key: JwkMembers): string | undefined {
  try {
    return createVerifier({ jwks: [key, READING_KEY], issuer: null, audience: null }).keys[0]?.unusable;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

function repeated(names: readonly (string | undefined)[]): readonly string[] {
  const named = names.filter((name) => name !== undefined);
  return [...new Set(named.filter((name, place) => named.indexOf(name) !== place))];
}

/** RFC 7638; `undefined` for a type that has none here. */
export async function thumbprintOf(key: JwkMembers): Promise<string | undefined> {
  return SIGNING_TYPES.includes(key["kty"] as string) ? await thumbprint(key) : undefined;
}
