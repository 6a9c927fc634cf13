// tokenward/hono, tokenward/express and tokenward/fastify in the real frameworks, asked through raw sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { Duplex } from "node:stream";
import { after, before, describe, test } from "node:test";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { ConfigError, createVerifier } from "tokenward";
import { expressGate } from "tokenward/express";
import { fastifyGate } from "tokenward/fastify";
import { createGate } from "tokenward/gate";
import { honoGate } from "tokenward/hono";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { ISSUER, signer } from "../support/tokens.mjs";
import { hostileTargets, send } from "./raw.mjs";
import { RawRequest } from "./routers.mjs";

const SEED = Number(process.env.TOKENWARD_SEED ?? 31);
const KEY = signer("k");
// The app was built with a key that the provider has replaced since, under the same name.
const keys = createKeyStore({
  verifier: createVerifier({ jwks: [signer("k").jwk], issuer: ISSUER, audience: "app" }),
  bundled: [signer("k").jwk],
  jwksUri: `${ISSUER}/jwks`,
  storage: memoryStorage(),
  fetch: async () => Response.json({ keys: [KEY.jwk] }),
});

const OPTIONS = {
  verifier: keys,
  rules: [
    { match: "/admin/*", needs: { role: "admin" } },
    { match: "/public/*", needs: null },
    { match: "/pay", needs: { scope: "pay", acr: "mfa", maxAge: "5m" } },
    { match: "/broken", needs: { claims: () => assert.fail("a secret reason") } },
    {
      match: "/pages/*",
      otherwise: () => {
        const response = new Response("sign in", { status: 302, headers: { location: "/sign-in" } });
        response.headers.append("set-cookie", "a=1");
        response.headers.append("set-cookie", "b=2");
        return response;
      },
    },
    { match: "/notes/*" },
  ],
  resource: { identifier: "https://api.example/v1", authorizationServers: [ISSUER], scopes: ["pay"] },
};

/** Each makes a server from what the gate is given. Routes say which one was reached, and who asked. */
const SERVERS = {
  Hono(given) {
    const app = new Hono();
    app.use(honoGate(given));
    const answer = (name) => async (context) => {
      const body = context.req.method === "POST" ? await context.req.text() : "";
      return context.text(`${name} for ${context.var.gate.claims?.sub ?? "anybody"} ${body}`);
    };
    for (const name of ["admin", "public"]) {
      app.all(`/${name}`, answer(name));
      app.all(`/${name}/*`, answer(name));
    }
    app.all("*", answer("the rest"));
    app.onError((_error, context) => context.text("failed", 500));
    return createServer(bridge(app));
  },

  Express(given, { trustProxy = false } = {}) {
    const app = express();
    app.set("trust proxy", trustProxy);
    app.use(expressGate(given));
    app.use(express.text());
    const answer = (name) => (request, response) =>
      response.end(`${name} for ${request.gate.claims?.sub ?? "anybody"} ${request.body ?? ""}`);
    for (const name of ["admin", "public"]) app.use(`/${name}`, answer(name));
    app.use(answer("the rest"));
    app.use((_error, _request, response, _next) => response.status(500).end("failed"));
    return createServer(app);
  },

  async Fastify(given, { trustProxy = false } = {}) {
    let server;
    const app = fastify({
      trustProxy,
      serverFactory: (handler) => {
        server = createServer(handler);
        return server;
      },
    });
    await app.register(fastifyGate, given);
    const answer = (name) => (request) => `${name} for ${request.gate.claims?.sub ?? "anybody"} ${request.body ?? ""}`;
    // In a context of its own, as most apps have their routes.
    app.register((routes, _options, done) => {
      for (const name of ["admin", "public"]) {
        routes.all(`/${name}`, answer(name));
        routes.all(`/${name}/*`, answer(name));
      }
      done();
    });
    app.all("/*", answer("the rest"));
    app.setErrorHandler((_error, _request, reply) => reply.code(500).send("failed"));
    await app.ready();
    return server;
  },
};

