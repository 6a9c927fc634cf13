// Which advisories concern a lock file: tested with texts of RustSec's form, since the database itself is not here.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { concerns, ignoredAdvisories, judgeAdvisories, lockedCrates, readAdvisory } from "../../tools/advisories.mjs";
import { root } from "../../tools/run.mjs";

const advisory = (more = "", versions = "patched = []") =>
  readAdvisory(
    `\`\`\`toml\n[advisory]\nid = "RUSTSEC-2026-9999"\npackage = "rsa"\n${more}\n\n[versions]\n${versions}\n\`\`\`\n\n# Title\n`,
  );

test("an advisory is about the versions that are neither patched nor unaffected", () => {
  const rows = [
    ["patched = []", "0.10.0", true],
    ['patched = [">= 0.10.0"]', "0.10.0", false],
    ['patched = [">= 0.10.0"]', "0.9.10", true],
    ['patched = ["^1.2.3", ">= 2.0.1"]', "1.9.0", false],
    ['patched = ["^1.2.3", ">= 2.0.1"]', "2.0.0", true],
    ['patched = [">= 0.3.1, < 0.4", ">= 0.4.2"]', "0.4.1", true],
    ['patched = [">= 0.3.1, < 0.4", ">= 0.4.2"]', "0.3.9", false],
    ['patched = [\n  ">= 3.0.0",\n]\nunaffected = ["< 1.0.0"]', "0.9.0", false],
    ['patched = [">= 0.1.0-rc.5"]', "0.1.0-rc.4", true],
    ['patched = [">= 0.1.0-rc.5"]', "0.1.2", false],
  ];
  for (const [versions, version, expected] of rows) {
    assert.equal(concerns(advisory("", versions), version), expected, `${versions} ${version}`);
  }
  assert.equal(concerns(advisory('withdrawn = "2026-01-01"'), "0.10.0"), false);
});

test("what is no advisory is said to be none", () => {
  assert.throws(() => readAdvisory("# RUSTSEC-2026-9999"), /begins with a block of TOML/);
  assert.throws(() => readAdvisory("```toml\n[advisory]\n```"), /names its id and its package/);
});

test("a crate of the lock file that an advisory concerns is unknown until deny.toml has a reason", () => {
  const crates = lockedCrates(readFileSync(join(root, "Cargo.lock"), "utf8"));
  assert.ok(crates.length > 100);
  const one = advisory();
  const found = judgeAdvisories([one], crates, []);
  assert.ok(found.unknown.some(({ version }) => version === "0.10.0"));
  const ignored = judgeAdvisories([one], crates, [{ id: one.id, reason: "x" }]);
  assert.deepEqual([ignored.unknown.length, ignored.known.length], [0, found.unknown.length]);
  assert.deepEqual(judgeAdvisories([{ ...one, package: "not-there" }], crates, []), { known: [], unknown: [] });
});

test("deny.toml's reasons are read, each a sentence", () => {
  const ignored = ignoredAdvisories(readFileSync(join(root, "deny.toml"), "utf8"));
  assert.ok(ignored.length >= 2);
  for (const { id, reason } of ignored) {
    assert.match(id, /^RUSTSEC-\d{4}-\d{4}$/);
    assert.ok(reason.length > 20, id);
  }
});
