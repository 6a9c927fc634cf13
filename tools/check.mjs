// npm run check: everything that reads the code without running it. Fast, and all of it, even after a failure.
//
//   node tools/check.mjs           everything
//   node tools/check.mjs lint      the same without cargo
//   node tools/check.mjs format    puts the layout right

import { join } from "node:path";
import { installDebian } from "./debian.mjs";
import { checkImports } from "./import-circles.mjs";
import { checkLicences } from "./licences.mjs";
import { Failure, main, root, runPackage, step } from "./run.mjs";
import { setup } from "./setup.mjs";
import { BARE_METAL, toolchain } from "./toolchain.mjs";

const DENY_WARNINGS = ["--", "-D", "warnings"];

// What docs.rs shows: `[package.metadata.docs.rs]` in Cargo.toml.
const DOCUMENTED = "ml-dsa,pem,reference,serde";

/** The checks of Rust and those of JavaScript, each a title and what throws when it fails. */
export function checksByLanguage(rust) {
  return [rustChecks(rust), javascriptChecks()];
}

function rustChecks(rust) {
  const clippy = (...args) => ["clippy", "--locked", ...args, ...DENY_WARNINGS];
  return [
    ["rustfmt", () => rust.native(["fmt", "--all", "--check"])],
    ["clippy", () => rust.native(clippy("--workspace", "--all-targets"))],
    ["clippy for WebAssembly", () => rust.forTarget(clippy("--lib", "--no-default-features", "--features", "wasm"))],
    ["clippy for tokenward/reference", () => rust.forTarget(clippy("--lib", "--features", "wasm-reference"))],
    ["clippy with the reference engine", () => rust.native(clippy("--lib", "--features", "reference"))],
    ["clippy with ML-DSA", () => rust.native(clippy("--lib", "--features", "ml-dsa"))],
    ["clippy with DER alone", () => rust.native(clippy("--lib", "--features", "der"))],
    ["clippy without std", () => rust.native(clippy("--lib", "--no-default-features"))],
    [
      "rustdoc",
      () =>
        rust.native(["doc", "--locked", "--no-deps", "--lib", "--features", DOCUMENTED], {
          env: { RUSTDOCFLAGS: "-D warnings" },
        }),
    ],
    [
      `no_std on bare metal (${BARE_METAL})`,
      async () => {
        const bareMetal = await toolchain(BARE_METAL);
        console.log(`  ${bareMetal.description}`);
        const features = ["--no-default-features", "--features", "ml-dsa,pem,serde"];
        await bareMetal.forTarget(["check", "--locked", "--lib", ...features]);
      },
    ],
    ["licences and sources", () => checkLicences(rust)],
  ];
}

function javascriptChecks() {
  return [
    ["TypeScript", () => runPackage("typescript/bin/tsc", ["-p", "tsconfig.json"])],
    ["no circle of imports", () => checkImports(join(root, "js"))],
    ["Biome", () => runPackage("@biomejs/biome/bin/biome", ["ci", "--error-on-warnings", "--colors=off"])],
  ];
}

/** Debian packs rustfmt and clippy apart from its rustc. */
export async function ensureRustTools(rust) {
  try {
    await rust.native(["fmt", "--version"], { quiet: true });
    await rust.native(["clippy", "--version"], { quiet: true });
  } catch {
    if (!rust.isDebian) throw new Failure("rustfmt or clippy is missing. Run:\n  rustup component add rustfmt clippy");
    await installDebian(["rustfmt-web", "rust-web-clippy"], "Checking Rust code");
  }
}

main(import.meta.url, async () => {
  const [what] = process.argv.slice(2);
  const rust = await setup();
  if (what === "format") {
    await rust.native(["fmt", "--all"]);
    await runPackage("@biomejs/biome/bin/biome", ["check", "--write"]);
    return;
  }
  if (what !== "lint") await ensureRustTools(rust);
  const failed = [];
  for (const [title, work] of what === "lint" ? javascriptChecks() : checksByLanguage(rust).flat()) {
    await step(title, work).catch((error) => {
      if (!(error instanceof Failure)) throw error;
      console.error(`✖ ${error.message}`);
      failed.push(title);
    });
  }
  if (failed.length > 0) throw new Failure(`Failed: ${failed.join(", ")}`);
});
