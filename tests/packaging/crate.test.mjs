// What crates.io would get: which files, and whether they build on their own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./packed.mjs";

test("the crate has exactly the files that it is built of, and its first page", () => {
  const files = readdirSync(join(root, "src"), { recursive: true }).filter(
    (file) => /\.\w+$/.test(file) && !file.endsWith("tests.rs"),
  );
  const expected = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "examples/verify.rs",
    ...files.map((file) => `src/${file.replaceAll("\\", "/")}`),
  ];
  const listed = cargo("package", "--list", "--allow-dirty").trim().split("\n");
  // Out of a clone without git, nothing is known of its commit.
  assert.deepEqual(listed.sort(), expected.filter((file) => !file.startsWith(".") || listed.includes(file)).sort());
  assert.ok(listed.includes("src/README.md"));
});

test("what would be published builds without the rest of the repository", () => {
  cargo("package", "--locked", "--allow-dirty", "--package", "tokenward", "--features", "pem,serde");
});

test("the manifest has what docs.rs and crates.io show, and no address that there is not", () => {
  const { packages } = JSON.parse(cargo("metadata", "--no-deps", "--format-version=1"));
  const crate = packages.find(({ name }) => name === "tokenward");
  assert.equal(crate.readme, "src/README.md");
  assert.ok(existsSync(join(root, crate.readme)));
  assert.deepEqual([crate.repository, crate.homepage], [null, null]);
  const documented = crate.metadata.docs.rs.features;
  const check = readFileSync(join(root, "tools/check.mjs"), "utf8");
  assert.ok(check.includes(`"${documented.join(",")}"`), "npm run check builds the same documentation");
  for (const feature of documented) assert.ok(crate.features[feature], feature);
});

function cargo(...args) {
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(status, 0, stderr);
  return stdout;
}
