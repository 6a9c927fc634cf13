/** What the middleware for frameworks share. */
import { createGate, type Gate } from "../gate.js";
import type { GateDecision, GateOptions } from "./types.js";

/** A request of Node, as its framework reads it. */
export interface NodeRequest {
  readonly method: string;
  /** What the router goes by: the request's own text. */
  readonly target: string;
  /** As the framework knows them behind proxies that it trusts. */
  readonly protocol: string;
  readonly host: string | undefined;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  /** As they came: names and values by turns. What stands in for a server may have none. */
  readonly rawHeaders?: readonly string[] | undefined;
}

/** How the framework gives an answer. */
export type Answer = (status: number, headers: Headers, body: Uint8Array) => void;

/** The gate, or one that is made of its options. */
export function gateOf(given: Gate | GateOptions): Gate {
  return typeof (given as Partial<Gate> | null)?.admit === "function"
    ? (given as Gate)
    : createGate(given as GateOptions);
}

/** Nothing that ends the host in a URL. */
const HOST = /^[\w.~:[\]-]+$/;

/** The decision about a request that may go on; `undefined` for one that was answered. */
export async function admitted(gate: Gate, request: NodeRequest, answer: Answer): Promise<GateDecision | undefined> {
  const { method, target, protocol, host } = request;
  // What a client names as host or scheme must not become a part of the path that is judged, nor the path a part of the host.
  // An asterisk is in no host: the gate refuses it.
  const scheme = protocol === "https" ? "https" : "http";
  const authority = host === undefined || host === "" ? "localhost" : HOST.test(host) ? host : "*";
  const url = `${scheme}://${authority}${target.startsWith("/") ? "" : "*"}${target}`;
  const { decision, response } = await gate.admit({ url, method, headers: headersOf(request) });
  if (response === undefined) return decision;
  answer(response.status, response.headers, new Uint8Array(await response.arrayBuffer()));
  return undefined;
}

function headersOf({ headers: given, rawHeaders = [] }: NodeRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    // The pseudo-headers of HTTP/2 are no headers.
    if (value === undefined || name.startsWith(":")) continue;
    for (const one of typeof value === "string" ? [value] : value) headers.append(name, one);
  }
  // Node keeps the first of two, another server the last: both together are malformed.
  const credentials = rawHeaders.filter((name, place) => place % 2 === 0 && /^authorization$/i.test(name));
  if (credentials.length > 1) headers.append("authorization", "Bearer repeated");
  return headers;
}

/** As Node takes them: `Set-Cookie` is one header for each cookie. */
export function nodeHeaders(headers: Headers): { [name: string]: string | string[] } {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 && { "set-cookie": cookies }) };
}
