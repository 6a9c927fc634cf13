/**
 * The web platform's types, as far as the package's declarations name them: those of whatever the app compiles with (DOM, Node,
 * Cloudflare), and where that has none, nothing more than `object`. `tools/declarations.mjs` puts them in place of the globals,
 * so that the declarations compile without the DOM.
 */
type Instance<Name extends string> = typeof globalThis extends { readonly [N in Name]: { prototype: infer T } }
  ? T
  : object;

export type AbortSignal = Instance<"AbortSignal">;
export type Cache = Instance<"Cache">;
export type CacheStorage = Instance<"CacheStorage">;
export type CryptoKey = Instance<"CryptoKey">;
export type EventTarget = Instance<"EventTarget">;
export type Headers = Instance<"Headers">;
export type Request = Instance<"Request">;
export type Response = Instance<"Response">;
export type TextEncoder = Instance<"TextEncoder">;
export type URL = Instance<"URL">;
export type URLSearchParams = Instance<"URLSearchParams">;
export type BufferSource = ArrayBuffer | ArrayBufferView;
export type Fetch = typeof globalThis extends { readonly fetch: infer T }
  ? T
  : (input: string, init?: object) => Promise<object>;

export declare namespace WebAssembly {
  type Module = typeof globalThis extends { readonly WebAssembly: { readonly Module: { prototype: infer T } } }
    ? T
    : object;
  type Exports = { readonly [name: string]: unknown };
  type Memory = typeof globalThis extends { readonly WebAssembly: { readonly Memory: { prototype: infer T } } }
    ? T
    : object;
}
