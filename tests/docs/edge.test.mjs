// The worker of docs/edge.md, run as it stands in workerd, Deno and Bun, at a provider whose keys change.
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { serveKeys, startProvider } from "../keys/provider.mjs";
import { startBun, startDeno } from "../runtimes/programs.mjs";
import { startWorkerd } from "../runtimes/workerd.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const NETWORK = {
  services: '( name = "internet", network = ( allow = ["private"] ) ),',
};

const startInWorkerd = (source) => startWorkerd(source, NETWORK);

/** What somebody who hangs up leaves behind is given up after four times the `timeout`. */
const QUICK = { 'refreshEvery: "1h"': 'refreshEvery: "1h", cooldown: 0.2, timeout: 1' };
const FORGETFUL = { ...QUICK, "context?.waitUntil(work)": "void work" };

for (const [name, start, changes] of [
  ["workerd", startInWorkerd, QUICK],
  ["workerd, by a worker that forgets waitUntil", startInWorkerd, FORGETFUL],
  ["Deno", startDeno, QUICK],
  ["Bun", startBun, QUICK],
]) {
  describe(name, () => {
    const [bundled, fresh] = [keyPair("1"), keyPair("2")];
    let provider;
    let folder;
    let worker;
    before(async () => {
      provider = await startProvider([bundled.jwk]);
      provider.discovery["/.well-known/openid-configuration"] = { issuer: provider.url, jwks_uri: provider.jwksUri };
      folder = makeFolder();
      const replace = { "https://login.example": provider.url, ...changes };
      await writePrograms("docs/edge.md", folder.path, { jwks: { keys: [bundled.jwk] }, replace });
      worker = await start(join(folder.path, "worker.js"));
    });
    after(async () => {
      worker?.close();
      folder?.remove();
      await provider?.close();
    });

    const ask = (path, token) => fetch(worker.url + path, token && { headers: { authorization: `Bearer ${token}` } });
    const tokenOf = (key, claims) =>
      key.token({ iss: provider.url, aud: "my-api", sub: "ada", exp: Date.now() / 1000 + 60, ...claims });

    test("lets in who may pass", async () => {
      assert.deepEqual(await (await ask("health")).json(), { sub: null, path: "/health" });
      for (const spelling of ["%68ealth", "/health"]) assert.equal((await ask(spelling)).status, 200);
      const spaced = { headers: { authorization: `bearer   ${tokenOf(bundled)}` } };
      assert.equal((await fetch(worker.url, spaced)).status, 200);
      const response = await ask("reports/7", tokenOf(bundled, { scope: "reports:read" }));
      assert.deepEqual(await response.json(), { sub: "ada", path: "/reports/7" });
    });

    for (const [what, path, claims, status, challenge] of [
      ["no token", "", undefined, 401, 'Bearer realm="protected"'],
      ["an old one", "", { exp: 1 }, 401, 'Bearer error="invalid_token", error_description="expired"'],
      ["no scope", "reports/7", {}, 403, 'Bearer error="insufficient_scope", scope="reports:read"'],
      ["no role", "admin/", {}, 403, 'Bearer error="insufficient_scope"'],
    ]) {
      test(`${what}: ${status}`, async () => {
        const response = await ask(path, claims && tokenOf(bundled, claims));
        assert.deepEqual([response.status, response.headers.get("www-authenticate")], [status, challenge]);
      });
    }

    test("survives that somebody hangs up while it looks for a key", async () => {
      provider.answer = (request, response) => setTimeout(() => serveKeys(provider, request, response), 400);
      provider.keys = [fresh.jwk];
      await hangUp(worker.url, tokenOf(fresh), 200);
      provider.answer = undefined;
      await new Promise((resolve) => setTimeout(resolve, 4500));
      assert.equal((await ask("", tokenOf(fresh))).status, 200);
      assert.equal((await ask("", tokenOf(bundled))).status, 401, "which was withdrawn");
    });

    test("goes on without the provider", async () => {
      await provider.close();
      assert.equal((await ask("", tokenOf(fresh))).status, 200);
    });
  });
}

/** Sends a request, and resets the connection before it is answered. */
async function hangUp(url, token, milliseconds) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  socket.resetAndDestroy();
}

function keyPair(kid) {
  const { privateKey, publicKey } = generateKeyPair("ec", { namedCurve: "P-256" });
  const token = (claims) => {
    const parts = [{ alg: "ES256", kid }, claims];
    const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
  };
  return { jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256" }, token };
}
