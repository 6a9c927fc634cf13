import { KeyStoreError } from "../errors.js";
import { bounded, inBrowsers, isLoopback, isPrivate, isSafe, networkCause, readBody } from "../http/client.js";

/** How one request is made, and where it ends. */
export interface FetchLimits {
  readonly fetch: typeof fetch;
  /** In seconds, from the request to the last byte of the answer. */
  readonly timeout: number;
  readonly maxBytes: number;
}

/** A complete answer; `text` is empty unless the status is 200. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What `isLoopback` lets through, for messages. */
export const HTTP_ONLY_FOR = "http is only for this device: localhost, *.localhost, 127.0.0.0/8, [::1]";

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 5;

/** Gets a text by https (or from loopback, if that is where the app is told to look), or throws a KeyStoreError. */
export async function fetchText(url: URL, headers: Record<string, string>, limits: FetchLimits): Promise<Answer> {
  const late = () => new KeyStoreError("timeout", `${url.origin} did not answer within ${limits.timeout} s`);
  // Without a condition of ours the browser's cache makes one; it must not answer by itself.
  const cache = "If-None-Match" in headers ? "no-store" : "no-cache";
  const browsers = originHere() === undefined ? {} : inBrowsers(cache);
  try {
    return await bounded({ timeout: limits.timeout, late }, (signal) =>
      follow(url, { headers, signal, ...browsers }, limits),
    );
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause;
    // Such as a permission that Deno was not given.
    const code = cause instanceof Error ? networkCause(cause) : undefined;
    const why = cause instanceof Error ? `: ${cause.message}${code === undefined ? "" : ` (${code})`}` : "";
    throw new KeyStoreError("unreachable", `${url.origin} could not be reached${why}`, {}, { cause });
  }
}

/** Whether `If-None-Match` may be sent: browsers ask another origin first whether it may, and many providers say no. */
export function mayAskConditionally(url: URL): boolean {
  const here = originHere();
  return here === undefined || here === url.origin;
}

/**
 * Throws unless the address is https, or http to this device (where `loopback`). Returns the URL.
 */
export function allowedUrl(url: URL, loopback: boolean): URL {
  if (isSafe(url, loopback)) return url;
  const problem = isPrivate(url, loopback) ? "holds a password" : "is not https";
  const exception = url.protocol === "http:" && loopback && !isLoopback(url) ? ` (${HTTP_ONLY_FOR})` : "";
  throw new KeyStoreError(
    "insecure_url",
    `${url.protocol}//${url.host}${url.pathname} ${problem}; keys are not taken from there${exception}`,
  );
}

async function follow(start: URL, init: RequestInit, limits: FetchLimits): Promise<Answer> {
  const { fetch } = limits;
  const allowed = (url: URL) => allowedUrl(url, isLoopback(start));
  let url = start;
  for (let hops = 0; ; hops += 1) {
    let response = await fetch(url.href, { ...init, redirect: "manual" });
    // A browser does not say where to: it has to follow, and then says where it came to.
    if (response.type === "opaqueredirect") response = await fetch(url.href, { ...init, redirect: "follow" });
    if (response.url) allowed(new URL(response.url));
    const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
    if (location === null) return read(response, limits.maxBytes);
    if (hops === MAX_REDIRECTS) {
      const facts = { status: response.status };
      throw new KeyStoreError("http_status", `${start.origin} redirects more than ${MAX_REDIRECTS} times`, facts);
    }
    url = allowed(redirectedTo(location, url, response.status));
  }
}

/** Where a redirect leads. What is no address cannot be reached; the error has the status, since an answer did come. */
function redirectedTo(location: string, from: URL, status: number): URL {
  try {
    return new URL(location, from);
  } catch (cause) {
    throw new KeyStoreError("unreachable", `${from.origin} redirects to no address`, { status }, { cause });
  }
}

async function read(response: Response, maxBytes: number): Promise<Answer> {
  const { status, headers } = response;
  if (status !== 200) return { status, headers, text: "" };
  const tooLarge = () => new KeyStoreError("too_large", `the answer has more than ${maxBytes} bytes`);
  const bytes = await readBody(response, maxBytes, tooLarge);
  try {
    return { status, headers, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new KeyStoreError("invalid_set", "the answer is not UTF-8 text", {}, { cause });
  }
}

/** Of a page or worker; a sandboxed one has an address like any other, and the origin `null`. */
function originHere(): string | undefined {
  const { location, origin } = globalThis as { location?: { origin?: string }; origin?: string };
  return location === undefined ? undefined : (origin ?? location.origin);
}
