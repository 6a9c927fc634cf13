import { KeyStoreError } from "../errors.js";
import { dateOf, isLoopback, LONGEST_RETRY, retryDelay } from "../http/client.js";
import { discover } from "../http/discovery.js";
import type { AuthorizationServer } from "../providers/oauth4webapi.js";
import { type Answer, allowedUrl, type FetchLimits, fetchText, mayAskConditionally } from "./fetch.js";

/** Where fresher keys come from. */
export interface KeySource {
  readonly issuer: string | undefined;
  readonly jwksUri: string | undefined;
}

/** What is known of the set that was fetched last. */
export interface Known {
  readonly url: string;
  readonly etag?: string | undefined;
}

/** The provider's answer; `text` is `undefined` where it confirmed the known set by a 304. */
export interface Fetched extends Known {
  readonly text: string | undefined;
  /** The `Date` of the answer, in Unix seconds. */
  readonly serverTime: number | undefined;
}

/** Fetches the key set, conditionally if it is known; `now` dates a `Retry-After`. */
export async function fetchKeys(
  source: KeySource,
  known: Known | undefined,
  limits: FetchLimits,
  now: number,
): Promise<Fetched> {
  const url =
    source.jwksUri === undefined ? await keySetAt(source.issuer as string, limits, now) : new URL(source.jwksUri);
  const headers: Record<string, string> = { Accept: "application/jwk-set+json, application/json" };
  const condition = known?.url === url.href && mayAskConditionally(url) ? known.etag : undefined;
  if (condition !== undefined) headers["If-None-Match"] = condition;
  const answer = await fetchText(url, headers, limits);
  const serverTime = dateOf(answer.headers.get("date"));
  if (answer.status === 304 && condition !== undefined) {
    return { url: url.href, etag: condition, text: undefined, serverTime };
  }
  const { text, headers: answered } = requireOk(answer, url, now);
  return { url: url.href, etag: answered.get("etag") ?? undefined, text, serverTime };
}

/** The provider's `jwks_uri`. */
async function keySetAt(issuer: string, limits: FetchLimits, now: number): Promise<URL> {
  const metadata = await fetchMetadata(issuer, limits, now);
  return allowedUrl(keySetOf(metadata, issuer), isLoopback(new URL(issuer)));
}

/** What an issuer publishes about itself. */
export function fetchMetadata(issuer: string, limits: FetchLimits, now: number): Promise<AuthorizationServer> {
  const missing: string[] = [];
  return discover(issuer, {
    get: async (url) => {
      const answer = await fetchText(url, { Accept: "application/json" }, limits);
      if (answer.status === 404) missing.push(withoutQuery(url));
      const [first, second] = missing;
      const who = second === undefined ? undefined : `${second}, as ${first} before,`;
      return requireOk(answer, url, now, who).text;
    },
    isMissing: (error) => error instanceof KeyStoreError && error.status === 404,
    otherIssuer: (message) => new KeyStoreError("issuer_mismatch", message),
    invalid: (message, cause) => new KeyStoreError("invalid_set", message, {}, { cause }),
  });
}

function keySetOf(metadata: AuthorizationServer, issuer: string): URL {
  try {
    return new URL((Object.hasOwn(metadata, "jwks_uri") && metadata.jwks_uri) as string);
  } catch (cause) {
    throw new KeyStoreError("invalid_set", `the metadata of ${issuer} name no key set (jwks_uri)`, {}, { cause });
  }
}

function withoutQuery({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** `who` is what messages call the address. */
function requireOk(answer: Answer, url: URL, now: number, who = withoutQuery(url)): Answer {
  const { status, headers } = answer;
  if (status === 200) return answer;
  const retryAfter = retryDelay(headers.get("retry-after"), now);
  const facts = retryAfter === undefined ? { status } : { status, retryAt: now + Math.min(retryAfter, LONGEST_RETRY) };
  throw new KeyStoreError("http_status", `${who} answered with status ${status}`, facts);
}
