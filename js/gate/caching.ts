import { within } from "../within.js";
import type { CheckedRule } from "./rules.js";

/** One cache, for as long as it is the right one. */
export interface Shelf {
  readonly caches: CacheStorage;
  readonly name: string;
  /** For one person only: that person's cache, as it was when the request came. */
  readonly cache: Cache | undefined;
  /** Whether answers for one person only may be kept. */
  readonly personal: boolean;
  /** Whether it still belongs to whoever it was opened for. */
  current(): boolean;
  /** Whether it never will again: not while a session is only locked. */
  over(): boolean;
}

/** What a strategy works with. */
export interface Exchange {
  readonly request: Request;
  readonly shelf: Shelf;
  network(): Promise<Response>;
  /** Seconds after which a cached answer is better than a slow one. */
  readonly networkTimeout: number;
  /** Keeps the worker alive for what goes on after the answer. */
  background(work: Promise<unknown>): void;
}

/** Answers from network and cache; whether it may be answered at all was decided before. */
export const STRATEGIES: Record<CheckedRule["strategy"], (exchange: Exchange) => Promise<Response>> = {
  async "network-first"(exchange) {
    const arriving = fetched(exchange);
    const response = await within(arriving, exchange.networkTimeout);
    if (response !== undefined && !UNREACHABLE.includes(response.status)) return response;
    const found = await cached(exchange);
    if (found === undefined) return arriving;
    exchange.background(arriving);
    return found;
  },
  async "cache-first"(exchange) {
    return (await cached(exchange)) ?? fetched(exchange);
  },
  async "stale-while-revalidate"(exchange) {
    const found = await cached(exchange);
    const arriving = fetched(exchange);
    if (found === undefined) return arriving;
    exchange.background(arriving);
    return found;
  },
};

/** A gateway's word that the server behind it is not there. */
const UNREACHABLE: readonly number[] = [502, 503, 504];

/** The server's word that this is no longer to be seen: then it is not to be seen offline either. */
const WITHDRAWN: readonly number[] = [403, 404, 410];

/** Whether a cache may know anything about a request. */
export function isCacheable(request: Request): boolean {
  return request.method === "GET" && !request.headers.has("range");
}

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE"];

export function isSafe({ method }: Request): boolean {
  return SAFE.includes(method);
}

/** What a request has changed is not to be seen as it was (RFC 9111 section 4.4). */
export async function invalidate(shelf: Shelf, request: Request, { status, type }: Response): Promise<void> {
  const hasChanged = (status >= 200 && status < 400) || type === "opaqueredirect";
  // An answer that is there must not be lost for a cache that refuses.
  if (hasChanged) await remove(shelf, request).catch(() => {});
}

/** Whether an answer may be kept (RFC 9111 section 3; for a shared cache also section 3.5). */
export function isStorable(request: Request, response: Response, personal: boolean): boolean {
  const { ok, status, type, redirected, headers } = response;
  const directives = (headers.get("cache-control") ?? "").toLowerCase().split(",");
  const says = (...names: string[]) => directives.some((one) => names.includes((one.split("=")[0] ?? "").trim()));
  const vary = (headers.get("vary") ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  // "default": made by the app itself, for example from another cache. A redirected one is another page's answer.
  const readable = type === "basic" || type === "cors" || type === "default";
  if (!isCacheable(request) || !ok || status === 206 || !readable || redirected) return false;
  if (says("no-store") || vary.includes("*")) return false;
  if (personal) return true;
  const authorized = request.headers.has("authorization") && !says("public", "s-maxage", "must-revalidate");
  return !authorized && !says("private") && !vary.includes("cookie") && !vary.includes("authorization");
}

/**
 * The request as a key. Without `Authorization`: that header has another token every few minutes, and `Vary:
 * Authorization` says nothing in a cache of one person.
 */
export function cacheKey(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete("authorization");
  return new Request(request.url, { headers });
}

async function cached({ request, shelf }: Exchange): Promise<Response | undefined> {
  try {
    const { caches, name, personal } = shelf;
    const key = cacheKey(request);
    // Opening would make a cache anew that sign-out has deleted; workerd knows only opening.
    return await (personal ? caches.match(key, { cacheName: name }) : (await caches.open(name)).match(key));
  } catch {
    // A cache that cannot be read is an empty one.
    return undefined;
  }
}

async function fetched(exchange: Exchange): Promise<Response> {
  const { request, shelf, background } = exchange;
  const response = await exchange.network();
  if (isStorable(request, response, shelf.personal)) background(store(shelf, request, response.clone()));
  else if (WITHDRAWN.includes(response.status)) background(remove(shelf, request));
  return response;
}

/** What began for one person must not arrive in a cache of nobody: looked at before and after. */
async function store(shelf: Shelf, request: Request, response: Response): Promise<void> {
  if (!shelf.current()) return;
  const cache = shelf.cache ?? (await shelf.caches.open(shelf.name));
  try {
    await cache.put(cacheKey(request), response);
  } finally {
    if (shelf.over()) await shelf.caches.delete(shelf.name);
  }
}

/** In all its variants: the one that was asked for now may not be the one that is kept. */
async function remove(shelf: Shelf, request: Request): Promise<void> {
  const cache = shelf.cache ?? (await shelf.caches.open(shelf.name));
  await cache.delete(cacheKey(request), { ignoreVary: true });
}
