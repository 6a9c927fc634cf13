import { ConfigError } from "./errors.js";

/** Says where the WebAssembly module comes from: each entry of the package has its own answer. */
export type LoadModule = () => WebAssembly.Module;

/** What wasm-bindgen made for the module. */
type Glue = typeof import("./wasm/tokenward_bg.js");

/** The one instance of a module that a realm uses: our engine's, or the reference engine's. */
export class Engine {
  readonly #glue: Glue;
  #isReady = false;

  constructor(glue: Glue) {
    this.#glue = glue;
  }

  /** Makes the instance, if it is not there yet. */
  instantiate(load: LoadModule): void {
    if (this.#isReady) return;
    const glue = this.#glue;
    const instance = new WebAssembly.Instance(load(), { "./tokenward_bg.js": glue as WebAssembly.ModuleImports });
    glue.__wbg_set_wasm(instance.exports);
    (instance.exports["__wbindgen_start"] as () => void)();
    this.#isReady = true;
  }

  get Core(): Glue["Core"] {
    return this.#glue.Core;
  }
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

/** Compiles a module that is part of a script. */
export function compileBase64(base64: string): WebAssembly.Module {
  return compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

export type Core = InstanceType<Glue["Core"]>;
