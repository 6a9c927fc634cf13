/** The default entry with the reference engine: RustCrypto's and dalek's arithmetic instead of our own. The same answers, slower. */
import { compile, Engine } from "./core.js";
import { decoded } from "./inlined.js";
import { plain } from "./maps.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { text } from "./wasm/reference.js";
import { makeGlue } from "./wasm/reference_bg.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(
  /* @__PURE__ */ new Engine(makeGlue, plain),
  {
    core: () => compile(decoded(text)),
  },
);
