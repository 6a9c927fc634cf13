/** `tokenward/ml-dsa` for Cloudflare's workerd. */
import module from "../ml-dsa.wasm";
import relaxed from "../relaxed.wasm";
import { Engine } from "./core.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { makeGlue } from "./wasm/tokenward_bg.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(/* @__PURE__ */ new Engine(makeGlue), {
  core: () => module,
  relaxed: () => relaxed,
});
