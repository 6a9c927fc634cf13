import { within } from "../within.js";
import { cacheControl, dateToStore, isForFreshUseOnly, isStale, lifetime } from "./cache-control.js";
import { copying, letGo } from "./copying.js";
import { ranged } from "./range.js";
import type { CheckedRule } from "./rules.js";
import type { Shelf } from "./shelf.js";

// An implementation of RFC 9111 of our own, since `http-cache-semantics` needs a record of its own beside each answer, for
// which the Cache API has no place; the tests compare the two.

/** What keeps a cache from filling the disk. */
export interface Limits {
  /** Entries of one cache; beyond, the one that was stored first goes. */
  readonly maxEntries: number;
  /** Bytes of an answer's body. */
  readonly maxEntryBytes: number;
  /** Pages that stay. */
  isPinned(url: string): boolean;
  /** How many entries the caches have at most, by name, as far as this worker has counted. */
  readonly counts: Map<string, number>;
}

/** What a strategy works with. */
export interface Exchange {
  readonly request: Request;
  readonly shelf: Shelf;
  readonly limits: Limits;
  network(): Promise<Response>;
  /** Seconds after which a cached answer is better than a slow one. */
  readonly networkTimeout: number;
  /** Keeps the worker alive for what goes on after the answer. */
  background(work: Promise<unknown>): void;
}

/** Answers from network and cache; whether it may be answered at all was decided before. */
export const STRATEGIES: Record<CheckedRule["strategy"], (exchange: Exchange) => Promise<Response>> = {
  "network-first": networkFirst,
  async "cache-first"(exchange) {
    const found = await cached(exchange);
    return found?.isFresh ? found.response : networkFirst(exchange);
  },
  async "stale-while-revalidate"(exchange) {
    const found = await cached(exchange);
    if (found === undefined) return (await fetched(exchange)).response;
    // A part that is fetched is not kept.
    if (!exchange.request.headers.has("range")) exchange.background(forNobody(fetched(exchange)));
    return found.response;
  },
};

async function networkFirst(exchange: Exchange): Promise<Response> {
  const arriving = fetched(exchange);
  const arrival = await within(arriving, exchange.networkTimeout);
  if (arrival !== undefined && !UNREACHABLE.includes(arrival.response.status)) return arrival.response;
  const found = await cached(exchange);
  if (found === undefined) return (await arriving).response;
  exchange.background(forNobody(arriving));
  return found.response;
}

/** A gateway's word that the server behind it is not there. */
const UNREACHABLE: readonly number[] = [502, 503, 504];

/** The server's word that this is no longer to be seen: then it is not to be seen offline either. */
const WITHDRAWN: readonly number[] = [403, 404, 410];

/** Whether a cache may know anything about a request. */
export function isCacheable({ method }: Request): boolean {
  return method === "GET";
}

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE"];

export function isSafe({ method }: Request): boolean {
  return SAFE.includes(method);
}

/** What a request has changed is not to be seen as it was (RFC 9111 section 4.4). */
export async function invalidate(shelf: Shelf, request: Request, { status, type }: Response): Promise<void> {
  // Of an opaque answer nobody can say.
  const hasChanged = (status >= 200 && status < 400) || type.startsWith("opaque");
  // An answer that is there must not be lost for a cache that refuses.
  if (hasChanged) await remove(shelf, request).catch(() => {});
}

/** Whether an answer may be kept (RFC 9111 section 3; for a shared cache also section 3.5). */
export function isStorable(
  request: Request,
  response: Response,
  shelf: Pick<Shelf, "personal" | "authorized">,
): boolean {
  if (!isCacheable(request) || request.headers.has("range") || cacheControl(request).has("no-store")) return false;
  if (!isFinished(response) || cacheControl(response).has("no-store") || varies(response, "*")) return false;
  return shelf.personal || isForAll(response, shelf.authorized);
}

/** Final answers with a document that has an end: no event stream, no stream of pictures, no part. */
function isFinished({ status, type, redirected, headers }: Response): boolean {
  // "default": made by the app itself, for example from another cache. A redirected one is another page's answer.
  const isReadable = type === "basic" || type === "cors" || type === "default";
  const hasNoEnd = /^\s*(?:text\/event-stream|multipart\/)/i.test(headers.get("content-type") ?? "");
  return FINAL.includes(status) && isReadable && !redirected && !hasNoEnd && !headers.has("content-range");
}

const FINAL: readonly number[] = [200, 203, 204];

/** Whether a shared cache may keep an answer, and give it to others. */
function isForAll(response: Response, authorized: boolean): boolean {
  const directives = cacheControl(response);
  const { headers } = response;
  // Fields that `private` and `no-cache` name are not cut out of an answer: all of it counts.
  if (directives.has("private") || directives.has("no-cache") || headers.has("set-cookie")) return false;
  if (!headers.has("cache-control") && /\bno-cache\b/i.test(headers.get("pragma") ?? "")) return false;
  if (varies(response, "cookie", "authorization")) return false;
  if (isForFreshUseOnly(directives) && (lifetime(response) ?? 0) === 0) return false;
  return !authorized || ["public", "s-maxage", "must-revalidate"].some((name) => directives.has(name));
}

