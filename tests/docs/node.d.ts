// As much of Node as the docs use: the blocks are compiled without its types.
declare module "node:timers" {
  export function setInterval(work: () => void, milliseconds: number): { unref(): void };
}

declare module "node:http" {
  interface IncomingMessage {
    readonly method?: string;
    readonly url?: string;
  }
  interface ServerResponse {
    writeHead(status: number, headers: { readonly [name: string]: string }): this;
    end(body: string): void;
  }
  interface Server {
    listen(port: number, host: string): this;
  }
  export function createServer(
    listener: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  ): Server;
}

declare module "node:stream/consumers" {
  export function text(stream: object): Promise<string>;
}

declare module "node:crypto" {
  interface PublicKey {
    export(options: { readonly type: "spki"; readonly format: "pem" }): string;
  }
  export function createPublicKey(key: { readonly key: object | undefined; readonly format: "jwk" }): PublicKey;
}

declare module "node:fs" {
  export function readFileSync(path: string, encoding: "utf8"): string;
}
