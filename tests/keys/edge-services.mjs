// What stands behind Workers KV and the Cache API in real workerd, which turns both into HTTP requests.
import { createServer } from "node:http";

/** `{ configuration, close }`: for startWorkerd. */
export async function startEdgeServices() {
  const kv = await serve(kvOver(new Map()));
  const cache = await serve(cacheOver(new Map()));
  const external = (name, { port }) => `( name = "${name}", external = ( address = "127.0.0.1:${port}", http = () ) )`;
  return {
    configuration: {
      services: `${external("kv", kv)}, ${external("cache", cache)},
        ( name = "internet", network = ( allow = ["private"] ) ),`,
      worker: 'bindings = [ ( name = "KEYS", kvNamespace = "kv" ) ], cacheApiOutbound = "cache",',
    },
    close() {
      kv.close();
      cache.close();
    },
  };
}

const kvOver = (values) => (request, response, body) => {
  const { pathname } = new URL(request.url, "http://kv");
  if (request.method === "PUT") values.set(pathname, body);
  if (request.method === "DELETE") values.delete(pathname);
  const value = request.method === "GET" ? values.get(pathname) : "";
  response.writeHead(value === undefined ? 404 : 200).end(value);
};

/** A put is an HTTP answer as it goes over the wire; a match gets it back with `CF-Cache-Status`; a delete is a PURGE. */
const cacheOver = (entries) => (request, response, body) => {
  const name = `${request.headers["cf-cache-namespace"]} ${request.headers.host} ${request.url}`;
  if (request.method === "PUT") entries.set(name, body);
  if (request.method === "PURGE") return response.writeHead(entries.delete(name) ? 200 : 404).end();
  if (request.method !== "GET") return response.writeHead(204).end();
  const entry = entries.get(name);
  if (entry === undefined) return response.writeHead(504, { "CF-Cache-Status": "MISS" }).end();
  const [head, ...rest] = entry.split("\r\n\r\n");
  const headers = head
    .split("\r\n")
    .slice(1)
    .map((line) => line.split(/: ?(.*)/s).slice(0, 2));
  const kept = headers.filter(([header]) => !/^(content-length|transfer-encoding)$/i.test(header));
  response.writeHead(200, [["CF-Cache-Status", "HIT"], ...kept].flat()).end(rest.join("\r\n\r\n"));
};

async function serve(answer) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    answer(request, response, Buffer.concat(chunks).toString());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: server.address().port, close };
}
