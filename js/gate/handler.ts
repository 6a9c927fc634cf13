import { cachesHere } from "../platform/user-caches.js";
import { cacheKey, invalidate, isCacheable, isSafe, type Limits, STRATEGIES } from "./caching.js";
import { letGo } from "./copying.js";
import { type Decider, type GoesOn, open } from "./decide.js";
import { deniedResponse, pageUrls, refusedUrlResponse } from "./denied-response.js";
import { forThisTime, isLostRedirect, pastHttpCache } from "./http-cache.js";
import { canonicalRequest, lookUp, type RefusedLook } from "./lookup.js";
import { fromNetwork, fromOrigin } from "./network.js";
import { observing, type Tell } from "./observation.js";
import type { Settings } from "./options.js";
import { metadataResponse } from "./resource.js";
import type { CheckedRule } from "./rules.js";
import { type Shelf, sharedCacheName, shelfFor } from "./shelf.js";
import type { Admission, FetchEventLike, GateDecision, GateRequest, Next } from "./types.js";

/** A request that a rule is about, in canonical form, and who answers it if it is allowed. */
interface Handling {
  readonly rule: CheckedRule;
  readonly request: Request;
  readonly event: FetchEventLike;
  readonly next: Next;
  readonly tell: Tell;
}

/** How an allowed request goes on, past the browser's HTTP cache where that could have another person's answer. */
interface Passage {
  /** What is behind the gate answers. */
  onwards(): Promise<Response>;
  /** That answer as the browser gets it. */
  given(response: Response): Response;
}

/** Answers requests: decides, asks what is behind the gate or its caches, and looks again before the answer is given. */
export class Handler {
  readonly #settings: Settings;
  readonly #decider: Decider;
  readonly #limits: Limits;

  constructor(settings: Settings) {
    const { rules, decider, maxEntries, maxEntryBytes } = settings;
    this.#settings = settings;
    this.#decider = decider;
    this.#limits = { maxEntries, maxEntryBytes, isPinned: (url) => pageUrls(rules).has(url), counts: new Map() };
  }

