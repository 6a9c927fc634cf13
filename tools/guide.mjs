// The code in docs/offline.md is that of examples/offline-notes: this puts the files' text into the page.
//
//   npm run quotes     does it; tests/docs/guide.test.mjs says when that is due
//
// A block whose first line is a comment with a path and nothing else, such as `// src/auth.ts`, is that file.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "./run.mjs";

const PAGE = "docs/offline.md";
export const SAMPLE = "examples/offline-notes";

const BLOCK = /^(```\w+\n)((?:\/\/|#|<!--) ([\w./-]+\.\w+|\.env)(?: -->)?\n)(.*?)^```$/gms;

/** The page as it is, as it should be, and the files that it shows. */
export function guide() {
  const page = readFileSync(join(root, PAGE), "utf8");
  const files = [];
  const wanted = page.replace(BLOCK, (_block, fence, name, path) => {
    const file = join(root, SAMPLE, path);
    if (!existsSync(file)) throw new Failure(`${PAGE} shows ${path}, which is not in ${SAMPLE}`);
    files.push(path);
    return `${fence}${name}${readFileSync(file, "utf8")}\`\`\``;
  });
  return { page, wanted, files };
}

export function writeGuide() {
  const { page, wanted } = guide();
  if (page === wanted) return;
  writeFileSync(join(root, PAGE), wanted);
  console.log(`${PAGE}: its code is that of ${SAMPLE}`);
}
