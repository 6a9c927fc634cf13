// Servers on this machine that answer as they are told, or break as real networks do.

import { createServer } from "node:http";
import { listen } from "../../tools/listen.mjs";

/** A server that hands each request, with its body, to `answer(request, response)`. It keeps what was asked. */
export async function startServer(answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    requests.push({ method, url, headers, body });
    await answer(Object.assign(request, { body }), response);
  });
  // Only the client ends a connection. Test and server share one event loop: where a build has blocked it for five seconds,
  // the server's timer and the client's next request on that connection are due at once, and the request meets ECONNRESET.
  server.keepAliveTimeout = 0;
  const origin = await listen(server, { port: 0, name: "a test" });
  return {
    origin,
    requests,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

export function json(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

const PORTAL = "<!doctype html><title>Free Wi-Fi</title><p>Accept our terms to go online.</p>";
const html = { "content-type": "text/html" };

/**
 * What can stand in the way of an answer: [what, how the server answers, what the provider makes of it]. `tokens` is an
 * answer that would have been good.
 */
export const FAULTS = [
  ["a connection that is reset", (_, response) => response.socket.resetAndDestroy(), { code: "network" }],
  ["a connection that is closed without an answer", (_, response) => response.socket.end(), { code: "network" }],
  [
    "an answer that is cut in the middle",
    (_, response, tokens) => {
      const text = JSON.stringify(tokens);
      response.writeHead(200, { "content-type": "application/json", "content-length": text.length });
      response.write(text.slice(0, -9), () => response.socket.destroy());
    },
    { code: "network" },
  ],
  [
    "an answer that never ends",
    (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
    },
    { code: "timeout" },
  ],
  ["no answer", () => {}, { code: "timeout" }],
  [
    "JSON that breaks off",
    (_, response, tokens) => json(response, 200, JSON.stringify(tokens).slice(0, -9)),
    { code: "not_json", status: 200 },
  ],
  [
    "the page of a captive portal",
    (_, response) => response.writeHead(200, html).end(PORTAL),
    { code: "not_json", status: 200 },
  ],
  [
    "the page of a captive portal as a refusal",
    (_, response) => response.writeHead(401, html).end(PORTAL),
    { code: "http_status", status: 401 },
  ],
  [
    "the page of a captive portal as another refusal",
    (_, response) => response.writeHead(400, html).end(PORTAL),
    { code: "http_status", status: 400 },
  ],
  [
    "a captive portal that asks to sign in (RFC 6585 section 6)",
    (_, response) => response.writeHead(511, html).end(PORTAL),
    { code: "http_status", status: 511 },
  ],
  [
    "a redirect to a captive portal",
    (_, response) => response.writeHead(302, { location: "/portal" }).end(),
    { code: "http_status", status: 302 },
  ],
  [
    "a redirect that would keep the method",
    (_, response) => response.writeHead(307, { location: "/portal" }).end(),
    { code: "http_status", status: 307 },
  ],
  ["a page that is gone", (_, response) => response.writeHead(404, html).end(), { code: "http_status", status: 404 }],
  ["an error of the server", (_, response) => response.writeHead(500).end(), { code: "http_status", status: 500 }],
  [
    "an error of a gateway, for a while",
    (_, response) => response.writeHead(503, { ...html, "retry-after": "120" }).end(PORTAL),
    { code: "http_status", status: 503, retryAfter: 120 },
  ],
  [
    "too many requests, until a time",
    (_, response) => {
      const now = new Date("2026-01-02T03:04:00Z");
      const later = new Date("2026-01-02T03:05:30Z");
      json(response, 429, {}, { date: now.toUTCString(), "retry-after": later.toUTCString() });
    },
    { code: "http_status", status: 429, retryAfter: 90 },
  ],
  [
    "too many requests, for longer than anybody means",
    (_, response) => json(response, 429, {}, { "retry-after": "999999999" }),
    { code: "http_status", status: 429, retryAfter: 86_400 },
  ],
  ["JSON without tokens", (_, response) => json(response, 200, { ok: true }), { code: "invalid_answer", status: 200 }],
  [
    "a token that is not text",
    (_, response) => json(response, 200, { access_token: 1, token: 1, token_type: "Bearer" }),
    { code: "invalid_answer", status: 200 },
  ],
  ["a list", (_, response) => json(response, 200, []), { code: "invalid_answer", status: 200 }],
  ["a text", (_, response) => json(response, 200, '"token"'), { code: "invalid_answer", status: 200 }],
  ["nothing but null", (_, response) => json(response, 200, "null"), { code: "invalid_answer", status: 200 }],
  [
    "more than any answer has",
    (_, response, tokens) => json(response, 200, { ...tokens, more: "x".repeat(300_000) }),
    { code: "too_large", status: 200 },
  ],
  [
    "more than any answer has, without saying how much",
    (_, response, tokens) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(JSON.stringify({ ...tokens, more: "x".repeat(200_000) }));
      response.end(`${" ".repeat(200_000)}`);
    },
    { code: "too_large", status: 200 },
  ],
];

/** Everything an error shows to whoever logs it. */
export function shown(error) {
  const parts = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { name, message, stack, cause: _, ...rest } = cause;
    parts.push(name, message, stack, JSON.stringify(rest));
    if (cause.cause !== undefined && !(cause.cause instanceof Error)) parts.push(JSON.stringify(cause.cause));
  }
  return parts.join("\n");
}

/** What a promise is rejected with. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}

/** An error's members. */
export function facts({ name: _, ...rest }) {
  return rest;
}
