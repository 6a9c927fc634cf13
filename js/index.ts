/** The default entry: the WebAssembly module is part of it, compiled synchronously on first use. */
import { compile } from "./core.js";
import { engine } from "./engine.js";
import { decoded } from "./inlined.js";
import { compileRelaxed } from "./relaxed.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { text } from "./wasm/inline.js";
import { text as relaxed } from "./wasm/relaxed.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(engine, {
  core: () => compile(decoded(text)),
  relaxed: () => compileRelaxed(decoded(relaxed)),
});
