/** The default entry: the WebAssembly module is part of it, compiled synchronously on first use. */
import { compileBase64 } from "./core.js";
import { engine } from "./engine.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { base64 } from "./wasm/inline.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(engine, () => compileBase64(base64));
