// examples/axum, built and started as its README says, beside a key server that rotates, fails and lies.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { generateKeyPair } from "../../tools/keypair.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const keyServer = createServer((_, response) => answer(response));
const signers = Object.fromEntries(["first", "second", "third", "fourth"].map((kid) => [kid, signerOf(kid)]));
/** What the key server answers with. */
let answer;
let fetches = 0;
let executable;
let jwksUrl;
let server;
let url;

before(async () => {
  executable = build();
  publish("first");
  await once(keyServer.listen(0, "127.0.0.1"), "listening");
  jwksUrl = `http://127.0.0.1:${keyServer.address().port}/jwks.json`;
  ({ server, url } = await start({ KEY_COOL_DOWN_SECONDS: "0" }));
});
after(() => {
  server?.kill();
  keyServer.close();
  keyServer.closeAllConnections();
});

test("without a token: 401, as RFC 6750 says", async () => {
  assert.equal((await fetch(`${url}/health`)).status, 200);
  const none = await fetch(`${url}/me`);
  assert.equal(none.status, 401);
  assert.equal(none.headers.get("www-authenticate"), "Bearer");
  assert.equal((await fetch(`${url}/me`, { headers: { authorization: "Basic dTpw" } })).status, 401);
});

test("with one: 200, and typed claims", async () => {
  const response = await ask(tokenOf("first", { roles: ["reader"] }));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { hello: "user-1", roles: ["reader"] });
});

test("with one that does not hold: 401, and why", async () => {
  for (const [claims, message] of [
    [{ aud: "other" }, /the claim "aud" is "other"/],
    [{ exp: 1000 }, /expired/],
    [{ roles: "reader" }, /the claim roles does not fit/],
    [{ sub: undefined }, /the claim sub is missing/],
  ]) {
    const response = await ask(tokenOf("first", claims));
    assert.equal(response.status, 401);
    assert.equal(response.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
    assert.match(await response.text(), message);
  }
  assert.equal((await ask("x")).status, 401);
});

test("keys are rotated under requests, and none is refused", async () => {
  const statuses = [];
  let isOver = false;
  const requests = Array.from({ length: 4 }, async () => {
    while (!isOver) statuses.push((await ask(tokenOf("first"))).status);
  });
  publish("first", "second");
  const first = await Promise.all(Array.from({ length: 8 }, () => ask(tokenOf("second"))));
  assert.deepEqual(
    first.map(({ status }) => status),
    Array(8).fill(200),
    "the new key is known at once",
  );
  isOver = true;
  await Promise.all(requests);
  assert.ok(statuses.length > 0 && statuses.every((status) => status === 200), statuses.join());

  publish("second", "third");
  assert.equal((await ask(tokenOf("third"))).status, 200);
  assert.equal((await ask(tokenOf("first"))).status, 401, "the old key is gone");
});

test("a key server that fails or lies changes nothing", async () => {
  for (const [what, bad] of [
    ["an error", (response) => response.writeHead(500).end()],
    ["a page", (response) => response.end("<html>")],
    ["no keys", (response) => response.end('{"keys":[]}')],
    ["an endless answer", (response) => response.end("x".repeat(600 * 1024))],
    ["a redirect", (response) => response.writeHead(302, { location: "/elsewhere" }).end()],
    ["no answer", (response) => response.destroy()],
  ]) {
    answer = bad;
    assert.equal((await ask(tokenOf("fourth"))).status, 401, what);
    assert.equal((await ask(tokenOf("second"))).status, 200, what);
  }
  publish("fourth");
  assert.equal((await ask(tokenOf("fourth"))).status, 200, "it recovers");
});

test("unknown keys do not make it ask again before the cool-down is over", async () => {
  publish("first");
  const patient = await start({});
  try {
    const before = fetches;
    for (const kid of ["second", "third", "second"]) {
      assert.equal((await ask(tokenOf(kid), patient.url)).status, 401);
    }
    assert.equal(fetches, before);
  } finally {
    patient.server.kill();
  }
});

test("what is missing is said", () => {
  const { status, stderr } = spawnSync(executable, { env: {}, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /JWKS_URL, ISSUER and AUDIENCE/);
});

/** The path of the program. */
function build() {
  const args = ["build", "--locked", "--package", "tokenward-example-axum", "--message-format=json-render-diagnostics"];
  const { status, stdout } = spawnSync("cargo", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.equal(status, 0);
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line).executable).findLast(Boolean);
}

async function start(more) {
  const env = { JWKS_URL: jwksUrl, ISSUER: "https://login.example", AUDIENCE: "app", PORT: "0", ...more };
  const started = spawn(executable, { env, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(started, "exit").then(([code]) => assert.fail(`it ended with ${code}`));
  const [line] = await Promise.race([once(createInterface(started.stdout), "line"), ended]);
  ended.catch(() => {});
  return { server: started, url: line.match(/http:\S+/)[0] };
}

function publish(...kids) {
  answer = (response) => {
    fetches += 1;
    response.end(JSON.stringify({ keys: kids.map((kid) => signers[kid].jwk) }));
  };
}

function ask(token, of = url) {
  return fetch(`${of}/me`, { headers: { authorization: `Bearer ${token}` } });
}

function signerOf(kid) {
  const { privateKey, publicKey } = generateKeyPair("ed25519");
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid } };
}

function tokenOf(kid, claims = {}) {
  const times = { exp: Math.floor(Date.now() / 1000) + 3600 };
  const payload = { iss: "https://login.example", aud: "app", sub: "user-1", ...times, ...claims };
  const text = [{ alg: "EdDSA", kid }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const input = text.join(".");
  return `${input}.${sign(null, Buffer.from(input), signers[kid].privateKey).toString("base64url")}`;
}
