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
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { generateKeyPair } from "../../tools/keypair.mjs";
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
const issuer = "https://login.example";
// The app was built with a key that the provider has replaced since, under the same name.
const OLD = [{ ...generateKeyPair("ed25519").publicKey.export({ format: "jwk" }), kid: "rfc8037" }];
const keys = createKeyStore({
  verifier: createVerifier({ jwks: OLD, issuer, audience: "edge" }),
  bundled: OLD,
  jwksUri: "https://login.example/jwks",
  storage: memoryStorage(),
  fetch: async () => Response.json({ keys: jwks }),
});
const gate = createGate({
  verifier: keys,
  rules,
  origin: "https://api.example",
});

let folder;
let admit;
before(async () => {
  folder = makeFolder();
  await writePrograms("docs/edge.md", folder.path, { jwks: { keys: jwks } });
  ({ admit } = await import(pathToFileURL(`${folder.path}/node.js`)));
});
after(() => folder.remove());

/** Answers for the gate where it says so, as all three servers do it. */
async function refuse(request, response) {
  const { allowed, status, headers, body } = await admit(gate, request);
  if (!allowed) response.writeHead(status, headers).end(body);
  return !allowed;
}

const SERVERS = {
  "node:http"() {
    return createServer(async (request, response) => {
      if (await refuse(request, response)) return;
      response.end(request.url.startsWith("/admin") ? "behind admin" : "open");
    });
  },

  Express() {
    const app = express();
    app.use(async (request, response, next) => {
      if (!(await refuse(request, response))) next();
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
    app.addHook("onRequest", async (request, reply) => {
      const { allowed, status, headers, body } = await admit(gate, request.raw);
      return allowed ? undefined : reply.code(status).headers(headers).send(body);
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
      const other = `Bearer ${tokenFor("edge", { exp: claims.exp })}`;
      const forbidden = await send(url, "GET /admin/x", { authorization: other });
      assert.match(forbidden, /^HTTP\/1.1 403 .*www-authenticate: Bearer error="insufficient_scope"\r/is);
      const forged = await send(url, "GET /admin/x", { authorization: `${authorization.slice(0, -8)}AAAAAAAA` });
      assert.match(
        forged,
        /^HTTP\/1.1 401 .*www-authenticate: Bearer error="invalid_token", error_description="bad_signature"\r/is,
      );
      assert.match(await send(url, "GET /admin/x"), /^HTTP\/1.1 401 .*www-authenticate: Bearer realm="protected"\r/is);
      assert.match(await send(url, "GET /notes/a.b.txt?q=%20"), /open/);
      assert.match(await send(url, "GET /notes//x"), /^HTTP\/1.1 308 .*location: \/notes\/x\r/is);
      assert.match(await send(url, "POST /notes//x", { "content-length": 0 }), /^HTTP\/1.1 400 /);
    });
  });
}
