import { cachesHere, readUserKey, userKey } from "../platform/user-caches.js";
import { isReusable, isStorable, storedAs } from "./caching.js";
import { copying, letGo } from "./copying.js";
import type { Handler } from "./handler.js";
import { forThisTime, isFirstHand, isLostRedirect, pastHttpCache } from "./http-cache.js";
import { canonicalRequest, lookUp } from "./lookup.js";
import type { Settings } from "./options.js";
import { ranged } from "./range.js";
import { type CheckedRule, checkRules } from "./rules.js";
import { isAuthorized } from "./shelf.js";
import type { GateDecision } from "./types.js";

/** What Workbox hands from one callback of a handling to the next. */
interface State {
  begun?: { readonly sessionId: string | undefined; readonly denied: boolean };
  refusal?: Response;
  /** What Workbox has fetched, as it was before the HTTP cache was passed by. */
  fetched?: Request;
  cached?: Response;
  /** Fetched in place of what navigation preload has brought. */
  again?: Promise<Response>;
}

interface WithState {
  event?: { readonly preloadResponse?: Promise<Response | undefined> };
  state?: State;
}

/** A plugin for `workbox-strategies`, to be given to a strategy as one of its `plugins`. */
export interface WorkboxPlugin {
  handlerWillStart(parameters: { request: Request } & WithState): Promise<void>;
  requestWillFetch(parameters: { request: Request } & WithState): Promise<Request>;
  fetchDidSucceed(parameters: { request: Request; response: Response } & WithState): Promise<Response>;
  cacheKeyWillBeUsed(parameters: { request: Request; mode: string } & WithState): Promise<Request>;
  cacheWillUpdate(parameters: { request: Request; response: Response } & WithState): Promise<Response | null>;
  cacheDidUpdate(parameters: { cacheName: string; request: Request } & WithState): Promise<void>;
  cachedResponseWillBeUsed(
    parameters: { request: Request; cachedResponse?: Response | undefined } & WithState,
  ): Promise<Response | null>;
  handlerDidError(parameters: { request: Request } & WithState): Promise<Response | undefined>;
  handlerWillRespond(parameters: { request: Request; response: Response } & WithState): Promise<Response>;
}

/** One request, and what is decided about it. */
interface Inquiry {
  /** With its canonical URL: the only one that strategies, caches and the network see. */
  readonly request: Request;
  readonly rule: CheckedRule;
  decide(): GateDecision;
  /** The same, once it is sure who is signed in. */
  decided(): Promise<GateDecision>;
  refuse(): Promise<Response>;
}

