// A key store in real workerd: its fetch, its KV, its Cache API.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startWorkerd } from "../runtimes/workerd.mjs";
import { startEdgeServices } from "./edge-services.mjs";
import { k1, k2, k3, providerFor, tokens } from "./stores.mjs";

let services;
let worker;
before(async () => {
  services = await startEdgeServices();
  worker = await startWorkerd(fileURLToPath(new URL("site/edge.mjs", import.meta.url)), services.configuration);
});
after(() => {
  worker?.close();
  services?.close();
});

for (const [name, kind] of Object.entries({ "Workers KV": "kv", "the Cache API": "cache" })) {
  test(`${name}: what one isolate fetched the next one loads, with its cool-down and its ETag`, async (t) => {
    const provider = await providerFor(t, [k2]);
    const { jwksUri } = provider;
    const ask = async (more) => {
      const body = JSON.stringify({ kind, bundled: [k1], jwksUri, token: tokens.k2, ...more });
      return (await fetch(worker.url, { method: "POST", body })).json();
    };
    const errors = [];
    assert.deepEqual(await ask(), { loaded: ["k1"], verified: "k2", errors });
    assert.deepEqual(await ask(), { loaded: ["k2"], verified: "k2", errors });
    assert.deepEqual(await ask({ token: tokens.k3 }), {
      loaded: ["k2"],
      verified: "key_not_found: cooling_down",
      errors,
    });
    assert.equal(provider.requests.length, 1);
    assert.equal((await ask({ refresh: true })).outcome, "unchanged");
    assert.equal(provider.requests[1].headers["if-none-match"], '"azI"');
    provider.keys = [k3];
    assert.deepEqual(await ask({ refresh: true, token: tokens.k3 }), {
      loaded: ["k2"],
      outcome: "updated",
      verified: "k3",
      errors,
    });
    assert.deepEqual((await ask()).loaded, ["k3"]);
  });
}

test("redirects are checked hop by hop, and the issuer's metadata are found", async (t) => {
  const provider = await providerFor(t, [k2]);
  const target = await providerFor(t, [k2]);
  const { url: issuer } = provider;
  provider.discovery["/.well-known/openid-configuration"] = { issuer, jwks_uri: provider.jwksUri };
  const outcome = async () => {
    const body = JSON.stringify({ kind: "kv", bundled: [k1], issuer, token: tokens.k1, refresh: true });
    return (await (await fetch(worker.url, { method: "POST", body })).json()).outcome;
  };
  provider.answer = (_, response) => response.writeHead(302, { Location: "http://login.example/keys" }).end();
  assert.equal(await outcome(), "insecure_url");
  provider.answer = (_, response) => response.writeHead(302, { Location: target.jwksUri }).end();
  assert.equal(await outcome(), "updated");
});
