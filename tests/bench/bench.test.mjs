// What the benchmark stands on, in this Node and without its clock: the peers agree on what is good, and reports are made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "../../bench/inside.mjs";
import { nativePeers } from "../../bench/native-peers.mjs";
import { peers } from "../../bench/peers.mjs";
import { markdown, picture, table } from "../../bench/report.mjs";
import { algorithms, subject } from "../../bench/tokens.mjs";

const method = { rounds: 1, sliceMs: 0, warmUpMs: 0 };
const all = [...peers, ...nativePeers];
/** Installed by `npm run bench` alone. */
const ONLY_FOR_BENCH = "@node-rs/jsonwebtoken";

for (const mode of ["prepared", "new key", "seen before"]) {
  test(`every peer accepts the good token and refuses the others: ${mode}`, async () => {
    for (const algorithm of algorithms) {
      const { times, absent } = await compare(all, { subject: subject(algorithm), mode, method });
      assert.deepEqual(
        Object.keys(absent).filter((name) => name !== ONLY_FOR_BENCH),
        [],
      );
      assert.ok(times.tokenward.length === 1, algorithm);
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
  assert.match(table(runtime), /ES256 +40 \(1\) +80 \(0\.5\) +25 \(1\.6\) +20 \(2\)/);
  assert.match(markdown(results), /\| ES256 \| 1\.6 \(hono\) \|/);
  assert.match(picture(results), /<rect class="bar slower"[^>]*\/><text[^>]*>1\.6</);
});

function three(median) {
  return { q1: median, median, q3: median };
}
