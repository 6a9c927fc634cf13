// npm run vectors: hostile tokens as data, and who takes them.
//
//   npm run vectors              writes hostile-tokens.json, the table of docs/vectors.md, and ML-DSA's below target/
//   npm run vectors -- run       runs the file on every library and prints the table, and each token that one takes
//   npm run vectors -- run FILE  the same with another file of the format
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, root } from "../../tools/run.mjs";
import { LIBRARIES } from "./libraries.mjs";
import { asText, FORMAT, hostileMlDsaTokens, hostileTokens, VERSION } from "./make.mjs";
import { answers, byRule } from "./run.mjs";

export const FILE = join(root, "tests/vectors/hostile-tokens.json");
const ML_DSA = join(root, "target/tokenward/hostile-ml-dsa-tokens.json");
export const DOCUMENT = join(root, "docs/vectors.md");
const MARKS = ["<!-- made by npm run vectors -->", "<!-- end -->"];

/** The table between the marks of docs/vectors.md, for these answers. */
export function documentTable(vectors, all) {
  const { names, rules, levels, valid } = byRule(vectors, all);
  const cell = ({ asked, taken }) => (asked === 0 ? "–" : `${taken === 0 ? "0" : `**${taken}**`} of ${asked}`);
  const row = (title, counts) => `| ${title} | ${names.map((name) => cell(counts[name])).join(" | ")} |`;
  const plain = (title, counts) => row(title, counts).replaceAll("**", "");
  const head = names.map(
    (name) => `${name} ${name === "tokenward" ? "" : LIBRARIES.find((one) => one.name === name).version}`,
  );
  return [
    `Hostile tokens that were taken, of those asked, in Node ${process.versions.node.split(".")[0]}:`,
    "",
    `| tokens | ${head.map((text) => text.trim()).join(" | ")} |`,
    `| --- |${" --- |".repeat(names.length)}`,
    ...levels.map(({ level, counts }) => row(`all of level *${level}*`, counts)),
    ...rules.map(({ rule, counts }) => row(`${rule} (${vectors.rules[rule].level})`, counts)),
    plain("sound tokens that were taken", valid),
  ].join("\n");
}

/** The document with another table. */
export function withTable(document, table) {
  const [start, end] = MARKS.map((mark) => document.indexOf(mark));
  if (start < 0 || end < start)
    throw new Failure("docs/vectors.md does not have the marks between which the table stands");
  return `${document.slice(0, start)}${MARKS[0]}\n${table}\n${document.slice(end)}`;
}

async function write() {
  const vectors = await hostileTokens();
  writeFileSync(FILE, asText(vectors));
  mkdirSync(join(root, "target/tokenward"), { recursive: true });
  writeFileSync(ML_DSA, asText(hostileMlDsaTokens()));
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, "utf8"), documentTable(vectors, await answers(vectors))));
  console.log(`${FILE}\n${ML_DSA}\n${DOCUMENT}`);
}

async function run(file = FILE) {
  const vectors = JSON.parse(readFileSync(file, "utf8"));
  if (vectors.format !== FORMAT || vectors.version !== VERSION) {
    throw new Failure(`${file} is no file of the format ${FORMAT}, version ${VERSION}: see docs/vectors.md`);
  }
  const all = await answers(vectors);
  for (const { library, group, test, holds } of all.filter(({ holds, test }) => holds && test.result === "invalid")) {
    console.log(`${library} takes ${test.id}, ${group} / ${test.name}: ${test.rule}, ${vectors.rules[test.rule].text}`);
    if (library === "tokenward" && holds) process.exitCode = 1;
  }
  console.log(`\n${documentTable(vectors, all)}`);
}

main(import.meta.url, async () => {
  const [command, file] = process.argv.slice(2);
  if (command === undefined) await write();
  else if (command === "run") await run(file);
  else throw new Failure(`there is no command ${command}: npm run vectors, or npm run vectors -- run [file]`);
});
