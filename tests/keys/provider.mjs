// A provider on loopback that publishes keys, and misbehaves as it is told.
import { createServer } from "node:http";

/**
 * `{ url, jwksUri, requests, answer, close }`. Until told otherwise it publishes `keys` with an ETag and honours
 * If-None-Match. `answer = (request, response) => ...` does something else instead; `discovery` are its metadata.
 */
export async function startProvider(keys = []) {
  const provider = { requests: [], answer: undefined, discovery: {}, keys };
  const server = createServer((request, response) => {
    provider.requests.push({ path: request.url, headers: request.headers });
    response.setHeader("Connection", "close");
    if (request.url.includes("/.well-known/")) return serveMetadata(provider, request, response);
    if (provider.answer) return provider.answer(request, response);
    serveKeys(provider, request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider.url = `http://127.0.0.1:${server.address().port}`;
  provider.jwksUri = `${provider.url}/keys`;
  provider.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return provider;
}

export function serveKeys({ keys }, request, response) {
  const text = JSON.stringify({ keys });
  const etag = `"${Buffer.from(keys.map(({ kid }) => kid).join()).toString("base64url")}"`;
  response.setHeader("ETag", etag);
  if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
  response.writeHead(200, { "Content-Type": "application/json" }).end(text);
}

function serveMetadata(provider, request, response) {
  const metadata = provider.discovery[request.url];
  if (metadata === undefined) return response.writeHead(404).end("no such page");
  response.setHeader("Content-Type", "application/json");
  response.end(typeof metadata === "string" ? metadata : JSON.stringify(metadata));
}
