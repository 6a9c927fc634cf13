/**
 * `tokenward/unplugin`: an issuer's keys at build time, in Vite, Rollup, webpack, esbuild and Rspack. Needs the package
 * `unplugin`.
 *
 * ```js
 * // vite.config.js
 * import tokenward from "tokenward/unplugin";
 * export default {
 *   plugins: [tokenward.vite({ issuer: "https://login.example", bundled: "src/jwks.json", maxAge: "30d" })],
 * };
 * ```
 *
 * ```js
 * import jwks, { fetchedAt } from "virtual:tokenward/keys";
 * ```
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createUnplugin, type PluginContext, type PluginHooks } from "unplugin";
import { plainJson, plainLines } from "./shown.js";
import { type BuiltKeys, buildKeys, type Surroundings } from "./unplugin/keys.js";
import { addressInWorker, MODULE_FILE, type ModuleFile, moduleCode, readModule } from "./unplugin/module-file.js";
import { readOptions, type Settings, type UnpluginOptions } from "./unplugin/options.js";
import { buildWithEsbuild, buildWithVite, type Esbuild, type ViteConfig } from "./unplugin/service-worker.js";

export type { KeysOptions, ServiceWorkerOptions, UnpluginOptions } from "./unplugin/options.js";

/** A plugin of Vite's or Rollup's. */
export interface NamedPlugin {
  name: string;
}

/** A plugin of esbuild's. */
export interface SetupPlugin {
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the bundler's own type, which a project without it has not.
  setup(build: any): void;
}

/** A plugin of webpack's or Rspack's. */
export interface ApplyPlugin {
  // biome-ignore lint/suspicious/noExplicitAny: the bundler's own type, which a project without it has not.
  apply(compiler: any): void;
}

/** The plugin for each bundler. Throws a `ConfigError` for options that cannot work. */
export interface Unplugin {
  vite(options: UnpluginOptions): NamedPlugin;
  rollup(options: UnpluginOptions): NamedPlugin;
  webpack(options: UnpluginOptions): ApplyPlugin;
  esbuild(options: UnpluginOptions): SetupPlugin;
  rspack(options: UnpluginOptions): ApplyPlugin;
}

const plugin: Unplugin = createUnplugin<UnpluginOptions>((options, { framework }) =>
  new Build(readOptions(options), framework).hooks(),
) as Unplugin;

export default plugin;
export const { vite, rollup, webpack, esbuild, rspack } = plugin;

declare const process: { readonly env: { readonly [name: string]: string | undefined }; cwd(): string };

/** What the modules are called inside. */
const INSIDE = "tokenward-virtual-";
/** The same as a whole, with Rollup's sign before it. A file of the project is never one. */
const LOADED = new RegExp(`^\\x00?${INSIDE}(.*)$`);
/** webpack and Rspack take no address of their own scheme: there the second form stands for the first. */
const IMPORTED = /^(?:virtual:|~)tokenward\/(.*)$/;

type Files = readonly (readonly [name: string, content: string | Uint8Array<ArrayBuffer>])[];
type Warn = (message: string) => void;

interface Emitter extends PluginContext {
  emitFile(file: { readonly type: "asset"; readonly fileName: string; readonly source: string | Uint8Array }): string;
}

/** One build of a page, with its service worker. */
class Build {
  readonly #settings: Settings;
  readonly #framework: string;
  readonly #keys = new Map<string, Promise<BuiltKeys>>();
  readonly #told = new Set<string>();
  #root = process.cwd();
  #module: Promise<ModuleFile> | undefined;
  #vite: ViteConfig | undefined;
  #esbuild: Esbuild | undefined;
  /** Where the page has the module file, as code. */
  #place = JSON.stringify(`./${MODULE_FILE}`);

  constructor(settings: Settings, framework: string) {
    this.#settings = settings;
    this.#framework = framework;
  }

  /** What `unplugin` makes a plugin of; in a worker's build only what modules are loaded by. */
  hooks(isWorker = false): PluginHooks {
    const build = this;
    const load: PluginHooks = {
      name: isWorker ? "tokenward-worker" : "tokenward",
      enforce: "pre",
      resolveId: (id) => this.#resolve(id),
      loadInclude: (id) => LOADED.test(id),
      load(id) {
        const emit = (bytes: Uint8Array) =>
          (this as Emitter).emitFile({ type: "asset", fileName: MODULE_FILE, source: bytes });
        return build.#load(id, isWorker, (message) => this.warn(message), emit);
      },
    };
    const filters = { onResolveFilter: IMPORTED, onLoadFilter: LOADED, setup: () => {} };
    if (isWorker) return { ...load, esbuild: filters };
    const emit = emitting(this);
    return {
      ...load,
      rollup: emit,
      vite: {
        ...emit,
        configResolved: (config: ViteConfig) => {
          this.#vite = config;
          this.#root = config.root;
        },
        configureServer: (server: ViteServer) => this.#serve(server),
      },
      webpack: (compiler) => this.#joinCompiler(compiler),
      rspack: (compiler) => this.#joinCompiler(compiler),
      esbuild: { ...filters, setup: (setup) => this.#joinEsbuild(setup) },
    };
  }

  #resolve(id: string): string | undefined {
    const name = IMPORTED.exec(id)?.[1];
    if (name === undefined) return undefined;
    // Rollup's sign that other plugins should leave it alone.
    return `${["rollup", "vite"].includes(this.#framework) ? "\0" : ""}${INSIDE}${name}`;
  }