  /** The answer; `undefined`, at once, if no rule is about the request. */
  handle(event: FetchEventLike, next?: Next): Promise<Response> | undefined {
    try {
      const tell = this.observe();
      const looked = lookUp(this.#settings, event.request);
      if (looked?.refusal !== undefined) {
        tell(looked.refusal, goesOnAfter(event));
        return Promise.resolve(this.refuse(looked));
      }
      const metadata = looked?.isMetadata ? this.#metadata(event.request) : undefined;
      if (metadata !== undefined) {
        tell(open(undefined), goesOnAfter(event));
        return Promise.resolve(metadata);
      }
      if (looked?.rule === undefined) return undefined;
      const { rule } = looked;
      const answering = next ?? (this.#settings.isAtEdge ? fromOrigin(this.#settings) : fromNetwork(event, rule));
      return canonicalRequest(event.request, looked).then((request) =>
        this.#answer({ rule, request, event, next: answering, tell }),
      );
    } catch (error) {
      // A rule that cannot be judged: thrown in a fetch listener, this would let the request pass.
      return Promise.reject(error);
    }
  }

  /** The decision for a middleware, with the answer where the request must not go on. */
  async admit(request: GateRequest, waitUntil: GoesOn = () => {}): Promise<Admission> {
    const tell = this.observe();
    const goesOn = goesOnAfter({ waitUntil });
    const looked = lookUp(this.#settings, request);
    if (looked?.refusal !== undefined) {
      tell(looked.refusal, goesOn);
      return { decision: looked.refusal, response: this.refuse(looked) };
    }
    const metadata = looked?.isMetadata ? this.#metadata(request) : undefined;
    if (metadata !== undefined) {
      const decision = open(undefined);
      tell(decision, goesOn);
      return { decision, response: metadata };
    }
    if (looked?.rule === undefined) return { decision: undefined, response: new Response(null, { status: 404 }) };
    const { rule, request: canonical } = looked;
    const decision = await this.decide(rule, canonical, goesOn);
    tell(decision, goesOn);
    if (decision.allowed) return { decision };
    return { decision, response: await this.deny(rule, decision, requestOf(canonical), { asked: canonical }) };
  }

  /** Begins what the app is told of a decision. */
  observe(): Tell {
    return observing(this.#settings.onDecision);
  }

  /** What is decided once all is done that may change a denial. */
  async decide(rule: CheckedRule, request: GateRequest, goesOn: GoesOn = () => {}): Promise<GateDecision> {
    if (rule.needs !== null) await this.#decider.prepare();
    let decision = this.#decider.decide(rule, request);
    const reconsidering = decision.allowed ? undefined : this.#decider.reconsider(decision, request, goesOn);
    if (reconsidering !== undefined) {
      await reconsidering;
      decision = this.#decider.decide(rule, request);
    }
    // Without a proof nothing is waited for: a decision about the person here is of this very moment.
    const proving = this.#decider.prove(rule, decision, request);
    return proving === undefined ? decision : await proving;
  }

  /** The answer to a request whose URL is refused. */
  refuse({ refusal, origin }: RefusedLook): Response {
    // At the edge the origin is what the request named, and the client knows where it is.
    return refusedUrlResponse(refusal, this.#settings.isAtEdge ? undefined : origin);
  }

  /** The answer to a request that is denied. What was asked may have more headers than a `Request` that is made of it. */
  async deny(
    rule: CheckedRule,
    decision: GateDecision,
    request: Request,
    { next, asked = request }: { readonly next?: Next; readonly asked?: GateRequest } = {},
  ): Promise<Response> {
    const { name, isAtEdge } = this.#settings;
    const ask = async (page: Request) => await (next ?? fromOrigin(this.#settings))(page, open(rule.given));
    return deniedResponse(rule, decision, request, {
      caches: cachesHere(),
      sharedCache: sharedCacheName(name),
      fields: await this.#decider.fields(rule, decision, asked),
      askForPage: isAtEdge ? ask : undefined,
    });
  }

  #metadata({ method }: { readonly method?: string }): Response | undefined {
    const { resource } = this.#settings;
    return resource && metadataResponse(resource, method);
  }

  async #answer(handling: Handling): Promise<Response> {
    const { rule, request, event, next, tell } = handling;
    const decision = await this.decide(rule, request, goesOnAfter(event));
    tell(decision, goesOnAfter(event));
    if (!decision.allowed) return this.deny(rule, decision, request, { next });
    const passage = this.#passage(handling, decision);
    if (!isSafe(request)) return this.#change(request, passage);
    const shelf = shelfFor(this.#settings, rule, request);
    if (shelf !== undefined && isCacheable(request)) return this.#fromShelf(handling, passage, shelf);
    // At the edge a token that held holds.
    if (this.#decider.user === undefined || rule.needs === null) return passage.given(await passage.onwards());
    const isSamePerson = this.#samePerson();
    return this.#lookAgain(handling, passage, isSamePerson, await this.#network(rule, passage));
  }

  async #fromShelf(handling: Handling, passage: Passage, shelf: Shelf): Promise<Response> {
    const { rule, request, event } = handling;
    const isSamePerson = rule.needs === null ? shelf.current : this.#samePerson();
    const response = await STRATEGIES[rule.strategy]({
      request,
      shelf,
      limits: this.#limits,
      networkTimeout: this.#settings.networkTimeout,
      network: () => this.#network(rule, passage),
      background: (work) => inBackground(event, work),
    });
    return this.#lookAgain(handling, passage, isSamePerson, response);
  }

  /** Meanwhile this person may have signed out, and another one in: then it is asked again, for that one. */
  #lookAgain(handling: Handling, passage: Passage, isSamePerson: () => boolean, response: Response) {
    const { rule, request } = handling;
    if (isSamePerson() && this.#decider.decide(rule, request).allowed) return passage.given(response);
    letGo(response);
    return this.#answer(handling);
  }

  #passage({ rule, request, next }: Handling, decision: GateDecision): Passage {
    const isApart = this.#settings.hasHttpCache && rule.needs !== null && isSafe(request);
    const asked = isApart ? pastHttpCache(request) : request;
    return {
      async onwards() {
        const response = await next(asked, decision);
        return isLostRedirect(request, asked, response) ? fetch(request) : response;
      },
      given: (response) => (isApart ? forThisTime(response) : response),
    };
  }

  /** Who is signed in is looked at again once the answer is there. */
  async #network({ needs }: CheckedRule, { onwards }: Passage): Promise<Response> {
    const response = await onwards();
    if (needs !== null) await this.#decider.prepare();
    return response;
  }

  #samePerson(): () => boolean {
    const atFirst = this.#decider.user?.sessionId;
    return () => this.#decider.user?.sessionId === atFirst;
  }

  /** What is cached of an address may be under another rule than what changes it. */
  async #change(request: Request, { onwards }: Passage): Promise<Response> {
    const looked = lookUp(this.#settings, cacheKey(request));
    const shelf = looked?.rule && shelfFor(this.#settings, looked.rule, request);
    const response = await onwards();
    if (shelf !== undefined) await invalidate(shelf, request, response);
    return response;
  }
}

/** A request without its body, for whoever answers that it is denied. */
function requestOf({ url, method = "GET", headers }: GateRequest): Request {
  // What no `Request` can have is answered as a GET is.
  const isPossible = !/^(?:connect|trace|track)$/i.test(method);
  const all = headers !== undefined && Symbol.iterator in headers ? (headers as Headers) : undefined;
  return new Request(url, { ...(isPossible && { method }), ...(all && { headers: all }) });
}

function goesOnAfter(event: Pick<FetchEventLike, "waitUntil">): GoesOn {
  return (work) => inBackground(event, work);
}

/** A failure behind an answer that was given already concerns nobody. */
function inBackground(event: Pick<FetchEventLike, "waitUntil">, work: Promise<unknown>): void {
  const done = work.catch(() => {});
  try {
    event.waitUntil?.(done);
  } catch {
    // The event is over: the work goes on for as long as the worker lives.
  }
}
