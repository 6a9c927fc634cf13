// Builds the playground: everything it needs, in one folder that any static server can serve.

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { POLICY } from "./policy.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const BROWSERS = ["chrome120", "firefox128", "safari17"];

/**
 * @param {object} [options]
 * @param {string} [options.outdir]
 * @param {{ issuer: string, clientId: string, resource: string, jwks: object }} [options.provider] where "Sign in" leads
 */
export async function buildSite({ outdir = join(HERE, "dist"), provider } = {}) {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const { script, field, style } = await bundle(outdir, provider);
  await cp(join(HERE, "icons"), join(outdir, "icons"), { recursive: true, filter: (path) => !path.endsWith(".mjs") });
  await cp(join(HERE, "../docs/airplane.svg"), join(outdir, "airplane.svg"));
  await cp(join(HERE, "manifest.webmanifest"), join(outdir, "manifest.webmanifest"));
  // The Open Font License asks to be passed on with the fonts.
  await cp(join(HERE, "../node_modules/@fontsource-variable/geist/LICENSE"), join(outdir, "fonts-license.txt"));
  for (const [name, of] of Object.entries({ index: script, field })) {
    await writeFile(join(outdir, `${name}.html`), await page(`${name}.html`, { script: of, style }));
  }
  await buildWorker(outdir, provider);
  // Only now: what is for signed-in people only is in no cache that is for all.
  for (const name of await readdir(join(HERE, "field"))) {
    await writeFile(join(outdir, "field", name), await page(`field/${name}`, { style }));
  }
  return outdir;
}

async function bundle(outdir, provider) {
  const { metafile } = await esbuild.build({
    entryPoints: {
      app: join(HERE, "src/main.js"),
      field: join(HERE, "src/field/main.js"),
      style: join(HERE, "styles/index.css"),
    },
    outdir,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    // What only some need is loaded when they do: ML-DSA.
    splitting: true,
    assetNames: "[name]-[hash]",
    absWorkingDir: outdir,
    bundle: true,
    minify: true,
    metafile: true,
    format: "esm",
    target: BROWSERS,
    loader: { ".woff2": "file" },
    define: { __PROVIDER__: JSON.stringify(provider ?? null) },
    logLevel: "warning",
  });
  const built = Object.keys(metafile.outputs);
  const named = (start, end) => built.find((file) => file.startsWith(start) && file.endsWith(end));
  return { script: named("app-", ".js"), field: named("field-", ".js"), style: named("style-", ".css") };
}

async function page(file, { script, style }) {
  const { version } = JSON.parse(await readFile(join(HERE, "../package.json"), "utf8"));
  const sprite = (await readFile(join(HERE, "src/sprite.svg"), "utf8")).trim();
  const values = { POLICY, SCRIPT: script, STYLE: style, SPRITE: sprite, VERSION: version };
  const template = await readFile(join(HERE, file), "utf8");
  return template.replace(/%([A-Z]+)%/g, (_, name) => values[name]);
}

/** The service worker knows every file; its version is the hash of them all. */
async function buildWorker(outdir, provider) {
  await mkdir(join(outdir, "field"), { recursive: true });
  const entries = await readdir(outdir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const files = paths.map((path) => relative(outdir, path).replaceAll("\\", "/")).sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(await readFile(join(outdir, file)));
  // Kept once somebody has loaded it, and not for all.
  const isLazy = (file) => file.startsWith("ml-dsa-");
  const cached = files.filter((file) => !isLazy(file)).map((file) => (file === "index.html" ? "./" : file));
  await esbuild.build({
    entryPoints: [join(HERE, "src/sw.js")],
    outfile: join(outdir, "sw.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: BROWSERS,
    define: {
      __FILES__: JSON.stringify(cached),
      __LAZY__: JSON.stringify(files.filter(isLazy)),
      __VERSION__: JSON.stringify(hash.digest("hex").slice(0, 16)),
      __PROVIDER__: JSON.stringify(provider ?? null),
    },
    logLevel: "warning",
  });
}
