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

/**
 * The RSA kernel once more, in a module of its own that only engines with relaxed SIMD take. Its answers are those of the
 * kernel in the main module, which serves all others. It is loaded when the first RSA signature is verified.
 */
export class Relaxed {
  readonly #load: LoadRelaxed;
  /** `null`: it cannot be had. */
  #exports: Exports | null | undefined;

  constructor(load: LoadRelaxed) {
    this.#load = load;
  }

  /** Puts a power in the place of the first third of the numbers, or says that it cannot. */
  power(numbers: Float64Array, exponent: number): boolean {
    if (this.#exports === undefined) this.#exports = this.#instantiate();
    if (this.#exports === null) return false;
    const { memory, numbers: place, power } = this.#exports;
    const shared = new Float64Array(memory.buffer, place(), MOST_NUMBERS);
    shared.set(numbers);
    const limbs = numbers.length / 3;
    if (!power(limbs, exponent)) return false;
    numbers.set(shared.subarray(0, limbs));
    return true;
  }

  #instantiate(): Exports | null {
    try {
      const module = this.#load();
      return module ? (new WebAssembly.Instance(module).exports as unknown as Exports) : null;
    } catch {
      return null;
    }
  }
}

/** Compiles bytes that an engine without relaxed SIMD refuses. */
export function compileRelaxed(bytes: BufferSource): WebAssembly.Module | undefined {
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
}
