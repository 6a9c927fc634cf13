// The WebAssembly modules that are published: what each is made of, which functions it has, and its SHA-256.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/** Each with its crate, its features and the file that is built; `argon2.wasm` stands inlined in `tokenward/pin`. */
export const MODULES = {
  "tokenward.wasm": { crate: "tokenward", features: "wasm", file: "js/wasm/tokenward_bg.wasm" },
  "reference.wasm": { crate: "tokenward", features: "wasm-reference", file: "js/wasm/reference_bg.wasm" },
  "ml-dsa.wasm": { crate: "tokenward", features: "wasm,ml-dsa", file: "js/wasm/ml-dsa_bg.wasm" },
  "relaxed.wasm": { crate: "tokenward-relaxed", features: "", file: "js/wasm/relaxed_bg.wasm" },
  "argon2.wasm": { crate: "tokenward-argon2", features: "", file: "target/tokenward/argon2.wasm" },
};

export const RECORD = "wasm.sha256";
/** Where the build keeps the names of the functions of each module, as the compiler gave them. */
export const FUNCTIONS = "target/tokenward/functions";
const FOLDERS = ["src", "relaxed", "argon2", "tools/bindgen"];
const FILES = [
  "Cargo.toml",
  "Cargo.lock",
  "tools/build.mjs",
  "tools/inline.mjs",
  "tools/panics.mjs",
  "tools/order.mjs",
  "tools/short-names.mjs",
  "tools/toolchain.mjs",
  "tools/wasm-module.mjs",
  "js/inlined.ts",
  "node_modules/binaryen/package.json",
];

/** The SHA-256 of each module as it was built, in hexadecimal. */
export function builtHashes(folder = root) {
  const hash = (file) => sha256(readFileSync(join(folder, file)));
  return Object.fromEntries(Object.entries(MODULES).map(([name, { file }]) => [name, hash(file)]));
}

/** Of all that the modules are made from, so that other sources are not taken for a build that cannot be repeated. */
export function sourcesHash(filesIn) {
  const files = [...FOLDERS.flatMap(filesIn), ...FILES].sort();
  return sha256(files.map((file) => `${sha256(readFileSync(join(root, file)))}  ${file}\n`).join(""));
}

/** A file that `sha256sum --check` reads, with what it holds for in comments. */
export function writeRecord(record) {
  const { toolchain, sources, hashes } = record;
  const lines = Object.entries(hashes).map(([name, hash]) => `${hash}  ${name}`);
  const head = [
    "# SHA-256 of the WebAssembly modules, written by `npm run build -- --record`: see SECURITY.md, Reproducible builds.",
    `# toolchain: ${toolchain}`,
    `# sources: ${sources}`,
  ];
  writeFileSync(join(root, RECORD), `${[...head, ...lines].join("\n")}\n`);
}

/** `{ toolchain, sources, hashes }`, or nothing where there is no such file. */
export function readRecord() {
  if (!existsSync(join(root, RECORD))) return undefined;
  const text = readFileSync(join(root, RECORD), "utf8");
  const hashes = Object.fromEntries(
    [...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, hash, name]) => [name, hash]),
  );
  return { toolchain: /^# toolchain: (.*)$/m.exec(text)?.[1], sources: /^# sources: (.*)$/m.exec(text)?.[1], hashes };
}

/**
 * What the record says of a build: nothing where it is as recorded, else why not. `comparable` says whether it had to be: a
 * build by another toolchain or of other sources makes other bytes.
 */
export function compareWithRecord(record, { toolchain, sources, hashes }) {
  if (record === undefined)
    return { comparable: false, reason: `there is no ${RECORD}: run npm run build -- --record` };
  if (record.toolchain !== toolchain) {
    return { comparable: false, reason: `recorded with ${record.toolchain}, and this is ${toolchain}` };
  }
  if (record.sources !== sources) {
    return { comparable: false, reason: "the sources are not those recorded: run npm run build -- --record" };
  }
  const differ = Object.keys(MODULES).filter((name) => record.hashes[name] !== hashes[name]);
  return { comparable: true, differ };
}

/** The functions' names of a module with a name section, as the compiler mangled them. */
export function functionNames(wasm) {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), "name");
  if (section === undefined) throw new Error("the module has no name section");
  const bytes = new Uint8Array(section);
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const kind = bytes[at++];
    const end = number() + at;
    if (kind !== 1) {
      at = end;
      continue;
    }
    return Array.from({ length: number() }, () => {
      number();
      const length = number();
      at += length;
      return Buffer.from(bytes.subarray(at - length, at)).toString("utf8");
    });
  }
  throw new Error("the name section has no functions");
}

/** A mangled name's path, with `::` between its parts, types spelled out as far as the old mangling spells them. */
export function demangled(name) {
  if (!name.startsWith("_ZN")) return name.replace(/(\d+)_?(?=[a-z])/gi, "::");
  const parts = [];
  for (let rest = name.slice(3); /^\d/.test(rest); ) {
    const [digits] = /^\d+/.exec(rest);
    parts.push(rest.slice(digits.length, digits.length + Number(digits)));
    rest = rest.slice(digits.length + Number(digits));
  }
  return parts
    .join("::")
    .replaceAll("..", "::")
    .replaceAll("$LT$", "<")
    .replaceAll("$GT$", ">")
    .replace(/\$[\w]+\$/g, " ");
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
