/** What `tokenward/tokenward.wasm` and the other modules are where `.wasm` files are imported: each is compiled already. */
declare const module: WebAssembly.Module;
export default module;
