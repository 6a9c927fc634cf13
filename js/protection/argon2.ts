import { ProtectionError } from "../errors.js";
import { decoded } from "../inlined.js";
import { text } from "../wasm/argon2.js";
import { unsupported } from "./box.js";

/** What a derivation costs, its owner and whoever guesses: the parameters of RFC 9106 3.1. */
export interface Cost {
  /** In KiB, at least 8 for each lane. */
  readonly memory: number;
  /** Passes over the memory, 1 or more. */
  readonly iterations: number;
  /** Lanes, 1 or more; computed one after the other here. */
  readonly parallelism: number;
}

/** What `argon2/src/lib.rs` exports. */
interface Exports {
  secret(byte: number): void;
  salt(byte: number): void;
  derive(memory: number, iterations: number, lanes: number): number;
  key(index: number): number;
}

const KEY_BYTES = 32;

let compiled: Promise<WebAssembly.Module> | undefined;

/**
 * 32 bytes by Argon2id (RFC 9106), version 1.3. The instance is dropped with its memory; before that it zeroes what it
 * knew. Blocks this thread while it computes, after a turn of the event loop in which a page can draw.
 */
export async function argon2id(secret: Uint8Array, salt: Uint8Array, cost: Cost): Promise<Uint8Array<ArrayBuffer>> {
  compiled ??= compile();
  const module = await compiled.catch((error: unknown) => {
    compiled = undefined;
    throw error;
  });
  await new Promise((resolve) => setTimeout(resolve));
  const { memory, iterations, parallelism } = cost;
  try {
    const argon2 = (await WebAssembly.instantiate(module, IMPORTS)).exports as unknown as Exports;
    for (const byte of secret) argon2.secret(byte);
    for (const byte of salt) argon2.salt(byte);
    if (!argon2.derive(memory, iterations, parallelism)) throw new Error("Argon2id cannot be computed");
    return Uint8Array.from({ length: KEY_BYTES }, (_, index) => argon2.key(index));
  } catch (cause) {
    const message = `Argon2id needs ${memory} KiB of memory, which cannot be had now: close other pages and try again`;
    throw new ProtectionError("unavailable", message, {}, { cause });
  }
}

/** wasm-bindgen asks for it even where no JavaScript values cross. */
const IMPORTS = { "./tokenward_bg.js": { __wbindgen_init_externref_table() {} } };

async function compile(): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined") throw unsupported("there is no WebAssembly, as in Lockdown Mode");
  try {
    return await WebAssembly.compile(decoded(text));
  } catch (cause) {
    const message =
      "WebAssembly cannot be compiled here. In a page or worker, its Content-Security-Policy needs script-src " +
      "'wasm-unsafe-eval'";
    throw new ProtectionError("unsupported", message, {}, { cause });
  }
}
