import { isStackOverflow } from "./stack.js";

/** Says where the module of `relaxed/` comes from, if this engine takes it. */
export type LoadRelaxed = () => WebAssembly.Module | undefined;

/** What the module exports. */
interface Exports {
  memory: WebAssembly.Memory;
  numbers(): number;
  fuses(): number;
  power(limbs: number, words: number, squarings: number): number;
}

/** The module, and the place in its memory where numbers come in and the power goes out. */
interface Kernel {
  power: Exports["power"];
  place: BigUint64Array;
}

/** For numbers of 84 limbs, and 66 words: moduli of 4222 bits. */
const MOST_NUMBERS = 4 * 84 + 2 * 66;

/** The module, loaded once for all instances, when a key verifies its second RSA signature. */
export class RelaxedModule {
  readonly #load: LoadRelaxed;
  /** `null`: it cannot be had. */
  #module: WebAssembly.Module | null | undefined;

  constructor(load: LoadRelaxed) {
    this.#load = load;
  }

  instantiate(): Kernel | null {
    if (this.#module === undefined) this.#module = unlessRefused(this.#load);
    const module = this.#module;
    return module && unlessRefused(() => kernelOf(module));
  }
}

/**
 * A faster RSA kernel, in a module of its own that only engines with relaxed SIMD take, and of use only where they round a
 * multiplication and an addition once. The main module knows a kernel for all others, with which it also checks this one. Each
 * instance of the main module has its own.
 */
export class Relaxed {
  readonly #module: RelaxedModule;
  /** `null`: it cannot be had. */
  #kernel: Kernel | null | undefined;

  constructor(module: RelaxedModule) {
    this.#module = module;
  }

  /** Puts a power in the place of the last words of the numbers, or says that it cannot. */
  power(numbers: BigUint64Array, limbs: number, words: number, squarings: number): boolean {
    if (this.#kernel === undefined) this.#kernel = this.#module.instantiate();
    if (this.#kernel === null) return false;
    const { power, place } = this.#kernel;
    place.set(numbers);
    if (!power(limbs, words, squarings)) return false;
    const start = numbers.length - words;
    numbers.set(place.subarray(start, numbers.length), start);
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

/** Another module than ours cannot serve, nor can ours where the engine does not fuse. */
function kernelOf(module: WebAssembly.Module): Kernel | undefined {
  const { exports } = new WebAssembly.Instance(module);
  if (typeof exports["fuses"] !== "function") return undefined;
  const { memory, numbers, fuses, power } = exports as unknown as Exports;
  return fuses() ? { power, place: new BigUint64Array(memory.buffer, numbers(), MOST_NUMBERS) } : undefined;
}

/** Compiles bytes that an engine without relaxed SIMD refuses. */
export function compileRelaxed(bytes: BufferSource): WebAssembly.Module | undefined {
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
}
