import { Engine } from "./core.js";
import { makeGlue } from "./wasm/tokenward_bg.js";

/** Our own arithmetic: what every entry but `tokenward/reference` verifies with. */
export const engine = /* @__PURE__ */ new Engine(makeGlue);
