/** The entry for Cloudflare's workerd, which forbids compiling bytes and takes `.wasm` files as modules instead. */
import relaxed from "../relaxed.wasm";
import module from "../tokenward.wasm";
import { engine } from "./engine.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(engine, {
  core: () => module,
  relaxed: () => relaxed,
});
