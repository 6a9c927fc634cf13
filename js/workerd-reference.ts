/** `tokenward/reference` for Cloudflare's workerd. */
import module from "../reference.wasm";
import { Engine } from "./core.js";
import { plain } from "./maps.js";
import { type CreateVerifier, createVerifierWith } from "./verifier.js";
import { makeGlue } from "./wasm/reference_bg.js";

export * from "./api.js";

/** Makes a verifier; throws a {@link ConfigError} for options that cannot work. */
export const createVerifier: CreateVerifier = /* @__PURE__ */ createVerifierWith(
  /* @__PURE__ */ new Engine(makeGlue, plain),
  {
    core: () => module,
  },
);
