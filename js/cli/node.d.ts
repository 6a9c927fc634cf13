// What the command takes of Node. The rest of the package knows no runtime, so Node's own types are not let in.

declare module "node:fs/promises" {
  interface Stats {
    readonly mode: number;
    isFile(): boolean;
    isDirectory(): boolean;
  }
  export interface FileHandle {
    stat(): Promise<Stats>;
    readFile(encoding: "utf8"): Promise<string>;
    read(buffer: Uint8Array, offset: number, length: number, position: null): Promise<{ readonly bytesRead: number }>;
    close(): Promise<void>;
  }
  export function open(path: string, flags: number): Promise<FileHandle>;
  export function stat(path: string): Promise<Stats>;
  export function chmod(path: string, mode: number): Promise<void>;
  export function unlink(path: string): Promise<void>;
  export function readFile(path: string, encoding: "utf8"): Promise<string>;
  export function writeFile(
    path: string,
    text: string,
    options: { readonly flag: "wx"; readonly mode: number },
  ): Promise<void>;
  export function rename(from: string, to: string): Promise<void>;
  export function realpath(path: string): Promise<string>;
}

declare module "node:fs" {
  export const constants: { readonly O_RDONLY: number; readonly O_NONBLOCK?: number };
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
    readonly tokens: true;
  }): {
    readonly values: { readonly [name: string]: string | boolean | readonly string[] | undefined };
    readonly positionals: readonly string[];
    readonly tokens: readonly ({ readonly kind: "option"; readonly name: string } | { readonly kind: "positional" })[];
  };
}
