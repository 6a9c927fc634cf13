// `tokenward/slim` without the plugin, as docs/bundlers.md says: each bundler's own address of the module file.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { rspack } from "@rspack/core";
import * as esbuild from "esbuild";
import { createTestIssuer } from "tokenward/testing";
import * as vite from "vite";
import webpack from "webpack";
import { makeProject, outputOf, runBuilt } from "./bundlers.mjs";

const GUIDE = readFileSync(new URL("../../docs/bundlers.md", import.meta.url), "utf8");

const compileWith = (bundler) => async (path) => {
  const output = { path: join(path, "dist"), filename: "page.js", publicPath: "auto", module: true };
  const config = { mode: "production", context: path, entry: "./page.js", output, experiments: { outputModule: true } };
  const compiler = bundler(config);
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  assert.equal(stats.hasErrors(), false, stats.toString());
  return "page.js";
};

/** By the guide's row: builds `page.js` into `dist`, and answers the script's name. */
const BUNDLERS = {
  Vite: async (path) => {
    const rollupOptions = { input: join(path, "page.js"), output: { entryFileNames: "page.js" } };
    await vite.build({ root: path, configFile: false, logLevel: "silent", build: { target: "es2022", rollupOptions } });
    return "page.js";
  },
  webpack: compileWith(webpack),
  Rspack: compileWith(rspack),
  esbuild: async (path) => {
    await esbuild.build({
      entryPoints: [join(path, "page.js")],
      absWorkingDir: path,
      outdir: "dist",
      bundle: true,
      format: "esm",
      publicPath: "/",
      loader: { ".wasm": "file" },
      logLevel: "silent",
    });
    return "page.js";
  },
};

let given;
before(async () => {
  const issuer = await createTestIssuer({ algorithms: ["ES256"] });
  given = { options: issuer.options, token: await issuer.token({}) };
});

for (const [name, build] of Object.entries(BUNDLERS)) {
  test(`in ${name} the module is a file of its own`, async () => {
    const [, address] = new RegExp(`^\\| [^|]*\\b${name}\\b[^|]* \\| \`(.*)\` \\|$`, "m").exec(GUIDE);
    const page = `
import { createVerifier, init } from "tokenward/slim";
${address};
globalThis.answer = (async () => {
  init(await WebAssembly.compileStreaming(fetch(url)));
  const { options, token } = ${JSON.stringify(given)};
  return createVerifier(options).verify(token).claims.sub;
})();`;
    const project = makeProject({ "page.js": page });
    try {
      const script = await build(project.path);
      const modules = outputOf(project.path).filter((file) => file.endsWith(".wasm"));
      assert.equal(modules.length, 1);
      const { answer, asked } = await runBuilt(project.path, script);
      assert.equal(answer, "ada");
      assert.deepEqual(asked, modules);
    } finally {
      project.remove();
    }
  });
}
