// Routers that stand behind a gate: each tells which of these routes it takes a request target for.
import { IncomingMessage, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
// The routers are those that people put behind a gate; each reads paths in its own way.
import express from "express";
import fastify from "fastify";
import findMyWay from "find-my-way";
import { Hono } from "hono";
import { IttyRouter } from "itty-router";
// Node has its own from version 24 on.
import { URLPattern as Polyfill } from "urlpattern-polyfill";

export const ORIGIN = "https://app.test";

/** Names of the routes, each with the place of the rule that it is behind, in the order in which routers look. */
export const RULES = [
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/public/*", needs: null },
  { match: "/settings", needs: { role: "owner" } },
  { match: "/@team/*", needs: { scope: "team" } },
  { match: "/größe/*", needs: { scope: "size" } },
  { match: "/c++/*", needs: { scope: "code" } },
  { match: "/files/*", needs: null },
  { match: "/*" },
];
const LAST = RULES.length - 1;
const ROUTES = [
  ["admin", 0],
  ["public", 1],
  ["settings", 2],
  ["@team", 3],
  ["größe", 4],
  ["c++", 5],
  ["files", 6],
];
const FOLDERS = ROUTES.filter(([name]) => name !== "settings");

const URLPatternHere = globalThis.URLPattern ?? Polyfill;

/** Each makes a function from a method and a raw request target to the place of a rule; `undefined` for no route. */
export const ROUTERS = {
  Hono() {
    const app = new Hono();
    for (const [name, place] of FOLDERS) {
      app.all(`/${name}`, (context) => context.text(`${place}`));
      app.all(`/${name}/*`, (context) => context.text(`${place}`));
    }
    app.all("/settings", (context) => context.text("2"));
    app.all("/:tenant/secret", (context) => context.text(`${LAST}`));
    app.all("*", (context) => context.text(`${LAST}`));
    return fetching((request) => app.fetch(request));
  },

  "itty-router"() {
    const router = IttyRouter();
    const answer = (place) => () => new Response(`${place}`);
    for (const [name, place] of FOLDERS) router.all(`/${encodeURI(name).replaceAll("+", "\\+")}/*`, answer(place));
    router.all("/settings", answer(2));
    router.all("/:tenant/secret", answer(LAST));
    router.all("*", answer(LAST));
    return fetching((request) => router.fetch(request));
  },

  URLPattern() {
    const pattern = (pathname) => new URLPatternHere({ pathname });
    const patterns = FOLDERS.map(([name, place]) => [pattern(`/${name.replaceAll("+", "\\+")}{/*}?`), place]);
    patterns.push([pattern("/settings"), 2], [pattern("*"), LAST]);
    return (_method, target) => {
      const url = ORIGIN + target;
      return URL.canParse(url) ? patterns.find(([one]) => one.test(url))?.[1] : undefined;
    };
  },

  Express() {
    const app = express();
    const answer = (place) => (_request, response) => response.end(`${place}`);
    for (const [name, place] of FOLDERS) app.use(`/${encodeURI(name).replaceAll("+", "\\+")}`, answer(place));
    app.all("/settings", answer(2));
    app.all("/:tenant/secret", answer(LAST));
    app.use(answer(LAST));
    return listening((request, response) => app(request, response));
  },

  async Fastify() {
    const app = fastify({ routerOptions: { ignoreTrailingSlash: true } });
    const answer = (place) => (_request, reply) => reply.send(`${place}`);
    for (const [name, place] of FOLDERS) {
      app.all(`/${name}`, answer(place));
      app.all(`/${name}/*`, answer(place));
    }
    app.all("/settings", answer(2));
    app.all("/:tenant/secret", answer(LAST));
    app.all("/*", answer(LAST));
    await app.ready();
    return listening((request, response) => app.routing(request, response));
  },

  // As lenient as it can be told to be.
  "find-my-way"() {
    const lenient = { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true };
    const router = findMyWay({ ...lenient, useSemicolonDelimiter: true });
    const on = (path, place) => router.all(path, () => {}, { place });
    for (const [name, place] of FOLDERS) {
      on(`/${name}`, place);
      on(`/${name}/*`, place);
    }
    on("/settings", 2);
    on("/:tenant/secret", LAST);
    on("/*", LAST);
    return (method, target) => router.find(method, target)?.store?.place;
  },
};

/** A request as Deno and workerd make it: its URL is the text that came. */
export class RawRequest extends Request {
  #url;
  constructor(url, init) {
    super(ORIGIN, init);
    this.#url = url;
  }
  get url() {
    return this.#url;
  }
}

function fetching(fetch) {
  return async (method, target) => {
    try {
      const response = await fetch(new RawRequest(ORIGIN + target, { method }));
      return response?.ok ? Number(await response.text()) : undefined;
    } catch (error) {
      // itty-router parses the URL.
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  };
}

/** Node's server, without a network between. */
function listening(listener) {
  return (method, target) =>
    new Promise((resolve) => {
      const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      const request = Object.assign(new IncomingMessage(socket), {
        method,
        url: target,
        headers: { host: "app.test" },
      });
      request.push(null);
      const response = new ServerResponse(request);
      const chunks = [];
      response.end = (chunk) => {
        chunks.push(chunk ?? "");
        const text = chunks.join("");
        resolve(response.statusCode === 200 ? Number(text) : undefined);
        return response;
      };
      listener(request, response);
    });
}