/** Fetch-style apps in Node: the request has the very text that came, as in Deno and workerd. */
function bridge(app) {
  return async (incoming, outgoing) => {
    const body = incoming.method === "POST" ? await new Response(incoming).text() : undefined;
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const impossible = /^(?:TRACE|CONNECT)$/.test(incoming.method);
    const init = { method: impossible ? "GET" : incoming.method, headers: allHeaders(incoming), body };
    const response = await app.fetch(new RawRequest(url, init));
    outgoing.writeHead(response.status, {
      ...Object.fromEntries(response.headers),
      "set-cookie": response.headers.getSetCookie(),
    });
    outgoing.end(new Uint8Array(await response.arrayBuffer()));
  };
}

function allHeaders({ rawHeaders }) {
  const headers = new Headers();
  for (let place = 0; place < rawHeaders.length; place += 2) headers.append(rawHeaders[place], rawHeaders[place + 1]);
  return headers;
}

const bearer = (claims) => ({ authorization: `Bearer ${KEY.token({ sub: "ada", ...claims })}` });

for (const [name, make] of Object.entries(SERVERS)) {
  describe(name, () => {
    const servers = [];
    const listen = async (given, options) => {
      const server = await make(given, options);
      servers.push(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return `http://127.0.0.1:${server.address().port}`;
    };
    let url;
    let trusted;
    before(async () => {
      url = await listen(OPTIONS);
      trusted = await listen(OPTIONS, { trustProxy: true });
    });
    after(() => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    });

    test(`lets nobody reach what is behind a rule, however it is spelt (seed ${SEED})`, async () => {
      const lines = hostileTargets(SEED);
      const answers = await Promise.all(lines.map(async (line) => [line, await send(url, line)]));
      assert.deepEqual(
        answers.filter(([, text]) => /admin for|the rest for/.test(text)),
        [],
      );
      assert.ok(answers.some(([, text]) => text.includes("public for anybody")));
      for (const [line, text] of answers) {
        const location = /^location: (.*)\r$/im.exec(text)?.[1];
        if (location !== undefined) assert.match(location, /^\/(?![/\\])/, line);
      }
    });

    test("nor by a token that is for something else", async () => {
      const lines = hostileTargets(SEED + 1);
      const answers = await Promise.all(lines.map(async (line) => [line, await send(url, line, bearer({}))]));
      assert.deepEqual(
        answers.filter(([, text]) => text.includes("admin for")),
        [],
      );
    });

    test("lets those through who may, with their claims, and everybody to what is open", async () => {
      assert.match(await send(url, "GET /admin/x", bearer({ roles: ["admin"] })), /admin for ada/);
      assert.match(await send(url, "GET /notes/a.b.txt?q=%20", bearer({})), /the rest for ada/);
      assert.match(await send(url, "GET /public/x"), /public for anybody/);
      // The claims are those of the token only where one is needed.
      assert.match(await send(url, "GET /public/x", bearer({})), /public for anybody/);
    });

    test("leaves a body to the routes", async () => {
      const headers = { ...bearer({}), "content-type": "text/plain", "content-length": 5 };
      assert.match(await send(url, "POST /notes/1", headers, "app.test", "hello"), /the rest for ada hello/);
    });

    for (const [what, line, claims, status, challenge] of [
      ["no token", "GET /notes/1", undefined, 401, /^Bearer resource_metadata="[^"]+"$/],
      [
        "an old one",
        "GET /notes/1",
        { exp: 1 },
        401,
        /^Bearer error="invalid_token", error_description="expired", res/,
      ],
      ["no role", "GET /admin/x", {}, 403, /^Bearer error="insufficient_scope", resource_metadata=/],
      ["no scope", "POST /pay", {}, 403, /^Bearer error="insufficient_scope", scope="pay", resource_metadata=/],
      [
        "a weak authentication",
        "POST /pay",
        { scope: "pay" },
        401,
        /^Bearer error="insufficient_user_authentication", .*acr_values="mfa", max_age="300", scope="pay", resource_met/,
      ],
    ]) {
      test(`answers ${what} with ${status} and what to do`, async () => {
        const text = await send(url, line, { ...(claims && bearer(claims)), "content-length": 0 });
        assert.ok(text.startsWith(`HTTP/1.1 ${status} `), text);
        assert.match(/^www-authenticate: (.*)\r$/im.exec(text)[1], challenge);
        assert.match(text, /^cache-control: no-store\r$/im);
        assert.match(text, /^content-type: application\/problem\+json/im);
      });
    }

    test("lets a strong and recent authentication pass", async () => {
      const claims = { scope: "pay", acr: "mfa", auth_time: Math.floor(Date.now() / 1000) - 60 };
      assert.match(await send(url, "POST /pay", { ...bearer(claims), "content-length": 0 }), /the rest for ada/);
    });

    test("tells what the resource is", async () => {
      const text = await send(url, "GET /.well-known/oauth-protected-resource/v1");
      assert.match(text, /^HTTP\/1.1 200 .*content-type: application\/json\r/is);
      assert.match(text, /"resource":"https:\/\/api.example\/v1"/);
      const head = await send(url, "HEAD /.well-known/oauth-protected-resource/v1");
      assert.ok(head.startsWith("HTTP/1.1 200 ") && head.endsWith("\r\n\r\n"), head);
    });

    test("refuses what has two readings: 308 where a GET may be sent on, else 400", async () => {
      const token = bearer({ roles: ["admin"] });
      assert.match(await send(url, "GET /notes//x?y=1", token), /^HTTP\/1.1 308 .*location: \/notes\/x\?y=1\r/is);
      for (const line of [
        "POST /notes//x",
        "GET /admin%2Fx",
        "GET /public/..;/admin/x",
        "GET /public/%252e%252e/admin/x",
        "GET /admin\\x",
        "GET /%00",
        "GET /notes/%ff",
      ]) {
        assert.match(await send(url, line, { ...token, "content-length": 0 }), /^HTTP\/1.1 400 /, line);
      }
    });

    test("answers 404 where no rule is, whoever asks", async () => {
      for (const line of [
        "GET /",
        "GET /elsewhere",
        "OPTIONS /elsewhere",
        "GET /.well-known/oauth-protected-resource",
      ]) {
        assert.match(await send(url, line, bearer({ roles: ["admin"] })), /^HTTP\/1.1 404 /, line);
      }
    });

    test("gives the answer of a function, each cookie of its own", async () => {
      const text = await send(url, "GET /pages/1");
      assert.match(text, /^HTTP\/1.1 302 .*sign in/s);
      assert.deepEqual(
        text.match(/^set-cookie: .*$/gim),
        ["set-cookie: a=1\r", "set-cookie: b=2\r"].map((one) => one.slice(0, -1)),
      );
    });

    test("fails closed where a rule throws, and says nothing of why", async () => {
      const text = await send(url, "GET /broken", bearer({}));
      assert.match(text, /^HTTP\/1.1 500 .*failed/s);
      assert.doesNotMatch(text, /secret/);
    });

    test("takes no token from the query or a body, nor from two headers", async () => {
      const { authorization } = bearer({});
      for (const line of [`GET /notes/1?access_token=${authorization.slice(7)}`, "POST /notes/1"]) {
        const body = line.startsWith("POST") ? `access_token=${authorization.slice(7)}` : "";
        const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": body.length };
        assert.match(await send(url, line, headers, "app.test", body), /^HTTP\/1.1 401 /);
      }
      for (const repeated of [
        { authorization: `Basic eA==, ${authorization}` },
        { authorization, Authorization: authorization },
        { authorization, AUTHORIZATION: "Basic eA==" },
        { Authorization: "Basic eA==", authorization },
      ]) {
        assert.match(await send(url, "GET /notes/1", repeated), /^HTTP\/1.1 400 /);
      }
    });

    test("is for the origin that is named", async () => {
      const named = await listen({ ...OPTIONS, origin: "http://app.test" });
      assert.match(await send(named, "GET /public/x"), /public for anybody/);
      for (const host of ["evil.test", "app.test:81", "app.test@evil.test", "app.test."]) {
        const text = await send(named, "GET /public/x", {}, host);
        if (host === "app.test.") assert.match(text, /public for anybody/);
        else assert.match(text, /^HTTP\/1.1 4(?:00|21) /, host);
      }
    });

    test("lets no host or scheme that a client names become a path", async () => {
      for (const end of [
        "/public",
        "/public/",
        "/public?",
        "/public#",
        "\\public",
        "/public/x;",
        ":80/public",
        "*/public",
      ]) {
        const forwarded = { "x-forwarded-host": `app.test${end}`, "x-forwarded-proto": `http://app.test${end}` };
        for (const headers of [{}, forwarded]) {
          const text = await send(url, "GET /admin/x", headers, `app.test${end}`);
          assert.doesNotMatch(text, /admin for/, end);
          const trusting = await send(trusted, "GET /admin/x", headers);
          assert.doesNotMatch(trusting, /admin for/, end);
        }
      }
    });

    test("takes a gate that is made, too", async () => {
      const made = await listen(createGate(OPTIONS));
      assert.match(await send(made, "GET /notes/x", bearer({})), /the rest for ada/);
      assert.match(await send(made, "GET /notes/x"), /^HTTP\/1.1 401 /);
    });

    test("does not come to be with options that cannot work", async () => {
      for (const wrong of [{}, { ...OPTIONS, rule: [] }, { ...OPTIONS, rules: [{ match: "x" }] }, { rules: [] }]) {
        await assert.rejects(
          async () => make(wrong),
          (error) => error instanceof ConfigError,
          JSON.stringify(wrong),
        );
      }
    });
  });
}

