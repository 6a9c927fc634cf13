// npm run judged: how verifiers judge what is malleable, of small or mixed order, or not canonical. Writes the table of
// docs/audit.md, and the Ed25519 rows for tests/judged.rs, which asks dalek.
import { constants, createPublicKey, verify, webcrypto } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVerifier } from "tokenward";
import { createVerifier as createReferenceVerifier } from "tokenward/reference";
import { schemeOf } from "../../bench/native-peers.mjs";
import { main, root } from "../../tools/run.mjs";
import { AUDIENCE, ISSUER, NOW } from "../conformance/tokens.mjs";
import { inputs } from "./inputs.mjs";

export const DOCUMENT = join(root, "docs/audit.md");
export const INPUTS = join(root, "tests/judged/inputs.json");
const COLUMNS = [
  "Tokenward",
  "tokenward/reference",
  "OpenSSL (node:crypto)",
  "WebCrypto (Node)",
  "dalek `verify`",
  "dalek `verify_strict`",
];
const [START, END] = ["<!-- made by npm run judged -->", "<!-- end of what npm run judged makes -->"];
// Which version of OpenSSL a Node has is part of the answer.
export const MADE_WITH = `Node ${process.versions.node.split(".")[0]}`;

const ASKED = [byTokenward(createVerifier), byTokenward(createReferenceVerifier), byOpenSsl, byWebCrypto];

/** `holds`, `refused`, or `key refused`, where already the key was. */
async function answerOf(ask, input) {
  const key = await Promise.resolve()
    .then(() => ask(input))
    .catch(() => undefined);
  if (key === undefined) return "key refused";
  return (await Promise.resolve()
    .then(key)
    .catch(() => false))
    ? "holds"
    : "refused";
}

function byTokenward(create) {
  return ({ jwk, message, signature }) => {
    const { safeVerify } = create({ jwks: [jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW });
    return () => safeVerify(`${message}.${signature}`).ok;
  };
}

function byOpenSsl({ alg, jwk, message, signature }) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const [hash, scheme] = schemeOf(alg);
  return () => verify(hash, Buffer.from(message), { key, ...scheme }, Buffer.from(signature, "base64url"));
}

/** With whatever salt the signature has, as OpenSSL's users may ask. */
export function byOpenSslWithAnySalt({ jwk, message, signature }) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const scheme = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  return verify("sha256", Buffer.from(message), { key, ...scheme }, Buffer.from(signature, "base64url"));
}

async function byWebCrypto({ alg, jwk, message, signature }) {
  const hash = `SHA-${alg.slice(2)}`;
  const names = {
    Ed: [{ name: "Ed25519" }, { name: "Ed25519" }],
    ES: [
      { name: "ECDSA", namedCurve: jwk.crv },
      { name: "ECDSA", hash },
    ],
    RS: [{ name: "RSASSA-PKCS1-v1_5", hash }, "RSASSA-PKCS1-v1_5"],
    PS: [
      { name: "RSA-PSS", hash },
      { name: "RSA-PSS", saltLength: Number(alg.slice(2)) / 8 },
    ],
  };
  const [forImport, forVerify] = names[alg.slice(0, 2)];
  const key = await webcrypto.subtle.importKey("jwk", jwk, forImport, false, ["verify"]);
  return () => webcrypto.subtle.verify(forVerify, key, Buffer.from(signature, "base64url"), Buffer.from(message));
}

/** The rows that JavaScript can answer: `{ name, answers }`, in the order of the first columns. */
export async function judged() {
  const rows = [];
  for (const input of inputs()) {
    const answers = [];
    for (const ask of ASKED) answers.push(await answerOf(ask, input));
    rows.push({ name: input.name, answers });
  }
  return rows;
}

/** What the Rust test reads. */
export function inputsText() {
  const ed25519 = inputs().filter(({ alg }) => alg === "EdDSA");
  return `${JSON.stringify(
    ed25519.map(({ name, jwk: { x }, message, signature }) => ({ name, x, message, signature })),
    null,
    1,
  )}\n`;
}

/** `{ made, rows }` of the document: what made it, and the cells of each row. */
export function readTable(document) {
  const part = document.slice(document.indexOf(START), document.indexOf(END));
  const rows = [...part.matchAll(/^\| (.*) \|$/gm)].map(([, line]) => line.split(" | "));
  return {
    made: /made in (Node \d+)/.exec(part)?.[1],
    rows: rows.slice(2).map(([name, ...answers]) => ({ name, answers })),
  };
}

/** dalek's cells stand as they were: tests/judged.rs says when they are not true. */
function withTable(document, rows) {
  const dalek = new Map(readTable(document).rows.map(({ name, answers }) => [name, answers.slice(4)]));
  const lines = rows.map(({ name, answers }) => {
    const cells = name.startsWith("Ed25519") ? (dalek.get(name) ?? ["?", "?"]) : ["–", "–"];
    return `| ${[name, ...answers, ...cells].join(" | ")} |`;
  });
  const head = [
    `The first four columns were made in ${MADE_WITH}.`,
    "",
    `| input | ${COLUMNS.join(" | ")} |`,
    `| --- |${" --- |".repeat(COLUMNS.length)}`,
  ];
  const text = [START, ...head, ...lines, END].join("\n");
  return document.slice(0, document.indexOf(START)) + text + document.slice(document.indexOf(END) + END.length);
}

main(import.meta.url, async () => {
  writeFileSync(INPUTS, inputsText());
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, "utf8"), await judged()));
  console.log(`${INPUTS}\n${DOCUMENT}: now run cargo test --test judged, which says what dalek answers`);
});
