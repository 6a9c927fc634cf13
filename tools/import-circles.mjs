// Which files of js/ import each other in a circle, of types too: neither of such files can be read before the other.

import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { Failure } from "./run.mjs";

/** Throws a {@link Failure} that shows a circle of each group of files that import each other. */
export function checkImports(folder) {
  const circles = importCircles(folder);
  if (circles.length === 0) return;
  const shown = circles.map((circle) => `  ${[...circle, circle[0]].join("\n    → ")}`);
  throw new Failure(`Files that import each other in a circle:\n${shown.join("\n")}`);
}

/** For each group of files that reach each other by imports, a shortest circle: paths from the folder. */
export function importCircles(folder) {
  const imports = importsOf(folder);
  const circles = [];
  const shown = new Set();
  for (const file of [...imports.keys()].sort()) {
    const circle = shown.has(file) ? undefined : shortestCircle(imports, file);
    if (circle === undefined) continue;
    circles.push(circle);
    // Whatever else this file reaches, and that reaches it, is the same knot.
    const reached = reachable(imports, file);
    for (const other of reached) if (reachable(imports, other).has(file)) shown.add(other);
  }
  return circles;
}

/** `import`, `import type`, `export from`, `import()`, also in types. What a comment or a text says so counts, too. */
const IMPORT = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

/** What each file imports of the others. */
function importsOf(folder) {
  const files = readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  const known = new Set(files);
  const imported = (file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(IMPORT)]
      .map(([, path]) => posix.join(posix.dirname(file), path.replace(/\.js$/, ".ts")))
      .filter((other) => known.has(other));
  return new Map(files.map((file) => [file, [...new Set(imported(file))]]));
}

/** The shortest way from a file back to itself, without that end; `undefined` if there is none. */
function shortestCircle(imports, start) {
  const ways = [[start]];
  const seen = new Set();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1)) ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

function reachable(imports, start) {
  const reached = new Set();
  const waiting = [start];
  for (const file of waiting) {
    for (const next of imports.get(file) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      waiting.push(next);
    }
  }
  return reached;
}
