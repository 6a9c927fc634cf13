// A bill of materials (CycloneDX 1.6) of what npm publishes: the package, its dependencies, and what is compiled into each
// WebAssembly module. The same for the same sources, so it has no time and no random number.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { builtHashes, MODULES } from "./modules.mjs";
import { root } from "./run.mjs";

export const SBOM = "pkg/sbom.cdx.json";

/** The text of the bill, for the toolchain of `setup`, once the modules are built. */
export async function billOfMaterials(rust) {
  const bom = new Models.Bom();
  const once = new Map();
  const component = (type, name, { version, purl, licence, hash }) => {
    const reference = purl ?? `${type}:${name}`;
    if (!once.has(reference)) {
      const made = new Models.Component(type, name, { version, purl, bomRef: reference });
      if (hash) made.hashes.set(...hash);
      // Old crates write `/` for OR.
      if (licence) made.licenses.add(new Models.LicenseExpression(licence.replaceAll("/", " OR ")));
      once.set(reference, made);
    }
    return once.get(reference);
  };

  const { Library, File, Framework } = Enums.ComponentType;
  const own = readJson("package.json");
  const npmPurl = (name, version) => `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const whole = component(Library, own.name, {
    version: own.version,
    purl: npmPurl(own.name, own.version),
    licence: own.license,
  });
  bom.metadata.component = whole;

  const locked = readJson("package-lock.json").packages;
  for (const name of Object.keys(own.dependencies)) {
    const { version, license, integrity } = locked[`node_modules/${name}`];
    const hash = [
      Enums.HashAlgorithm["SHA-512"],
      Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex"),
    ];
    const part = component(Library, name, { version, purl: npmPurl(name, version), licence: license, hash });
    whole.dependencies.add(part.bomRef);
    bom.components.add(part);
  }

  const standard = component(Framework, "Rust standard library", {
    version: /\d+\.\d+\.\d+\S*/.exec(rust.description)?.[0],
    licence: "MIT OR Apache-2.0",
  });
  bom.components.add(standard);
  const checksums = lockedChecksums();
  const hashes = builtHashes();
  for (const [name, { crate, features }] of Object.entries(MODULES)) {
    const module = component(File, name, {
      licence: own.license,
      hash: [Enums.HashAlgorithm["SHA-256"], hashes[name]],
    });
    whole.dependencies.add(module.bomRef);
    bom.components.add(module);
    module.dependencies.add(standard.bomRef);
    const above = [module];
    for (const { depth, crateName, version, licence } of await cratesOf(rust, crate, features)) {
      const isOwn = !checksums.has(`${crateName} ${version}`);
      const part = isOwn
        ? module
        : component(Library, crateName, {
            version,
            purl: `pkg:cargo/${crateName}@${version}`,
            licence,
            hash: [Enums.HashAlgorithm["SHA-256"], checksums.get(`${crateName} ${version}`)],
          });
      if (!isOwn) {
        above[depth - 1].dependencies.add(part.bomRef);
        bom.components.add(part);
      }
      above[depth] = part;
    }
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const text = serializer.serialize(bom, { sortLists: true, space: 1 });
  return `${withSerial(text)}\n`;
}

/** What is linked into a module: no build scripts, no procedural macros, nothing for tests. */
async function cratesOf(rust, crate, features) {
  const what = ["-p", crate, ...(features ? ["--features", features] : [])];
  const format = ["--prefix", "depth", "--format", " {p}|{l}"];
  const edges = ["-e", "normal,no-proc-macro", "--target", "wasm32-unknown-unknown"];
  const output = await rust.native(["tree", "--locked", ...what, ...edges, ...format], { quiet: true });
  return [...output.matchAll(/^(\d+) (\S+) v(\S+)[^|\n]*\|(.*?)(?: \(\*\))?$/gm)].map(
    ([, depth, crateName, version, licence]) => ({ depth: Number(depth), crateName, version, licence }),
  );
}

/** The SHA-256 of each crate of the registry, by name and version. */
function lockedChecksums() {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const entries = lock.matchAll(/^name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"$/gm);
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]));
}

/** The serial number is a UUID made from the content (RFC 9562 section 5.8). */
function withSerial(text) {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  const uuid = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ];
  const bom = JSON.parse(text);
  const { $schema, bomFormat, specVersion, version, ...rest } = bom;
  const serialNumber = `urn:uuid:${uuid.join("-")}`;
  return JSON.stringify({ $schema, bomFormat, specVersion, serialNumber, version, ...rest }, null, 1);
}

function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), "utf8"));
}
