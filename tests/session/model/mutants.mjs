/**
 * One rule broken each: the explorer must find the shortest way to what goes wrong. `code`: a change to the text of the session's
 * own rules, as they were built; `choices`: one to what the code around them does.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const core = { tabs: 2, budget: { in: 1, out: 1, refresh: 2, crash: 1, lose: 1, full: 1, expire: 1 } };
const pair = { tabs: 2, budget: { in: 2, out: 1, tick: 1, crash: 1, cut: 1 } };
const gone = { tabs: 2, budget: { in: 2, out: 1, evict: 1, sleep: 1, tick: 1, crash: 1 } };
const clock = { tabs: 2, budget: { in: 2, out: 1, cut: 2, tick: 1, jump: 1, crash: 1 } };

export const mutants = {
  "skip the turn": { ...core, choices: { lock: false, keepTurn: false } },
  "spend before reserving": { ...core, choices: { reserve: false } },
  "compare the generation the wrong way round": {
    ...core,
    code: ["one.generation - other.generation", "other.generation - one.generation"],
  },
  "forget to merge what has ended": { ...pair, code: [/const ended = compareEnded\(.*$/m, "const ended = one.ended;"] },
  "no order between sign-ins of one number": {
    ...pair,
    ties: true,
    code: [
      /one\.signIn - other\.signIn \|\|[^;]*one\.turnId, other\.turnId\)\)/,
      "one.signIn - other.signIn || one.generation - other.generation)",
    ],
  },
  "a rejection ends whoever is known then": {
    tabs: 2,
    budget: { in: 2, refresh: 2, lose: 1, tick: 1 },
    choices: { reread: false },
  },
  "a lock forgets the key that a turn needs": {
    tabs: 2,
    budget: { in: 1, refresh: 2, lock: 2 },
    choices: { turnKey: false },
  },
  "read, merge and write, but not in one transaction": { ...pair, choices: { store: "split" } },
  "a storage that refuses stops also who is past use": {
    ...core,
    code: ["return isPastUse && (isSighted || keep === 2)", "return false"],
  },
  "answers have no turn": {
    tabs: 2,
    provider: "grace",
    budget: { in: 1, refresh: 2, late: 1, full: 1, expire: 1 },
    choices: { turnIds: 0 },
    code: ["one.turn - other.turn ||", ""],
  },
  "turns have no random id": {
    tabs: 2,
    provider: "grace",
    budget: { in: 1, refresh: 2, takeover: 1, full: 1 },
    choices: { store: "tx", turnIds: 0 },
  },
  "causes of equal ends have no order": {
    tabs: 2,
    budget: { in: 1, out: 1, refresh: 2, lose: 1 },
    choices: { store: "tx" },
    code: ["CAUSES.indexOf(one.cause) - CAUSES.indexOf(other.cause)", "0"],
  },
  "what was evicted is written again": {
    ...gone,
    code: ["epoch !== null && epoch !== (stored?.epoch ?? null)", "false"],
  },
  "go on past use also where the storage cannot be read": {
    tabs: 2,
    budget: { in: 1, refresh: 2, cut: 1, expire: 1 },
    code: ["isPastUse && (isSighted || keep === 2)", "isPastUse"],
  },
  "go on past use without keeping the turn": {
    tabs: 2,
    budget: { in: 1, refresh: 2, full: 1, expire: 1 },
    choices: { keepTurn: false },
  },
  "blind acts are ordered by number only": { ...clock, code: ["isForeign && record.signIn > now", "false"] },
  "a sign-out ends up to the clock": {
    ...clock,
    budget: { in: 2, out: 1, cut: 1, tick: 1 },
    choices: { outUpTo: "clock" },
  },
  "who notices an eviction forgets what it knew to be over": {
    tabs: 2,
    budget: { in: 2, out: 1, evict: 1, cut: 1, tick: 1 },
    code: ["replica: end({ ...replica, epoch: null }, ended), keep: 0", "replica: EMPTY, keep: 0"],
  },
  "accepted: a clock set back and a blind act lose a later sign-in": { ...clock, choices: { mayLoseToClock: false } },
};

const FILES = ["record.js", "rules.js"];

/** The session's own rules with one text changed, as a module. The text must be there, once. */
export async function mutantOf([found, instead]) {
  const folder = mkdtempSync(join(tmpdir(), "tokenward-mutant-"));
  try {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    let changes = 0;
    for (const name of FILES) {
      const text = readFileSync(new URL(`../../../pkg/esm/session/${name}`, import.meta.url), "utf8");
      const parts = text.split(found);
      changes += parts.length - 1;
      writeFileSync(join(folder, name), parts.join(instead));
    }
    if (changes !== 1) throw new Error(`${changes} places of the built rules have the text ${found}`);
    const modules = await Promise.all(FILES.map((name) => import(pathToFileURL(join(folder, name)).href)));
    return Object.assign({}, ...modules);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
