// A gate by verifier in the runtimes of the edge: workerd, Deno, Bun.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tokenFor } from "../rfc8037.mjs";
import { startBun, startDeno } from "../runtimes/programs.mjs";
import { startWorkerd } from "../runtimes/workerd.mjs";
import { client, proofBy } from "../support/dpop.mjs";
import { hostileTargets, send } from "./raw.mjs";

const WORKER = fileURLToPath(new URL("site/edge.mjs", import.meta.url));

for (const [name, start] of Object.entries({ workerd: startWorkerd, Deno: startDeno, Bun: startBun })) {
  describe(name, () => {
    let worker;
    before(async () => {
      worker = await start(WORKER);
    });
    after(() => worker?.close());
    answers(() => worker);
  });
}

function answers(worker) {
  test("lets bearers through, and others as far as the rules say", async () => {
    const ada = tokenOf({ exp: Date.now() / 1000 + 60 });
    const cases = [
      ["open", undefined, 200, null],
      ["page", undefined, 401, 'Bearer realm="protected"'],
      ["page", ada, 200, null],
      ["page", tokenOf({ exp: 1 }), 401, 'Bearer error="invalid_token", error_description="expired"'],
      ["admin/page", ada, 403, 'Bearer error="insufficient_scope"'],
      ["admin/page", tokenOf({ exp: Date.now() / 1000 + 60, roles: ["admin"] }), 200, null],
    ];
    for (const [path, token, status, challenge] of cases) {
      const response = await ask(worker(), path, token);
      assert.equal(response.status, status, path);
      assert.equal(response.headers.get("www-authenticate"), challenge, path);
    }
  });

  test("answers from the shared cache of the edge only who may have it", async () => {
    const ada = tokenOf({ exp: Date.now() / 1000 + 60 });
    const first = await (await ask(worker(), "shared/x", ada)).text();
    assert.match(first, /^answer \d+$/);
    assert.equal((await ask(worker(), "shared/x", undefined)).status, 401);
  });
}

const PROOFS = fileURLToPath(new URL("site/dpop.mjs", import.meta.url));

for (const [name, start] of Object.entries({ workerd: startWorkerd, Deno: startDeno, Bun: startBun })) {
  describe(`${name}, where tokens need a proof (DPoP)`, () => {
    let worker;
    before(async () => {
      worker = await start(PROOFS);
    });
    after(() => worker?.close());

    test("lets a request through for each proof, in each algorithm, and no other", async () => {
      const nonce = (await fetch(worker.url)).headers.get("dpop-nonce");
      for (const alg of ["ES256", "ES384", "Ed25519", "PS256", "RS256"]) {
        const holder = client(alg);
        const token = tokenOf({ exp: Date.now() / 1000 + 60, sub: "ada", cnf: { jkt: holder.jkt } });
        const proof = (facts) =>
          proofBy(holder, {
            url: "https://api.example/notes",
            token,
            now: Math.floor(Date.now() / 1000),
            claims: { nonce },
            ...facts,
          });
        const send = async (dpop, scheme = "DPoP") => {
          const headers = new Headers({ authorization: `${scheme} ${token}` });
          for (const one of [dpop].flat()) headers.append("dpop", one);
          const response = await fetch(`${worker.url}notes`, { headers });
          const [, code] = /error_description="(\w+)"/.exec(response.headers.get("www-authenticate") ?? "") ?? [];
          return code ?? (await response.text());
        };
        const good = proof();
        const answers = await Promise.all([send(good), send(good), send(good)]);
        assert.deepEqual(answers.sort(), ["ada", "replayed", "replayed"], alg);
        assert.equal(await send(proof({ url: `${worker.url}notes` })), "htu_mismatch");
        assert.equal(await send(proof({ method: "POST" })), "htm_mismatch");
        assert.equal(await send(proof({ claims: {} })), "missing_nonce");
        assert.equal(await send([proof(), proof()]), "repeated_proof");
        assert.equal(await send(proof(), "Bearer"), "proof_needed");
        assert.equal(await send(proof({ header: { jwk: holder.privateJwk } })), "secret_key");
      }
    });
  });
}

