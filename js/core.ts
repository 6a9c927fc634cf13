import { ConfigError, fromCore } from "./errors.js";
import { type LoadRelaxed, Relaxed, RelaxedModule } from "./relaxed.js";
import { isStackOverflow, messageOf, nameOf } from "./stack.js";

/** Says where the WebAssembly modules come from: each entry of the package has its own answer. */
export interface LoadModules {
  core(): WebAssembly.Module;
  /** Left out where there is no such module. */
  relaxed?: LoadRelaxed | undefined;
}

/** What wasm-bindgen wrote for the module; what the module imports differs from engine to engine. */
type Glue = Pick<ReturnType<typeof import("./wasm/tokenward_bg.js").makeGlue>, "Core" | "__wbg_set_wasm">;
type MakeGlue = () => Glue;
/** Reads what the module says: JSON text, or the `Map`s of the reference engine's module. */
type Read = (said: unknown) => unknown;
export type Core = InstanceType<Glue["Core"]>;
type Method = "checkExpected" | "checkTimes" | "choose" | "decide" | "genuine" | "keys" | "validity";

/** What instances are made of. */
interface Modules {
  readonly core: WebAssembly.Module;
  readonly relaxed: RelaxedModule | undefined;
}

/** The module of a realm, and its one instance in use: our engine's, or the reference engine's. */
export class Engine {
  readonly #makeGlue: MakeGlue;
  readonly #read: Read;
  #modules: Modules | undefined;
  #instance: Instance | undefined;

  constructor(makeGlue: MakeGlue, read: Read = JSON.parse as Read) {
    this.#makeGlue = makeGlue;
    this.#read = read;
  }

  /** Makes the first instance, if it is not there yet. */
  instantiate(load: LoadModules): void {
    if (this.#instance !== undefined) return;
    if (typeof WebAssembly === "undefined") throw new ConfigError("wasm_unavailable", NO_WEBASSEMBLY);
    this.#modules = { core: load.core(), relaxed: load.relaxed && new RelaxedModule(load.relaxed) };
    this.#instance = this.#made();
  }

  /** The instance to call into: another one, if a call into the last one did not come back in order. */
  get instance(): Instance {
    if (!this.#instance?.isSound) this.#instance = this.#made();
    return this.#instance;
  }

  #made(): Instance {
    // Whoever calls has been through `instantiate`.
    return new Instance(this.#makeGlue, this.#modules as Modules, this.#read);
  }
}

/**
 * An instance of the module, with a glue of its own: what is left of one that was given up reaches no other.
 *
 * The end of the stack, or of the memory, can stop the module between any two instructions: its allocator is then cut in
 * two, and its own stack never unwound. So an instance counts as broken from the moment it is entered until it has come
 * back in order. Nothing has to succeed at the end of the stack for that.
 */
class Instance {
  readonly Core: Glue["Core"];
  readonly read: Read;
  /** Frees the cores of verifiers that nobody has any more, where the runtime tells. */
  readonly #forgotten: FinalizationRegistry<Core> | undefined;
  #isSound = true;

  constructor(makeGlue: MakeGlue, { core, relaxed }: Modules, read: Read) {
    const glue = makeGlue();
    const exports = instantiated(core, glue);
    glue.__wbg_set_wasm(exports);
    (exports["__wbindgen_start"] as () => void)();
    if (relaxed) glue.Core.useRelaxed(new Relaxed(relaxed));
    this.Core = glue.Core;
    this.read = read;
    if (typeof FinalizationRegistry !== "undefined") {
      this.#forgotten = new FinalizationRegistry((forgotten) => this.#free(forgotten));
    }
  }

  get isSound(): boolean {
    return this.#isSound;
  }

  /** Calls into the module. What it throws itself becomes the error that the caller sees; after all else it is not sound. */
  call<T>(use: () => T): T {
    this.#isSound = false;
    let result: T;
    try {
      result = use();
    } catch (thrown) {
      throw this.#told(thrown);
    }
    this.#isSound = true;
    return result;
  }

  /** Makes a core for an owner: it is freed by `release`, or when nobody references the owner anymore. */
  make(owner: object, rules: string): Core {
    const core = this.call(() => new this.Core(rules));
    this.#forgotten?.register(owner, core, owner);
    return core;
  }

  release(owner: object, core: Core): void {
    this.#forgotten?.unregister(owner);
    this.#free(core);
  }

  /** A broken instance is given up as a whole. So is one in which a core cannot be freed: that is no failure of the caller's. */
  #free(core: Core): void {
    if (!this.#isSound) return;
    try {
      this.call(() => core.free());
    } catch {}
  }

  #told(thrown: unknown): unknown {
    if (typeof thrown === "string" || thrown instanceof Map) {
      this.#isSound = true;
      return fromCore(this.read(thrown));
    }
    return nameOf(thrown) === "RuntimeError" ? outOfMemory(thrown) : thrown;
  }
}

/** The core that rules make, in whichever instance is in use: made again where the last one was given up. */
export class CoreHandle {
  readonly #engine: Engine;
  readonly #rules: string;
  #made: { readonly instance: Instance; readonly core: Core } | undefined;

