import { readMembers } from "../check-options.js";
import { ConfigError } from "../errors.js";
import { isLoopback } from "../keys/fetch.js";
import { ProviderUnavailable, type ProviderUnavailableCode, type ProviderUnavailableFacts } from "./errors.js";
import type { TokenSet } from "./types.js";

/** A complete answer. Redirects are answers: a token is never sent anywhere else than where it belongs. */
export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  /** Whether it says that it is JSON: only then an error counts. */
  readonly isJson: boolean;
  /** Whether it is a page for somebody to read. Some servers call an empty answer HTML, too. */
  readonly isPage: boolean;
  /** Empty where there is nothing to learn from it. */
  readonly text: string;
  /** The `Date` of the answer in Unix seconds, where it may be read (CORS: `Access-Control-Expose-Headers`). */
  readonly serverTime: number | undefined;
  /** In seconds. */
  readonly retryAfter: number | undefined;
}

/** How one request is made, and where it ends. */
export interface Exchange {
  readonly fetch: typeof fetch;
  /** In seconds, from the request to the last byte of the answer. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether the request carries a token. */
  readonly sends: boolean;
}

/** Tokens with many claims are some kilobytes. */
const MAX_BYTES = 262_144;
/** A provider may ask for peace, but not for ever. In seconds. */
const LONGEST_RETRY = 86_400;
/** Of `setTimeout`, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** How the caller of a provider gives it up. */
export interface Signalled {
  readonly signal?: AbortSignal;
}

/** What some code of the page has put on every object there is, is neither a signal nor a token. */
export function readSignal(options: Signalled): Signalled {
  return readMembers(options, ["signal"]);
}

export function readTokens(tokens: TokenSet): Partial<TokenSet> {
  return readMembers(tokens, ["access_token", "refresh_token"]);
}

/** Makes a request and reads its answer, or throws a {@link ProviderUnavailable}. */
export async function exchange(url: string, init: RequestInit, how: Exchange): Promise<Answer> {
  const { fetch, timeout, signal, sends } = how;
  const { origin } = new URL(url);
  const stop = new AbortController();
  const unavailable = (code: ProviderUnavailableCode, message: string, options?: ErrorOptions) =>
    new ProviderUnavailable(code, message, { sent: sends }, options);
  if (signal?.aborted) throw notAsked(origin);
  let end = (): void => {};
  // Raced, because a fetch of the app's own may not listen to a signal.
  const ended = new Promise<never>((_, reject) => {
    const late = () => reject(unavailable("timeout", `${origin} did not answer in time`));
    const aborted = () => reject(unavailable("aborted", `${origin} was given up before it answered`));
    const timer = setTimeout(late, Math.min(timeout * 1000, LONGEST_TIMER));
    signal?.addEventListener("abort", aborted);
    end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
  });
  try {
    const request = fetch(url, { ...init, redirect: "manual", signal: stop.signal, ...inBrowsers() });
    return await Promise.race([ended, request.then((response) => read(response, origin, sends))]);
  } catch (cause) {
    if (cause instanceof ProviderUnavailable) throw cause;
    throw unavailable("network", `${origin} could not be reached, or the connection broke`, { cause });
  } finally {
    end();
    // Whatever of the answer is still under way is not wanted.
    stop.abort();
  }
}

/** What `work` resolves to, or `aborted` with nothing sent; the work itself goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, origin: string): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(notAsked(origin));
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/** The JSON object of an answer, or a {@link ProviderUnavailable}. Its text is not quoted: it may hold tokens. */
export function jsonOf(answer: Answer, origin: string, sent: boolean): { readonly [member: string]: unknown } {
  const facts: ProviderUnavailableFacts = { sent, status: answer.status };
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch {
    // The engine's message quotes what it could not read.
    throw new ProviderUnavailable("not_json", `${origin} answered with something else than JSON`, facts);
  }
  // Of null or a list nothing is left that anybody asks for.
  if (typeof value === "object") return Object.assign(Object.create(null), value);
  throw new ProviderUnavailable("invalid_answer", `${origin} answered with JSON that is not an object`, facts);
}

/** For answers that have nothing to say but their status, which a captive portal's page has as well. */
export function refusePage({ status, isPage }: Answer, origin: string): void {
  if (isPage) throw new ProviderUnavailable("not_json", `${origin} answered with a page`, { sent: true, status });
}

/** An answer that says nothing about the token. */
export function badStatus({ status, retryAfter }: Answer, origin: string, sent: boolean): ProviderUnavailable {
  const what = status === 0 ? "a redirect" : `status ${status}`;
  return new ProviderUnavailable("http_status", `${origin} answered with ${what}`, { sent, status, retryAfter });
}

/** Whether tokens may be sent there: https, or http to this device where the app itself named such an address. */
export function isSafe(url: URL, loopback: boolean): boolean {
  const isPrivate = url.protocol === "https:" || (loopback && url.protocol === "http:" && isLoopback(url));
  return isPrivate && url.username === "" && url.password === "";
}

/** The address in an option, or a {@link ConfigError}. */
export function safeAddress(address: unknown, option: string, loopback = true): URL {
  try {
    const url = new URL(String(address));
    if (isSafe(url, loopback)) return url;
  } catch {
    // Said below.
  }
  const form = "an https URL (http for this device only) without a password";
  throw new ConfigError("invalid_option", `the option "${option}" should be ${form}`, option);
}

function notAsked(origin: string): ProviderUnavailable {
  return new ProviderUnavailable("aborted", `${origin} was not asked, because it was given up before`, { sent: false });
}

async function read(response: Response, origin: string, sent: boolean): Promise<Answer> {
  const { status, ok, headers } = response;
  const serverTime = dateOf(headers.get("date"));
  const retryAfter = retryDelay(headers.get("retry-after"), serverTime);
  const type = headers.get("content-type") ?? "";
  const isJson = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
  // What says that it went well is read whatever it says it is: a one-time token may be used up for it.
  const text = isJson || status === 200 ? await readText(response, origin, sent) : "";
  const isPage = /^text\/html\s*(?:;|$)/i.test(type) && text.trim() !== "";
  return { status, ok, isJson, isPage, text, serverTime, retryAfter };
}

async function readText({ body, headers, status }: Response, origin: string, sent: boolean): Promise<string> {
  const tooLarge = () => {
    const message = `${origin} answered with more than ${MAX_BYTES} bytes`;
    return new ProviderUnavailable("too_large", message, { sent, status });
  };
  if (Number(headers.get("content-length")) > MAX_BYTES) throw tooLarge();
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      length += value.length;
      if (length > MAX_BYTES) throw tooLarge();
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** `Retry-After`, in seconds (RFC 9110 section 10.2.3). */
function retryDelay(header: string | null, serverTime = Date.now() / 1000): number | undefined {
  if (header === null) return undefined;
  const delay = /^\d+$/.test(header) ? Number(header) : (dateOf(header) ?? Number.NaN) - serverTime;
  return Number.isFinite(delay) ? Math.min(Math.max(0, delay), LONGEST_RETRY) : undefined;
}

/** An HTTP date in Unix seconds. */
function dateOf(header: string | null): number | undefined {
  const time = header === null ? Number.NaN : Date.parse(header);
  return Number.isFinite(time) ? time / 1000 : undefined;
}

/** Only browsers keep cookies, and FusionAuth takes one in preference to what is asked; some edge runtimes refuse these. */
function inBrowsers(): RequestInit {
  if ((globalThis as { location?: unknown }).location === undefined) return {};
  return { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" };
}
