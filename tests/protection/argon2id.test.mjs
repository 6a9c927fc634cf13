// The WebAssembly module against the reference implementation in C: argon2id.json is by argon2-cffi 25.1.0. RFC 9106's own
// vector, which has inputs that JavaScript does not use, is in argon2/tests.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { root } from "../packaging/packed.mjs";

const BUDGET_BROTLI = 15_000;

const { argon2id } = await import(join(root, "pkg/esm/protection/argon2.js"));
const { text } = await import(join(root, "pkg/esm/wasm/argon2.js"));
const { decoded } = await import(join(root, "pkg/esm/inlined.js"));
const vectors = JSON.parse(readFileSync(new URL("argon2id.json", import.meta.url), "utf8"));

for (const { secret, salt, memory, iterations, lanes, key } of vectors) {
  test(`Argon2id of ${[...secret].length} characters with ${memory} KiB, ${iterations} passes, ${lanes} lanes`, async () => {
    const cost = { memory, iterations, parallelism: lanes };
    const bytes = await argon2id(new TextEncoder().encode(secret), Buffer.from(salt, "hex"), cost);
    assert.equal(Buffer.from(bytes).toString("hex"), key);
  });
}

test("derivations at once do not disturb each other", async () => {
  const all = vectors.slice(0, 3).map(({ secret, salt, memory, iterations, lanes }) => {
    const cost = { memory, iterations, parallelism: lanes };
    return argon2id(new TextEncoder().encode(secret), Buffer.from(salt, "hex"), cost);
  });
  const keys = (await Promise.all(all)).map((bytes) => Buffer.from(bytes).toString("hex"));
  assert.deepEqual(
    keys,
    vectors.slice(0, 3).map(({ key }) => key),
  );
});

test("more memory than there can be is a typed error that says what to do", async () => {
  const cost = { memory: 2 ** 32 - 1, iterations: 1, parallelism: 1 };
  await assert.rejects(argon2id(new Uint8Array(4), new Uint8Array(16), cost), {
    name: "ProtectionError",
    code: "unavailable",
    message: /4294967295 KiB.*try again/,
  });
});

test("a policy that forbids WebAssembly is told, and not for ever", async (t) => {
  const anew = await import(`${join(root, "pkg/esm/protection/argon2.js")}?anew`);
  const derive = () =>
    anew.argon2id(new Uint8Array(4), new Uint8Array(16), { memory: 8, iterations: 1, parallelism: 1 });
  const refusal = new WebAssembly.CompileError("refused");
  const { mock } = t.mock.method(WebAssembly, "compile", () => Promise.reject(refusal));
  await assert.rejects(derive(), { code: "unsupported", message: /'wasm-unsafe-eval'/, cause: refusal });
  mock.restore();
  assert.equal((await derive()).length, 32);
});

test("the module is small and asks for nothing", async () => {
  const bytes = decoded(text);
  const size = brotliCompressSync(bytes).length;
  assert.ok(size <= BUDGET_BROTLI, `${size} bytes with Brotli, ${BUDGET_BROTLI} are allowed`);
  const imports = WebAssembly.Module.imports(await WebAssembly.compile(bytes)).map(({ name }) => name);
  assert.deepEqual(imports, ["__wbindgen_init_externref_table"]);
});
