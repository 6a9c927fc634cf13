/** The entry without a WebAssembly module, for everyone who wants to choose where it comes from: `tokenward.wasm`. */
import { compile } from "./core.js";
import { engine } from "./engine.js";
import { ConfigError } from "./errors.js";
import { compileRelaxed } from "./relaxed.js";
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
    core: () => (isModule(source, "the module") ? source : compile(source)),
    relaxed: relaxed && (isModule(relaxed, "the second argument") ? () => relaxed : () => compileRelaxed(relaxed)),
  });
}

/** Whether it is a module and not bytes: by the tag, since each realm has its own `WebAssembly.Module` and `ArrayBuffer`. */
function isModule(source: WebAssembly.Module | BufferSource, what: string): source is WebAssembly.Module {
  const tag = Object.prototype.toString.call(source).slice("[object ".length, -1);
  if (tag === "WebAssembly.Module") return true;
  if (ArrayBuffer.isView(source) || tag === "ArrayBuffer" || tag === "SharedArrayBuffer") return false;
  const hint = HINTS[tag] ?? "";
  throw new ConfigError("invalid_option", `${what} given to init() should be a WebAssembly.Module or bytes, not ${tag}${hint}`);
}

const HINTS: Readonly<Record<string, string>> = {
  Promise: ": await it first",
  Response: ": use await WebAssembly.compileStreaming(response), or await response.arrayBuffer()",
  "WebAssembly.Instance": ": pass the module that it was made from",
  Module: ": import the .wasm file's default export",
  String: ": fetch or read the file first",
};
