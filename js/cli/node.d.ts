// What the command takes of Node. The rest of the package knows no runtime, so Node's own types are not let in.

declare module "node:fs/promises" {
  export function readFile(path: string, encoding: "utf8"): Promise<string>;
  export function writeFile(path: string, text: string): Promise<void>;
  export function rename(from: string, to: string): Promise<void>;
  export function realpath(path: string): Promise<string>;
}

declare module "node:util" {
  interface ParseArgsOption {
    readonly type: "string" | "boolean";
    readonly multiple?: boolean;
    readonly short?: string;
  }
  export function parseArgs(config: {
    readonly args: readonly string[];
    readonly options: { readonly [name: string]: ParseArgsOption };
    readonly allowPositionals: boolean;
  }): {
    readonly values: { readonly [name: string]: string | boolean | readonly string[] | undefined };
    readonly positionals: readonly string[];
  };
}
