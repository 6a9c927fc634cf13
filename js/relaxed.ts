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

/**
 * A faster RSA kernel, in a module of its own that only engines with relaxed SIMD take, and of use only where they round a
 * multiplication and an addition once. The main module knows a kernel for all others, with which it also checks this one. It is
 * loaded when a key verifies its second RSA signature.
 */
export class Relaxed {
  readonly #load: LoadRelaxed;
  /** `null`: it cannot be had. */
  #kernel: Kernel | null | undefined;

  constructor(load: LoadRelaxed) {
    this.#load = load;
  }

  /** Puts a power in the place of the last words of the numbers, or says that it cannot. */
  power(numbers: BigUint64Array, limbs: number, words: number, squarings: number): boolean {
    if (this.#kernel === undefined) this.#kernel = this.#instantiate();
    if (this.#kernel === null) return false;
    const { power, place } = this.#kernel;
    place.set(numbers);
    if (!power(limbs, words, squarings)) return false;
    const start = numbers.length - words;
    numbers.set(place.subarray(start, numbers.length), start);
    return true;
  }

  #instantiate(): Kernel | null {
    try {
      const module = this.#load();
      if (!module) return null;
      const { memory, numbers, fuses, power } = new WebAssembly.Instance(module).exports as unknown as Exports;
      return fuses() ? { power, place: new BigUint64Array(memory.buffer, numbers(), MOST_NUMBERS) } : null;
    } catch {
      return null;
    }
  }
}

/** Compiles bytes that an engine without relaxed SIMD refuses. */
export function compileRelaxed(bytes: BufferSource): WebAssembly.Module | undefined {
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
}
