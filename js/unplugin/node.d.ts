// What the plugin takes of Node. The rest of the package knows no runtime, so Node's own types are not let in.

declare module "node:fs/promises" {
  export function readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  export function writeFile(path: string, content: string | Uint8Array): Promise<void>;
  export function mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
}

declare module "node:module" {
  export function createRequire(path: string): ((id: string) => unknown) & { resolve(id: string): string };
}

declare module "node:path" {
  export function resolve(...paths: readonly string[]): string;
  export function dirname(path: string): string;
  export function join(...paths: readonly string[]): string;
  export namespace posix {
    function dirname(path: string): string;
    function relative(from: string, to: string): string;
  }
}