  get #isRollup(): boolean {
    return this.#framework === "rollup" || this.#framework === "vite";
  }

  async #load(id: string, isWorker: boolean, warn: Warn, emit: (bytes: Uint8Array) => string): Promise<string> {
    const name = LOADED.exec(id)?.[1] ?? id;
    if (name === "module") return moduleCode(await this.#address(isWorker, emit));
    const { keys, fetchedAt, warnings } = await this.#keysOf(name);
    for (const warning of warnings) this.#tell(warning, warn);
    return `export default ${plainJson({ keys })};\nexport const fetchedAt = ${fetchedAt};\n`;
  }

  /** Where the module file is, as code. `emit` is for Rollup and Vite, which alone know where the page's files will be. */
  async #address(isWorker: boolean, emit: (bytes: Uint8Array) => string): Promise<string> {
    this.#module ??= readModule(this.#root);
    const { bytes, query } = await this.#module;
    if (isWorker) return addressInWorker(this.#settings.worker?.output ?? "", query);
    if (this.#vite?.command === "serve") return JSON.stringify(`${this.#vite.base}${MODULE_FILE}${query}`);
    const place = this.#isRollup ? `import.meta.ROLLUP_FILE_URL_${emit(bytes)}` : this.#place;
    return `${place} + ${JSON.stringify(query)}`;
  }

  /** What the output folder gets beside the page's own files. */
  async files(warn: Warn): Promise<Files> {
    const { worker } = this.#settings;
    const files: [string, string | Uint8Array<ArrayBuffer>][] = [];
    if (worker !== undefined) files.push([worker.output, await this.#buildWorker(warn)]);
    // Known only now: the worker may be the one that imports it.
    if (this.#module !== undefined) files.push([MODULE_FILE, (await this.#module).bytes]);
    return files;
  }

  #keysOf(name: string): Promise<BuiltKeys> {
    const { sources } = this.#settings;
    const [isKeys, issuer = ""] = /^keys(?:\/(.+))?$/.exec(name) ?? [];
    const source = isKeys === undefined ? undefined : sources.get(issuer);
    if (source === undefined) throw new Error(this.#unknown(name));
    const known = this.#keys.get(name) ?? buildKeys(source, this.#surroundings());
    this.#keys.set(name, known);
    // A development server may have a network later.
    known.catch(() => this.#keys.delete(name));
    return known;
  }

  #unknown(name: string): string {
    const names = [...this.#settings.sources.keys()].map((key) => (key === "" ? "keys" : `keys/${key}`));
    const known = ["module", ...names].map((one) => `virtual:tokenward/${one}`).join(", ");
    const remedy = names.length === 0 ? '; for keys, the plugin needs the option "issuer"' : "";
    return `tokenward: there is no virtual:tokenward/${name} (known: ${known})${remedy}`;
  }

  #surroundings(): Surroundings {
    const { env } = process;
    return { root: this.#root, env, fetch: (input, init) => fetch(input, init), now: () => Date.now() / 1000 };
  }

  /** Page and worker import the same keys: once is enough. */
  #tell(warning: string, warn: Warn): void {
    if (this.#told.has(warning)) return;
    this.#told.add(warning);
    warn(plainLines(`tokenward: ${warning}`));
  }

  async #buildWorker(warn: Warn): Promise<string> {
    const { input } = this.#settings.worker as { input: string };
    const inner = createUnplugin(() => this.hooks(true));
    const work = { root: this.#root, input };
    const code =
      this.#vite === undefined
        ? await buildWithEsbuild({ ...work, plugin: inner.esbuild({}) }, this.#esbuild)
        : await buildWithVite({ ...work, plugin: inner.vite({}) }, this.#vite);
    // What was told while the worker was built went to its own build.
    for (const keys of this.#keys.values()) for (const warning of (await keys).warnings) this.#tell(warning, warn);
    return code;
  }

  /** A development server has no output folder: it answers for the files itself, with the worker as it is now. */
  #serve({ middlewares, config }: ViteServer): void {
    middlewares.use(async (request, response, next) => {
      const [path] = (request.url ?? "").split("?");
      const answer = (type: string, content: string | Uint8Array) => {
        response.setHeader("Content-Type", type);
        response.setHeader("Cache-Control", "no-cache");
        response.end(content);
      };
      try {
        const { worker } = this.#settings;
        if (worker !== undefined && path === `${config.base}${worker.output}`) {
          answer("text/javascript", await this.#buildWorker((message) => config.logger.warn(message)));
        } else if (path === `${config.base}${MODULE_FILE}`) {
          this.#module ??= readModule(this.#root);
          answer("application/wasm", (await this.#module).bytes);
        } else next();
      } catch (error) {
        next(error);
      }
    });
  }

  #joinCompiler(compiler: Compiler): void {
    const { webpack, hooks, options } = compiler;
    this.#root = options.context ?? this.#root;
    this.#place = `__webpack_public_path__ + ${JSON.stringify(MODULE_FILE)}`;
    new webpack.NormalModuleReplacementPlugin(/^virtual:tokenward\//, (given) => {
      given.request = given.request.replace(/^virtual:/, "~");
    }).apply(compiler);
    hooks.thisCompilation.tap("tokenward", (compilation) => {
      const stage = webpack.Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL;
      compilation.hooks.processAssets.tapPromise({ name: "tokenward", stage }, async () => {
        if (compilation.errors.length > 0) return;
        const warn = (message: string) => compilation.warnings.push(new Error(message));
        for (const [name, content] of await this.files(warn)) {
          compilation.emitAsset(name, new webpack.sources.RawSource(content));
        }
      });
    });
  }

  #joinEsbuild(build: EsbuildBuild): void {
    const { initialOptions, esbuild } = build;
    const { absWorkingDir, outdir, outfile, publicPath, write } = initialOptions;
    this.#root = absWorkingDir ?? this.#root;
    this.#esbuild = esbuild;
    if (publicPath !== undefined) this.#place = JSON.stringify(`${publicPath.replace(/\/?$/, "/")}${MODULE_FILE}`);
    build.onEnd(async (result) => {
      if (result.errors.length > 0) return {};
      const warnings: { text: string }[] = [];
      const files = await this.files((text) => warnings.push({ text }));
      const folder = resolve(this.#root, outdir ?? dirname(outfile ?? "_"));
      for (const [name, content] of files) {
        const path = join(folder, name);
        const contents = typeof content === "string" ? new TextEncoder().encode(content) : content;
        if (write === false) {
          result.outputFiles?.push({ path, contents, hash: "", text: new TextDecoder().decode(contents) });
        } else {
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, contents);
        }
      }
      return { warnings };
    });
  }
}

/** What Vite and Rollup do when the page's files are there. */
function emitting(build: Build): object {
  return {
    async generateBundle(this: Emitter, _options: unknown, bundle: { readonly [name: string]: unknown }) {
      for (const [fileName, source] of await build.files((message) => this.warn(message))) {
        if (!Object.hasOwn(bundle, fileName)) this.emitFile({ type: "asset", fileName, source });
      }
    },
  };
}

/** As much of each bundler as is used. */
interface ViteServer {
  readonly config: ViteConfig & { readonly logger: { warn(message: string): void } };
  readonly middlewares: {
    use(
      handler: (
        request: { readonly url?: string },
        response: { setHeader(name: string, value: string): void; end(content: string | Uint8Array): void },
        next: (error?: unknown) => void,
      ) => void,
    ): void;
  };
}

interface Compiler {
  readonly options: { readonly context?: string };
  readonly hooks: {
    readonly thisCompilation: { tap(name: string, join: (compilation: Compilation) => void): void };
  };
  readonly webpack: {
    readonly Compilation: { readonly PROCESS_ASSETS_STAGE_ADDITIONAL: number };
    readonly sources: { readonly RawSource: new (content: string | Uint8Array) => object };
    readonly NormalModuleReplacementPlugin: new (
      pattern: RegExp,
      replace: (given: { request: string }) => void,
    ) => { apply(compiler: Compiler): void };
  };
}

interface Compilation {
  readonly errors: readonly unknown[];
  readonly warnings: { push(warning: Error): void };
  readonly hooks: {
    readonly processAssets: {
      tapPromise(when: { readonly name: string; readonly stage: number }, work: () => Promise<void>): void;
    };
  };
  emitAsset(name: string, source: object): void;
}

interface EsbuildFile {
  readonly path: string;
  readonly contents: Uint8Array;
  readonly hash: string;
  readonly text: string;
}

interface EsbuildBuild {
  readonly esbuild: Esbuild;
  readonly initialOptions: {
    readonly absWorkingDir?: string;
    readonly outdir?: string;
    readonly outfile?: string;
    readonly publicPath?: string;
    readonly write?: boolean;
  };
  onEnd(
    work: (result: { readonly errors: readonly unknown[]; readonly outputFiles?: EsbuildFile[] }) => Promise<object>,
  ): void;
}
