import { ConfigError } from "../errors.js";
import { bounded, readBody } from "../http/client.js";
import { isUserCache } from "../platform/user-caches.js";
import { letGo } from "./copying.js";
import type { Fields } from "./decide.js";
import type { CheckedRule } from "./rules.js";
import { here } from "./scope.js";
import type { GateDecision } from "./types.js";

/** What the answer to a denied request is made with. */
export interface DenialTools {
  readonly caches: CacheStorage | undefined;
  readonly sharedCache: string;
  /** What the header says: the challenge, if any. */
  readonly fields: Fields;
  /**
   * At the edge: asks for a page what is behind the gate, since the address that a request names may be anybody's. In a
   * service worker a page is fetched from the worker's own origin.
   */
  readonly askForPage: ((page: Request) => Promise<Response>) | undefined;
}

/** Of a page at the edge: bytes, and seconds until all of them are there. */
const MAX_PAGE_BYTES = 1024 * 1024;
const PAGE_TIMEOUT = 5;

/** RFC 6750 section 3.1; RFC 9470 section 3: another authentication is asked for as the first one is. All else: 403. */
const STATUS: { readonly [refused: string]: number } = {
  no_access: 401,
  step_up: 401,
  invalid_request: 400,
  unavailable: 503,
};

/** RFC 9110 section 15. */
const TITLES: { readonly [status: number]: string } = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  503: "Service Unavailable",
};

/** The answer to a request whose URL is refused. `origin` stands before the path that a client is sent to, if it is known. */
export function refusedUrlResponse(decision: GateDecision, origin = ""): Response {
  const { refused, detail, location }: GateDecision = Object.assign(Object.create(null), decision);
  if (location !== undefined) {
    return uncached(new Response(null, { status: 308, headers: { location: origin + location } }));
  }
  const [status, title] = refused === "misdirected_request" ? [421, "Misdirected Request"] : [400, "Bad Request"];
  return uncached(json({ title, status, refused, detail }, status, "application/problem+json"));
}

/** The answer to a request that is denied; never one that any cache keeps. */
export async function deniedResponse(
  { otherwise }: CheckedRule,
  decision: GateDecision,
  request: Request,
  tools: DenialTools,
): Promise<Response> {
  const fitting = STATUS[decision.refused ?? "no_access"] ?? 403;
  const challenged = (response: Response) =>
    uncached(response, [401, 403, fitting].includes(response.status) ? tools.fields : {});
  if (typeof otherwise === "function") {
    const made: unknown = await otherwise(decision, request);
    if (made instanceof Response) return challenged(made);
    throw new ConfigError("invalid_option", 'a function "otherwise" should give a Response', "otherwise");
  }
  const page = otherwise?.page;
  // Neither of these is about who asks.
  const status = fitting < 401 || fitting > 403 ? fitting : (otherwise?.status ?? fitting);
  if (page !== undefined && isNavigation(request)) {
    const shown = (await findPage(page, request, tools)) ?? plainPage();
    return challenged(new Response(shown.body, { status, headers: shown.headers }));
  }
  // A status of the page's own, such as 200, would tell a script that all is well.
  const plain = status === 200 ? fitting : status;
  const body = otherwise?.body;
  if (body === undefined) {
    return challenged(json(problem(decision, plain), plain, "application/problem+json"));
  }
  const type = body.isJson ? "application/json" : "text/plain; charset=utf-8";
  return challenged(new Response(body.text, { status: plain, headers: { "content-type": type } }));
}

/** Whether it is for a page that a person looks at. Where requests have no mode (edge): whether it accepts HTML. */
function isNavigation({ mode, headers }: Request): boolean {
  return mode === "navigate" || (here() === undefined && /\btext\/html\b/.test(headers.get("accept") ?? ""));
}

/** Where the pages of the rules' `otherwise` are, each once. */
export function pageUrls(rules: readonly CheckedRule[]): ReadonlySet<string> {
  const pages = rules.flatMap(({ otherwise }) =>
    typeof otherwise === "object" && otherwise.page !== undefined ? otherwise.page : [],
  );
  const base = here()?.href;
  return new Set(base === undefined ? [] : pages.map((page) => new URL(page, base).href));
}

async function findPage(page: string, request: Request, tools: DenialTools): Promise<Response | undefined> {
  const { askForPage } = tools;
  if (askForPage !== undefined) return fromBehind(new URL(page, request.url), askForPage).catch(() => undefined);
  // From the gate's own cache, any other cache that is no person's, or the network.
  const url = new URL(page, request.url).href;
  const found = await cachedPage(url, tools).catch(() => undefined);
  if (found?.ok) return found;
  const fetched = await fetch(url).catch(() => undefined);
  return fetched?.ok ? fetched : undefined;
}

/** A page that is all there, from behind the gate; `undefined` for a redirect or an error. Rejects for what is too long. */
function fromBehind(url: URL, ask: (page: Request) => Promise<Response>): Promise<Response | undefined> {
  const tooLong = () => new Error("the page is too long, or too slow");
  return bounded({ timeout: PAGE_TIMEOUT, late: tooLong }, async (signal) => {
    const response = await ask(new Request(url, { headers: { accept: "text/html" }, signal }));
    if (response.ok) {
      return new Response(await readBody(response, MAX_PAGE_BYTES, tooLong, signal), { headers: response.headers });
    }
    letGo(response);
    return undefined;
  });
}

async function cachedPage(url: string, { caches, sharedCache }: DenialTools): Promise<Response | undefined> {
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
  return { title: TITLES[status], status, refused, access, reason, until };
}

function json(value: object, status: number, type: string): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": type } });
}

function uncached(response: Response, fields: Fields = {}): Response {
  const { status, statusText } = response;
  // Status 0: a network error (Response.error()), which has no headers.
  if (status < 200) return response;
  const headers = new Headers(response.headers);
  headers.set("cache-control", "no-store");
  // The body was decoded when it was first read.
  headers.delete("content-encoding");
  headers.delete("content-length");
  for (const [name, value] of Object.entries(fields)) if (!headers.has(name)) headers.set(name, value);
  return new Response(response.body, { status, statusText, headers });
}
