/** The entry without a WebAssembly module, for everyone who wants to choose where it comes from: `tokenward.wasm`. */
import { compile } from "./core.js";
import { engine } from "./engine.js";
import { ConfigError } from "./errors.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work, or before {@link init}. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(engine, () => {
  throw new ConfigError("not_initialized", "call init(module) of tokenward/slim before createVerifier");
});

/** Sets the module: compiled, or as bytes. Once is enough; later calls change nothing. */
export function init(source: WebAssembly.Module | BufferSource): void {
  engine.instantiate(() => (source instanceof WebAssembly.Module ? source : compile(source)));
}