describe("Express: what is judged is what is routed", () => {
  const serve = async (context, build) => {
    const app = express();
    build(app);
    app.use((_error, _request, response, _next) => response.status(500).end("failed"));
    const server = createServer(app);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => server.close());
    return `http://127.0.0.1:${server.address().port}`;
  };
  const OPEN = {
    ...OPTIONS,
    rules: [
      { match: "/api/admin", needs: { role: "admin" } },
      { match: "/*", needs: null },
    ],
  };

  test("behind something that rewrites, it fails closed", async (context) => {
    const url = await serve(context, (app) => {
      app.use((request, _response, next) => {
        request.url = request.url.replace("/public", "/api/admin");
        next();
      });
      app.use(expressGate(OPEN));
      app.get("/api/admin", (_request, response) => response.end("admin"));
    });
    assert.match(await send(url, "GET /public"), /^HTTP\/1.1 500 .*failed/s);
    assert.match(await send(url, "GET /api/admin"), /^HTTP\/1.1 401 /);
  });

  // Node's own parser refuses most of these; what stands in for it, where functions run, may not.
  for (const target of [":80/public/x", ".evil.test/public/x", "?/public/x", "@evil.test/public/x", "public/x", ""]) {
    test(`what is no path becomes no part of a host: "${target}"`, async () => {
      const app = express();
      app.use(expressGate(OPTIONS));
      app.use((_request, response) => response.end("passed"));
      const request = new IncomingMessage(new Duplex({ read() {} }));
      Object.assign(request, { method: "GET", url: target, headers: { host: "app.test" } });
      request.push(null);
      const response = new ServerResponse(request);
      const status = new Promise((resolve) => {
        response.end = () => resolve(response.statusCode);
      });
      app(request, response);
      // Express answers 404 to what it cannot read at all.
      assert.ok([400, 404].includes(await status));
    });
  }

  test("under a path, it judges the whole one", async (context) => {
    const url = await serve(context, (app) => {
      app.use("/api", expressGate(OPEN));
      app.get("/api/admin", (_request, response) => response.end("the admin"));
      app.use((_request, response) => response.end("open"));
    });
    for (const line of ["GET /api/admin", "GET /api/admin/", "GET /API/Admin", "GET /api/admin?x", "GET /api//admin"]) {
      assert.doesNotMatch(await send(url, line), /the admin/, line);
    }
    for (const line of ["GET /api", "GET /api?x", "GET /api/", "GET /api/?x=/api", "GET /api/x"]) {
      assert.match(await send(url, line), /open/, line);
    }
  });
});

