import { KeyStoreError } from "../errors.js";
import { issuerOf, otherIssuer } from "../metadata.js";
import {
  type AuthorizationServer,
  allowInsecureRequests,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from "../providers/oauth4webapi.js";
import { type Answer, allowedUrl, type FetchLimits, fetchText, isLoopback, mayAskConditionally } from "./fetch.js";

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

/** A provider may ask for peace, but not for ever. In seconds. */
const LONGEST_RETRY = 86_400;

/** Fetches the key set, conditionally if it is known; `now` dates a `Retry-After`. */
export async function fetchKeys(
  source: KeySource,
  known: Known | undefined,
  limits: FetchLimits,
  now: number,
): Promise<Fetched> {
  const url =
    source.jwksUri === undefined ? await discover(source.issuer as string, limits, now) : new URL(source.jwksUri);
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

/** The provider's `jwks_uri`. Metadata of OpenID Connect first, then those of OAuth 2.0 alone. */
async function discover(issuer: string, limits: FetchLimits, now: number): Promise<URL> {
  const identifier = new URL(issuer);
  const request = async (algorithm: "oidc" | "oauth2") => {
    const response = await discoveryRequest(identifier, {
      algorithm,
      [allowInsecureRequests]: isLoopback(identifier),
      [customFetch]: async (address) => {
        const url = new URL(address);
        const { text } = requireOk(await fetchText(url, { Accept: "application/json" }, limits), url, now);
        // The library compares as URLs; the specifications say: character by character.
        const named = issuerIn(text);
        if (named !== undefined && named !== issuer) {
          throw new KeyStoreError("issuer_mismatch", otherIssuer(named, issuer));
        }
        return new Response(text, { headers: { "Content-Type": "application/json" } });
      },
    });
    return processDiscoveryResponse(identifier, response).catch((cause: unknown) => {
      throw new KeyStoreError("invalid_set", `what ${issuer} answered is not its metadata`, {}, { cause });
    });
  };
  const metadata = await request("oidc").catch((error: unknown) => {
    if (error instanceof KeyStoreError && error.status === 404) return request("oauth2");
    throw error;
  });
  return allowedUrl(keySetOf(metadata, issuer), isLoopback(identifier));
}

function keySetOf(metadata: AuthorizationServer, issuer: string): URL {
  try {
    return new URL((Object.hasOwn(metadata, "jwks_uri") && metadata.jwks_uri) as string);
  } catch (cause) {
    throw new KeyStoreError("invalid_set", `the metadata of ${issuer} name no key set (jwks_uri)`, {}, { cause });
  }
}

function issuerIn(text: string): string | undefined {
  try {
    return issuerOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function requireOk(answer: Answer, url: URL, now: number): Answer {
  const { status, headers } = answer;
  if (status === 200) return answer;
  const retryAfter = retryDelay(headers.get("retry-after"), now);
  const facts = retryAfter === undefined ? { status } : { status, retryAt: now + Math.min(retryAfter, LONGEST_RETRY) };
  throw new KeyStoreError("http_status", `${url.origin}${url.pathname} answered with status ${status}`, facts);
}

/** `Retry-After`, in seconds from now (RFC 9110 section 10.2.3). */
function retryDelay(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const date = dateOf(header);
  return date === undefined ? undefined : Math.max(0, date - now);
}

/** An HTTP date in Unix seconds. */
function dateOf(header: string | null): number | undefined {
  const time = header === null ? Number.NaN : Date.parse(header);
  return Number.isFinite(time) ? time / 1000 : undefined;
}
