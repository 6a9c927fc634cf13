// Counts the WebAssembly instances that are made from here on: one of the main module, and one of the RSA kernel for relaxed
// SIMD where the engine takes it.
let count = 0;

WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, args) {
    count += 1;
    return Reflect.construct(target, args);
  },
});

export function instances() {
  return count;
}