  constructor(engine: Engine, rules: string) {
    this.#engine = engine;
    this.#rules = rules;
    this.#current();
  }

  call<Name extends Method>(name: Name, ...given: Parameters<Core[Name]>): ReturnType<Core[Name]> {
    const { instance, core } = this.#current();
    const method = core[name] as (...given: Parameters<Core[Name]>) => ReturnType<Core[Name]>;
    return instance.call(() => method.apply(core, given));
  }

  /** The same, for an answer that is to be read. */
  ask<Name extends Method>(name: Name, ...given: Parameters<Core[Name]>): unknown {
    return this.#engine.instance.read(this.call(name, ...given));
  }

  /** Frees the core's memory at once; without that it is free when nobody has this any more, where the runtime tells. */
  free(): void {
    const made = this.#made;
    this.#made = undefined;
    made?.instance.release(this, made.core);
  }

  #current(): { readonly instance: Instance; readonly core: Core } {
    const { instance } = this.#engine;
    if (this.#made?.instance === instance) return this.#made;
    const made = { instance, core: instance.make(this, this.#rules) };
    this.#made = made;
    return made;
  }
}

/** Compiles bytes, or says what stands in the way. */
export function compile(bytes: BufferSource): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    if (isStackOverflow(cause)) throw cause;
    throw new ConfigError("wasm_unavailable", `${whyNotCompiled(bytes)}: ${messageOf(cause)}`, undefined, { cause });
  }
}

/** A policy forbids to compile what is valid, but does not change what is valid. */
function whyNotCompiled(bytes: BufferSource): string {
  return WebAssembly.validate(bytes)
    ? "WebAssembly cannot be compiled here. In a page or worker, its Content-Security-Policy needs script-src " +
        "'wasm-unsafe-eval'; in an edge runtime that forbids compiling, import the .wasm file as a module and pass it to " +
        "init() of tokenward/slim"
    : "this engine does not take the WebAssembly module. It needs SIMD (Chrome 91, Firefox 89, Safari 16.4, Node 16.4, and " +
        "a processor that has it); bytes given to init() should be those of tokenward.wasm";
}

const NO_WEBASSEMBLY =
  "there is no WebAssembly here. Lockdown Mode (iPhone, iPad, Mac) switches it off, and so do some hardened browsers and " +
  "runtimes without a compiler. The person can exclude this site from Lockdown Mode in the browser's settings; without " +
  "that, ask the server, or verify with WebCrypto while online";

function instantiated(module: WebAssembly.Module, glue: Glue): WebAssembly.Exports {
  let exports: WebAssembly.Exports;
  try {
    ({ exports } = new WebAssembly.Instance(module, {
      "./tokenward_bg.js": glue as unknown as WebAssembly.ModuleImports,
    }));
  } catch (cause) {
    if (isStackOverflow(cause)) throw cause;
    if (/memory/i.test(messageOf(cause)) && nameOf(cause) !== "LinkError") throw outOfMemory(cause);
    throw anotherModule(cause);
  }
  if (typeof exports["core_new"] !== "function") throw anotherModule();
  return exports;
}

function anotherModule(cause?: unknown): ConfigError {
  const message =
    "the WebAssembly module should be the tokenward.wasm of the same version as this script; it is another one" +
    (cause === undefined ? "" : `: ${messageOf(cause)}`);
  return new ConfigError("wasm_unavailable", message, undefined, { cause });
}

function outOfMemory(cause: unknown): ConfigError {
  const message =
    "the WebAssembly module got no more memory, and nothing was decided. It goes on: free what is not needed (verifiers by " +
    "[Symbol.dispose](), other pages or workers) and try again";
  return new ConfigError("out_of_memory", message, undefined, { cause });
}
