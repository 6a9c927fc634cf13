// As much of Fastify's types as `fastify.ts` uses. tsconfig.json puts them in place of the real ones, which would bring Node's
// globals into every file; tests/packaging compiles an app with the real ones.

export interface FastifyRequest {
  readonly protocol: string;
  readonly host: string;
  readonly raw: {
    readonly method?: string;
    readonly url?: string;
    readonly headers: { readonly [name: string]: string | string[] | undefined };
    readonly rawHeaders?: string[];
  };
}

export interface FastifyReply {
  code(status: number): FastifyReply;
  headers(headers: { [name: string]: string | string[] }): FastifyReply;
  send(body: Uint8Array | undefined): FastifyReply;
}

export interface FastifyInstance {
  decorateRequest(name: string): unknown;
  addHook(name: "onRequest", hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown;
}

export type FastifyPluginCallback<Options> = (
  app: FastifyInstance,
  options: Options,
  done: (error?: Error) => void,
) => void;
