import { ConfigError } from "./errors.js";
import { type LoadRelaxed, Relaxed } from "./relaxed.js";

/** Says where the WebAssembly modules come from: each entry of the package has its own answer. */
export interface LoadModules {
  core(): WebAssembly.Module;
  /** Left out where there is no such module. */
  relaxed?: LoadRelaxed | undefined;
}

/** What wasm-bindgen made for the module; what the module imports differs from engine to engine. */
type Glue = Pick<typeof import("./wasm/tokenward_bg.js"), "Core" | "__wbg_set_wasm">;

/** The one instance of a module that a realm uses: our engine's, or the reference engine's. */
export class Engine {
  readonly #glue: Glue;
  #isReady = false;

  constructor(glue: Glue) {
    this.#glue = glue;
  }

  /** Makes the instance, if it is not there yet. */
  instantiate(load: LoadModules): void {
    if (this.#isReady) return;
    const glue = this.#glue;
    const instance = new WebAssembly.Instance(load.core(), { "./tokenward_bg.js": glue as WebAssembly.ModuleImports });
    glue.__wbg_set_wasm(instance.exports);
    (instance.exports["__wbindgen_start"] as () => void)();
    if (load.relaxed) glue.Core.useRelaxed(new Relaxed(load.relaxed));
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

export type Core = InstanceType<Glue["Core"]>;
