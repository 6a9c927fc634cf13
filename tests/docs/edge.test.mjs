// The worker of docs/edge.md, run as it stands in workerd, Deno and Bun, at a provider whose keys change.
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { startProvider } from "../keys/provider.mjs";
import { startBun, startDeno } from "../runtimes/programs.mjs";
import { startWorkerd } from "../runtimes/workerd.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const NETWORK = {
  services: '( name = "internet", network = ( allow = ["private"] ) ),',
};

const RUNTIMES = {
  workerd: (source) => startWorkerd(source, NETWORK),
  Deno: startDeno,
  Bun: startBun,
};

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(name, () => {
    const [bundled, fresh] = [keyPair("1"), keyPair("2")];
    let provider;
    let folder;
    let worker;
    before(async () => {
      provider = await startProvider([bundled.jwk, fresh.jwk]);
      provider.discovery["/.well-known/openid-configuration"] = { issuer: provider.url, jwks_uri: provider.jwksUri };
      folder = makeFolder();
      const replace = { "https://login.example": provider.url };
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
      assert.equal(await (await ask("health")).text(), "fine");
      const response = await ask("reports/7", tokenOf(bundled, { scope: "reports:read" }));
      assert.deepEqual(await response.json(), { sub: "ada", path: "/reports/7" });
    });

    for (const [what, path, claims, status, challenge] of [
      ["no token", "", undefined, 401, "Bearer"],
      ["an old one", "", { exp: 1 }, 401, 'Bearer error="invalid_token", error_description="expired"'],
      ["no scope", "reports/7", {}, 403, 'Bearer error="insufficient_scope", scope="reports:read"'],
      ["no role", "admin/", {}, 403, 'Bearer error="insufficient_scope"'],
    ]) {
      test(`${what}: ${status}`, async () => {
        const response = await ask(path, claims && tokenOf(bundled, claims));
        assert.deepEqual([response.status, response.headers.get("www-authenticate")], [status, challenge]);
      });
    }

    test("knows the provider's new key, and goes on without the provider", async () => {
      assert.equal((await ask("", tokenOf(fresh))).status, 200);
      await provider.close();
      assert.equal((await ask("", tokenOf(fresh))).status, 200);
    });
  });
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
