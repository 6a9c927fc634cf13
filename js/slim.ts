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
 * Sets the module: compiled, or as bytes. Once is enough; later calls change nothing. `relaxed` is `relaxed.wasm`, with which
 * engines that have relaxed SIMD verify RSA faster; where bytes of it cannot be compiled they are left alone.
 */
export function init(source: WebAssembly.Module | BufferSource, relaxed?: WebAssembly.Module | BufferSource): void {
  engine.instantiate({
    core: () => (source instanceof WebAssembly.Module ? source : compile(source)),
    relaxed: relaxed && (() => (relaxed instanceof WebAssembly.Module ? relaxed : compileRelaxed(relaxed))),
  });
}
