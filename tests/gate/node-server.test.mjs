// A gate in front of Node's servers, as the guide to edges has it, asked through raw sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import express from "express";
import fastify from "fastify";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { makeFolder, writePrograms } from "../docs/blocks.mjs";
import { tokenFor } from "../rfc8037.mjs";
import { hostileTargets, send } from "./raw.mjs";

const SEED = 24;
// The key of RFC 8037 appendix A.
const jwks = [{ kty: "OKP", crv: "Ed25519", kid: "rfc8037", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }];
const rules = [
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/*", needs: null },
];
const gate = createGate({
  verifier: createVerifier({ jwks, issuer: "https://login.example", audience: "edge" }),
  rules,
  origin: "https://api.example",
});

let folder;
let refusalOf;
before(async () => {
  folder = makeFolder();
  await writePrograms("docs/edge.md", folder.path, { jwks: { keys: jwks } });
  ({ refusalOf } = await import(pathToFileURL(`${folder.path}/node.js`)));
});
after(() => folder.remove());

/** Answers for the gate where it says so, as all three servers do it. */
function refuse(request, response) {
  const refusal = refusalOf(gate, request);
  if (refusal === undefined) return false;
  response.writeHead(refusal.status, refusal.headers).end();
  return true;
}

const SERVERS = {
  "node:http"() {
    return createServer((request, response) => {
      if (refuse(request, response)) return;
      response.end(request.url.startsWith("/admin") ? "behind admin" : "open");
    });
  },

  Express() {
    const app = express();
    app.use((request, response, next) => {
      if (!refuse(request, response)) next();
    });
    app.use("/admin", (_request, response) => response.end("behind admin"));
    app.use((_request, response) => response.end("open"));
    return createServer(app);
  },

  async Fastify() {
    let server;
    const app = fastify({
      serverFactory: (handler) => {
        server = createServer(handler);
        return server;
      },
    });
    app.addHook("onRequest", (request, reply, done) => {
      const refusal = refusalOf(gate, request.raw);
      if (refusal === undefined) return done();
      return reply.code(refusal.status).headers(refusal.headers).send();
    });
    app.all("/admin", () => "behind admin");
    app.all("/admin/*", () => "behind admin");
    app.all("/*", () => "open");
    await app.ready();
    return server;
  },
};

for (const [name, make] of Object.entries(SERVERS)) {
  describe(name, () => {
    let server;
    let url;
    before(async () => {
      server = await make();
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      url = `http://127.0.0.1:${server.address().port}`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    test(`lets nobody reach what is behind a rule, however it is spelt (seed ${SEED})`, async () => {
      const lines = hostileTargets(SEED);
      const answers = await Promise.all(lines.map(async (line) => [line, await send(url, line)]));
      assert.deepEqual(
        answers.filter(([, text]) => text.includes("behind admin")),
        [],
      );
      for (const [line, text] of answers) {
        const location = /^location: (.*)\r$/im.exec(text)?.[1];
        if (location !== undefined) assert.match(location, /^\/(?![/\\])/, line);
      }
    });

    test("lets those through who may, and everybody to what is open", async () => {
      const claims = { exp: Date.now() / 1000 + 60, roles: ["admin"] };
      const authorization = `Bearer ${tokenFor("edge", claims)}`;
      assert.match(await send(url, "GET /admin/x", { authorization }), /behind admin/);
      assert.match(await send(url, "GET /admin/x"), /^HTTP\/1.1 401 .*www-authenticate: Bearer\r/is);
      assert.match(await send(url, "GET /notes/a.b.txt?q=%20"), /open/);
      assert.match(await send(url, "GET /notes//x"), /^HTTP\/1.1 308 .*location: \/notes\/x\r/is);
      assert.match(await send(url, "POST /notes//x", { "content-length": 0 }), /^HTTP\/1.1 400 /);
    });
  });
}
