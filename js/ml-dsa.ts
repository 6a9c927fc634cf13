/** The default entry with ML-DSA (RFC 9964) beside the other algorithms, in a module of its own. */
import { compile, Engine } from "./core.js";
import { decoded } from "./inlined.js";
import { compileRelaxed } from "./relaxed.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { text } from "./wasm/ml-dsa.js";
import { text as relaxed } from "./wasm/relaxed.js";
import { makeGlue } from "./wasm/tokenward_bg.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(/* @__PURE__ */ new Engine(makeGlue), {
  core: () => compile(decoded(text)),
  relaxed: () => compileRelaxed(decoded(relaxed)),
});
