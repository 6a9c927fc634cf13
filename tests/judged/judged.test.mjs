// The table of docs/audit.md is what the verifiers answer; dalek's columns are checked by tests/judged.rs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inputs } from "./inputs.mjs";
import { byOpenSslWithAnySalt, DOCUMENT, INPUTS, inputsText, judged, MADE_WITH, readTable } from "./judged.mjs";

const table = readTable(readFileSync(DOCUMENT, "utf8"));
const rows = await judged();

test("each row, in this order, with our answers", () => {
  assert.deepEqual(
    table.rows.map(({ name, answers }) => [name, answers.slice(0, 2)]),
    rows.map(({ name, answers }) => [name, answers.slice(0, 2)]),
    "run: npm run judged",
  );
  assert.ok(rows.length > 30);
});

test("OpenSSL's and WebCrypto's answers, in the Node that made them", (context) => {
  if (table.made !== MADE_WITH) {
    context.diagnostic(
      `made in ${table.made}, whose OpenSSL may judge otherwise than that of ${MADE_WITH}: not compared`,
    );
    assert.match(table.made, /^Node \d+$/);
    return;
  }
  assert.deepEqual(
    table.rows.map(({ name, answers }) => [name, answers.slice(2, 4)]),
    rows.map(({ name, answers }) => [name, answers.slice(2, 4)]),
    "run: npm run judged",
  );
});

test("both engines judge alike, and nothing holds that OpenSSL refuses", () => {
  for (const { name, answers } of rows) {
    const [own, reference, openSsl] = answers;
    assert.equal(own, reference, name);
    if (own === "holds") assert.equal(openSsl, "holds", name);
    if (name.endsWith(": as it should be")) assert.equal(own, "holds", name);
  }
});

test("asked for any salt, OpenSSL takes all of them: the refusals are of the salt's length and nothing else", () => {
  const salts = inputs().filter(({ name }) => /^PS256.*salt/.test(name));
  assert.equal(salts.length, 5);
  for (const input of salts) assert.equal(byOpenSslWithAnySalt(input), true, input.name);
});

test("tests/judged.rs reads the same signatures", () => {
  assert.equal(readFileSync(INPUTS, "utf8"), inputsText(), "run: npm run judged");
});
