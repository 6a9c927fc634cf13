// The exported vectors are those of the conformance table, and say of us and of others what is true.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import Ajv from "ajv";
import { createVerifier } from "tokenward";
import { createVerifier as createMlDsaVerifier } from "tokenward/ml-dsa";
import { createVerifier as createReferenceVerifier } from "tokenward/reference";
import { LIBRARIES } from "./libraries.mjs";
import { asText, hostileMlDsaTokens, hostileTokens } from "./make.mjs";
import { answers } from "./run.mjs";
import { DOCUMENT, documentTable, FILE, withTable } from "./vectors.mjs";

const AGAIN = "run: npm run vectors";
const vectors = JSON.parse(readFileSync(FILE, "utf8"));
const mlDsa = hostileMlDsaTokens();
const schema = JSON.parse(readFileSync(new URL("schema.json", import.meta.url), "utf8"));
const all = await answers(vectors);

test("the file is what the command makes, byte for byte", async () => {
  assert.ok(asText(await hostileTokens()) === readFileSync(FILE, "utf8"), AGAIN);
  assert.ok(asText(hostileMlDsaTokens()) === asText(mlDsa));
});

test("the files are of the documented form", () => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(schema);
  for (const file of [vectors, mlDsa]) assert.ok(validate(file), JSON.stringify(validate.errors));
  const broken = structuredClone(vectors);
  delete broken.groups[0].tests[0].token;
  assert.ok(!validate(broken));
});

test("a name, an id and a reason for each; keys that only verify", () => {
  for (const { rules, groups } of [vectors, mlDsa]) {
    const tests = groups.flatMap((group) => group.tests);
    assert.deepEqual(
      tests.map(({ id }) => id),
      tests.map((_, index) => index + 1),
    );
    const used = new Set(tests.map(({ rule }) => rule).filter(Boolean));
    assert.deepEqual([...used].sort(), Object.keys(rules).sort());
    for (const key of groups.flatMap(({ jwks }) => jwks.keys)) {
      for (const secret of ["d", "priv", "k"]) assert.equal(key[secret] ?? null, null);
    }
  }
  assert.ok(vectors.groups.flatMap((group) => group.tests).length > 1200);
});

for (const [name, create, files] of [
  ["tokenward", createVerifier, [vectors]],
  ["tokenward/reference", createReferenceVerifier, [vectors]],
  ["tokenward/ml-dsa", createMlDsaVerifier, [vectors, mlDsa]],
]) {
  test(`${name} answers each as the file says`, () => {
    for (const { now, groups } of files) {
      for (const group of groups) {
        let time = now;
        const verifier = create({ ...group.options, jwks: group.jwks, now: () => time });
        for (const one of group.tests) {
          time = one.now ?? now;
          const { ok, error } = verifier.safeVerify(one.token);
          const found = ok ? { result: "valid" } : { result: "invalid", code: error.code };
          const { result, code } = one;
          assert.deepEqual(found, code === undefined ? { result } : { result, code }, `${group.name} / ${one.name}`);
          if (one.claim !== undefined) assert.equal(error.claim, one.claim, `${group.name} / ${one.name}`);
        }
      }
    }
  });
}

test("every library is asked much of it, and takes sound tokens", () => {
  for (const { name } of LIBRARIES) {
    const own = all.filter(({ library, asked }) => library === name && asked);
    assert.ok(own.filter(({ test: { result } }) => result === "invalid").length > 700, name);
    assert.ok(own.filter(({ test: { result }, holds }) => result === "valid" && holds).length > 100, name);
  }
});

test("ours takes all that is sound and nothing else, in the table too", () => {
  const own = all.filter(({ library }) => library === "tokenward");
  assert.ok(
    own.every(({ asked, holds, test: { result } }) => (asked ? holds === (result === "valid") : result === "invalid")),
  );
});

test("the table in docs/vectors.md is what the libraries answer", (context) => {
  const document = readFileSync(DOCUMENT, "utf8");
  const made = withTable(document, documentTable(vectors, all));
  const node = /in Node (\d+):/.exec(document)?.[1];
  assert.ok(node !== undefined, AGAIN);
  // OpenSSL and WebCrypto are Node's: another one may answer otherwise about keys.
  if (node !== process.versions.node.split(".")[0]) {
    context.diagnostic(`made in Node ${node}: not compared in Node ${process.versions.node}`);
    return;
  }
  assert.ok(made === document, AGAIN);
});
