// Where there is no WebAssembly (Lockdown Mode), or one without what the module needs: a typed error that says so.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const OPTIONS = "{ jwks: [], issuer: null, audience: null }";

const NONE = "delete globalThis.WebAssembly;";

/** What went wrong with a piece of code, in a process of its own. */
function errorOf(code) {
  const script = `try { ${code} } catch ({ name, code, message }) { console.log(JSON.stringify({ name, code, message })); }`;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--input-type=module", "--eval", script];
  return JSON.parse(
    execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
}

const requiring = (entry) =>
  `const { createRequire } = await import("node:module"); const api = createRequire(process.cwd() + "/")("${entry}");`;
const importing = (entry) => `const api = await import("${entry}");`;

for (const entry of ["tokenward", "tokenward/reference", "tokenward/ml-dsa", "tokenward/slim"]) {
  for (const [format, load] of Object.entries({ import: importing(entry), require: requiring(entry) })) {
    test(`${entry} by ${format}: no WebAssembly is wasm_unavailable, which names Lockdown Mode and what to do`, () => {
      const creating = errorOf(`${NONE} ${load} api.createVerifier(${OPTIONS});`);
      const initialising = `${NONE} ${load} api.init(new Uint8Array(8));`;
      const errors = entry.endsWith("slim") ? [creating, errorOf(initialising)] : [creating];
      for (const { name, code, message } of errors) {
        assert.deepEqual({ name, code }, { name: "ConfigError", code: "wasm_unavailable" });
        assert.match(message, /no WebAssembly.*Lockdown Mode.*exclude this site.*ask the server/);
      }
    });
  }
}

test("a PIN without WebAssembly is unsupported, which names Lockdown Mode", () => {
  const { name, code, message } = errorOf(
    `${NONE}
    await import("fake-indexeddb/auto");
    const { pinProtection } = await import("tokenward/pin");
    const { memoryStorage } = await import("tokenward/storage");
    await pinProtection({ storage: memoryStorage() }).setup("246810");`,
  );
  assert.deepEqual({ name, code }, { name: "ProtectionError", code: "unsupported" });
  assert.match(message, /Lockdown Mode/);
});

test("slim: bytes that are no module are not blamed on a policy, but on the bytes or the engine", () => {
  const { name, code, message } = errorOf(`${importing("tokenward/slim")} api.init(new Uint8Array(8));`);
  assert.deepEqual({ name, code }, { name: "ConfigError", code: "wasm_unavailable" });
  assert.match(message, /SIMD.*bytes given to init/);
  assert.doesNotMatch(message, /Content-Security-Policy/);
});

test("a policy that forbids to compile is blamed on the policy", () => {
  // What a Content-Security-Policy does in a browser: the bytes are valid, and compiling them is refused.
  const forbidding =
    "WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('refused by CSP'); } };";
  const { code, message } = errorOf(`${forbidding} ${importing("tokenward")} api.createVerifier(${OPTIONS});`);
  assert.equal(code, "wasm_unavailable");
  assert.match(message, /Content-Security-Policy needs script-src 'wasm-unsafe-eval'.*refused by CSP/);
});
