// A test to copy: it makes or has the token, and says what a verifier answers.

import { algorithmsOf, withAbsences } from "./description.js";

const RUNNERS = {
  node: {
    imports: ['import assert from "node:assert/strict";', 'import { it } from "node:test";'],
    equal: (actual, expected) => `assert.equal(${actual}, ${expected});`,
  },
  vitest: {
    imports: ['import { expect, it } from "vitest";'],
    equal: (actual, expected) => `expect(${actual}).toBe(${expected});`,
  },
};

/**
 * A test that makes the token anew. It holds no token.
 *
 * @param {"node" | "vitest"} runner
 * @param {import("./description.js").Description} description
 * @param {string} [code] with which the token is refused
 */
export function testOf(runner, description, code) {
  const { algorithm, header, claims, flaw, options, now } = description;
  const more = { ...(Object.keys(header).length > 0 && { header }), ...(flaw !== undefined && { flaw }) };
  const args = [withAbsences(claims), ...(Object.keys(more).length > 0 ? [more] : [])];
  return file(runner, algorithm, code, [
    'import { createTestIssuer } from "tokenward/testing";',
    [
      `const issuer = await createTestIssuer(${literal({ algorithms: algorithmsOf(description), now }, 1)});`,
      `const token = await issuer.token(${args.map((value) => literal(value, 1)).join(", ")});`,
      `const verifier = createVerifier({`,
      `    jwks: issuer.jwks,`,
      `    now: issuer.clock.now,`,
      ...membersOf(options),
      `  });`,
    ],
  ]);
}

/** The same with the very token, which may be a secret. */
export function testWithToken(runner, { token, jwks, options, now, algorithm }, code) {
  return file(runner, algorithm, code, [
    undefined,
    [
      `const token = ${literal(token, 1)};`,
      `const verifier = createVerifier({`,
      `    jwks: ${literal(JSON.parse(jwks), 2)},`,
      `    now: () => ${Math.floor(now)},`,
      ...membersOf(options),
      `  });`,
    ],
  ]);
}

function file(runner, algorithm, code, [more, body]) {
  const { imports, equal } = RUNNERS[runner];
  const entry = algorithm.startsWith("ML-DSA") ? "tokenward/ml-dsa" : "tokenward";
  const title = code === undefined ? "accepts the token" : `refuses the token: ${code}`;
  const asserted =
    code === undefined
      ? [equal("result.error?.message", "undefined"), equal("result.ok", "true")]
      : [equal("result.ok", "false"), equal("result.error.code", JSON.stringify(code))];
  return [
    ...imports,
    `import { createVerifier } from "${entry}";`,
    ...(more === undefined ? [] : [more]),
    "",
    `it(${JSON.stringify(title)}, async () => {`,
    ...body.map((line) => (line.startsWith("  ") ? line : `  ${line}`)),
    "  const result = verifier.safeVerify(token);",
    ...asserted.map((line) => `  ${line}`),
    "});",
    "",
  ].join("\n");
}

const membersOf = (object) => Object.entries(object).map(([name, value]) => `    ${key(name)}: ${literal(value, 2)},`);

/** A value as JavaScript writes it: what JSON has, and `undefined`. Nothing of a text can end it. */
function literal(value, depth) {
  if (value === undefined) return "undefined";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => literal(item, depth + 1))
    : Object.entries(value).map(([name, item]) => `${key(name)}: ${literal(item, depth + 1)}`);
  const [start, end] = isList ? "[]" : "{}";
  if (items.length === 0) return start + end;
  const space = isList ? "" : " ";
  const line = `${start}${space}${items.join(", ")}${space}${end}`;
  if (line.length <= 80 && !line.includes("\n")) return line;
  const indent = "  ".repeat(depth);
  return `${start}\n${items.map((item) => `${indent}  ${item},`).join("\n")}\n${indent}${end}`;
}

/** `__proto__: x` alone would be another thing than a member of that name. */
function key(name) {
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
