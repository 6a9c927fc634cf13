// examples/cloudflare-worker as it stands: bundled by `wrangler deploy --dry-run`, run in workerd by Miniflare with KV and the
// cron trigger, at key servers that rotate, are down, slow, or lie.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { signer } from "../support/tokens.mjs";
import { installed } from "./example.mjs";

const STAFF = "https://login.example";
const PARTNERS = "https://partners.example";
const API = "https://api.example";
/** Of the gate, in milliseconds: how long a token with an unknown key waits. */
const PATIENCE = 2000;

let out;
let bundled;
let miniflare;
let Response;
let Miniflare;

before(async () => {
  const folder = installed("cloudflare-worker", "200 MB, with wrangler and its workerd");
  out = mkdtempSync(join(tmpdir(), "tokenward-wrangler-"));
  const wrangler = join(folder, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: join(out, "log"), CI: "1" };
  const args = [wrangler, "deploy", "--dry-run", "--outdir", join(out, "dist")];
  bundled = spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
  assert.equal(bundled.status, 0, bundled.stdout + bundled.stderr);
  const { resolve } = createRequire(join(folder, "package.json"));
  ({ Miniflare, Response } = await import(pathToFileURL(resolve("miniflare"))));
});
after(async () => {
  await miniflare?.dispose();
  rmSync(out, { recursive: true, force: true });
});

test("wrangler takes it as it stands, and the WebAssembly as a module", () => {
  assert.match(bundled.stdout, /env\.KEYS/);
  const files = readdirSync(join(out, "dist"));
  assert.ok(
    files.some((name) => name.endsWith("-tokenward.wasm")),
    `${files}`,
  );
  assert.ok(!readFileSync(join(out, "dist/worker.js"), "utf8").includes("AGFzbQ"), "and not inlined as well");
});

/** Key servers, in place of the network: each is told what to answer, and what was asked is counted. */
const servers = {};
let asked = [];

function answerAs({ url }) {
  const { origin, pathname } = new URL(url);
  asked.push(url);
  return servers[origin](pathname, origin);
}

const keysOf = (...signers) => ({ keys: signers.map(({ jwk }) => jwk) });

/** What a healthy provider answers. */
const serving = (jwks) => (pathname, origin) =>
  pathname === "/.well-known/openid-configuration"
    ? Response.json({ issuer: origin, jwks_uri: `${origin}/jwks` })
    : Response.json(jwks);

const DOWN = () => new Response("the data centre is on fire", { status: 503 });
const NEVER = () => new Promise(() => {});

/** The worker in a fresh isolate; what is in KV stays. */
async function start() {
  await miniflare?.dispose();
  const dist = join(out, "dist");
  const wasm = readdirSync(dist).filter((name) => name.endsWith(".wasm"));
  miniflare = new Miniflare({
    modulesRoot: dist,
    modules: [
      { type: "ESModule", path: join(dist, "worker.js") },
      ...wasm.map((name) => ({ type: "CompiledWasm", path: join(dist, name) })),
    ],
    compatibilityDate: "2026-01-01",
    kvNamespaces: ["KEYS"],
    kvPersist: join(out, "kv"),
    outboundService: answerAs,
    // The worker's own log: read by a test, and quiet.
    handleRuntimeStdio(stdout, stderr) {
      stdout.on("data", (chunk) => log.push(`${chunk}`));
      stderr.on("data", (chunk) => log.push(`${chunk}`));
    },
  });
  await miniflare.ready;
}
const log = [];

/** The same where nobody has asked a key server for a while: no cool-down runs. */
async function startWarm() {
  const keys = await miniflare.getKVNamespace("KEYS");
  const { keys: names } = await keys.list();
  for (const { name } of names) if (/\.(attempt|doubt)$/.test(name)) await keys.delete(name);
  await start();
}

async function cron() {
  const worker = await miniflare.getWorker();
  const { outcome } = await worker.scheduled({ cron: "*/10 * * * *" });
  return outcome;
}

/** `[status, error code, milliseconds]` of a request with a token. */
async function ask(path, token) {
  const began = performance.now();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await miniflare.dispatchFetch(`https://api.example${path}`, { headers });
  const code = /error_description="(\w+)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1];
  const body = await response.text();
  return { status: response.status, code, body, milliseconds: performance.now() - began };
}

const [first, second, partner, stranger] = ["first", "second", "partner", "stranger"].map(signer);
const staffToken = (key, claims) => key.token({ iss: STAFF, aud: API, sub: "ada", ...claims });
const partnerToken = (key, claims) =>
  key.token({ iss: PARTNERS, aud: API, sub: "shop", scope: "orders:read", ...claims });

