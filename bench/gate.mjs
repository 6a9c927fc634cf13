// What a decision of the gate costs: node bench/gate.mjs
//
// 50 rules, of which the last one matches, so that every one is looked at. Budget: 50 microseconds a decision.
import { sign } from "node:crypto";
import { cpus } from "node:os";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createSession } from "tokenward/session";
import { memoryStorage } from "tokenward/storage";
import { generateKeyPair } from "../tools/keypair.mjs";
import { quartiles } from "./measure.mjs";

const ROUNDS = 40;
const CALLS = 5_000;
const NOW = 1_800_000_000;
const ORIGIN = "https://app.test";

const { privateKey, publicKey } = generateKeyPair("ed25519");
const jwks = [{ ...publicKey.export({ format: "jwk" }), kid: "k" }];
const expected = { jwks, issuer: "https://login.test", audience: "app", now: () => NOW };
const token = signed({
  iss: "https://login.test",
  aud: "app",
  sub: "ada",
  iat: NOW,
  exp: NOW + 900,
  scope: "read write",
});

const needs = { scope: "read" };
const paths = Array.from({ length: 49 }, (_, place) => ({ match: `/area-${place}/*`, needs }));
const patterns = Array.from({ length: 49 }, (_, place) => ({ match: new RegExp(`^/area-${place}/[a-z]+$`), needs }));
const last = { match: "/app/*", needs };

const byVerifier = (rules, cache) => createGate({ verifier: createVerifier({ ...expected, cache }), rules });
const session = await signedIn();
const bySession = (rules) => createGate({ session, rules, origin: ORIGIN });
const authorization = `Bearer ${token}`;
const plain = { url: `${ORIGIN}/app/styles/main.css?v=12`, method: "GET" };
const spelt = { url: `${ORIGIN}//%61pp/styles//main.css?v=12#top`, method: "GET" };
const bearing = { ...plain, headers: { get: () => authorization } };
const unruled = { url: `${ORIGIN}/elsewhere`, method: "GET" };

const contenders = {
  "session, 1 rule": [bySession([last]), plain],
  "session, 50 paths": [bySession([...paths, last]), plain],
  "session, 50 regular expressions": [bySession([...patterns, last]), plain],
  "session, 50 paths, URL in odd spelling": [bySession([...paths, last]), spelt],
  "session, 50 paths, none matches": [bySession([...paths, last]), unruled],
  "verifier that remembers tokens, 50 paths": [byVerifier([...paths, last], true), bearing],
  "verifier that does not, 50 paths (Ed25519)": [byVerifier([...paths, last], false), bearing, 100],
};

console.log(`Node ${process.versions.node}, ${cpus()[0]?.model}; microseconds a decision, ${ROUNDS} rounds`);
for (const [name, [gate, request, calls = CALLS]] of Object.entries(contenders)) {
  const { q1, median, q3 } = quartiles(rounds(gate, request, calls));
  const figures = [median, q1, q3].map((seconds) => (seconds * 1e6).toFixed(2));
  console.log(`${name.padEnd(46)} ${figures[0].padStart(8)}   (quartiles ${figures[1]} to ${figures[2]})`);
}

function rounds(gate, request, calls) {
  const times = [];
  for (let round = -5; round < ROUNDS; round += 1) {
    const started = performance.now();
    let allowed = 0;
    for (let call = 0; call < calls; call += 1) if (gate.decide(request)?.allowed) allowed += 1;
    const seconds = (performance.now() - started) / 1000 / calls;
    if (allowed !== (request === unruled ? 0 : calls)) throw new Error("decided wrongly");
    if (round >= 0) times.push(seconds);
  }
  return times;
}

/** A real session that has a token, in memory. */
async function signedIn() {
  const environment = { now: () => NOW, caches: undefined };
  const options = { verifier: createVerifier(expected), provider: null, storage: memoryStorage(), environment };
  const session = createSession(options);
  await session.signIn({ access_token: token });
  return session;
}

function signed(claims) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const input = `${encode({ alg: "EdDSA", kid: "k" })}.${encode(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
}
