// The packed package in other people's apps: Node, TypeScript, a bundler for browsers and one for edge workers.
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compileFunction, createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { makeApp, pack, runIn, runTool } from "./packed.mjs";

/** A module as a string: see `tools/inline.mjs`. */
const INLINED = /"[ !#-[\]-~]{1000}/;

describe("an app that installed the package", () => {
  const given = givenToken();
  const answer = [given.subject, true, "malformed"];
  let packed;
  let app;

  before(async () => {
    packed = await pack();
    const extra = { "given.json": JSON.stringify(given.options) };
    app = await makeApp(packed.tarball, { extra, linked: ["zod", "valibot", "hono", "fastify"] });
  });
  after(() => {
    app.remove();
    packed.remove();
  });

  for (const program of ["esm.mjs", "cjs.cjs", "slim.mjs", "slim.cjs"]) {
    test(`verifies a token in Node: ${program}`, async () => {
      assert.equal((await runIn(app.path, process.execPath, program)).trim(), answer.join(" "));
    });
  }

  for (const program of ["offline.mjs", "offline.cjs"]) {
    test(`holds a session by every entry of the package: ${program}`, async () => {
      assert.equal((await runIn(app.path, process.execPath, program)).trim(), `${given.subject} true true`);
    });
  }

  for (const options of [["testing.mjs"], ["testing.cjs"], ["--no-experimental-require-module", "testing.cjs"]]) {
    test(`has an issuer for its own tests: ${options.join(" ")}`, async () => {
      const printed = await runIn(app.path, process.execPath, ...options);
      assert.equal(printed.trim(), "ada full unsupported_algorithm");
    });
  }

  test("has its command", async () => {
    const command = join(app.path, "node_modules/.bin/tokenward");
    const args = ["inspect", given.options.token, "--json"];
    assert.equal(JSON.parse(await runIn(app.path, process.execPath, command, ...args)).claims.sub, given.subject);
  });

  // As in Jest, which loads CommonJS by its own `require`, and in a Node where that takes no ES module.
  for (const program of ["cjs.cjs", "slim.cjs", "offline.cjs"]) {
    test(`loads as CommonJS where no ES module can be required: ${program}`, async () => {
      const printed = await runIn(app.path, process.execPath, "--no-experimental-require-module", program);
      assert.match(printed, new RegExp(`^${given.subject} true `));
    });
  }

  test("is CommonJS all the way down for a loader that knows nothing else", () => {
    const loaded = [...loadCommonJs(app.path, "offline.cjs"), ...loadCommonJs(app.path, "testing.cjs")];
    assert.ok(loaded.some((path) => path.includes("tokenward/pkg/cjs/providers/oauth.js")));
    assert.ok(loaded.some((path) => path.includes("/idb/")));
  });

  for (const [module, moduleResolution, files] of [
    ["nodenext", "nodenext", ["types.mts", "types.cts"]],
    ["node20", "node16", ["types.mts", "types.cts"]],
    ["esnext", "bundler", ["types.mts"]],
  ]) {
    test(`compiles what is right and nothing that is wrong: TypeScript, ${moduleResolution}`, async () => {
      const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noPropertyAccessFromIndexSignature"];
      const libraries = ["--target", "es2022", "--lib", "es2022,dom", "--types", ""];
      const resolution = ["--module", module, "--moduleResolution", moduleResolution];
      await runTool(app.path, "typescript/bin/tsc", ...options, ...libraries, ...resolution, ...files);
    });
  }

  for (const format of ["esm", "iife"]) {
    test(`verifies a token when bundled for browsers: ${format}`, async () => {
      const page = createContext({ given: given.options, WebAssembly, atob, TextDecoder, TextEncoder });
      runInContext(await bundle("page.js", { format }), page);
      assert.deepEqual([...page.answer], answer);
    });
  }

  test("puts the module into a bundle of the default entry", async () => {
    assert.match(await bundle("page.js"), INLINED);
  });

  test("puts no WebAssembly into a bundle that does not verify", async () => {
    const text = await bundle("errors-only.js");
    assert.ok(text.length < 2000, `${text.length} bytes`);
  });

  test("puts no inline WebAssembly into a bundle of tokenward/slim", async () => {
    assert.doesNotMatch(await bundle("slim-page.js"), INLINED);
  });

  test("puts neither WebAssembly nor Argon2id into a bundle of a session alone", async () => {
    assert.doesNotMatch(await bundle("session-only.js"), INLINED);
  });

  test("imports the module file, and compiles nothing, under the workerd condition", async () => {
    const text = await bundle("worker.js", { conditions: ["workerd"], external: ["*.wasm"] });
    assert.match(text, /from\s*"[^"]*tokenward\.wasm"/);
    assert.doesNotMatch(text, INLINED);
    assert.doesNotMatch(text, /new WebAssembly\.Module\(/);
  });

  // Webpack (Next) looks for the name of the export with its query, others without; Nitro and Vercel read the query themselves.
  test("has its module under the name that bundlers for the edge want, with a query", async () => {
    const contents = 'import module from "tokenward/tokenward.wasm?module"; console.log(module);';
    const stdin = { contents, resolveDir: app.path };
    const resolved = [];
    const plugin = {
      name: "modules",
      setup: ({ onLoad }) =>
        onLoad({ filter: /\.wasm$/ }, ({ path, suffix }) => {
          resolved.push([path.replaceAll("\\", "/").split("/").at(-1), suffix]);
          return { contents: "export default 1" };
        }),
    };
    await build({ stdin, bundle: true, write: false, logLevel: "error", plugins: [plugin] });
    assert.deepEqual(resolved, [["tokenward.wasm", "?module"]]);
    const { exports } = JSON.parse(readFileSync(join(app.path, "node_modules/tokenward/package.json"), "utf8"));
    assert.equal(exports["./tokenward.wasm?module"].default, "./pkg/tokenward.wasm?module");
  });

  async function bundle(entry, options = {}) {
    const { outputFiles } = await build({
      entryPoints: [join(app.path, entry)],
      absWorkingDir: app.path,
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
      logLevel: "error",
      ...options,
    });
    return outputFiles[0].text;
  }
});

/**
 * Follows `require` from a file through every module as Jest does: each must compile as a CommonJS function, and what it
 * requires by a literal name must be found under the condition `require`. Answers the paths.
 */
function loadCommonJs(folder, entry) {
  const seen = new Set();
  const follow = (path) => {
    if (seen.has(path)) return;
    seen.add(path);
    const text = readFileSync(path, "utf8");
    compileFunction(text, ["exports", "require", "module", "__filename", "__dirname"], { filename: path });
    assert.doesNotMatch(text, /\bimport\(/, `${path} imports at run time`);
    for (const [, name] of text.matchAll(/\brequire\("([^"]+)"\)/g)) {
      if (!isBuiltin(name)) follow(createRequire(path).resolve(name));
    }
  };
  follow(join(folder, entry));
  return [...seen];
}

/** Options for `createVerifier` with a token that they accept: JSON, so that any app can read it. */
function givenToken() {
  const { publicKey, privateKey } = generateKeyPair("ed25519");
  const subject = "someone";
  const [issuer, audience] = ["https://login.example", "app"];
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: issuer, aud: audience, sub: subject, exp: Math.floor(Date.now() / 1000) + 3600 };
  const message = `${encode({ alg: "EdDSA", kid: "k" })}.${encode(claims)}`;
  const token = `${message}.${sign(null, Buffer.from(message), privateKey).toString("base64url")}`;
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k" }] };
  return { subject, options: { token, jwks, issuer, audience } };
}
