// The two RSA kernels side by side, in one run: whether the one that fuses is worth having. Its speed hangs on the order of its
// instructions (relaxed/Cargo.toml, tools/build.mjs), which a new compiler or optimizer may undo without a word.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Failure } from "../tools/run.mjs";
import { subject } from "./tokens.mjs";

/** About 0.5 is seen where the order is right, 1 and more where it is not. */
export const BOUND = 0.85;

const inside = fileURLToPath(new URL("kernels-inside.mjs", import.meta.url));

export function kernelSubjects() {
  return Object.fromEntries(["RS256", "RSA-4096"].map((row) => [row, subject(row)]));
}

/** `{ fuses, ratios }` of a runtime, as kernels-inside.mjs has them. */
export function compareKernels(program, args, subjects) {
  const { status, stdout, stderr, error } = spawnSync(program, [...args, inside], {
    input: JSON.stringify(subjects),
    encoding: "utf8",
  });
  if (status !== 0) throw new Failure(`${program} failed: ${error?.message ?? stderr}`);
  return JSON.parse(stdout);
}

/** `npm run bench -- kernels`: in every runtime that is a program. */
export async function main() {
  const { installRuntimes, programs } = await import("./runtimes.mjs");
  await installRuntimes();
  const subjects = kernelSubjects();
  console.log("The fused kernel's verifications, as a share of the exact one's:");
  for (const { title, program, args } of programs()) {
    const { fuses, ratios } = compareKernels(program, args, subjects);
    const figures = Object.entries(ratios ?? {}).map(([row, ratio]) => `${row} ${ratio.toFixed(2)}`);
    console.log(`${title.padEnd(8)} ${fuses ? figures.join(", ") : "does not fuse"}`);
  }
}
