/**
 * `tokenward/express`: a gate as middleware of Express 4 and 5.
 *
 * ```js
 * const app = express();
 * app.use(expressGate({ verifier, rules }));
 * app.get("/notes", (request, response) => response.json({ sub: request.gate.claims.sub }));
 * ```
 *
 * Express goes by the text that came: what has two readings is answered 400 or 308, and never repaired.
 */
import { ConfigError } from "./errors.js";
import { admitted, gateOf, nodeHeaders } from "./gate/middleware.js";
import type { GateDecision, GateOptions } from "./gate/types.js";
import type { Gate } from "./gate.js";

declare global {
  namespace Express {
    interface Request {
      /** Behind `expressGate`: what was decided, with the `claims` of the token where the rule needs one. */
      gate?: GateDecision;
    }
  }
}

/** A request of Express, as far as the gate uses it. */
export interface ExpressRequest {
  readonly method: string;
  readonly url: string;
  readonly baseUrl: string;
  readonly originalUrl: string;
  readonly protocol: string;
  readonly hostname: string | undefined;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly rawHeaders?: readonly string[] | undefined;
  gate?: GateDecision;
}

/** A response of Express, as far as the gate uses it. */
export interface ExpressResponse {
  writeHead(status: number, headers: { [name: string]: string | string[] }): unknown;
  end(body: Uint8Array): unknown;
}

/** Makes the middleware, of a gate or of the options of one: for the first `app.use`, without a path. */
export function expressGate(given: Gate | GateOptions) {
  const gate = gateOf(given);
  return (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void): void => {
    if (isRewritten(request)) throw new ConfigError("invalid_option", REWRITTEN, "request");
    const { method, originalUrl: target, protocol, headers, rawHeaders } = request;
    const answer = (status: number, fields: Headers, body: Uint8Array) => {
      response.writeHead(status, nodeHeaders(fields));
      response.end(body);
    };
    admitted(gate, { method, target, protocol, host: hostOf(request), headers, rawHeaders }, answer).then(
      (decision) => {
        if (decision === undefined) return;
        request.gate = decision;
        next();
      },
      next,
    );
  };
}

/** With its port, unless a proxy that Express trusts names another host. */
function hostOf({ headers, hostname }: ExpressRequest): string | undefined {
  const { host } = headers;
  return typeof host === "string" && host.replace(/:\d+$/, "") === hostname ? host : hostname;
}

const REWRITTEN =
  "something has changed the URL of the request before expressGate, so that what is judged would not be what is routed: " +
  "use the gate before it";

/** Whether routes get another URL than the one that came; what `app.use(path)` takes away is put back by Express. */
function isRewritten({ url, baseUrl, originalUrl }: ExpressRequest): boolean {
  // Of "/api?x" under "/api" Express makes "/?x".
  return baseUrl + url !== originalUrl && baseUrl + url.replace(/^\/(?=\?|$)/, "") !== originalUrl;
}