function ask(worker, path, token) {
  return fetch(worker.url + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
}

const tokenOf = (claims) => tokenFor("edge", claims);

const WALK_AROUND = fileURLToPath(new URL("site/walk-around.mjs", import.meta.url));
const SEED = 20;
/** workerd fetches from no address of this machine unless its configuration says so. */
const LOOPBACK = {
  services: '( name = "network", network = ( allow = [ "public", "private" ] ) )',
  worker: 'globalOutbound = "network",',
};

for (const [name, start] of Object.entries({ workerd: startWorkerd, Deno: startDeno, Bun: startBun })) {
  describe(`${name}: what arrives as raw text`, () => {
    let worker;
    before(async () => {
      worker = await start(WALK_AROUND, LOOPBACK);
    });
    after(() => worker?.close());

    test(`reaches nothing behind a rule, however it is spelt (seed ${SEED})`, async () => {
      const answers = await Promise.all(
        hostileTargets(SEED).flatMap((line) =>
          ["front", "middleware", "hono", "one"].map(async (way) => [
            line,
            way,
            await send(worker.url, line, { "x-way": way }),
          ]),
        ),
      );
      const walked = answers.filter(([, , text]) => text.includes("behind admin"));
      assert.deepEqual(walked, []);
      for (const [line, way, text] of answers) {
        const location = /^location: (.*)\r$/im.exec(text)?.[1];
        if (location !== undefined) assert.match(location, /^\/(?![/\\])/, `${line} (${way})`);
      }
      assert.ok(answers.some(([, , text]) => /^HTTP\/1.1 308 /.test(text) || text.includes("open http")));
    });

    test("reaches it with the right token", async () => {
      const authorization = `Bearer ${tokenOf({ exp: Date.now() / 1000 + 60, roles: ["admin"] })}`;
      for (const way of ["front", "middleware", "hono", "one"]) {
        const text = await send(worker.url, "GET /admin/x", { "x-way": way, authorization });
        assert.match(text, /behind admin/, way);
      }
      assert.match(await send(worker.url, "POST /%61dmin/x", { authorization, "content-length": 0 }), /behind admin/);
    });

    test("is fetched from the origin that the app names", async () => {
      const inner = createServer(async (request, response) => {
        const { method, url, headers } = request;
        if (url === "/moved") return response.writeHead(302, { location: "/x" }).end();
        let body = "";
        for await (const chunk of request) body += chunk;
        response.end(`inner ${method} ${url} ${headers["x-kept"]} ${body}.`);
      }).listen(0, "127.0.0.1");
      await once(inner, "listening");
      const host = `127.0.0.1:${inner.address().port}`;
      const headers = { "x-way": "default", "x-origin": `http://${host}`, "x-kept": "yes" };
      const chunked = { ...headers, "transfer-encoding": "chunked" };
      try {
        assert.match(
          await send(worker.url, "GET /x?y=1", headers, host),
          /^HTTP\/1.1 200 (?:.|\s)*inner GET \/x\?y=1 yes \./,
        );
        assert.match(await send(worker.url, "GET /%78", headers, host), /inner GET \/x yes|^HTTP\/1.1 308 /);
        assert.match(await send(worker.url, "GET /moved", headers, host), /^HTTP\/1.1 302 /);
        assert.match(
          await send(worker.url, "POST /x", chunked, host, "4\r\nbody\r\n0\r\n\r\n"),
          /inner POST \/x yes body\./,
        );
        assert.match(await send(worker.url, "GET /admin/x", headers, host), /^HTTP\/1.1 401 /);
      } finally {
        inner.closeAllConnections();
        inner.close();
      }
    });

    test("names a host, from which nothing is fetched", async () => {
      const asked = [];
      const inner = createServer((request, response) => {
        asked.push(request.url);
        response.writeHead(302, { location: "/secret" }).end("inner secret");
      }).listen(0, "127.0.0.1");
      await once(inner, "listening");
      const host = `127.0.0.1:${inner.address().port}`;
      const html = { accept: "text/html" };
      const ways = [
        [{ "x-way": "front" }, 401, /the page/],
        [{ "x-way": "one" }, 421, /misdirected_request/],
        [{ "x-way": "default" }, 421, /misdirected_request/],
        [{ "x-way": "nothing" }, 401, /Sign-in needed/],
      ];
      for (const [headers, status, body] of ways) {
        for (const target of ["/page/x", `http://${host}/page/x`]) {
          const text = await send(worker.url, `GET ${target}`, { ...headers, ...html }, host);
          assert.match(text, new RegExp(`^HTTP/1.1 ${status} `), `${JSON.stringify(headers)} ${target}`);
          assert.match(text, body);
        }
      }
      assert.match(
        await send(worker.url, "GET /x", { "x-way": "nothing" }, host),
        /^HTTP\/1.1 500 (?:.|\s)*missing_option/,
      );
      assert.deepEqual(asked, []);
      await new Promise((resolve) => inner.close(resolve));
    });
  });
}
