import { isStackOverflow } from "./stack.js";

/** Says where the module of `relaxed/` comes from, if this engine takes it. */
export type LoadRelaxed = () => WebAssembly.Module | undefined;

/** What the module exports. */
interface Exports {
  memory: WebAssembly.Memory;
  numbers(): number;
  power(limbs: number, exponent: number): number;
}

/** Three numbers of 348 limbs: for a modulus of 8192 bits. */
const MOST_NUMBERS = 3 * 348;

/** The module, loaded once for all instances, when the first RSA signature is verified. */
export class RelaxedModule {
  readonly #load: LoadRelaxed;
  /** `null`: it cannot be had. */
  #module: WebAssembly.Module | null | undefined;

  constructor(load: LoadRelaxed) {
    this.#load = load;
  }

  instantiate(): Exports | null {
    if (this.#module === undefined) this.#module = unlessRefused(this.#load);
    const module = this.#module;
    return module && unlessRefused(() => exportsOf(module));
  }
}

/**
 * The RSA kernel once more, in a module of its own that only engines with relaxed SIMD take. Its answers are those of the
 * kernel in the main module, which serves all others. Each instance of the main module has its own.
 */
export class Relaxed {
  readonly #module: RelaxedModule;
  /** `null`: it cannot be had. */
  #exports: Exports | null | undefined;

  constructor(module: RelaxedModule) {
    this.#module = module;
  }

  /** Puts a power in the place of the first third of the numbers, or says that it cannot. */
  power(numbers: Float64Array, exponent: number): boolean {
    if (this.#exports === undefined) this.#exports = this.#module.instantiate();
    if (this.#exports === null) return false;
    const { memory, numbers: place, power } = this.#exports;
    const shared = new Float64Array(memory.buffer, place(), MOST_NUMBERS);
    shared.set(numbers);
    const limbs = numbers.length / 3;
    if (!power(limbs, exponent)) return false;
    numbers.set(shared.subarray(0, limbs));
    return true;
  }
}

/** What an engine refuses cannot be had. A stack that ended says nothing about it: the next time there may be room. */
function unlessRefused<T>(get: () => T | undefined): T | null {
  try {
    return get() ?? null;
  } catch (error) {
    if (isStackOverflow(error)) throw error;
    return null;
  }
}

/** Another module than ours cannot serve. */
function exportsOf(module: WebAssembly.Module): Exports | undefined {
  const { exports } = new WebAssembly.Instance(module);
  return typeof exports["power"] === "function" ? (exports as unknown as Exports) : undefined;
}

/** Compiles bytes that an engine without relaxed SIMD refuses. */
export function compileRelaxed(bytes: BufferSource): WebAssembly.Module | undefined {
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
}
