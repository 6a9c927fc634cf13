// Each bundler in a project of its own, and its output run as a browser would.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";
import { rspack } from "@rspack/core";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import tokenward from "tokenward/unplugin";
import * as vite from "vite";
import webpack from "webpack";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A project with these files, where `tokenward` and the bundlers are found. */
export function makeProject(files) {
  mkdirSync(join(root, "target"), { recursive: true });
  const path = mkdtempSync(join(root, "target/unplugin-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** Each builds `page.js` into `dist` and answers the warnings; the name of the page's script is beside it. */
export const BUNDLERS = {
  async vite(path, options) {
    const warnings = [];
    const logger = vite.createLogger("silent");
    const warn = (message) => warnings.push(message);
    await vite.build({
      root: path,
      configFile: false,
      customLogger: { ...logger, warn, warnOnce: warn },
      plugins: [tokenward.vite(options)],
      build: { rollupOptions: { input: join(path, "page.js"), output: { entryFileNames: "assets/page.js" } } },
    });
    return { warnings, script: "assets/page.js" };
  },
  async rollup(path, options) {
    const warnings = [];
    const bundle = await rollup({
      input: join(path, "page.js"),
      plugins: [tokenward.rollup({ ...options, ...absolute(path, options) }), packagesOf(path)],
      onwarn: ({ message }) => warnings.push(message),
    });
    await bundle.write({ dir: join(path, "dist"), format: "es" });
    await bundle.close();
    return { warnings, script: "page.js" };
  },
  async esbuild(path, options) {
    const { warnings } = await esbuild.build({
      entryPoints: [join(path, "page.js")],
      absWorkingDir: path,
      outdir: "dist",
      bundle: true,
      format: "esm",
      logLevel: "silent",
      publicPath: "/",
      plugins: [tokenward.esbuild(options)],
    });
    return { warnings: warnings.map(({ text }) => text), script: "page.js" };
  },
  webpack: (path, options) => compile(webpack, path, tokenward.webpack(options)),
  rspack: (path, options) => compile(rspack, path, tokenward.rspack(options)),
};

async function compile(bundler, path, plugin) {
  const config = {
    mode: "production",
    context: path,
    entry: "./page.js",
    output: { path: join(path, "dist"), filename: "page.js", publicPath: "/", module: true },
    experiments: { outputModule: true },
    plugins: [plugin],
  };
  const compiler = bundler(config);
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  // Rspack colors its messages where CI or FORCE_COLOR is set.
  const texts = (list) => list.map(({ message }) => stripVTControlCharacters(message));
  if (errors.length > 0) throw new Error(texts(errors).join("\n"));
  return { warnings: texts(warnings), script: "page.js" };
}

/** Rollup has no project's root: its paths count from where it was started. */
function absolute(path, { serviceWorker, bundled }) {
  const inside = (name) => name && join(path, name);
  const worker = serviceWorker && { serviceWorker: { ...serviceWorker, input: inside(serviceWorker.input) } };
  return { ...worker, bundled: inside(bundled) };
}

/** Rollup finds no packages by itself. */
function packagesOf() {
  return { name: "packages", resolveId: (id) => (id === "tokenward/slim" ? join(root, "pkg/esm/slim.js") : null) };
}

export const outputOf = (path) => readdirSync(join(path, "dist"), { recursive: true }).map(String).sort();

/** Runs a script of the output as a page or a worker of https://app.example: what it left in `globalThis.answer`. */
export async function runBuilt(path, script) {
  const harness = fileURLToPath(new URL("browser.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [harness, join(path, "dist"), script]);
  return JSON.parse(stdout);
}
