/**
 * `tokenward/fastify`: a gate as plugin of Fastify 5, which decorates requests with `gate`.
 *
 * ```js
 * const app = fastify();
 * await app.register(fastifyGate, { verifier, rules });
 * app.get("/notes", (request) => ({ sub: request.gate.claims.sub }));
 * ```
 *
 * Fastify has read the path when it asks the gate: what has two readings is answered 400 or 308, and never repaired.
 */
import type { FastifyInstance, FastifyPluginCallback } from "fastify";
import { admitted, gateOf, nodeHeaders } from "./gate/middleware.js";
import type { GateDecision, GateOptions } from "./gate/types.js";
import type { Gate } from "./gate.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Behind `fastifyGate`: what was decided, with the `claims` of the token where the rule needs one. */
    gate: GateDecision;
  }
}

/** The plugin, for `app.register` with a gate or the options of one. It is for all of the app that registers it. */
export const fastifyGate: FastifyPluginCallback<Gate | GateOptions> = Object.assign(
  (app: FastifyInstance, given: Gate | GateOptions, done: (error?: Error) => void) => {
    try {
      guard(app, gateOf(given));
      done();
    } catch (error) {
      done(error as Error);
    }
  },
  // As `fastify-plugin` marks it: its hook is for the app that registers it, and not for routes of its own.
  { [Symbol.for("skip-override")]: true, [Symbol.for("fastify.display-name")]: "tokenward" },
);

function guard(app: FastifyInstance, gate: Gate): void {
  app.decorateRequest("gate");
  app.addHook("onRequest", async (request, reply) => {
    const { protocol, host, raw } = request;
    // Routes go by `raw.url`, which the option `rewriteUrl` may have made.
    const { method = "GET", url: target = "", headers, rawHeaders } = raw;
    const facts = { method, target, protocol, host, headers, rawHeaders };
    const decision = await admitted(gate, facts, (status, fields, body) => {
      reply
        .code(status)
        .headers(nodeHeaders(fields))
        .send(body.length > 0 ? body : undefined);
    });
    if (decision === undefined) return reply;
    request.gate = decision;
    return undefined;
  });
}
