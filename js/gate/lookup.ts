import { ConfigError } from "../errors.js";
import { refusedUrl } from "./decide.js";
import { originOf, type Settings } from "./options.js";
import { isForMetadata } from "./resource.js";
import { type CheckedRule, findRule } from "./rules.js";
import { type RefusedUrl, readTarget, refusedFor, type Target } from "./target.js";
import type { GateDecision, GateRequest } from "./types.js";

/** A request that the gate is for: in canonical form, with the rule about it if there is one; or refused before any rule. */
export type Looked = AcceptedLook | RefusedLook;

export interface AcceptedLook {
  readonly request: GateRequest;
  readonly rule: CheckedRule | undefined;
  readonly refusal: undefined;
  readonly origin: string;
  /** Whether it is for the metadata of the protected resource, which no rule is about. */
  readonly isMetadata: boolean;
}

export interface RefusedLook {
  readonly rule: undefined;
  readonly refusal: GateDecision;
  readonly origin: string | undefined;
  readonly isMetadata: false;
}

/** Reads the URL of a request and finds the rule about it; `undefined` for a request that the gate is not for. */
export function lookUp(settings: Settings, request: GateRequest): Looked | undefined {
  const { accept, isAtEdge } = settings;
  const url = urlOf(request);
  const target = readTarget(url, accept);
  if (target === "relative" && !(request instanceof Request)) throw invalidRequest(NO_URL);
  // Bun gives a relative URL where the request names no host; a tunnel (CONNECT) has no path.
  if (target === "relative" || (isAtEdge && request.method === "CONNECT"))
    return refuse(refusedFor("authority"), request);
  if (!isForUs(settings, target)) {
    return isAtEdge ? refuse(refusedFor(target === "other" ? "authority" : "origin"), request) : undefined;
  }
  if ("refused" in target) return refuse(target, request);
  if (isAtEdge && url.includes("#")) return refuse(refusedFor("fragment"), request);
  return accepted(settings, request, url, target);
}

function urlOf(request: GateRequest): string {
  if (typeof Object(request).url === "string") return request.url;
  throw invalidRequest('"request" should be a Request, or have its url, method and headers');
}

function invalidRequest(message: string): ConfigError {
  return new ConfigError("invalid_option", message, "request");
}

const NO_URL =
  'the URL of a request should be absolute, such as "https://app.example/path". What Node calls "url" is only a path: ' +
  "give the gate { url: origin + request.url, method, headers }, with the origin that is yours";

/** Whether the rules are for this scheme and host. What cannot be read at all is refused for that. */
function isForUs({ origins }: Settings, target: Target | RefusedUrl | "other"): target is Target | RefusedUrl {
  if (target === "other") return false;
  return target.origin === undefined || origins === undefined || origins.includes(originOf(target.origin));
}

function accepted(settings: Settings, request: GateRequest, given: string, target: Target): Looked {
  const { accept, isAtEdge, origins, resource, rules } = settings;
  const { path, search, spelt } = target;
  // At the edge the name that the app gave is used, and not the one of the request.
  const origin = isAtEdge && origins !== undefined ? originOf(target.origin) : target.origin;
  const url = origin + path + search;
  const canonical = withoutFragment(given) === url ? request : withUrl(request, url);
  if (isForMetadata(resource, target)) {
    return { rule: undefined, request: canonical, refusal: undefined, origin, isMetadata: true };
  }
  const rule = findRule(rules, target, canonical, accept);
  if (rule === "ambiguous") {
    return refuse({ ...refusedFor("rules", path === spelt ? undefined : path + search), origin }, request);
  }
  return { rule, request: canonical, refusal: undefined, origin, isMetadata: false };
}

function refuse(url: RefusedUrl, { method }: GateRequest): RefusedLook {
  // What it does not say itself, nobody else says for it: not even a prototype that was tampered with.
  const own: RefusedUrl = Object.assign(Object.create(null), url);
  return { rule: undefined, refusal: refusedUrl(own, method), origin: own.origin, isMetadata: false };
}

function withoutFragment(url: string): string {
  const fragment = url.indexOf("#");
  return fragment < 0 ? url : url.slice(0, fragment);
}

/** What rules, and the functions of an app, see of a request that was spelt otherwise. */
function withUrl({ method, headers }: GateRequest, url: string): GateRequest {
  return { url, ...(method !== undefined && { method }), ...(headers !== undefined && { headers }) };
}

/** The request with its canonical URL: what is behind the gate sees no other spelling. */
export async function canonicalRequest(given: Request, { request }: AcceptedLook): Promise<Request> {
  if (request === given) return given;
  const { url } = request;
  // Nothing but the browser can make a request with the mode of a navigation.
  if (given.mode === "navigate") {
    const { method, headers, credentials, referrer, signal } = given;
    const init: RequestInit = {
      method,
      headers,
      credentials,
      referrer,
      signal,
      mode: "same-origin",
      redirect: "manual",
    };
    return new Request(url, given.method === "POST" ? { ...init, body: await given.blob() } : init);
  }
  // Some browsers do not show the body of a request as a stream.
  const hidesBody = given.body === undefined && given.method !== "GET" && given.method !== "HEAD";
  const respelt = new Request(url, given);
  return hidesBody ? new Request(respelt, { body: await given.blob() }) : respelt;
}
