// A gate in front of each kind of server: every route answers for whom it is.
import { createServer } from "node:http";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { expressGate } from "tokenward/express";
import { fastifyGate } from "tokenward/fastify";
import { honoGate } from "tokenward/hono";

/** Each makes of a gate what answers: a function of a `Request`, or of Node's request and response. */
export const SERVERS = {
  "handle in Node": (gate) => async (request) => {
    const answer = await gate.handle(request, (_request, { claims }) => new Response(`for ${claims.sub}`));
    return answer ?? new Response(null, { status: 404 });
  },
  Hono(gate) {
    const app = new Hono();
    app.use(honoGate(gate));
    app.all("*", (context) => context.text(`for ${context.var.gate.claims.sub}`));
    return (request) => app.fetch(request);
  },
  Express(gate) {
    const app = express();
    app.use(expressGate(gate));
    app.use((request, response) => response.end(`for ${request.gate.claims.sub}`));
    return (request, response) => app(request, response);
  },
  async Fastify(gate) {
    let answer;
    const app = fastify({
      serverFactory(handler) {
        answer = handler;
        return createServer(handler);
      },
    });
    await app.register(fastifyGate, gate);
    app.all("/*", (request) => `for ${request.gate.claims.sub}`);
    await app.ready();
    return (request, response) => answer(request, response);
  },
};

/** What Node's `createServer` takes, of what one of these has made. */
export function listenerOf(made) {
  return made.length === 1 ? bridged(made) : made;
}

function bridged(app) {
  return async (incoming, outgoing) => {
    const headers = new Headers();
    for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
      headers.append(incoming.rawHeaders[index], incoming.rawHeaders[index + 1]);
    }
    const { method, url } = incoming;
    const request = made(`http://${incoming.headers.host}${url}`, { method, headers });
    const response = request === undefined ? new Response(null, { status: 400 }) : await app(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(new Uint8Array(await response.arrayBuffer()));
  };
}

/** What no `Request` can have, such servers answer themselves. */
function made(url, init) {
  try {
    return new Request(url, init);
  } catch {
    return undefined;
  }
}
