// The files of docs/offline.md, run as they stand: signed in at a provider, offline, with the clock moved, signed out.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const ISSUER = "https://login.example";
const APP = "https://app.example";
const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** The provider of the guide: authorization code, one-time refresh tokens, revocation. */
class Provider {
  reachable = true;
  /** How far its clock is ahead of the device's, in seconds. */
  ahead = 0;
  revoked = [];
  #key = generateKeyPair("ec", { namedCurve: "P-256" });
  #refreshToken;
  #count = 0;

  get jwks() {
    return { keys: [{ ...this.#key.publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256" }] };
  }

  /** Answers for the app's own server too. */
  fetch(input, init = {}) {
    if (!this.reachable) return Promise.reject(new TypeError("fetch failed"));
    const url = new URL(typeof input === "string" ? input : input.url);
    if (url.origin === APP) return Promise.resolve(new Response("the notes"));
    const body = this.#answer(url.pathname, new URLSearchParams(init.body));
    const headers = { "Content-Type": "application/json", Date: new Date(this.#now() * 1000).toUTCString() };
    return Promise.resolve(new Response(JSON.stringify(body), { status: "error" in body ? 400 : 200, headers }));
  }

  #answer(path, parameters) {
    const at = (endpoint) => `${ISSUER}/${endpoint}`;
    switch (path) {
      case "/.well-known/openid-configuration":
        return {
          issuer: ISSUER,
          authorization_endpoint: at("authorize"),
          token_endpoint: at("token"),
          revocation_endpoint: at("revoke"),
          jwks_uri: at("jwks.json"),
        };
      case "/jwks.json":
        return this.jwks;
      case "/revoke":
        this.revoked.push(parameters.get("token"));
        return {};
      case "/token":
        return this.#tokens(parameters);
    }
  }

  #tokens(parameters) {
    const isRefresh = parameters.get("grant_type") === "refresh_token";
    if (isRefresh && parameters.get("refresh_token") !== this.#refreshToken) return { error: "invalid_grant" };
    this.#count += 1;
    this.#refreshToken = `refresh-${this.#count}`;
    return {
      access_token: this.#accessToken(),
      token_type: "Bearer",
      refresh_token: this.#refreshToken,
      expires_in: 15 * MINUTE,
    };
  }

  #now() {
    return Date.now() / 1000 + this.ahead;
  }

  #accessToken() {
    const iat = Math.floor(this.#now());
    const claims = { iss: ISSUER, aud: "https://api.example", sub: "ada", scope: "notes:write", iat, exp: iat + 900 };
    const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const signed = `${encode({ alg: "ES256", kid: "1", typ: "at+jwt" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }
}

const provider = new Provider();
const listeners = new Map();
let folder;

before(async () => {
  folder = makeFolder();
  await writePrograms("docs/offline.md", folder.path, { jwks: provider.jwks });
  mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  mock.method(globalThis, "fetch", (input, init) => provider.fetch(input, init));
  globalThis.location = Object.assign(new URL(`${APP}/`), { assign: (url) => listeners.set("left for", url) });
  globalThis.history = { replaceState() {} };
  globalThis.self = { addEventListener: (type, listener) => listeners.set(type, listener) };
  const items = new Map();
  globalThis.sessionStorage = {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: (name) => items.delete(name),
  };
});
after(async () => {
  (await run("auth.js")).session.stop();
  mock.restoreAll();
  mock.timers.reset();
  folder.remove();
});

const run = (file, query = "") => import(`${pathToFileURL(join(folder.path, file))}${query}`);
const pass = (seconds) => mock.timers.setTime(Date.now() + seconds * 1000);

async function signIn() {
  const { signIn, finishSignIn } = await run("sign-in.js");
  await signIn();
  const state = listeners.get("left for").searchParams.get("state");
  location.href = `${APP}/signed-in.html?code=c&state=${state}`;
  await finishSignIn();
}

test("signing in by the guide's files gives full access", async () => {
  const { session } = await run("auth.js");
  assert.equal((await session.start()).status, "signed_out");
  await signIn();
  assert.deepEqual([session.state.status, session.state.access], ["signed_in", "full"]);
  assert.equal(session.access({ method: "PUT", scope: "notes:write" }).allowed, true);
  assert.equal(session.state.protectedBy, "device");
});

test("the worker's gate answers who is signed in", async () => {
  const { session } = await run("auth.js");
  await run("sw.js");
  const ask = (path) =>
    new Promise((respondWith) => {
      const waitUntil = () => {};
      listeners.get("fetch")({ request: new Request(`${APP}${path}`), respondWith, waitUntil });
    });
  assert.equal(await (await ask("/api/notes")).text(), "the notes");
  assert.equal((await ask("/app/admin/x")).status, 403);
  assert.equal(session.access({ role: "admin" }).allowed, false);
});

test("offline it is full, then limited for 24 hours, then none", async () => {
  const { session } = await run("auth.js");
  provider.reachable = false;
  pass(15 * MINUTE + 4);
  assert.equal(session.access().reason, "valid");
  pass(1);
  assert.deepEqual([session.access().access, session.access().reason], ["limited", "grace"]);
  assert.equal(session.access({ method: "GET" }).allowed, true);
  assert.equal(session.access({ method: "PUT" }).allowed, false);
  pass(24 * HOUR - 6);
  assert.equal(session.access().reason, "grace");
  pass(1);
  assert.deepEqual([session.access().access, session.access().reason], ["none", "expired"]);
  assert.equal(session.accessToken, undefined);
  assert.equal(await session.refresh(), "unavailable");
  assert.equal(session.state.status, "signed_in");
});

test("a clock set back gives nothing, until the provider has answered", async () => {
  const { session } = await run("auth.js");
  pass(-24 * HOUR);
  assert.equal(session.access().reason, "clock_rolled_back");
  pass(24 * HOUR);
  assert.equal(session.access().reason, "clock_rolled_back");
  provider.reachable = true;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().access, "full");
});

test("a clock that was a day ahead locks out until the provider has answered, no longer", async () => {
  const { session } = await run("auth.js");
  pass(24 * HOUR);
  session.access();
  pass(-24 * HOUR);
  assert.equal(session.access().reason, "clock_rolled_back");
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().reason, "valid");
});

for (const [how, hours] of Object.entries({ behind: 2, ahead: -2 })) {
  test(`a device whose clock is two hours ${how} works as any other`, async () => {
    const { session } = await run("auth.js");
    provider.ahead = hours * HOUR;
    await signIn();
    assert.deepEqual([session.state.access, session.state.until], ["full", Date.now() / 1000 + 15 * MINUTE + 5]);
    pass(10 * MINUTE);
    assert.equal(await session.refresh(), "refreshed");
    assert.equal(session.access().until, Date.now() / 1000 + 15 * MINUTE + 5);
    // The clock is put right.
    pass(hours * HOUR);
    provider.ahead = 0;
    assert.equal(session.access().reason, how === "ahead" ? "valid" : "grace");
    assert.equal(await session.refresh(), "refreshed");
    assert.equal(session.access().reason, "valid");
  });
}

test("signing out offline leaves nothing to be used, and revokes later", async () => {
  const { session } = await run("auth.js");
  provider.reachable = false;
  await session.signOut();
  assert.deepEqual([session.state.status, session.state.ended], ["signed_out", "signed_out"]);
  assert.equal(session.accessToken, undefined);
  assert.deepEqual(provider.revoked, []);
  provider.reachable = true;
  const { session: restarted } = await run("auth.js", "?restarted");
  await restarted.start();
  assert.equal(restarted.state.status, "signed_out");
  while (provider.revoked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(provider.revoked[0], /^refresh-/);
  restarted.stop();
});
