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
  /** What the rules say about a request; about one without a rule, that people must be signed in. */
  ask(request: Request): Promise<Inquiry>;
}

/** One request, and what is decided about it. */
export interface Inquiry {
  /** With its canonical URL: the only one that strategies, caches and the network see. */
  readonly request: Request;
  readonly rule: CheckedRule;
  decide(): GateDecision;
  /** The same, once it is sure who is signed in. */
  decided(): Promise<GateDecision>;
  refuse(): Promise<Response>;
}

export function workboxPlugin(tools: PluginTools): WorkboxPlugin {
  const { name, sessionId, ask } = tools;
  const isPersonal = ({ rule: { needs, cache } }: Inquiry) => needs !== null && cache !== "shared";

  const begin = async (request: Request, state: State) => {
    if (state.begun !== undefined) return state.begun;
    const { allowed } = await (await ask(request)).decided();
    state.begun ??= { sessionId: sessionId(), denied: !allowed };
    return state.begun;
  };

  return {
    async handlerWillStart({ request, state = {} }) {
      await begin(request, state);
    },

    async requestWillFetch({ request, state = {} }) {
      const { denied } = await begin(request, state);
      if (denied) throw new Error("the gate denies this request");
      return (await ask(request)).request;
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

    async cacheWillUpdate({ request, response, state = {} }) {
      const { denied, sessionId: atFirst } = await begin(request, state);
      const inquiry = await ask(request);
      const { allowed } = await inquiry.decided();
      const personal = isPersonal(inquiry);
      if (personal && (atFirst === undefined || atFirst !== sessionId())) return null;
      return allowed && !denied && isStorable(request, response, personal) ? response : null;
    },

    // What began for one person must not have arrived for nobody.
    async cacheDidUpdate({ cacheName, request }) {
      const key = readUserKey(request.url);
      if (key?.name !== name) return;
      const original = new Request(key.url, { headers: request.headers });
      await (await ask(original)).decided();
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
      const inquiry = await ask(original);
      if (key === undefined && isPersonal(inquiry)) return null;
      const { allowed } = await inquiry.decided();
      return allowed && (key === undefined || key.sessionId === sessionId()) ? cachedResponse : null;
    },

    async handlerDidError({ request, state = {} }) {
      const { denied } = await begin(request, state);
      const inquiry = await ask(request);
      if (!denied && inquiry.decide().allowed) return undefined;
      state.refusal = await inquiry.refuse();
      return state.refusal;
    },

    // What came past the other callbacks, for example by navigation preload.
    async handlerWillRespond({ request, response, state = {} }) {
      const { denied } = await begin(request, state);
      return denied && response !== state.refusal ? (await ask(request)).refuse() : response;
    },
  };
}

/** A key under which nothing is ever kept. */
const NOBODY = "nobody";
