import { ConfigError } from "./errors.js";
import * as glue from "./wasm/tokenward_bg.js";

/** Says where the WebAssembly module comes from: each entry of the package has its own answer. */
export type LoadModule = () => WebAssembly.Module;

let ready = false;

/** Makes the one instance of the module this realm uses, if it is not there yet. */
export function instantiate(load: LoadModule): void {
  if (ready) return;
  const instance = new WebAssembly.Instance(load(), { "./tokenward_bg.js": glue as WebAssembly.ModuleImports });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  ready = true;
}

/** Compiles bytes, or says what stands in the way. */
export function compile(bytes: BufferSource): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new ConfigError(
      "wasm_unavailable",
      `WebAssembly cannot be compiled here: ${cause instanceof Error ? cause.message : cause}. In a page or worker, its ` +
        "Content-Security-Policy needs script-src 'wasm-unsafe-eval'; in an edge runtime that forbids compiling, import " +
        "the .wasm file as a module and pass it to init() of tokenward/slim.",
      undefined,
      { cause },
    );
  }
}

export { Core } from "./wasm/tokenward_bg.js";