describe("in workerd", () => {
  before(async () => {
    servers[STAFF] = serving(keysOf(first));
    servers[PARTNERS] = serving(keysOf(partner));
    await start();
  });
  beforeEach(() => {
    asked = [];
  });

  test("the cron trigger fetches the keys of every issuer", async () => {
    assert.equal(await cron(), "ok");
    assert.deepEqual(asked.map((url) => new URL(url).origin).sort(), [STAFF, STAFF, PARTNERS, PARTNERS]);
  });

  test("another isolate reads them from KV: its first request asks no key server", async () => {
    servers[STAFF] = DOWN;
    servers[PARTNERS] = DOWN;
    await start();
    assert.deepEqual(JSON.parse((await ask("/staff/x", staffToken(first))).body), {
      issuer: STAFF,
      subject: "ada",
      path: "/staff/x",
    });
    assert.equal((await ask("/orders/7", partnerToken(partner))).status, 200);
    assert.deepEqual(asked, []);
  });

  test("each issuer has its own paths and keys, and no other's", async () => {
    const cases = [
      ["/staff/x", undefined, 401, undefined],
      ["/staff/x", partnerToken(partner), 401, "key_not_found"],
      ["/staff/x", staffToken(first, { iss: PARTNERS }), 401, "claim_mismatch"],
      ["/orders/7", partnerToken(partner, { iss: STAFF }), 401, "claim_mismatch"],
      ["/orders/7", partnerToken(partner, { scope: "" }), 403, undefined],
      ["/orders/7", partnerToken(partner, { aud: "https://other.example" }), 401, "claim_mismatch"],
      ["/staff/admin/x", staffToken(first), 403, undefined],
      ["/staff/admin/x", staffToken(first, { roles: ["admin"] }), 200, undefined],
      ["/staff/%2e%2e%2forders", staffToken(first), 400, undefined],
      ["/elsewhere", staffToken(first), 404, undefined],
    ];
    for (const [path, token, status, code] of cases) {
      const got = await ask(path, token);
      assert.deepEqual([got.status, got.code], [status, code], path);
    }
  });

  test("keys rotate: the cron trigger brings the new one, and the old one is withdrawn", async () => {
    servers[STAFF] = serving(keysOf(second));
    servers[PARTNERS] = serving(keysOf(partner));
    assert.equal(await cron(), "ok");
    asked = [];
    assert.equal((await ask("/staff/x", staffToken(second))).status, 200);
    assert.deepEqual(asked, []);
    assert.equal((await ask("/staff/x", staffToken(first))).status, 401);
  });

  const liars = {
    "is down": DOWN,
    "answers a page": () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
    "has no keys": serving({ keys: [] }),
    "names another issuer": (pathname) =>
      pathname === "/jwks"
        ? Response.json(keysOf(stranger))
        : Response.json({ issuer: PARTNERS, jwks_uri: `${STAFF}/jwks` }),
    "leads away from https": () =>
      new Response(null, { status: 302, headers: { location: "http://evil.example/jwks" } }),
    "gives a symmetric key": serving({ keys: [{ kty: "oct", k: "c2VjcmV0", kid: "stranger", alg: "HS256" }] }),
    "gives far too much": serving({ keys: [stranger.jwk], padding: "x".repeat(600_000) }),
    "gives one key twice": () => new Response(`{"keys":[],"keys":[${JSON.stringify(stranger.jwk)}]}`),
  };
  for (const [what, server] of Object.entries(liars)) {
    test(`a key server that ${what} is not believed, and the other issuer's keys are refreshed all the same`, async () => {
      servers[STAFF] = server;
      await startWarm();
      assert.equal((await ask("/staff/x", staffToken(second))).status, 200);
      assert.deepEqual(asked, []);
      const { status, code } = await ask("/staff/x", staffToken(stranger));
      assert.deepEqual([status, code], [401, "key_not_found"]);
      assert.ok(asked.length > 0, "an unknown key is looked for");

      asked = [];
      assert.equal(await cron(), "exception");
      assert.ok(asked.some((url) => url.startsWith(PARTNERS)));
      assert.ok(!asked.some((url) => url.includes("evil")));
      asked = [];
      assert.equal((await ask("/staff/x", staffToken(second))).status, 200);
      assert.equal((await ask("/orders/7", partnerToken(partner))).status, 200);
      assert.equal((await ask("/staff/x", staffToken(stranger))).status, 401);
      assert.deepEqual(asked, []);
    });
  }

  test("a key server that never answers: only a token with an unknown key waits, and not for long", async () => {
    servers[STAFF] = NEVER;
    await startWarm();
    const unknown = ask("/staff/x", staffToken(stranger));
    for (let turn = 0; turn < 20; turn += 1) {
      const { status, milliseconds } = await ask("/staff/x", staffToken(second));
      assert.equal(status, 200);
      assert.ok(milliseconds < PATIENCE / 2, `${milliseconds} ms`);
    }
    const { status, code, milliseconds } = await unknown;
    assert.deepEqual([status, code], [401, "key_not_found"]);
    assert.ok(milliseconds > PATIENCE * 0.9 && milliseconds < PATIENCE * 2.5, `${milliseconds} ms`);
  });

  test("its log has decisions, and no token", () => {
    const text = log.join("");
    const token = staffToken(second);
    assert.match(text, /"outcome":"allowed","reason":"valid","issuer":"https:\/\/login\.example","kid":"second"/);
    for (const part of token.split(".").slice(0, 2)) assert.ok(!text.includes(part));
    assert.ok(!/eyJ|"ada"/.test(text));
  });
});
