/** The entry without a WebAssembly module, for everyone who wants to choose where it comes from: `tokenward.wasm`. */
import { compile } from "./core.js";
import { engine } from "./engine.js";
import { ConfigError, invalidOption } from "./errors.js";
import { compileRelaxed, type LoadRelaxed } from "./relaxed.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work, or before {@link init}. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(engine, {
  core: () => {
    throw new ConfigError("not_initialized", "call init(module) of tokenward/slim before createVerifier");
  },
});

/**
 * Sets the module: compiled, or as bytes, also of another realm (an iframe, a vm context, an edge sandbox). Once is enough;
 * later calls change nothing. `relaxed` is `relaxed.wasm`, with which engines that have relaxed SIMD verify RSA faster;
 * where bytes of it cannot be compiled they are left alone. Throws a {@link ConfigError} for what is neither.
 */
export function init(source: WebAssembly.Module | BufferSource, relaxed?: WebAssembly.Module | BufferSource): void {
  engine.instantiate({
    core: () => {
      const given = moduleOrBytes(source, "the module");
      return given instanceof Uint8Array ? compile(given) : given;
    },
    relaxed: relaxed === undefined ? undefined : loadRelaxed(relaxed),
  });
}

function loadRelaxed(source: WebAssembly.Module | BufferSource): LoadRelaxed {
  const given = moduleOrBytes(source, "the second argument");
  return () => (given instanceof Uint8Array ? compileRelaxed(given) : given);
}

/**
 * What was given, by its tag, since each realm has its own `WebAssembly.Module` and `ArrayBuffer`. Bytes are copied: engines
 * compile neither all views nor shared memory.
 */
function moduleOrBytes(
  source: WebAssembly.Module | BufferSource,
  what: string,
): WebAssembly.Module | Uint8Array<ArrayBuffer> {
  const tag = Object.prototype.toString.call(source).slice("[object ".length, -1);
  if (tag === "WebAssembly.Module") return source as WebAssembly.Module;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  if (tag === "ArrayBuffer" || tag === "SharedArrayBuffer") return new Uint8Array(source as ArrayBuffer).slice();
  throw invalidOption(`${what} given to init() should be a WebAssembly.Module or bytes, not ${tag}${HINTS[tag] ?? ""}`);
}

const HINTS: Readonly<Record<string, string>> = {
  Promise: ": await it first",
  Response: ": use await WebAssembly.compileStreaming(response), or await response.arrayBuffer()",
  "WebAssembly.Instance": ": pass the module that it was made from",
  Module: ": pass what the .wasm file exports, its default or its module",
  String: ": fetch or read the file first",
};
