// What the CommonJS package needs beside what tsc makes of js/.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const MODULE = "providers/oauth4webapi";

/**
 * Puts what is used of oauth4webapi into the CommonJS package, with its licence. It has ES modules only, which neither Jest
 * can `require` nor a Node where that is turned off.
 */
export async function bundleOauth4webapi(folder) {
  // Imported here, because setup() may only just have installed it.
  const { build } = await import("esbuild");
  const licence = readFileSync(join(root, "node_modules/oauth4webapi/LICENSE.md"), "utf8").trim();
  const comment = ["oauth4webapi", "", ...licence.split("\n")].map((line) => ` * ${line}`.trimEnd());
  await build({
    absWorkingDir: root,
    entryPoints: [`js/${MODULE}.ts`],
    outfile: `${folder}/${MODULE}.js`,
    bundle: true,
    // Its whitespace stays out, and with it the paths of files that esbuild writes into comments.
    minifyWhitespace: true,
    format: "cjs",
    platform: "neutral",
    target: "es2022",
    banner: { js: ["/*!", ...comment, " */"].join("\n") },
    logLevel: "warning",
  });
}
