// examples/node-server, started as its README says.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { tokenFor } from "../rfc8037.mjs";
import { copyOf } from "./example.mjs";

let folder;
let keyFile;
let server;
let lines;
let url;

before(async () => {
  const example = await copyOf("node-server");
  folder = mkdtempSync(join(tmpdir(), "tokenward-"));
  keyFile = join(folder, "jwks.json");
  copyFileSync(join(example, "jwks.json"), keyFile);
  const env = { ...process.env, PORT: "0" };
  server = spawn(process.execPath, [join(example, "server.js"), keyFile], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  lines = createInterface(server.stdout);
  const [line] = await once(lines, "line");
  url = line.match(/http:\S+/)[0];
});
after(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

test("a bearer of a valid token is answered", async () => {
  const response = await ask(tokenOf({ exp: Date.now() / 1000 + 60 }));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { hello: "user-1" });
});

test("others are refused as RFC 6750 says", async () => {
  const none = await fetch(url);
  assert.equal(none.status, 401);
  assert.equal(none.headers.get("www-authenticate"), "Bearer");

  const forAnother = await ask(tokenOf({ exp: Date.now() / 1000 + 60, aud: "other" }));
  assert.equal(forAnother.status, 401);
  assert.equal(forAnother.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
  assert.match(await forAnother.text(), /"aud"/);
});

test("keys are rotated while it runs", async () => {
  const { publicKey } = generateKeyPair("ed25519");
  const said = once(lines, "line");
  writeFileSync(keyFile, JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "next" }] }));
  assert.deepEqual(await said, ["New keys are in use."]);
  assert.equal((await ask(tokenOf({ exp: Date.now() / 1000 + 60 }))).status, 401);
});

function ask(token) {
  return fetch(url, { headers: { authorization: `Bearer ${token}` } });
}

const tokenOf = (claims) => tokenFor("node-server-example", claims);
