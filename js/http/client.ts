/** What every request of ours has in common: where it may go, when it ends, how much of an answer is read. */

/** Of `setTimeout`, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** A provider may ask for a pause, but not forever. In seconds. */
export const LONGEST_RETRY = 86_400;

/** Where one request ends, and what is thrown then. */
export interface Bounds {
  /** In seconds, from the request to the last byte of the answer. */
  readonly timeout: number;
  readonly late: () => Error;
  /** The caller's, who may give the request up. */
  readonly signal?: AbortSignal | undefined;
  readonly aborted?: (() => Error) | undefined;
}

/**
 * What the work comes to, unless its time or the caller ends it before. The two are raced, because a fetch of the app's own
 * may not listen to a signal.
 */
export async function bounded<T>(bounds: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeout, late, signal, aborted = late } = bounds;
  const stop = new AbortController();
  let end = (): void => {};
  const ended = new Promise<never>((_, reject) => {
    const abort = () => reject(aborted());
    const timer = setTimeout(() => reject(late()), Math.min(timeout * 1000, LONGEST_TIMER));
    signal?.addEventListener("abort", abort);
    end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
  });
  try {
    return await Promise.race([ended, work(stop.signal)]);
  } finally {
    end();
    // Whatever of the answer is still under way is not wanted.
    stop.abort();
  }
}

/** The body of an answer, or what `tooLarge` makes. When the signal comes first, the body is let go and nobody may use the result. */
export async function readBody(
  { body, headers }: Response,
  maxBytes: number,
  tooLarge: () => Error,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(headers.get("content-length")) > maxBytes) {
    body?.cancel().catch(() => {});
    throw tooLarge();
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks(body, signal)) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge();
    parts.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const chunk of parts) {
    bytes.set(chunk, end);
    end += chunk.length;
  }
  return bytes;
}

async function* chunks(body: Response["body"], signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  const letGo = () => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", letGo);
  try {
    while (!signal?.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", letGo);
    // Where the reading ended early.
    letGo();
  }
}

/** Why the network did not answer, by the platform's own name for it, such as `ECONNREFUSED`. */
export function networkCause(error: Error): string | undefined {
  let found: string | undefined;
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string") found = code;
  }
  return found;
}

/** Options that only browsers need, and that some edge runtimes refuse. Only browsers keep cookies. */
export function inBrowsers(cache: RequestCache): RequestInit {
  if ((globalThis as { location?: unknown }).location === undefined) return {};
  return { credentials: "omit", referrerPolicy: "no-referrer", cache };
}

/** Whether nobody can listen or answer in its place: https, or http to this device where the app itself named such an address. */
export function isPrivate(url: URL, loopback: boolean): boolean {
  return url.protocol === "https:" || (loopback && url.protocol === "http:" && isLoopback(url));
}

/** Whether an address is private, and holds no password. */
export function isSafe(url: URL, loopback: boolean): boolean {
  return isPrivate(url, loopback) && url.username === "" && url.password === "";
}

/**
 * Whether the address is this device's own: RFC 8252 section 7.3, and `localhost` with all names under it (RFC 6761 section
 * 6.3), also with the dot of a complete name. `URL` has already brought every spelling of an address to one form.
 */
export function isLoopback({ hostname }: URL): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(hostname) || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** `Retry-After`, in seconds from now (RFC 9110 section 10.2.3), however long that is. */
export function retryDelay(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const date = dateOf(header);
  return date === undefined ? undefined : Math.max(0, date - now);
}

/** An HTTP date in Unix seconds. */
export function dateOf(header: string | null): number | undefined {
  const time = header === null ? Number.NaN : Date.parse(header);
  return Number.isFinite(time) ? time / 1000 : undefined;
}