describe("Fastify: what is judged is what is routed", () => {
  test("also without a socket, as apps are tested and as functions run", async (context) => {
    const app = fastify();
    await app.register(fastifyGate, OPTIONS);
    context.after(() => app.close());
    app.get("/notes/:id", ({ gate }) => gate.claims.sub);
    assert.equal((await app.inject({ url: "/notes/1" })).statusCode, 401);
    assert.equal((await app.inject({ url: "/notes/1", headers: bearer({}) })).body, "ada");
    assert.equal((await app.inject({ url: "/notes%2F1", headers: bearer({}) })).statusCode, 400);
  });

  test("and only one gate judges", async () => {
    const app = fastify();
    app.register(fastifyGate, OPTIONS);
    app.register(fastifyGate, OPTIONS);
    await assert.rejects(async () => app.ready(), { code: "FST_ERR_DEC_ALREADY_PRESENT" });
  });

  test("also where Fastify rewrites the URL, is lenient, or a route is nobody's", async (context) => {
    const app = fastify({
      rewriteUrl: ({ url }) => url.replace("/public", "/admin"),
      routerOptions: {
        caseSensitive: false,
        ignoreTrailingSlash: true,
        ignoreDuplicateSlashes: true,
        useSemicolonDelimiter: true,
      },
    });
    context.after(() => app.close());
    app.get("/admin/before", () => "the admin");
    await app.register(fastifyGate, OPTIONS);
    app.get("/admin/x", () => "the admin");
    await app.listen({ port: 0, host: "127.0.0.1" });
    const url = `http://127.0.0.1:${app.server.address().port}`;
    for (const line of [
      "GET /public/x",
      "GET /admin/x",
      "GET /ADMIN/X",
      "GET /admin//x",
      "GET /admin/x;y",
      "GET /admin/x/",
    ]) {
      assert.doesNotMatch(await send(url, line), /the admin/, line);
    }
    assert.match(await send(url, "GET /admin/none"), /^HTTP\/1.1 401 /);
    assert.match(await send(url, "GET /admin/x", bearer({ roles: ["admin"] })), /the admin/);
    assert.doesNotMatch(await send(url, "GET /admin/before"), /the admin/);
  });
});

