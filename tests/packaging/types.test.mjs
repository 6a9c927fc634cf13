// The package's types in projects of every kind: old and new versions of TypeScript, lax and strict, with the DOM and without.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as imported from "tokenward";
import * as keys from "tokenward/keys";
import * as providers from "tokenward/providers";
import * as session from "tokenward/session";
import { root, runTool } from "./packed.mjs";

/** What compiles, whatever the options. Entries for frameworks need the frameworks' own types, which need the DOM. */
const APP = `
import { createVerifier, TokenError, type Claims, type VerifierOptions } from "tokenward";
import * as gate from "tokenward/gate";
import * as keys from "tokenward/keys";
import * as mlDsa from "tokenward/ml-dsa";
import * as passkey from "tokenward/passkey";
import * as pin from "tokenward/pin";
import * as providers from "tokenward/providers";
import * as reference from "tokenward/reference";
import * as session from "tokenward/session";
import * as slim from "tokenward/slim";
import * as storage from "tokenward/storage";
import * as testing from "tokenward/testing";
import tokenward from "tokenward/unplugin";
import jwks, { fetchedAt } from "virtual:tokenward/keys";
import partner from "virtual:tokenward/keys/partner";
import url, { compile } from "virtual:tokenward/module";

const options: VerifierOptions = { jwks, issuer: "https://login.example", audience: null };
const fromVariable: string | undefined = createVerifier(options).verify("").claims.sub;
const verifier = createVerifier({ jwks: partner, issuer: null, audience: null });
const claims: Claims = verifier.verify("").claims;
const sub: string | undefined = verifier.verify("").claims.sub;
const store = keys.createKeyStore({ verifier, bundled: jwks, bundledAt: fetchedAt, issuer: "https://login.example" });
compile().then((module) => slim.init(module));
const text: string = url;
const error: unknown = undefined;
if (TokenError.is(error)) error.code === "expired";
tokenward.vite({ issuer: "https://login.example" });
export { claims, fromVariable, gate, mlDsa, passkey, pin, providers, reference, session, storage, store, sub, testing, text };
`;

/** [version, whether its libraries have what the package's own declarations need, so that these can be checked, too] */
const VERSIONS = [
  ["typescript-5.0", false],
  ["typescript-5.6", true],
  ["typescript-5.9", true],
  ["typescript", true],
];

describe("the types of the package", () => {
  let folder;
  before(() => {
    mkdirSync(join(root, "target"), { recursive: true });
    folder = mkdtempSync(join(root, "target/types-"));
    // TypeScript looks for types that an option names among the installed packages only.
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/tokenward"), "junction");
    for (const name of ["app.mts", "app.cts"]) writeFileSync(join(folder, name), APP);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [version, isChecked] of VERSIONS) {
    for (const strict of [true, false]) {
      for (const lib of [["es2022", "dom"], ["es2022"]]) {
        // Who imports the real types of a bundler's plugin needs none of them.
        for (const skipLibCheck of isChecked ? [true, false] : [true]) {
          it(`compile in ${version}: ${JSON.stringify({ strict, lib, skipLibCheck })}`, async () => {
            const compilerOptions = { strict, lib, skipLibCheck, target: "es2022", module: "nodenext", noEmit: true };
            const project = join(folder, "tsconfig.json");
            const types = { types: ["tokenward/unplugin/client"], esModuleInterop: true };
            const files = ["app.mts", "app.cts"];
            writeFileSync(project, JSON.stringify({ compilerOptions: { ...compilerOptions, ...types }, files }));
            await runTool(folder, `${version}/bin/tsc`, "-p", project);
          });
        }
      }
    }
  }
});

describe("errors of two copies of the package", () => {
  const required = createRequire(import.meta.url);
  const classes = [
    [imported, required("tokenward"), ["TokenError", "ConfigError"]],
    [keys, required("tokenward/keys"), ["KeyStoreError"]],
    [session, required("tokenward/session"), ["SessionError"]],
    [providers, required("tokenward/providers"), ["RefreshRejected", "ProviderUnavailable"]],
  ];

  for (const [one, other, names] of classes) {
    for (const name of names) {
      it(`are told by ${name}.is, and by it alone`, () => {
        const here = new one[name]("code", "message");
        const there = new other[name]("code", "message");
        assert.equal(there instanceof one[name], false, "two classes");
        for (const Kind of [one[name], other[name]]) {
          for (const error of [here, there]) assert.equal(Kind.is(error), true);
          for (const wrong of [
            new Error(name),
            { name },
            Object.assign(new Error(""), { name }),
            name,
            null,
            undefined,
          ]) {
            assert.equal(Kind.is(wrong), false);
          }
        }
        assert.equal(imported.TokenError.is(here), name === "TokenError");
        assert.deepEqual(
          Object.keys(here),
          ["name", "code"].concat(Object.keys(here).slice(2)),
          "nothing that is printed",
        );
        assert.deepEqual(Object.getOwnPropertySymbols(JSON.parse(JSON.stringify(here))), []);
      });
    }
  }

  it("are real ones", () => {
    const { createVerifier } = required("tokenward");
    const rules = { jwks: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] };
    const { error } = createVerifier({ ...rules, issuer: null, audience: null }).safeVerify("no token");
    assert.equal(imported.TokenError.is(error), true);
    assert.equal(imported.ConfigError.is(error), false);
  });
});
