import { readMembers } from "../check-options.js";
import {
  ConfigError,
  ProviderUnavailable,
  type ProviderUnavailableCode,
  type ProviderUnavailableFacts,
} from "../errors.js";
import { bounded, dateOf, inBrowsers, isSafe, LONGEST_RETRY, readBody, retryDelay } from "../http/client.js";
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
  const unavailable = (code: ProviderUnavailableCode, message: string, options?: ErrorOptions) =>
    new ProviderUnavailable(code, message, { sent: sends }, options);
  if (signal?.aborted) throw notAsked(origin);
  const late = () => unavailable("timeout", `${origin} did not answer in time`);
  const aborted = () => unavailable("aborted", `${origin} was given up before it answered`);
  try {
    return await bounded({ timeout, late, signal, aborted }, async (stop) => {
      // FusionAuth takes a cookie in preference to what is asked.
      const asked: RequestInit = { ...init, redirect: "manual", signal: stop, ...inBrowsers("no-store") };
      return read(await fetch(url, asked), origin, sends);
    });
  } catch (cause) {
    if (cause instanceof ProviderUnavailable) throw cause;
    throw unavailable("network", `${origin} could not be reached, or the connection broke`, { cause });
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
  const delay = retryDelay(headers.get("retry-after"), serverTime ?? Date.now() / 1000);
  const retryAfter = Number.isFinite(delay) ? Math.min(delay as number, LONGEST_RETRY) : undefined;
  const type = headers.get("content-type") ?? "";
  const isJson = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
  // What says that it went well is read whatever it says it is: a one-time token may be used up for it.
  const text = isJson || status === 200 ? await readText(response, origin, sent) : "";
  const isPage = /^text\/html\s*(?:;|$)/i.test(type) && text.trim() !== "";
  return { status, ok, isJson, isPage, text, serverTime, retryAfter };
}

async function readText(response: Response, origin: string, sent: boolean): Promise<string> {
  const tooLarge = () => {
    const message = `${origin} answered with more than ${MAX_BYTES} bytes`;
    return new ProviderUnavailable("too_large", message, { sent, status: response.status });
  };
  return new TextDecoder().decode(await readBody(response, MAX_BYTES, tooLarge));
}
