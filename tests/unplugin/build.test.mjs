// `tokenward/unplugin` in the bundlers it is for: what is built verifies tokens, and what must not be built is not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { createTestIssuer } from "tokenward/testing";
import tokenward from "tokenward/unplugin";
import { createServer } from "vite";
import { json, startServer } from "../providers/server.mjs";
import { BUNDLERS, makeProject, outputOf, runBuilt } from "./bundlers.mjs";

/** What page and worker do, with the token that the test puts in. */
const APP = `
import jwks, { fetchedAt } from "virtual:tokenward/keys";
import url, { compile } from "virtual:tokenward/module";
import { createVerifier, init } from "tokenward/slim";
import given from "./given.js";
globalThis.answer = (async () => {
  init(await compile());
  const { claims } = createVerifier({ jwks, ...given.options }).verify(given.token);
  return { sub: claims.sub, members: Object.keys(jwks), fetchedAt, url };
})();
globalThis.askAgain = async () => (await compile()) instanceof WebAssembly.Module;
`;
const HOUR = 3600;
const nowInSeconds = () => Math.floor(Date.now() / 1000);

let issuer;
let server;
let files;

before(async () => {
  server = await startServer(({ url }, response) => {
    if (server.status !== 200) return json(response, server.status, {});
    if (url === "/jwks") return json(response, 200, { keys: server.keys });
    if (url !== "/.well-known/openid-configuration") return json(response, 404, {});
    return json(response, 200, { issuer: server.origin, jwks_uri: `${server.origin}/jwks` });
  });
  issuer = await createTestIssuer({ issuer: server.origin, algorithms: ["ES256"] });
  const token = await issuer.token({});
  const { issuer: name, audience } = issuer.options;
  const given = `export default ${JSON.stringify({ token, options: { issuer: name, audience } })};`;
  files = { "page.js": APP, "sw.js": APP, "given.js": given };
  reset();
});
after(() => server.close());

function reset() {
  server.status = 200;
  server.keys = issuer.jwks.keys;
}

/** The issuer's keys as `keys fetch` would have written them, fetched so long ago. */
const bundleOf = (age, keys = issuer.jwks.keys) => ({
  keys,
  tokenward: {
    issuer: server.origin,
    jwks_uri: `${server.origin}/jwks`,
    fetched_at: new Date(1000 * (nowInSeconds() - age)).toISOString(),
  },
});

