/**
 * `tokenward/hono`: a gate as middleware of Hono, in any runtime.
 *
 * ```js
 * const app = new Hono();
 * app.use(honoGate({ verifier, rules }));
 * app.get("/notes", (context) => context.json({ sub: context.var.gate.claims.sub }));
 * ```
 *
 * Hono has read the path when it asks the gate: what has two readings is answered 400 or 308, and never repaired.
 */
import type { Context, MiddlewareHandler } from "hono";
import { gateOf } from "./gate/middleware.js";
import type { GateDecision, GateOptions } from "./gate/types.js";
import type { Gate } from "./gate.js";

/** What handlers behind the gate find in `context.var`. */
export interface GateVariables {
  /** What was decided, with the `claims` of the token where the rule needs one. */
  gate: GateDecision;
}

/** Makes the middleware, of a gate or of the options of one: for `app.use`, without a path, before all that it protects. */
export function honoGate(given: Gate | GateOptions): MiddlewareHandler<{ Variables: GateVariables }> {
  const gate = gateOf(given);
  return async (context, next) => {
    const { decision, response } = await gate.admit(context.req.raw, waitUntilOf(context));
    if (response !== undefined) return response;
    context.set("gate", decision);
    await next();
    return undefined;
  };
}

/** Where a worker lives only as long as its requests. */
function waitUntilOf(context: Context<{ Variables: GateVariables }>): (work: Promise<unknown>) => void {
  return (work) => {
    try {
      context.executionCtx.waitUntil(work);
    } catch {
      // Hono throws where there is no such thing: in Node, Deno and Bun work goes on by itself.
    }
  };
}
