import { isStorable } from "./caching.js";
import type { GateDecision } from "./judge.js";
import { readUserKey, userKey } from "./purge.js";
import type { CheckedRule } from "./rules.js";

/** What Workbox hands from one callback of a handling to the next. */
interface State {
  begun?: { readonly sessionId: string | undefined; readonly denied: boolean };
  refusal?: Response;
}

interface WithState {
  state?: State;
}

/** A plugin for `workbox-strategies`, to be given to a strategy as one of its `plugins`. */
export interface WorkboxPlugin {
  handlerWillStart(parameters: { request: Request } & WithState): Promise<void>;
  requestWillFetch(parameters: { request: Request } & WithState): Promise<Request>;
  cacheKeyWillBeUsed(parameters: { request: Request; mode: string } & WithState): Promise<Request>;
  cacheWillUpdate(parameters: { request: Request; response: Response } & WithState): Promise<Response | null>;
  cacheDidUpdate(parameters: { cacheName: string; request: Request } & WithState): Promise<void>;
  cachedResponseWillBeUsed(
    parameters: { request: Request; cachedResponse?: Response | undefined } & WithState,
  ): Promise<Response | null>;
  handlerDidError(parameters: { request: Request } & WithState): Promise<Response | undefined>;
  handlerWillRespond(parameters: { request: Request; response: Response } & WithState): Promise<Response>;
}

/** The parts of a gate that its plugin uses. */
export interface PluginTools {
  readonly name: string;
  readonly caches: CacheStorage | undefined;
  readonly sessionId: () => string | undefined;
  readonly isOver: (sessionId: string) => boolean;
  /** The rule for a request; for one without a rule, the rule that people must be signed in. */
  ruleFor(request: Request): CheckedRule;
  decide(rule: CheckedRule, request: Request): GateDecision;
  /** The same, once it is sure who is signed in. */
  decided(rule: CheckedRule, request: Request): Promise<GateDecision>;
  refuse(rule: CheckedRule, decision: GateDecision, request: Request): Promise<Response>;
}

export function workboxPlugin(tools: PluginTools): WorkboxPlugin {
  const { name, sessionId } = tools;
  const decide = (request: Request) => tools.decide(tools.ruleFor(request), request);
  const isPersonal = (request: Request) => {
    const { needs, cache } = tools.ruleFor(request);
    return needs !== null && cache !== "shared";
  };

  const begin = async (request: Request, state: State) => {
    if (state.begun !== undefined) return state.begun;
    const { allowed } = await tools.decided(tools.ruleFor(request), request);
    state.begun ??= { sessionId: sessionId(), denied: !allowed };
    return state.begun;
  };

  const refusalOf = (request: Request): Promise<Response> => {
    const rule = tools.ruleFor(request);
    return tools.refuse(rule, tools.decide(rule, request), request);
  };

  return {
    async handlerWillStart({ request, state = {} }) {
      await begin(request, state);
    },

    async requestWillFetch({ request, state = {} }) {
      const { denied } = await begin(request, state);
      if (denied) throw new Error("the gate denies this request");
      return request;
    },

    async cacheKeyWillBeUsed({ request, state = {} }) {
      const begun = await begin(request, state);
      if (!isPersonal(request)) return request;
      const url = userKey(name, begun.sessionId ?? NOBODY, request.url);
      const headers = new Headers(request.headers);
      headers.delete("authorization");
      return new Request(url, { headers });
    },

    async cacheWillUpdate({ request, response, state = {} }) {
      const { denied, sessionId: atFirst } = await begin(request, state);
      const { allowed } = await tools.decided(tools.ruleFor(request), request);
      const personal = isPersonal(request);
      if (personal && (atFirst === undefined || atFirst !== sessionId())) return null;
      return allowed && !denied && isStorable(request, response, personal) ? response : null;
    },

    // What began for one person must not have arrived for nobody.
    async cacheDidUpdate({ cacheName, request }) {
      const key = readUserKey(request.url);
      if (key?.name !== name) return;
      const original = new Request(key.url, { headers: request.headers });
      await tools.decided(tools.ruleFor(original), original);
      if (!tools.isOver(key.sessionId)) return;
      await (await tools.caches?.open(cacheName))?.delete(request, { ignoreVary: true });
    },

    // Here the request is the key, as cacheKeyWillBeUsed made it.
    async cachedResponseWillBeUsed({ request, cachedResponse, state = {} }) {
      await begin(request, state);
      if (!cachedResponse) return null;
      const key = readUserKey(request.url);
      if (key !== undefined && (key.name !== name || key.sessionId !== sessionId())) return null;
      const original = key === undefined ? request : new Request(key.url, { headers: request.headers });
      if (key === undefined && isPersonal(original)) return null;
      const { allowed } = await tools.decided(tools.ruleFor(original), original);
      return allowed && (key === undefined || key.sessionId === sessionId()) ? cachedResponse : null;
    },

    async handlerDidError({ request, state = {} }) {
      const { denied } = await begin(request, state);
      if (!denied && decide(request).allowed) return undefined;
      state.refusal = await refusalOf(request);
      return state.refusal;
    },

    // What came past the other callbacks, for example by navigation preload.
    async handlerWillRespond({ request, response, state = {} }) {
      const { denied } = await begin(request, state);
      return denied && response !== state.refusal ? refusalOf(request) : response;
    },
  };
}

/** A key under which nothing is ever kept. */
const NOBODY = "nobody";
