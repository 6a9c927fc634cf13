/** The default entry: the WebAssembly module is part of it, compiled synchronously on first use. */
import { compile } from "./core.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { base64 } from "./wasm/inline.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(inlineModule);

function inlineModule(): WebAssembly.Module {
  return compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
