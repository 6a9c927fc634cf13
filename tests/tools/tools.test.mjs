// The commands of this repository: they must fail, and say why, rather than pass over what is not there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isAllowed } from "../../tools/licences.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("browsers", () => {
  test("that are overridden by a path without a browser are an error", () => {
    const { status, stderr } = tool("browsers.mjs", [], { FIREFOX_PATH: "/no/such/firefox" });
    assert.equal(status, 1);
    assert.match(stderr, /FIREFOX_PATH is \/no\/such\/firefox, which does not exist/);
  });

  test("that are there are found", () => {
    const { status, stdout } = tool("browsers.mjs");
    assert.equal(status, 0);
    for (const name of ["chromium", "firefox", "webkitDriver", "miniBrowser", "xvfbRun"]) {
      assert.match(stdout, new RegExp(`${name}: '/`));
    }
  });
});

describe("the toolchain", () => {
  test("is told", () => {
    assert.match(tool("setup.mjs").stdout, /^Node \d+\.\d+\.\d+ · .*rustc 1\.\d+\.\d+.* wasm32-unknown-unknown$/m);
  });

  test("can be only one that exists", () => {
    const { status, stderr } = tool("setup.mjs", [], { TOKENWARD_TOOLCHAIN: "gcc" });
    assert.equal(status, 1);
    assert.match(stderr, /TOKENWARD_TOOLCHAIN is gcc: it can be rustup or debian/);
  });
});

describe("licences", () => {
  const allowed = new Set(["MIT", "Apache-2.0", "Unicode-3.0"]);
  for (const [expression, expected] of [
    ["MIT", true],
    ["MIT OR GPL-3.0-only", true],
    ["GPL-3.0-only OR MIT", true],
    ["MIT/Apache-2.0", true],
    ["(MIT OR Apache-2.0) AND Unicode-3.0", true],
    ["(MIT OR Apache-2.0) AND GPL-3.0-only", false],
    ["MIT AND GPL-3.0-only", false],
    ["GPL-3.0-only AND MIT OR MIT", true],
    ["Apache-2.0 WITH LLVM-exception", true],
    ["GPL-3.0-only WITH Classpath-exception-2.0", false],
    ["SEE LICENSE IN LICENSE.md", false],
    [undefined, false],
  ]) {
    test(`${expression} is ${expected ? "" : "not "}allowed`, () =>
      assert.equal(isAllowed(expression, allowed), expected));
  }
});

test("the version is the same everywhere", () => {
  const read = (path) => readFileSync(`${root}/${path}`, "utf8");
  const { version } = JSON.parse(read("package.json"));
  assert.equal(JSON.parse(read("package-lock.json")).version, version);
  assert.equal(read("Cargo.toml").match(/^version = "([^"]+)"/m)[1], version);
});

test("the one Cargo.lock has one wasm-bindgen, in the crate and in the tool that must match it", () => {
  const versions = [
    ...readFileSync(`${root}/Cargo.lock`, "utf8").matchAll(
      /^name = "(wasm-bindgen(?:-cli-support)?)"\nversion = "(.*)"/gm,
    ),
  ];
  assert.equal(versions.length, 2);
  assert.equal(versions[0][2], versions[1][2]);
});

function tool(name, args = [], env = {}) {
  return spawnSync(process.execPath, [`tools/${name}`, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
}
