// What `tokenward/unplugin` lets an app import: `"types": ["tokenward/unplugin/client"]` in tsconfig.json, or
// `/// <reference types="tokenward/unplugin/client" />`.

/** The keys of the one issuer. */
declare module "virtual:tokenward/keys" {
  const jwks: { readonly keys: readonly { readonly [member: string]: unknown }[] };
  export default jwks;
  /** When they were fetched, in Unix seconds: `bundledAt` of a key store. */
  export const fetchedAt: number;
}

/** The keys of one of several issuers, by the name in the option `issuers`. */
declare module "virtual:tokenward/keys/*" {
  const jwks: { readonly keys: readonly { readonly [member: string]: unknown }[] };
  export default jwks;
  /** When they were fetched, in Unix seconds: `bundledAt` of a key store. */
  export const fetchedAt: number;
}

/** The module file, for `init` of `tokenward/slim`. */
declare module "virtual:tokenward/module" {
  /** Where `tokenward.wasm` is: one file for the page and the service worker. */
  const url: string;
  export default url;
  /** Fetches and compiles it once, and keeps it in the Cache API for a start without a network. */
  export function compile(): Promise<Module>;
  /** `WebAssembly.Module`, where the app compiles with a library that has it. */
  type Module = typeof globalThis extends { readonly WebAssembly: { readonly Module: { prototype: infer T } } }
    ? T
    : object;
}