export function workboxPlugin(settings: Settings, handler: Handler): WorkboxPlugin {
  const { name, maxEntryBytes } = settings;
  const { user } = settings.decider;
  const caches = cachesHere();
  const sessionId = () => user?.sessionId;
  const ask = (request: Request) => inquire(settings, handler, request);
  const isPersonal = ({ rule: { needs, cache } }: Inquiry) => needs !== null && cache !== "shared";

  const begin = async (request: Request, state: State) => {
    if (state.begun !== undefined) return state.begun;
    const tell = handler.observe();
    const decision = await (await ask(request)).decided();
    tell(decision);
    const { allowed } = decision;
    state.begun ??= { sessionId: sessionId(), denied: !allowed };
    return state.begun;
  };

  /** Navigation preload comes past `requestWillFetch`, perhaps from the HTTP cache with what the last person was given. */
  const trusted = async (inquiry: Inquiry, response: Response, { event, state = {} }: WithState): Promise<Response> => {
    const { request, rule } = inquiry;
    const isPreloaded = state.fetched === undefined && (await event?.preloadResponse) !== undefined;
    if (!isPreloaded || rule.needs === null || isFirstHand(response)) return response;
    letGo(response);
    state.again ??= fetch(pastHttpCache(request));
    return (await state.again).clone();
  };

  return {
    async handlerWillStart({ request, state = {} }) {
      await begin(request, state);
    },

    async requestWillFetch({ request, state = {} }) {
      const { denied } = await begin(request, state);
      if (denied) throw new Error("the gate denies this request");
      const { request: canonical, rule } = await ask(request);
      state.fetched = canonical;
      return rule.needs === null ? canonical : pastHttpCache(canonical);
    },

    fetchDidSucceed({ request, response, state: { fetched } = {} }) {
      const isLost = fetched !== undefined && isLostRedirect(fetched, request, response);
      return isLost ? fetch(fetched) : Promise.resolve(response);
    },

    async cacheKeyWillBeUsed({ request, state = {} }) {
      const begun = await begin(request, state);
      const inquiry = await ask(request);
      if (!isPersonal(inquiry)) return inquiry.request;
      const url = userKey(name, begun.sessionId ?? NOBODY, inquiry.request.url);
      const headers = new Headers(request.headers);
      headers.delete("authorization");
      return new Request(url, { headers });
    },

    async cacheWillUpdate({ request, response: arrived, event, state = {} }) {
      const { denied, sessionId: atFirst } = await begin(request, state);
      const inquiry = await ask(request);
      const { allowed } = await inquiry.decided();
      const personal = isPersonal(inquiry);
      const isTheirs = () => !personal || (atFirst !== undefined && atFirst === sessionId());
      const response = await trusted(inquiry, arrived, { ...(event && { event }), state });
      // Workbox gives a clone, which goes on reading until it is told that nobody wants it.
      const giveUp = (unwanted: Response) => {
        letGo(unwanted);
        return null;
      };
      const shelf = { personal, authorized: isAuthorized(settings, request) };
      const isWanted = allowed && !denied && isTheirs() && isStorable(request, response, shelf);
      if (!isWanted) return giveUp(response);
      const copy = copying(response, maxEntryBytes, request.signal);
      const body = await copy.whole;
      return body === undefined || !isTheirs() ? giveUp(copy.response) : storedAs(response, body);
    },

    // What began for one person must not have arrived for nobody.
    async cacheDidUpdate({ cacheName, request }) {
      const key = readUserKey(request.url);
      if (key?.name !== name) return;
      const original = new Request(key.url, { headers: request.headers });
      await (await ask(original)).decided();
      if (user !== undefined && !user.isOver(key.sessionId)) return;
      await (await caches?.open(cacheName))?.delete(request, { ignoreVary: true });
    },

    // Here the request is the key, as cacheKeyWillBeUsed made it.
    async cachedResponseWillBeUsed({ request, cachedResponse, state = {} }) {
      await begin(request, state);
      if (!cachedResponse) return null;
      const key = readUserKey(request.url);
      if (key !== undefined && (key.name !== name || key.sessionId !== sessionId())) return null;
      const original = key === undefined ? request : new Request(key.url, { headers: request.headers });
      const inquiry = await ask(original);
      if (key === undefined && isPersonal(inquiry)) return null;
      const { allowed } = await inquiry.decided();
      if (!allowed || (key !== undefined && key.sessionId !== sessionId())) return null;
      if (inquiry.rule.cache === "shared" && !isReusable(cachedResponse)) return null;
      state.cached = await ranged(request, cachedResponse);
      return state.cached;
    },

    async handlerDidError({ request, state = {} }) {
      const { denied } = await begin(request, state);
      const inquiry = await ask(request);
      if (!denied && inquiry.decide().allowed) return undefined;
      state.refusal = await inquiry.refuse();
      return state.refusal;
    },

    // What came past the other callbacks, for example by navigation preload.
    async handlerWillRespond({ request, response, event, state = {} }) {
      const { denied } = await begin(request, state);
      if (response === state.refusal) return response;
      const inquiry = await ask(request);
      if (denied) return inquiry.refuse();
      if (inquiry.rule.needs === null) return response;
      const handling = { ...(event && { event }), state };
      return forThisTime(response === state.cached ? response : await trusted(inquiry, response, handling));
    },
  };
}

/** What the rules say about a request; about one without a rule, that people must be signed in. */
async function inquire(settings: Settings, handler: Handler, given: Request): Promise<Inquiry> {
  const looked = lookUp(settings, given);
  if (looked?.refusal !== undefined) {
    const { refusal } = looked;
    const refuse = async () => handler.refuse(looked);
    return { request: given, rule: SIGNED_IN, decide: () => refusal, decided: async () => refusal, refuse };
  }
  const rule = looked?.rule ?? SIGNED_IN;
  const request = looked === undefined ? given : await canonicalRequest(given, looked);
  const decide = () => settings.decider.decide(rule, request);
  return {
    request,
    rule,
    decide,
    decided: () => handler.decide(rule, request),
    refuse: () => handler.deny(rule, decide(), request),
  };
}

const [SIGNED_IN] = checkRules([{ match: () => true, cache: "user" }]) as [CheckedRule];

/** A key under which nothing is ever kept. */
const NOBODY = "nobody";
