// Which licences and sources the dependencies have: offline, from what cargo and npm recorded.
//
// The rules are in deny.toml, which `cargo deny check` reads too. Known vulnerabilities (RustSec, npm audit) need the
// network or a copy of a database, and are not looked for here: see tools/advisories.mjs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "./run.mjs";

/** Throws a `Failure` that names every dependency whose licence is not allowed or that comes from elsewhere. */
export async function checkLicences(rust) {
  const allowed = allowedLicences();
  const crates = await cargoPackages(rust);
  const packages = npmPackages();
  const problems = [...crates, ...packages].flatMap(({ name, licence, source }) => [
    ...(source ? [] : [`${name} does not come from its registry`]),
    ...(isAllowed(licence, allowed) ? [] : [`${name} has the licence ${licence ?? "(none)"}`]),
  ]);
  if (problems.length > 0) throw new Failure(`Dependencies that deny.toml does not allow:\n- ${problems.join("\n- ")}`);
  console.log(`  ${crates.length} crates and ${packages.length} npm packages: all from their registries, all allowed`);
  console.log("  (known vulnerabilities were not looked for: npm run advisories, with a copy of RustSec's database)");
}

async function cargoPackages(rust) {
  const metadata = await rust.native(["metadata", "--locked", "--format-version", "1"], { quiet: true });
  const { packages, workspace_members } = JSON.parse(metadata.slice(metadata.indexOf('{"packages"')));
  return packages
    .filter(({ id }) => !workspace_members.includes(id))
    .map(({ name, version, license, source }) => ({
      name: `crate ${name} ${version}`,
      licence: license,
      source: /^registry\+.*\/crates\.io-index$/.test(source),
    }));
}

/** From the lock file, where packages for other systems stand too. It names only addresses that are not the registry's. */
function npmPackages() {
  const { "": _, ...packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(packages).map(([path, { version, license, resolved, integrity }]) => ({
    name: `npm ${path.split("node_modules/").at(-1)} ${version}`,
    licence: license,
    source: Boolean(integrity) && resolved === undefined,
  }));
}

/** SPDX expressions: every licence joined by AND, one of those joined by OR. Old crates write `/` for OR. */
export function isAllowed(expression, allowed) {
  if (!expression) return false;
  const tokens = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+/g);
  const choice = () => {
    let holds = all();
    while (tokens[0] === "OR") {
      tokens.shift();
      holds = all() || holds;
    }
    return holds;
  };
  const all = () => {
    let holds = one();
    while (tokens[0] === "AND") {
      tokens.shift();
      holds = one() && holds;
    }
    return holds;
  };
  const one = () => {
    const token = tokens.shift();
    if (token === "(") {
      const holds = choice();
      tokens.shift();
      return holds;
    }
    const exception = tokens[0] === "WITH" ? ` WITH ${tokens.splice(0, 2)[1]}` : "";
    return allowed.has(token + exception) || allowed.has(token);
  };
  return choice();
}

function allowedLicences() {
  const [, list] = readFileSync(join(root, "deny.toml"), "utf8").match(/^\[licenses\][^[]*^allow = \[([^\]]*)\]/m);
  return new Set(list.match(/"[^"]+"/g).map((quoted) => quoted.slice(1, -1)));
}
