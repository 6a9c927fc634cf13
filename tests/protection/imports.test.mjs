// Who pays for what: Argon2id comes with tokenward/pin and with nothing else.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { root } from "../packaging/packed.mjs";

const LOCKS = /pkg\/esm\/(?:pin|passkey|protection\/(?:argon2|attempts|data-key|webauthn)|wasm\/argon2)\.js$/;
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What an entry imports, whether or not a bundler could leave it out again. */
async function importsOf(entry) {
  const { metafile } = await build({
    entryPoints: [join(root, exports[entry].import)],
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "browser",
    treeShaking: false,
    metafile: true,
    write: false,
    logLevel: "error",
  });
  return Object.keys(metafile.inputs);
}

for (const entry of [".", "./slim", "./storage", "./keys", "./providers", "./session", "./gate"]) {
  test(`tokenward${entry.slice(1)} brings neither Argon2id nor PIN nor passkey`, async () => {
    assert.deepEqual(
      (await importsOf(entry)).filter((path) => LOCKS.test(path)),
      [],
    );
  });
}

test("tokenward/pin brings Argon2id and not the verifier", async () => {
  const paths = await importsOf("./pin");
  assert.ok(paths.includes("pkg/esm/wasm/argon2.js"));
  assert.deepEqual(
    paths.filter((path) => /wasm\/(?:inline|tokenward_bg)|webauthn/.test(path)),
    [],
  );
});

test("tokenward/passkey brings no WebAssembly", async () => {
  assert.deepEqual(
    (await importsOf("./passkey")).filter((path) => path.includes("wasm/")),
    [],
  );
});
