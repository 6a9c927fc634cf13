// Run in a process of its own: keys and tokens as JSON on the standard input, on the standard output how long a verification takes
// with the RSA kernel that fuses, as a share of that with the exact one alone: `{ fuses, ratios: { [row]: ratio } }`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { AUDIENCE, ISSUER } from "./expected.mjs";
import { measure, slicer } from "./measure.mjs";

/** Slices by turns, many of them and so short that some are not disturbed: the least of each are compared. */
const METHOD = { rounds: 151, sliceMs: 2, warmUpMs: 250 };

const packed = (path) => new URL(`../pkg/${path}`, import.meta.url);
const core = readFileSync(packed("tokenward.wasm"));
const relaxed = readFileSync(packed("relaxed.wasm"));

async function ratios(subjects) {
  // As ES modules and as CommonJS the package has an engine each: one of them never hears of the second kernel.
  const fused = await import(packed("esm/slim.js"));
  const exact = createRequire(import.meta.url)("../pkg/cjs/slim.js");
  fused.init(core, relaxed);
  exact.init(core);
  const answer = {};
  for (const [row, { jwks, good }] of Object.entries(subjects)) {
    const contenders = Object.entries({ fused, exact }).map(([name, { createVerifier }]) => {
      const { verify } = createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE });
      return { name, slice: slicer(verify, false) };
    });
    const times = await measure(contenders, good, METHOD);
    answer[row] = Math.min(...times.fused) / Math.min(...times.exact);
  }
  return answer;
}

function fuses() {
  if (!WebAssembly.validate(relaxed)) return false;
  return new WebAssembly.Instance(new WebAssembly.Module(relaxed)).exports.fuses() === 1;
}

const answer = fuses() ? { fuses: true, ratios: await ratios(JSON.parse(readFileSync(0, "utf8"))) } : { fuses: false };
console.log(JSON.stringify(answer));