for (const [name, build] of Object.entries(BUNDLERS)) {
  describe(`tokenward/unplugin in ${name}`, () => {
    it("builds page and service worker with the issuer's keys and one module file", async () => {
      reset();
      const project = makeProject(files);
      const serviceWorker = { input: "sw.js", output: "worker/sw.js" };
      const since = nowInSeconds();
      const { warnings, script } = await build(project.path, { issuer: server.origin, serviceWorker });
      assert.deepEqual(warnings, []);
      const modules = outputOf(project.path).filter((file) => file.endsWith(".wasm"));
      assert.deepEqual(modules, ["tokenward.wasm"]);
      const original = readFileSync(new URL("../../pkg/tokenward.wasm", import.meta.url));
      assert.ok(readFileSync(join(project.path, "dist/tokenward.wasm")).equals(original));
      const queries = [];
      for (const file of [script, "worker/sw.js"]) {
        const { answer, again, asked } = await runBuilt(project.path, file);
        assert.equal(answer.sub, "ada");
        assert.deepEqual(answer.members, ["keys"]);
        assert.ok(answer.fetchedAt >= since && answer.fetchedAt <= nowInSeconds() + 1);
        assert.equal(again, true);
        assert.equal(asked.length, 1, "compiled and fetched once");
        assert.match(asked[0], /^tokenward\.wasm\?v=[0-9a-f]{12}$/);
        queries.push(asked[0]);
      }
      assert.equal(queries[0], queries[1]);
      const worker = readFileSync(join(project.path, "dist/worker/sw.js"), "utf8");
      assert.ok(worker.split("\n").length < 30, "minified");
      assert.ok(statSync(join(project.path, "dist/worker/sw.js")).size < 60_000, "without the module inside");
      project.remove();
    });

    it("takes the committed bundle when the issuer cannot be reached, and says how old it is", async () => {
      server.status = 503;
      const project = makeProject({ ...files, "keys/jwks.json": bundleOf(5 * HOUR) });
      const options = { issuer: server.origin, bundled: "keys/jwks.json", serviceWorker: { input: "sw.js" } };
      const { warnings, script } = await build(project.path, options);
      const told = warnings.filter((text) => text.includes("built with the keys in"));
      assert.equal(told.length, 1, warnings.join("\n"));
      assert.match(told[0], /status 503: built with the keys in .*jwks\.json, which are 5 hours old/);
      const { answer } = await runBuilt(project.path, script);
      assert.equal(answer.sub, "ada");
      assert.ok(Math.abs(answer.fetchedAt - (nowInSeconds() - 5 * HOUR)) < 120);
      project.remove();
    });

    it("fails where keys are too old, weak, private or not there", async () => {
      const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
      const secret = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
      const good = issuer.jwks.keys;
      for (const [what, { keys = good, status = 200, bundle, ...options }, message] of [
        [
          "weak",
          { keys: [...good, { ...weak, kid: "small" }] },
          /key that must not be used:[\s│]+the key "small" \(RSA\): .*1024/,
        ],
        ["private", { keys: [...good, { ...secret, kid: "open" }] }, /"open" \(Ed25519\): its private half is public/],
        [
          "too old",
          { status: 503, bundle: bundleOf(3 * HOUR), maxAge: 7200 },
          /3 hours old, more than 7200 s.*"maxAge"/,
        ],
        ["of no age", { status: 503, bundle: { keys: good } }, /does not say when its keys were fetched/],
        [
          "a weak bundle",
          { status: 503, bundle: bundleOf(1, [{ ...weak, kid: "small" }]) },
          /jwks\.json has a key .*"small"/s,
        ],
        ["no network, no bundle", { status: 503 }, /status 503; to build without a network.*keys fetch --issuer/],
      ]) {
        Object.assign(server, { keys, status });
        const project = makeProject({ ...files, ...(bundle && { "jwks.json": bundle }) });
        // The build's own timer is not what this is about, and a loaded machine may hold up build and server alike.
        const given = { issuer: server.origin, timeout: "5m", ...options, ...(bundle && { bundled: "jwks.json" }) };
        await assert.rejects(build(project.path, given), (error) => {
          const said = [error.message, ...(error.errors ?? []).map(({ message, text }) => message ?? text)].join("\n");
          assert.match(said, message, what);
          return true;
        });
        project.remove();
      }
    });
  });
}

