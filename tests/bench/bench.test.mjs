// What the benchmark stands on, in this Node and without its clock: the peers agree on what is good, and reports are made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "../../bench/inside.mjs";
import { nativePeers } from "../../bench/native-peers.mjs";
import { ML_DSA, peers } from "../../bench/peers.mjs";
import { markdown, picture, table, times } from "../../bench/report.mjs";
import { newKeyRows, rows, subject } from "../../bench/tokens.mjs";

const method = { rounds: 1, sliceMs: 0, warmUpMs: 0 };
const all = [...peers, ...nativePeers];
/** Installed by `npm run bench` alone. */
const ONLY_FOR_BENCH = "@node-rs/jsonwebtoken";
/** Before Node 24 not everybody has it. */
const HAS_ML_DSA = Number.parseInt(process.versions.node, 10) >= 24;

for (const mode of ["prepared", "new key", "seen before"]) {
  test(`every peer accepts the good token and refuses the others: ${mode}`, async () => {
    for (const row of mode === "prepared" ? rows : newKeyRows) {
      const { times, absent } = await compare(all, { subject: subject(row), mode, method });
      const mayLack = ML_DSA.includes(row) && !HAS_ML_DSA ? [ONLY_FOR_BENCH, "jose", "node:crypto"] : [ONLY_FOR_BENCH];
      const missing = Object.keys(absent).filter((name) => !mayLack.includes(name));
      assert.deepEqual(missing, [], row);
      assert.ok(times.tokenward.length === 1, row);
    }
  });
}

test("a peer that does not verify is not measured", async () => {
  const careless = { name: "careless", make: () => () => ({}) };
  const job = { subject: subject("ES256"), mode: "prepared", method };
  await assert.rejects(compare([careless], job), /careless accepts a corrupted signature/);
});

test("a peer that lacks an algorithm is left out, with its reason", async () => {
  const lacking = {
    name: "lacking",
    make: () => () => {
      throw new Error("no such algorithm");
    },
  };
  const { times, absent } = await compare([...peers, lacking], { subject: subject("ES256"), mode: "prepared", method });
  assert.equal(absent.lacking, "no such algorithm");
  assert.equal(times.lacking, undefined);
});

test("the reports name the fastest peer, and where it is faster", () => {
  const figures = (median, ratio) => ({ microseconds: three(median), ratio: three(ratio) });
  const by = {
    tokenward: figures(40, 1),
    jose: figures(80, 0.5),
    hono: figures(25, 1.6),
    "node:crypto": figures(20, 2),
  };
  const runtime = {
    title: "Node 24",
    version: "24.0.0",
    prepared: { ES256: by },
    newKey: { ES256: by },
    seenBefore: {},
  };
  const results = {
    machine: { cpu: "a processor", cores: 2, system: "linux x64" },
    date: "2026-11-23",
    versions: { jose: "6.0.0" },
    method,
    runtimes: { node24: runtime },
    firstVerification: { ES256: { tokenward: three(9) } },
    moduleBytes: { "tokenward.wasm": { raw: 1000, gzip: 500, brotli: 400 } },
  };
  const noisy = { ...runtime, prepared: { ES256: spoilt(by) }, newKey: {} };
  const quiet = table(runtime, results.machine);
  assert.match(quiet, /^Node 24 24\.0\.0 on a processor, quiet \(spread of the rounds 0 %\)/);
  assert.match(table(noisy, results.machine), /NOISY \(spread of the rounds 125 %\)/);
  assert.match(markdown({ ...results, runtimes: { node24: noisy } }), /\| Node 24 \\\* \|/);
  assert.match(quiet, /ES256 +40 \(1\) +80 \(0\.5\) +25 \(1\.6\) +20 \(2\)/);
  assert.match(
    markdown(results),
    /On a processor[\s\S]*\| ES256 \| 1\.6 \(hono\) \|\n\| ES256, new key \| 1\.6 \(hono\) \|/,
  );
  assert.match(picture(results), /<rect class="bar slower"[^>]*\/><text[^>]*>1\.6</);
  const bars = [
    ...times(results).matchAll(/end">([^<]+)<\/text><rect class="(bar[^"]*)"[^>]*\/><text[^>]*>([\d.]+)</g),
  ];
  assert.deepEqual(
    bars.map(([, ...bar]) => bar),
    [
      ["hono", "bar other", "25"],
      ["tokenward", "bar", "40"],
      ["jose", "bar other", "80"],
    ],
  );
});

function spoilt(by) {
  const spread = ([name, figures]) => [name, { ...figures, microseconds: { q1: 10, median: 40, q3: 60 } }];
  return Object.fromEntries(Object.entries(by).map(spread));
}

function three(median) {
  return { q1: median, median, q3: median };
}
