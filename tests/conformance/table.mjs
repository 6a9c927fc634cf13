// The table of the conformance suite: made by Node, as data that any runtime reads.
import { readdirSync, readFileSync } from "node:fs";
import { kept, keptAsync } from "./kept.mjs";
import { testKeys } from "./keys.mjs";
import { groups as mlDsaGroups } from "./ml-dsa.mjs";
import { NOW } from "./tokens.mjs";

const here = new URL("./", import.meta.url);
const CASES = readdirSync(new URL("cases/", here)).sort();

/**
 * `{ now, groups }`. A group is one verifier: `options`, and `cases` in order, or `refused`, the ConfigError that
 * createVerifier throws. A case has a `name`, a `token` (or `setKeys`, with `issuer`), perhaps a `now`, and `expect`: the
 * facts of a TokenError, or members of what verify returns.
 */
export function conformanceTable() {
  return keptAsync("table.json", recipe(), async () => {
    const keys = testKeys();
    const groups = [];
    for (const file of CASES) {
      const { groups: make } = await import(new URL(`cases/${file}`, here));
      groups.push(...(await make(keys)));
    }
    return { now: NOW, groups };
  });
}

/** What `tokenward/ml-dsa` answers beside all that: a table of the same form, since the other entries answer otherwise. */
export function mlDsaTable() {
  return kept("ml-dsa.json", recipe(), () => ({ now: NOW, groups: mlDsaGroups(testKeys()) }));
}

/** The table is made anew when what it is made from has changed. */
function recipe() {
  const files = [...readdirSync(here).filter((file) => file.endsWith(".mjs")), ...CASES.map((file) => `cases/${file}`)];
  return files.map((file) => readFileSync(new URL(file, here), "utf8")).join("\0");
}