describe("tokenward/unplugin", () => {
  it("answers in Vite's development server for the worker and the module file, as they are now", async () => {
    reset();
    const project = makeProject(files);
    const plugins = [tokenward.vite({ issuer: server.origin, serviceWorker: { input: "sw.js" } })];
    const hmr = { port: 0 };
    const dev = await createServer({
      ...{ root: project.path, configFile: false, logLevel: "silent", plugins, base: "/app/" },
      server: { port: 0, host: "127.0.0.1", hmr, ws: false },
      optimizeDeps: { noDiscovery: true },
    });
    try {
      await dev.listen();
      const { port } = dev.httpServer.address();
      const get = (path) => fetch(`http://127.0.0.1:${port}/app/${path}`);
      const worker = await get("sw.js");
      assert.equal(worker.headers.get("content-type"), "text/javascript");
      assert.match(await worker.text(), /tokenward\.wasm\?v=/);
      const module = await get("tokenward.wasm?v=1");
      assert.equal(module.headers.get("content-type"), "application/wasm");
      assert.equal(WebAssembly.validate(await module.arrayBuffer()), true);
      const { code } = await dev.transformRequest("virtual:tokenward/module");
      assert.match(code, /"\/app\/tokenward\.wasm\?v=/);
      assert.match((await dev.transformRequest("virtual:tokenward/keys")).code, /"kty":\s?"EC"/);
      assert.equal((await get("other.js")).status, 404);
    } finally {
      await dev.close();
      project.remove();
    }
  });

  it("is CommonJS for configurations that are", async () => {
    reset();
    const config = `
      const { esbuild } = require("tokenward/unplugin");
      const plugins = [esbuild({ issuer: ${JSON.stringify(server.origin)} })];
      const options = { entryPoints: ["page.js"], bundle: true, format: "esm", outdir: "dist", publicPath: "/", plugins };
      require("esbuild").build(options);`;
    const project = makeProject({ ...files, "build.cjs": config });
    await promisify(execFile)(process.execPath, ["build.cjs"], { cwd: project.path });
    assert.equal((await runBuilt(project.path, "page.js")).answer.sub, "ada");
    project.remove();
  });

  it("keeps the keys of several issuers apart", async () => {
    reset();
    const other = await startServer((_, response) => json(response, 200, { keys: [] }));
    const page = `
      import one from "virtual:tokenward/keys/login";
      globalThis.answer = one.keys.length;`;
    const project = makeProject({ "page.js": page });
    const issuers = { login: { issuer: server.origin }, partner: { jwksUri: `${other.origin}/keys` } };
    const { script } = await BUNDLERS.esbuild(project.path, { issuers });
    assert.equal((await runBuilt(project.path, script)).answer, 1);
    assert.equal(other.requests.length, 0, "whose keys nobody imports is not asked");
    project.remove();
    for (const [imported, message] of [
      ["keys/partner", /\/keys has no key that can verify a token/],
      ["keys", /no virtual:tokenward\/keys \(known: virtual:tokenward\/module, .*keys\/login, .*keys\/partner\)/],
      ["keys/constructor", /no virtual:tokenward\/keys\/constructor/],
    ]) {
      const wrong = makeProject({ "page.js": `import keys from "virtual:tokenward/${imported}"; console.log(keys);` });
      await assert.rejects(BUNDLERS.esbuild(wrong.path, { issuers }), message);
      wrong.remove();
    }
    await other.close();
  });

  it("fails on an answer that is another than the issuer's, bundle or not", async () => {
    const portal = await startServer((_, response) => json(response, 200, "<title>Free Wi-Fi</title>"));
    const project = makeProject({ ...files, "jwks.json": bundleOf(1) });
    const options = { issuer: portal.origin, bundled: "jwks.json" };
    await assert.rejects(
      BUNDLERS.esbuild(project.path, options),
      /the keys of .* cannot be used: what .* answered is not/,
    );
    await portal.close();
    // Nobody listens there any more.
    await assert.rejects(BUNDLERS.esbuild(project.path, options), /has the keys of ".*", not those of/);
    await assert.rejects(BUNDLERS.esbuild(project.path, { jwksUri: `${portal.origin}/jwks` }), /could not be reached/);
    project.remove();
  });

  it("takes a bundle only of the issuer and the address that the options name, and of a time that has been", async () => {
    reset();
    const gone = await startServer((_, response) => json(response, 200, {}));
    await gone.close();
    const [issuer, jwksUri] = [gone.origin, `${gone.origin}/jwks`];
    const evil = "https://evil.example";
    const page = 'import keys from "virtual:tokenward/keys"; console.log(keys);';
    const now = new Date().toISOString();
    const whose = /jwks\.json has the keys of .*, not those of .* keys fetch .* --out jwks\.json --renew/;
    const future = /still to come by this machine's clock.* --renew/;
    for (const [options, provenance, message] of [
      [{ issuer }, { issuer, jwks_uri: `${evil}/jwks` }],
      [{ jwksUri }, { jwks_uri: jwksUri }],
      [{ jwksUri }, { issuer: "https://any.example", jwks_uri: jwksUri }],
      [
        { issuer, jwksUri },
        { issuer, jwks_uri: jwksUri },
      ],
      [{ issuer, jwksUri }, { jwks_uri: jwksUri }],
      [{ issuer }, { issuer: evil, jwks_uri: jwksUri }, whose],
      [{ issuer }, { jwks_uri: `${evil}/jwks` }, whose],
      [{ issuer }, {}, whose],
      [{ issuer }, { issuer: [issuer], jwks_uri: jwksUri }, whose],
      [{ jwksUri }, { issuer: evil, jwks_uri: `${evil}/jwks` }, whose],
      [{ jwksUri }, { jwks_uri: `${evil}/\u009b31m` }, whose],
      [{ jwksUri }, { issuer: gone.origin }, whose],
      [{ issuer, jwksUri }, { issuer, jwks_uri: `${evil}/jwks` }, whose],
      [{ issuer, jwksUri }, { issuer: evil, jwks_uri: jwksUri }, whose],
      [{ issuer }, { issuer, fetched_at: "9999-01-01T00:00:00Z" }, future],
      [{ issuer }, { issuer, fetched_at: new Date(Date.now() + HOUR * 1000).toISOString() }, future],
      [{ issuer }, { issuer, fetched_at: new Date(Date.now() + 60_000).toISOString() }],
      [{ issuer }, { issuer, fetched_at: 2026 }, /does not say when/],
      [{ issuer }, { issuer, fetched_at: "2020-01-01T00:00:00Z" }, /"maxAge".* renew the file by .* --renew/],
    ]) {
      const bundle = { keys: server.keys, tokenward: { fetched_at: now, ...provenance } };
      const project = makeProject({ "page.js": page, "jwks.json": bundle });
      const building = BUNDLERS.esbuild(project.path, { ...options, bundled: "jwks.json" });
      const said = await building.then(
        () => "built",
        (error) => error.message,
      );
      assert.match(said, message ?? /^built$/, JSON.stringify([options, provenance]));
      assert.doesNotMatch(said, /[^\P{Cc}\n]/u);
      project.remove();
    }
  });

  it("takes no bundle in place of an answer that redirects to nowhere", async () => {
    const odd = await startServer((_, response) => json(response, 302, {}, { location: "https://[" }));
    const jwksUri = `${odd.origin}/jwks`;
    const tokenward = { jwks_uri: jwksUri, fetched_at: new Date().toISOString() };
    const bundle = { keys: issuer.jwks.keys, tokenward };
    const project = makeProject({ ...files, "jwks.json": bundle });
    const building = BUNDLERS.esbuild(project.path, { jwksUri, bundled: "jwks.json" });
    await assert.rejects(building, /cannot be used: .* redirects to no address/);
    project.remove();
    await odd.close();
  });

  it("loads no keys by half a name, and leaves files of the project alone", async () => {
    reset();
    const issuers = { login: { issuer: server.origin } };
    for (const name of ["nope/login", "typo_login", "keys/", "keys/login/", "keyslogin", "keys/login?x"]) {
      const wrong = makeProject({ "page.js": `import keys from "virtual:tokenward/${name}"; console.log(keys);` });
      await assert.rejects(BUNDLERS.esbuild(wrong.path, { issuers }), /there is no virtual:tokenward\//, name);
      wrong.remove();
    }
    const page = `
      import one from "./tokenward-virtual-keys/login.js";
      import two from "./tokenward-virtual-module.js";
      import jwks from "virtual:tokenward/keys/login";
      globalThis.answer = [one, two, jwks.keys.length];`;
    const own = {
      "tokenward-virtual-keys/login.js": "export default 1;",
      "tokenward-virtual-module.js": "export default 2;",
    };
    for (const [name, build] of Object.entries(BUNDLERS)) {
      const project = makeProject({ "page.js": page, ...own });
      const { script } = await build(project.path, { issuers });
      assert.deepEqual((await runBuilt(project.path, script)).answer, [1, 2, 1], name);
      project.remove();
    }
  });

  it("escapes in the code what is more than a character", async () => {
    reset();
    server.keys = issuer.jwks.keys.map((key) => ({ ...key, kid: "\u009b\u202e" }));
    const page = 'import jwks from "virtual:tokenward/keys"; globalThis.answer = jwks.keys[0].kid;';
    const project = makeProject({ "page.js": page });
    const { script } = await BUNDLERS.rollup(project.path, { issuer: server.origin });
    assert.match(readFileSync(join(project.path, "dist", script), "utf8"), /\\u009b\\u202e/);
    assert.equal((await runBuilt(project.path, script)).answer, "\u009b\u202e");
    project.remove();
    reset();
  });

  for (const [what, options, code, message] of [
    ["a misspelt option", { isuer: "https://login.example" }, "unknown_option", /"isuer"/],
    ["no issuer", { bundled: "jwks.json" }, "missing_option", /say whose keys/],
    [
      "an issuer that is no URL",
      { issuer: "login.example" },
      "invalid_option",
      /^tokenward: the option "issuer" should be an https URL/,
    ],
    [
      "an issuer without TLS",
      { issuer: "http://idp.local:3018" },
      "invalid_option",
      /http is only for this device: localhost,/,
    ],
    ["keys without TLS", { jwksUri: "http://idp.local/jwks" }, "invalid_option", /"jwksUri" should be an https URL/],
    ["a password in the address", { jwksUri: "https://a:b@idp.example/" }, "invalid_option", /without a password/],
    ["an age that is none", { issuer: "https://login.example", maxAge: "soon" }, "invalid_option", /"maxAge"/],
    [
      "both forms",
      { issuer: "https://a.example", issuers: {} },
      "invalid_option",
      /each issuer has its options inside/,
    ],
    ["a name that no import has", { issuers: { "a/b": { issuer: "https://a.example" } } }, "invalid_option", /"a\/b"/],
    ["a worker outside", { serviceWorker: { input: "sw.js", output: "../sw.js" } }, "invalid_option", /inside/],
    ["a worker of nothing", { serviceWorker: {} }, "missing_option", /"input"/],
  ]) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => tokenward.rollup(options),
        (error) => error.code === code && message.test(error.message),
      );
    });
  }
});
