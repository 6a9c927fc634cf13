// examples/node-script, started as its README says.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { tokenFor } from "../rfc8037.mjs";
import { copyOf } from "./example.mjs";

let script;
before(async () => {
  script = join(await copyOf("node-script"), "verify.js");
});

const verify = (token) => spawnSync(process.execPath, [script], { input: token, encoding: "utf8" });
const tokenOf = (claims) => tokenFor("node-script-example", { exp: Math.floor(Date.now() / 1000) + 60, ...claims });

test("the claims of a valid token are on standard output", () => {
  const { status, stdout, stderr } = verify(`${tokenOf()}\n`);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(JSON.parse(stdout).sub, "user-1");
});

for (const [what, token, code] of [
  ["an expired token", tokenOf({ exp: 1_700_000_000 }), "expired"],
  ["one for another audience", tokenOf({ aud: "other" }), "claim_mismatch"],
  ["one that was altered", tokenOf().replace(/\.[^.]*$/, `.${"A".repeat(86)}`), "bad_signature"],
  ["no token", "", "malformed"],
]) {
  test(`${what} ends with 1 and ${code}, and prints nothing of it`, () => {
    const { status, stdout, stderr } = verify(token);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`^${code}: `));
    assert.ok(token === "" || !stderr.includes(token.split(".")[1]));
  });
}
