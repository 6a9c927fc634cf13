// Counts the WebAssembly instances that are made from here on: one of the main module, and one of the RSA kernel for relaxed
// SIMD where the engine takes it.
let count = 0;
let last;

WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, args) {
    count += 1;
    const instance = Reflect.construct(target, args);
    if (instance.exports.core_new) last = instance;
    return instance;
  },
});

export function instances() {
  return count;
}

/** How much memory the main module has taken, in bytes. It never gives any back. */
export function memoryBytes() {
  return last.exports.memory.buffer.byteLength;
}
