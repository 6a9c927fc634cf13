import { cacheControl, lifetime } from "./cache-control.js";
import { remade } from "./copying.js";

/**
 * The same request past the browser's HTTP cache, which tells people apart as little as it tells sessions: an answer with
 * `Cache-Control: private, max-age=600` that one person was given, it gives to the next. `no-store` neither takes from it
 * nor leaves anything in it. (`reload` would replace what is there, but an answer of the last person that arrives late
 * would replace it again.)
 *
 * A rebuilt request cannot have the mode `navigate`: the server sees `Sec-Fetch-Mode: same-origin`.
 */
export function pastHttpCache(request: Request): Request {
  const { mode, method, referrer, headers } = request;
  // Where a Request knows no cache (edge), there is none.
  if (request.cache === undefined || !["GET", "HEAD"].includes(method)) return request;
  const { origin } = new URL(request.url);
  const own = typeof location === "undefined" ? origin : location.origin;
  const init: RequestInit = {
    cache: "no-store",
    // Else it is the worker's; that of another origin cannot be passed on.
    referrer: referrer.startsWith(`${own}/`) || referrer === "about:client" ? referrer : "",
    referrerPolicy: request.referrerPolicy,
  };
  // A `Range` does not outlive `no-cors` (Fetch standard, "privileged no-CORS request-header"). Where the answer leads to
  // another origin, `isLostRedirect` notices.
  if (mode === "no-cors" && headers.has("range") && origin === own) {
    return new Request(request, { ...init, mode: "same-origin", redirect: "manual" });
  }
  const copy = new Request(request, init);
  // For an app's `next`, which may have something else for a navigation that fails.
  return mode === "navigate" ? Object.defineProperty(copy, "mode", { value: mode }) : copy;
}

/** Whether an answer leads elsewhere, and who asked would have followed: only the rebuilt request did not. */
export function isLostRedirect(given: Request, copy: Request, { type }: Response): boolean {
  return type === "opaqueredirect" && given.redirect !== copy.redirect;
}

/**
 * Whether an answer that the browser got in its own way (navigation preload) cannot be one that its HTTP cache had: no cache
 * gives it again without asking the server for whoever asks now. With `Last-Modified` the server may say that nothing has
 * changed since what another person was given.
 */
export function isFirstHand(response: Response): boolean {
  const directives = cacheControl(response);
  if (directives.has("no-store")) return true;
  const hasLifetime = !directives.has("no-cache") && (lifetime(response, false) ?? 0) > 0;
  return !hasLifetime && !directives.has("stale-while-revalidate") && !response.headers.has("last-modified");
}

/**
 * An answer that the browser does not give again without asking the worker. WebKit keeps answers in front of it, too, pages
 * among them. `no-cache` and not `no-store`, with which Back would not show a page as it was left.
 */
export function forThisTime(response: Response): Response {
  const { status, type, redirected, body, headers: given } = response;
  // An unreadable response cannot be rebuilt; another page's answer would lose its address.
  if (status < 200 || status === 304 || type.startsWith("opaque") || redirected) return response;
  if (cacheControl(response).has("no-store")) return response;
  const headers = new Headers(given);
  headers.append("cache-control", "no-cache");
  return remade(response, body, headers);
}
