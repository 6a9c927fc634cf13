// What `init` of tokenward/slim takes: a module or bytes of any realm. What is neither has an error that says what it is.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sep } from "node:path";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const require = createRequire(import.meta.url);
const main = readFileSync(require.resolve("tokenward/tokenward.wasm"));
const relaxed = readFileSync(require.resolve("tokenward/relaxed.wasm"));
const { rsa2048: key } = testKeys();
const options = { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW };
const token = signed(key, { alg: "RS256" });

/** The entry as a process has it that has just begun. */
function freshSlim() {
  for (const path of Object.keys(require.cache))
    if (path.includes(`${sep}pkg${sep}cjs${sep}`)) delete require.cache[path];
  return require("tokenward/slim");
}

/** Values of another realm: each has its own `WebAssembly`, `ArrayBuffer` and `Uint8Array`. */
function otherRealm(bytes) {
  const realm = createContext({ numbers: [...bytes] });
  const evaluate = (code) => runInContext(code, realm);
  return {
    module: () => evaluate("new WebAssembly.Module(Uint8Array.from(numbers))"),
    bytes: () => evaluate("Uint8Array.from(numbers)"),
    buffer: () => evaluate("Uint8Array.from(numbers).buffer"),
  };
}

const other = otherRealm(main);
for (const [what, source] of Object.entries({
  "a module of another realm": other.module,
  "bytes of another realm": other.bytes,
  "a buffer of another realm": other.buffer,
  "a module": () => new WebAssembly.Module(main),
  "a Buffer": () => main,
  "an ArrayBuffer": () => Uint8Array.from(main).buffer,
  "a DataView": () => new DataView(Uint8Array.from(main).buffer),
  "a shared buffer": () => {
    const shared = new SharedArrayBuffer(main.length);
    new Uint8Array(shared).set(main);
    return shared;
  },
})) {
  test(`init takes ${what}`, () => {
    const slim = freshSlim();
    slim.init(source(), relaxed);
    assert.equal(slim.createVerifier(options).safeVerify(token).ok, true);
  });
}

test("init takes the second module of another realm, too, or leaves it alone where the engine does not take it", () => {
  const slim = freshSlim();
  slim.init(main, otherRealm(relaxed).bytes());
  assert.equal(slim.createVerifier(options).safeVerify(token).ok, true);
});

test("a second module that is another one is left alone", () => {
  const slim = freshSlim();
  const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  slim.init(main, empty);
  assert.equal(slim.createVerifier(options).safeVerify(token).ok, true);
});

for (const [what, source, hint] of [
  ["nothing", undefined, /not Undefined/],
  ["a file's name", "tokenward.wasm", /not String: fetch or read the file first/],
  ["a promise", Promise.resolve(main), /not Promise: await it first/],
  ["a response", new Response(main), /not Response: .*arrayBuffer\(\)/],
  ["numbers", [...main], /not Array/],
  ["an object that says it is bytes", { byteLength: 8 }, /not Object/],
]) {
  test(`init refuses ${what}, says so, and may be called again`, () => {
    const slim = freshSlim();
    assert.throws(() => slim.init(source), { name: "ConfigError", code: "invalid_option", message: hint });
    if (source !== undefined) {
      assert.throws(() => slim.init(main, source), { name: "ConfigError", code: "invalid_option", message: hint });
    }
    slim.init(main);
    assert.equal(slim.createVerifier(options).safeVerify(token).ok, true);
  });
}

test("another module than Tokenward's is refused as such, and init may be called again", () => {
  const slim = freshSlim();
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const another = { name: "ConfigError", code: "wasm_unavailable", message: /tokenward\.wasm of the same version/ };
  for (const source of [empty, new WebAssembly.Module(empty)]) assert.throws(() => slim.init(source), another);
  slim.init(main);
  assert.equal(slim.createVerifier(options).safeVerify(token).ok, true);
});
