/** Who answers an allowed request where the app gives no function for that. */
import { ConfigError } from "../errors.js";
import { letGo } from "./copying.js";
import { isFirstHand } from "./http-cache.js";
import type { Settings } from "./options.js";
import type { CheckedRule } from "./rules.js";
import type { FetchEventLike, Next } from "./types.js";

/** What the browser began to fetch while the worker started (navigation preload), or a fetch. */
export function fromNetwork(event: FetchEventLike, { needs }: CheckedRule): Next {
  let preloaded = event.preloadResponse;
  return async (request) => {
    // What was fetched of another spelling is not what was judged.
    const pending = request.url === event.request.url ? preloaded : undefined;
    preloaded = undefined;
    const begun = await pending;
    if (begun === undefined) return fetch(request);
    if (needs === null || isFirstHand(begun)) return begun;
    letGo(begun);
    return fetch(request);
  };
}

/** Whoever asked is told of a redirect: where it leads, the app has not named. */
export function fromOrigin({ origins }: Settings): Next {
  return (request) => {
    // Rebuilt, since Deno does not fetch the very request that its server was given.
    if (origins !== undefined) return fetch(new Request(request.url, request), { redirect: "manual" });
    const message = 'at the edge, "handle" needs a function that answers, or createGate the option "origin"';
    throw new ConfigError("missing_option", `${message}: nothing is fetched from where a request says`, "origin");
  };
}
