/** A service worker as one minified file: by Vite itself in a project of Vite's, else by esbuild. */
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

export interface WorkerBuild {
  readonly root: string;
  readonly input: string;
  /** The plugin again, for what the worker imports of it. */
  readonly plugin: object;
}

/** As much of Vite's configuration as a worker shares with its page. */
export interface ViteConfig {
  readonly mode: string;
  readonly base: string;
  readonly command: "build" | "serve";
  readonly root: string;
  readonly define?: object | undefined;
  readonly envDir?: unknown;
  readonly resolve: { readonly alias?: unknown };
}

interface Vite {
  build(config: object): Promise<ViteOutput | readonly ViteOutput[]>;
}
interface ViteOutput {
  readonly output: readonly { readonly type: string; readonly code?: string }[];
}

/** By the project's own Vite: with its aliases, constants and variables of the environment. */
export async function buildWithVite({ root, input, plugin }: WorkerBuild, config: ViteConfig): Promise<string> {
  const vite = load<Vite>(root, "vite");
  const { mode, base, define, envDir } = config;
  const built = await vite.build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    ...{ root, mode, base, define, envDir },
    resolve: { alias: config.resolve.alias },
    plugins: [plugin],
    build: {
      write: false,
      minify: true,
      emptyOutDir: false,
      modulePreload: false,
      rollupOptions: { input: resolve(root, input), output: { format: "iife", entryFileNames: "sw.js" } },
    },
  });
  const [{ output }] = (Array.isArray(built) ? built : [built]) as [ViteOutput];
  return output.find(({ type }) => type === "chunk")?.code as string;
}

/** What esbuild has for plugins, and what `require("esbuild")` gives. */
export interface Esbuild {
  build(options: object): Promise<{ readonly outputFiles: readonly { readonly text: string }[] }>;
}

/** By the esbuild of the project, or by that which the page is being built with. */
export async function buildWithEsbuild(
  { root, input, plugin }: WorkerBuild,
  esbuild = loadEsbuild(root),
): Promise<string> {
  const { outputFiles } = await esbuild.build({
    entryPoints: [resolve(root, input)],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [plugin],
  });
  return outputFiles[0]?.text as string;
}

function loadEsbuild(root: string): Esbuild {
  try {
    return load(root, "esbuild");
  } catch (cause) {
    const message = 'tokenward: the option "serviceWorker" needs esbuild here: npm install --save-dev esbuild';
    throw new Error(message, { cause });
  }
}

function load<T>(root: string, name: string): T {
  return createRequire(join(root, "_.js"))(name) as T;
}
