// npm run bench: Tokenward beside other verifiers, in this Node, on this machine. Prints a table and writes RESULTS.md and
// results.json. Every verifier shows first that it accepts the good token and refuses the bad ones.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "../tools/build.mjs";
import { Failure, main, root, step } from "../tools/run.mjs";
import { measure, quartiles, slicer } from "./measure.mjs";
import { markdown, table } from "./report.mjs";
import { AUDIENCE, algorithms, ISSUER, subject, TOKEN_LENGTH } from "./tokens.mjs";

const METHOD = { rounds: 31, sliceMs: 20, warmUpMs: 250 };
const SEEN_BEFORE = "RS256";
const FRESH = { processes: 15, algorithms: ["RS256", "ES256"], libraries: ["tokenward", "jose"] };

main(import.meta.url, async () => {
  await build();
  // Only now: what it imports is installed and made by the build.
  const { peers } = await import("./peers.mjs");
  const verifications = {};
  for (const algorithm of algorithms) {
    const able = peers.filter(({ cannot = [] }) => !cannot.includes(algorithm));
    verifications[algorithm] = await step(algorithm, () => compare(able, "make", subject(algorithm)));
  }
  const remembering = peers.filter(({ makeCached }) => makeCached);
  const seenBefore = await step("seen before", () => compare(remembering, "makeCached", subject(SEEN_BEFORE)));
  const firstVerification = await step("first verification", () => Object.fromEntries(FRESH.algorithms.map(fresh)));
  const results = {
    machine: { cpu: cpus()[0].model.trim(), cores: cpus().length, system: `${platform()} ${arch()}` },
    runtime: { node: process.versions.node, v8: process.versions.v8, openssl: process.versions.openssl },
    date: new Date().toISOString().slice(0, 10),
    versions: Object.fromEntries(peers.map(({ name }) => [name, versionOf(name)])),
    method: { ...METHOD, tokenLength: TOKEN_LENGTH, rsaBits: 2048, freshProcesses: FRESH.processes },
    verifications,
    seenBefore,
    firstVerification,
    moduleBytes: moduleBytes(),
  };
  console.log(`\n${table(results)}\n`);
  write("RESULTS.md", markdown(results));
  write("results.json", `${JSON.stringify(results, rounded, 2)}\n`);
});

/** Each peer's microseconds, and how many times the peer's time Tokenward took: round by round, as both were disturbed. */
async function compare(peers, make, subject) {
  const contenders = [];
  for (const peer of peers) {
    const verify = await peer[make](subject);
    await prove(peer, verify, subject);
    contenders.push({ name: peer.name, slice: slicer(verify, peer.asynchronous) });
  }
  const times = await measure(contenders, subject.good, METHOD);
  return Object.fromEntries(
    contenders.map(({ name }) => {
      const microseconds = quartiles(times[name].map((seconds) => seconds * 1e6));
      const ratio = quartiles(times[name].map((seconds, round) => times.tokenward[round] / seconds));
      return [name, { microseconds, ratio }];
    }),
  );
}

/** A verifier that does not verify is fast: accepts the good token (twice, for memories), refuses the bad ones. */
async function prove({ name, claims }, verify, { algorithm, good, forged, wrong }) {
  for (let time = 0; time < 2; time++) await verify(good);
  for (const [what, token] of Object.entries(claims ? { ...forged, ...wrong } : forged)) {
    const refused = await Promise.resolve(token)
      .then(verify)
      .then(
        () => false,
        () => true,
      );
    if (!refused) throw new Failure(`${name} accepts ${what} (${algorithm}): its time would mean nothing.`);
  }
}

/** The milliseconds to a first verification, by library, each time in a fresh process and in turns. */
function fresh(algorithm) {
  const { jwks, good } = subject(algorithm);
  const input = JSON.stringify({ jwks, token: good, issuer: ISSUER, audience: AUDIENCE, algorithm });
  const times = Object.fromEntries(FRESH.libraries.map((library) => [library, []]));
  const script = fileURLToPath(new URL("first.mjs", import.meta.url));
  // The first of each only fills the system's file cache.
  for (let turn = 0; turn <= FRESH.processes; turn++) {
    for (const library of FRESH.libraries) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, library], { input, encoding: "utf8" });
      if (status !== 0) throw new Failure(`The first verification with ${library} failed:\n${stderr}`);
      if (turn > 0) times[library].push(Number(stdout));
    }
  }
  return [algorithm, Object.fromEntries(FRESH.libraries.map((library) => [library, quartiles(times[library])]))];
}

function moduleBytes() {
  const wasm = readFileSync(new URL("../pkg/tokenward.wasm", import.meta.url));
  return { raw: wasm.length, gzip: gzipSync(wasm, { level: 9 }).length, brotli: brotliCompressSync(wasm).length };
}

function versionOf(name) {
  if (name === "node:crypto") return `OpenSSL ${process.versions.openssl}`;
  const folder = name === "tokenward" ? root : `${root}/node_modules/${name}`;
  return JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;
}

function rounded(_, value) {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

function write(name, text) {
  writeFileSync(new URL(name, import.meta.url), text);
}