/** Whether a shared cache may give an answer that it has (RFC 9111 section 4). */
export function isReusable(response: Response): boolean {
  return isForAll(response, false) && !(isStale(response) && isForFreshUseOnly(cacheControl(response)));
}

function varies({ headers }: Response, ...names: string[]): boolean {
  const vary = (headers.get("vary") ?? "").toLowerCase().split(",");
  return vary.some((name) => names.includes(name.trim()));
}

/** An answer as a cache keeps it. */
export function storedAs({ status, statusText, headers }: Response, body: Blob | null): Response {
  const kept = new Headers(headers);
  kept.delete("set-cookie");
  dateToStore(kept);
  // The body was decoded when it was read.
  if (kept.has("content-encoding")) kept.delete("content-length");
  return new Response(body, { status, statusText, headers: kept });
}

/**
 * The request as a key. Without `Authorization`: that header has another token every few minutes, and `Vary:
 * Authorization` says nothing in a cache of one person; nor does `Vary: Cookie`. A part is taken from the whole.
 */
export function cacheKey(request: Request): Request {
  const headers = new Headers(request.headers);
  for (const name of ["authorization", "cookie", "range", "if-range"]) headers.delete(name);
  return new Request(request.url, { headers });
}

/** What is in the cache, and whether it may be given without asking the network. */
interface Found {
  readonly response: Response;
  readonly isFresh: boolean;
}

async function cached({ request, shelf }: Exchange): Promise<Found | undefined> {
  try {
    const { caches, name, personal } = shelf;
    const key = cacheKey(request);
    // Opening would recreate a cache that sign-out has deleted; workerd knows only opening.
    const found = await (personal ? caches.match(key, { cacheName: name }) : (await caches.open(name)).match(key));
    if (found === undefined || !(personal || isReusable(found))) return undefined;
    // A person's own cache is for where there is no network, whatever the answers' ages.
    const isFresh = personal || !isStale(found);
    return { response: await ranged(request, found), isFresh };
  } catch {
    // A cache that cannot be read is an empty one.
    return undefined;
  }
}

/** What the network answers, and the end of what was to be done with it. */
interface Arrival {
  readonly response: Response;
  readonly kept: Promise<unknown>;
}

async function fetched(exchange: Exchange): Promise<Arrival> {
  const { request, shelf, limits, background } = exchange;
  const response = await exchange.network();
  if (!isStorable(request, response, shelf)) {
    const kept = WITHDRAWN.includes(response.status) ? remove(shelf, request) : Promise.resolve();
    background(kept);
    return { response, kept };
  }
  const { response: passed, whole } = copying(response, limits.maxEntryBytes, request.signal);
  const kept = whole.then((body) => (body === undefined ? undefined : store(exchange, storedAs(response, body))));
  background(kept);
  return { response: passed, kept };
}

/** Seconds that an answer has which only the cache wants: whoever asked has another one, and nobody would end it. */
const ALONE = 60;

/** Nobody reads an answer that only the cache wanted. What has not ended in time is not kept. */
async function forNobody(arriving: Promise<Arrival>): Promise<void> {
  const kept = arriving.then((arrival) => arrival.kept);
  await within(kept, ALONE);
  // One that has not begun either: as soon as it does.
  arriving.then(({ response }) => letGo(response)).catch(() => {});
}

/** What began for one person must not arrive in a cache of nobody: looked at before and after. */
async function store({ request, shelf, limits }: Exchange, response: Response): Promise<void> {
  if (!shelf.current()) return;
  const cache = shelf.cache ?? (await shelf.caches.open(shelf.name));
  try {
    await cache.put(cacheKey(request), response);
    await makeRoom(cache, shelf.name, limits);
  } finally {
    if (shelf.over()) await shelf.caches.delete(shelf.name);
  }
}

/**
 * Deletes what was stored first: a cache lists its keys in the order in which they were put. (WebKit: first put.) Listing 500
 * takes some 50 ms, so it is done only where there may be too many, and then makes room for more than one.
 */
async function makeRoom(cache: Cache, name: string, { maxEntries, isPinned, counts }: Limits): Promise<void> {
  const count = (counts.get(name) ?? maxEntries) + 1;
  counts.set(name, count);
  if (count <= maxEntries) return;
  // workerd has no list, and makes room by itself.
  const keys = (await cache.keys?.()) ?? [];
  const isFull = keys.length > maxEntries;
  const tooMany = isFull ? keys.length - maxEntries + Math.floor(maxEntries / 10) : 0;
  const first = keys.filter(({ url }) => !isPinned(url)).slice(0, tooMany);
  await Promise.all(first.map((key) => cache.delete(key)));
  counts.set(name, keys.length - first.length);
}

/** In all its variants: the one that was asked for now may not be the one that is kept. */
async function remove(shelf: Shelf, request: Request): Promise<void> {
  const cache = shelf.cache ?? (await shelf.caches.open(shelf.name));
  await cache.delete(cacheKey(request), { ignoreVary: true });
}
