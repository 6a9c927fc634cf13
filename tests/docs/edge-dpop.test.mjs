// What docs/edge.md shows of DPoP, as it stands: the worker with its Durable Object in workerd, and the gate in Node.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import * as oauth from "oauth4webapi";
import { createGate } from "tokenward/gate";
import { startWorkerd } from "../runtimes/workerd.mjs";
import { client, proofBy } from "../support/dpop.mjs";
import { KEY } from "../support/tokens.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const ORIGIN = "https://api.example";
/** SQLite is only to be had on a disk. */
const moreFor = (disk) => ({
  services: `( name = "disk", disk = ( path = "${disk}", writable = true ) ),`,
  worker: `
  bindings = [
    ( name = "PROOFS", durableObjectNamespace = "Proofs" ),
    ( name = "DPOP_SECRET", text = "a secret that has at least 32 bytes" ),
  ],
  durableObjectNamespaces = [ ( className = "Proofs", uniqueKey = "proofs", enableSql = true ) ],
  durableObjectStorage = ( localDisk = "disk" ),`,
});
const ada = client();
const token = () => KEY.token({ aud: ORIGIN, sub: "ada", scope: "reports:read", cnf: { jkt: ada.jkt } });

let folder;
before(async () => {
  folder = makeFolder();
  await writePrograms("docs/edge.md", folder.path, { jwks: { keys: [KEY.jwk] } });
});
after(() => folder.remove());

function headersFor(path, claims) {
  const bound = token();
  const now = Math.floor(Date.now() / 1000);
  return { authorization: `DPoP ${bound}`, dpop: proofBy(ada, { url: ORIGIN + path, token: bound, now, claims }) };
}

describe("the worker with nonces and a Durable Object, in workerd", () => {
  let worker;
  before(async () => {
    const disk = join(folder.path, "disk");
    mkdirSync(disk);
    worker = await startWorkerd(join(folder.path, "bound.js"), moreFor(disk));
  });
  after(() => worker?.close());
  const ask = (headers) => fetch(`${worker.url}reports/7`, { headers });

  test("gives a nonce, and lets one request through for each proof, also of many at once", async () => {
    const refused = await ask(headersFor("/reports/7"));
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate"), /^DPoP error="use_dpop_nonce"/);
    const nonce = refused.headers.get("dpop-nonce");
    for (let count = 0; count < 3; count++) {
      const headers = headersFor("/reports/7", { nonce });
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(headers)));
      const passed = answers.filter(({ status }) => status === 200);
      assert.equal(passed.length, 1);
      assert.deepEqual(await passed[0].json(), { sub: "ada" });
      for (const { status, headers: fields } of answers) {
        if (status === 200) continue;
        assert.equal(status, 401);
        assert.match(fields.get("www-authenticate"), /error_description="replayed"/);
      }
    }
    const old = headersFor("/reports/7", { nonce, iat: Math.floor(Date.now() / 1000) - 120 });
    assert.match((await ask(old)).headers.get("www-authenticate"), /error_description="too_old"/);
    const bearer = await ask({ authorization: `Bearer ${token()}` });
    assert.match(bearer.headers.get("www-authenticate"), /^DPoP error="invalid_token"/);
  });
});

describe("the gate that wants proofs, and the page's server for Node", () => {
  const load = (name) => import(pathToFileURL(join(folder.path, `${name}.js`)));

  test("let one request through for each proof", async () => {
    const { gate } = await load("dpop");
    const { admit } = await load("node");
    const headers = headersFor("/reports/7");
    const asked = { method: "GET", url: "/reports/7?page=2", headers };
    const first = await admit(gate, asked);
    assert.deepEqual([first.allowed, first.claims?.sub], [true, "ada"]);
    const second = await admit(gate, asked);
    assert.deepEqual([second.allowed, second.status], [false, 401]);
    assert.match(second.headers["www-authenticate"], /^DPoP error="invalid_dpop_proof", error_description="replayed"/);
  });

  test("let pages of another origin read what they need", async () => {
    const { gate } = await load("dpop");
    const { withCors } = await load("cors");
    const preflight = { method: "OPTIONS", headers: { "access-control-request-method": "GET" } };
    const allowed = await withCors(new Request(`${ORIGIN}/reports/7`, preflight), gate, () => assert.fail("asked"));
    assert.match(allowed.headers.get("access-control-allow-headers"), /\bdpop\b/);
    const refused = await withCors(new Request(`${ORIGIN}/reports/7`), gate, () => assert.fail("asked"));
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("access-control-expose-headers"), /\bdpop-nonce\b/);
  });

  test("answer a client that makes its request once more with the nonce", async (t) => {
    const { options } = await load("options");
    const { getReport } = await load("client");
    const gate = createGate({ ...options, dpop: { nonce: "a secret that has at least 32 bytes" } });
    const keyPair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const dpop = oauth.DPoP({ client_id: "reports" }, keyPair);
    const bound = KEY.token({
      aud: ORIGIN,
      sub: "ada",
      scope: "reports:read",
      cnf: { jkt: await dpop.calculateThumbprint() },
    });
    const statuses = [];
    t.mock.method(globalThis, "fetch", async (input, init) => {
      const answer = await gate.handle(new Request(input, init), () => Response.json({ id: 7 }));
      statuses.push(answer.status);
      return answer;
    });
    assert.deepEqual(await (await getReport(bound, dpop)).json(), { id: 7 });
    assert.deepEqual(statuses, [401, 200]);
    const unbound = KEY.token({ aud: ORIGIN, sub: "ada" });
    await assert.rejects(getReport(unbound, dpop), { name: "WWWAuthenticateChallengeError" });
    assert.deepEqual(statuses, [401, 200, 401], "another refusal is not repeated");
  });
});
