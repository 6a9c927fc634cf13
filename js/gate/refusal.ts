import { ConfigError } from "../errors.js";
import type { GateDecision } from "./judge.js";
import { isUserCache } from "./purge.js";
import type { CheckedRule } from "./rules.js";

/** What a refusal is made with. */
export interface RefusalTools {
  readonly caches: CacheStorage | undefined;
  readonly sharedCache: string;
  readonly challenge: string | undefined;
}

/** The answer to a request that is denied; never one that any cache keeps. */
export async function refusal(
  { otherwise }: CheckedRule,
  decision: GateDecision,
  request: Request,
  tools: RefusalTools,
): Promise<Response> {
  if (typeof otherwise === "function") {
    const made: unknown = await otherwise(decision, request);
    if (made instanceof Response) return uncached(made, tools.challenge);
    throw new ConfigError("invalid_option", 'a function "otherwise" should give a Response', "otherwise");
  }
  const page = otherwise !== undefined && "page" in otherwise ? otherwise.page : undefined;
  const status = otherwise?.status ?? (decision.refused === "no_access" ? 401 : 403);
  if (page !== undefined && isNavigation(request)) {
    const shown = (await findPage(new URL(page, request.url).href, tools)) ?? plainPage();
    return uncached(new Response(shown.body, { status, headers: shown.headers }), tools.challenge);
  }
  const body = otherwise !== undefined && "body" in otherwise ? otherwise.body : undefined;
  // A status of the page's own, such as 200, would tell a script that all is well.
  const plain = status === 401 || status === 403 ? status : decision.refused === "no_access" ? 401 : 403;
  return uncached(bodied(body ?? problem(decision, plain), plain, body === undefined), tools.challenge);
}

/** Whether it is for a page that a person looks at. Where requests have no mode (edge): whether it accepts HTML. */
function isNavigation({ mode, headers }: Request): boolean {
  return mode === "navigate" || (typeof location === "undefined" && /\btext\/html\b/.test(headers.get("accept") ?? ""));
}

/** From the gate's own cache, any other cache that is no person's, or the network. */
async function findPage(url: string, tools: RefusalTools): Promise<Response | undefined> {
  const found = await cachedPage(url, tools).catch(() => undefined);
  if (found?.ok) return found;
  const fetched = await fetch(url).catch(() => undefined);
  return fetched?.ok ? fetched : undefined;
}

async function cachedPage(url: string, { caches, sharedCache }: RefusalTools): Promise<Response | undefined> {
  const own = await (await caches?.open(sharedCache))?.match(url, { ignoreVary: true });
  if (own !== undefined) return own;
  for (const cacheName of (await caches?.keys()) ?? []) {
    const found = isUserCache(cacheName) ? undefined : await caches?.match(url, { cacheName, ignoreVary: true });
    if (found !== undefined) return found;
  }
  return undefined;
}

function plainPage(): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign-in needed</title><h1>Sign-in needed</h1><p>This page is for people who are signed in.</p></html>`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
}

/** RFC 9457. */
function problem({ access, reason, refused, until }: GateDecision, status: number): object {
  return { title: status === 401 ? "Unauthorized" : "Forbidden", status, refused, access, reason, until };
}

function bodied(body: string | object, status: number, isProblem: boolean): Response {
  if (typeof body === "string") {
    return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
  }
  const type = isProblem ? "application/problem+json" : "application/json";
  return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
}

function uncached(response: Response, challenge: string | undefined): Response {
  const { status, statusText } = response;
  // Status 0: a network error (Response.error()), which has no headers.
  if (status < 200) return response;
  const headers = new Headers(response.headers);
  headers.set("cache-control", "no-store");
  // The body was decoded when it was first read.
  headers.delete("content-encoding");
  headers.delete("content-length");
  const challenged = challenge !== undefined && (status === 401 || status === 403);
  if (challenged && !headers.has("www-authenticate")) headers.set("www-authenticate", challenge);
  return new Response(response.body, { status, statusText, headers });
}
