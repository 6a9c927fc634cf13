// Brings its own WebAssembly module.
import { createVerifier, init } from "tokenward/slim";

globalThis.answer = { createVerifier, init };
