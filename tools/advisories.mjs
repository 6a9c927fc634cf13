// npm run advisories -- <folder>: RustSec's advisories against Cargo.lock, from a copy of github.com/RustSec/advisory-db that
// is on this machine, a checkout or a bare repository: where there is no network, `cargo deny check` has no database.
//
// Those that do not concern this project stand in deny.toml (`ignore`), each with its reason; any other fails.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import semver from "semver";
import { Failure, main, root } from "./run.mjs";

/** An advisory's facts, of its text: a TOML block in front of prose. */
export function readAdvisory(text) {
  const [, toml] = /^```toml\n(.*?)^```/ms.exec(text) ?? [];
  if (toml === undefined) throw new Failure("an advisory begins with a block of TOML, and this text does not");
  const string = (name) => new RegExp(`^${name} = "(.*?)"`, "m").exec(toml)?.[1];
  const list = (name) => {
    const [, items] = new RegExp(`^${name} = \\[(.*?)\\]`, "ms").exec(toml) ?? [];
    return items === undefined ? [] : [...items.matchAll(/"(.*?)"/g)].map(([, item]) => item);
  };
  const [id, name] = [string("id"), string("package")];
  if (id === undefined || name === undefined)
    throw new Failure("an advisory names its id and its package, and this one does not");
  return {
    id,
    package: name,
    informational: string("informational"),
    withdrawn: string("withdrawn") !== undefined,
    patched: list("patched"),
    unaffected: list("unaffected"),
  };
}

/** Whether a version of the package is one that the advisory is about. Ranges are Cargo's: conditions joined by commas. */
export function concerns({ withdrawn, patched, unaffected }, version) {
  if (withdrawn) return false;
  const within = (range) => semver.satisfies(version, range.replaceAll(",", " "), { includePrerelease: true });
  return ![...patched, ...unaffected].some(within);
}

/** `[{ name, version }]` of the registry's crates. */
export function lockedCrates(lock) {
  const entries = lock.matchAll(/^name = "(.*)"\nversion = "(.*)"\nsource = "registry/gm);
  return [...entries].map(([, name, version]) => ({ name, version }));
}

/** The advisories about crates of a lock file that deny.toml does not know, and those that it does. */
export function judgeAdvisories(advisories, crates, ignored) {
  const found = advisories.flatMap((advisory) =>
    crates
      .filter(({ name, version }) => name === advisory.package && concerns(advisory, version))
      .map(({ version }) => ({ ...advisory, version })),
  );
  const isKnown = ({ id }) => ignored.some((one) => one.id === id);
  return { known: found.filter(isKnown), unknown: found.filter((one) => !isKnown(one)) };
}

/** What deny.toml ignores: `[{ id, reason }]`. */
export function ignoredAdvisories(deny) {
  const [, list = ""] = /^ignore = \[(.*?)^\]/ms.exec(deny) ?? [];
  return [...list.matchAll(/\{ id = "(.*?)", reason = "(.*?)" \}/g)].map(([, id, reason]) => ({ id, reason }));
}

/** All of a database: where it is from, and its advisories. */
function readDatabase(folder) {
  const git = (...args) => execFileSync("git", ["-C", folder, ...args], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (existsSync(join(folder, "crates"))) {
    const files = readdirSync(join(folder, "crates"), { recursive: true }).filter((file) =>
      /RUSTSEC-.*\.md$/.test(file),
    );
    return { from: folder, texts: files.map((file) => readFileSync(join(folder, "crates", file), "utf8")) };
  }
  const [commit, date] = git("log", "-1", "--format=%H %cs").trim().split(" ");
  const files = git("ls-tree", "-r", "--name-only", "HEAD", "crates")
    .split("\n")
    .filter((file) => /RUSTSEC-.*\.md$/.test(file));
  return { from: `commit ${commit} of ${date}`, texts: files.map((file) => git("show", `HEAD:${file}`)) };
}

main(import.meta.url, () => {
  const [folder] = process.argv.slice(2);
  if (folder === undefined || !existsSync(folder)) {
    throw new Failure(
      "npm run advisories needs a copy of RustSec's database: git clone https://github.com/RustSec/advisory-db, then\n" +
        "  npm run advisories -- advisory-db",
    );
  }
  const { from, texts } = readDatabase(folder);
  if (texts.length === 0)
    throw new Failure(`${folder} has no advisories: it is no copy of github.com/RustSec/advisory-db`);
  const ignored = ignoredAdvisories(readFileSync(join(root, "deny.toml"), "utf8"));
  const all = texts.map(readAdvisory);
  let failed = false;
  for (const lock of ["Cargo.lock", "fuzz/Cargo.lock"]) {
    const crates = lockedCrates(readFileSync(join(root, lock), "utf8"));
    const { known, unknown } = judgeAdvisories(all, crates, ignored);
    console.log(`${lock}: ${crates.length} crates against ${all.length} advisories, ${from}`);
    for (const one of known) {
      console.log(`  ${one.id}, ${one.package} ${one.version}: ${ignored.find(({ id }) => id === one.id).reason}`);
    }
    for (const one of unknown)
      console.log(`  ✖ ${one.id}, ${one.package} ${one.version}${one.informational ? ` (${one.informational})` : ""}`);
    failed ||= unknown.length > 0;
  }
  if (failed)
    throw new Failure("advisories that deny.toml does not know: update the crate, or say there why it does not matter");
});
