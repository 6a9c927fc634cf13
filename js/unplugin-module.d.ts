// As much of unplugin's types as `unplugin.ts` uses. tsconfig.json puts them in place of the real ones, which would bring the
// types of five bundlers, and Node's globals, into every file.

/** What the plugin's hooks are called on. */
export interface PluginContext {
  warn(message: string): void;
  addWatchFile(file: string): void;
}

export interface PluginHooks {
  readonly name: string;
  readonly enforce?: "pre";
  buildStart?(this: PluginContext): void;
  resolveId?(this: PluginContext, id: string): string | undefined;
  loadInclude?(id: string): boolean;
  load?(this: PluginContext, id: string): Promise<string | undefined>;
  readonly vite?: object;
  readonly rollup?: object;
  webpack?(compiler: never): void;
  rspack?(compiler: never): void;
  readonly esbuild?: {
    readonly onResolveFilter: RegExp;
    readonly onLoadFilter: RegExp;
    setup(build: never): void;
  };
}

export function createUnplugin<Options>(
  factory: (options: Options, meta: { readonly framework: string }) => PluginHooks,
): {
  vite(options: Options): { name: string };
  rollup(options: Options): { name: string };
  webpack(options: Options): { apply(compiler: never): void };
  esbuild(options: Options): { name: string; setup(build: never): void };
  rspack(options: Options): { apply(compiler: never): void };
};
