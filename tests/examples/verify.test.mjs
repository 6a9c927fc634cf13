// examples/verify.rs, run as its first lines say.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { generateKeyPair } from "../../tools/keypair.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { privateKey, publicKey } = generateKeyPair("ed25519");
let folder;
let jwks;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "tokenward-"));
  jwks = join(folder, "jwks.json");
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] }));
});
after(() => rmSync(folder, { recursive: true }));

test("a token that holds: its claims are printed", () => {
  const answer = verify([jwks, "https://login.example", "app"], tokenOf({ exp: Date.now() / 1000 + 3600 }));
  assert.equal(answer.status, 0, answer.stderr);
  assert.equal(JSON.parse(answer.stdout).sub, "user-1");
});

test("one that does not: what was found and expected, and exit code 1", () => {
  const answer = verify([jwks, "https://login.example", "other"], tokenOf({ exp: Date.now() / 1000 + 3600 }));
  assert.equal(answer.status, 1);
  assert.match(answer.stderr, /the claim "aud" is "app"; expected "other"/);
});

test("a key file that is not there", () => {
  const answer = verify([join(folder, "none.json"), "-", "-"], "");
  assert.equal(answer.status, 1);
  assert.match(answer.stderr, /cannot read/);
});

function verify(args, token) {
  // The profile that `cargo test` has built it with.
  const cargo = ["run", "--quiet", "--locked", "--profile", "test", "--example", "verify", "--", ...args];
  return spawnSync("cargo", cargo, { cwd: root, input: `${token}\n`, encoding: "utf8" });
}

function tokenOf(claims) {
  const payload = { iss: "https://login.example", aud: "app", sub: "user-1", ...claims };
  const text = [{ alg: "EdDSA", kid: "one" }, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const input = text.join(".");
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
}