describe("Hono", () => {
  test("tells the worker what goes on after the answer", async () => {
    let deliver;
    const slow = createKeyStore({
      verifier: createVerifier({ jwks: [signer("old").jwk], issuer: ISSUER, audience: "app" }),
      bundled: [signer("old").jwk],
      jwksUri: `${ISSUER}/jwks`,
      storage: memoryStorage(),
      fetch: () =>
        new Promise((resolve) => {
          deliver = () => resolve(Response.json({ keys: [KEY.jwk] }));
        }),
    });
    const app = new Hono();
    app.use(honoGate({ verifier: slow, rules: [{ match: "/*" }], refreshTimeout: 0.01 }));
    app.get("/", (context) => context.text("passed"));
    const work = [];
    const ask = () =>
      app.fetch(
        new Request("https://api.example/", { headers: bearer({}) }),
        {},
        { waitUntil: (one) => work.push(one) },
      );
    assert.equal((await ask()).status, 401);
    assert.equal(work.length, 1);
    deliver();
    await Promise.all(work);
    assert.equal((await ask()).status, 200);
  });

  test("has CORS in front of the gate, also for what is refused", async () => {
    const app = new Hono();
    app.use(cors({ origin: "https://app.example" }));
    app.use(honoGate(OPTIONS));
    const headers = { origin: "https://app.example" };
    const refused = await app.request("/notes/1", { headers });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("access-control-allow-origin"), "https://app.example");
    assert.match(refused.headers.get("www-authenticate"), /^Bearer resource_metadata=/);
    assert.equal((await app.request("/notes/1", { method: "OPTIONS" })).status, 204);
  });
});

test("every entry is there as CommonJS too, and takes a gate of the other kind", async () => {
  const require = createRequire(import.meta.url);
  const { honoGate: fromCommonJs } = require("tokenward/hono");
  const app = new Hono().use(fromCommonJs(createGate(OPTIONS))).get("/notes/1", (context) => context.text("passed"));
  assert.equal((await app.request("/notes/1", { headers: bearer({}) })).status, 200);
  assert.equal(typeof require("tokenward/express").expressGate, "function");
  assert.equal(require("tokenward/fastify").fastifyGate[Symbol.for("skip-override")], true);
});
