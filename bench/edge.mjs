// A guarded worker in workerd under load, while keys rotate and the key server is down, slow or lying: Tokenward's gate beside
// jose and Hono's own middleware. Prints requests per second, the latency that verification adds, wrong answers, and who waited
// for the key server. All is on this machine's loopback, and time is quickened (bench/edge/app.mjs).
//
//   npm run bench -- edge             about a minute
//   npm run bench -- edge --quick     a few seconds: whether it works
import { sign } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { fileURLToPath } from "node:url";
import { startWorkerd } from "../tests/runtimes/workerd.mjs";
import { generateKeyPair } from "../tools/keypair.mjs";
import { Failure } from "../tools/run.mjs";
import { AUDIENCE, COOLDOWN, ISSUER, REFRESH_EVERY } from "./edge/app.mjs";

const LIBRARIES = ["tokenward", "jose", "hono"];
const THOROUGH = { throughput: 0.5, rotating: 12, down: 8, slow: 8, lying: 8 };
const QUICK = { throughput: 0.1, rotating: 4, down: 0.5, slow: 0.5, lying: 0.5 };
const PHASES = ["rotating", "down", "slow", "lying"];
const CONNECTIONS = 8;
/** Of the throughput: by turns, and the median counts. */
const ROUNDS = 5;
const LOOPS = 3;
/** How far the key server is, and how slow it is at its worst, in milliseconds. */
const DISTANCE = 250;
const SLOWNESS = 1000;
/** A new key is published so long before it signs, in milliseconds; so long an old one may still serve when it is withdrawn. */
const LEAD = REFRESH_EVERY * 1000 + DISTANCE + COOLDOWN * 1000 + 250;

/** What comes, and how often of a hundred: each kind has one right answer, whatever the key server does. */
const KINDS = [
  ["good", 76],
  ["none", 3],
  ["expired", 4],
  ["for another", 4],
  ["unsigned", 4],
  ["forged", 4],
  ["unknown kid", 3],
  ["withdrawn", 2],
];
const DEAL = KINDS.flatMap(([kind, share]) => Array.from({ length: share }, () => kind));

/** Runs it, prints the tables and answers the figures. Fails where Tokenward gave a wrong answer. */
export async function edge({ quick = false } = {}) {
  const seconds = quick ? QUICK : THOROUGH;
  const issuer = await startIssuer();
  const workers = {};
  try {
    for (const library of LIBRARIES) workers[library] = await startWorker(library, issuer);
    await warmUp(workers, issuer);
    const rates = await throughput(workers, issuer, seconds.throughput);
    const phases = {};
    for (const phase of PHASES) {
      phases[phase] = await underLoad(workers, issuer, phase, seconds[phase]);
    }
    console.log(report(rates, phases));
    const wrong = PHASES.flatMap((phase) => phases[phase].tokenward.wrong);
    if (wrong.length > 0) throw new Failure(`Tokenward gave ${wrong.length} wrong answers:\n${wrong.join("\n")}`);
    return { rates, phases };
  } finally {
    for (const worker of Object.values(workers)) worker.close();
    await issuer.close();
  }
}

/** Signs tokens, and serves its keys: well, late, not at all, or with something else. */
async function startIssuer() {
  let behaviour = "rotating";
  let count = 0;
  let current = makeKey(`key-${count}`);
  let next;
  let withdrawn;
  let published = [current];
  let changed = performance.now();
  const asked = Object.fromEntries(LIBRARIES.map((library) => [library, 0]));
  const liar = makeKey("key-0");
  let lie = 0;
  const lies = [
    () => "<!doctype html><title>Sign in to this network</title>",
    () => JSON.stringify({ keys: [] }),
    () => JSON.stringify({ keys: [{ kty: "oct", kid: current.jwk.kid, k: "c2VjcmV0", alg: "HS256" }] }),
    () => JSON.stringify({ keys: [{ ...current.jwk, x: "AA" }] }),
    () => JSON.stringify({ keys: published.map(({ jwk }) => jwk) }).slice(0, -20),
    () => JSON.stringify({ error: "too many requests" }),
  ];

  const server = createServer((request, response) => {
    asked[request.url.slice(1)] += 1;
    const body = JSON.stringify({ keys: published.map(({ jwk }) => jwk) });
    const answers = {
      rotating: () => response.end(body),
      slow: () => response.end(body),
      down: () => response.destroy(),
      lying: () => response.end(lies[lie++ % lies.length]()),
    };
    const how = behaviour;
    response.setHeader("content-type", "application/json");
    setTimeout(() => answers[how](), delayOf(how));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    bundled: { keys: [current.jwk] },
    url: `http://127.0.0.1:${server.address().port}`,
    asked,
    become(now) {
      behaviour = now;
      changed = performance.now();
    },
    /** Publishes the next key; once it was there for long enough, signs with it and withdraws the old one. */
    rotate() {
      if (performance.now() - changed < LEAD) return;
      changed = performance.now();
      if (next === undefined) {
        next = makeKey(`key-${++count}`);
        published = [current, next];
      } else {
        withdrawn = { key: current, at: changed };
        current = next;
        next = undefined;
        published = [current];
      }
    },
    /** A token of a kind; `undefined` where there is none such now. */
    token(kind) {
      const exp = Math.floor(Date.now() / 1000) + 60;
      const claims = { iss: ISSUER, aud: AUDIENCE, sub: "ada", exp, jti: Math.random().toString(36) };
      const signed = (key, more) => key.token({ ...claims, ...more });
      switch (kind) {
        case "good":
          return signed(current);
        case "expired":
          return signed(current, { exp: 1_700_000_000 });
        case "for another":
          return signed(current, { aud: "https://other.example" });
        case "forged":
          return liar.token(claims, current.jwk.kid);
        case "unknown kid":
          return liar.token(claims, `made-up-${Math.random()}`);
        case "unsigned":
          return `${current.token(claims).split(".").slice(0, 2).join(".")}.`;
        case "withdrawn":
          return withdrawn !== undefined && performance.now() - withdrawn.at > LEAD ? signed(withdrawn.key) : undefined;
      }
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const delayOf = (behaviour) => (behaviour === "slow" ? SLOWNESS : DISTANCE);

function makeKey(kid) {
  const { privateKey, publicKey } = generateKeyPair("ec", { namedCurve: "P-256" });
  const token = (claims, named = kid) => {
    const parts = [{ alg: "ES256", typ: "JWT", kid: named }, claims];
    const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
  };
  return { jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" }, token };
}

async function startWorker(library, { url, bundled }) {
  const bindings = [
    `( name = "JWKS_URI", text = "${url}/${library}" )`,
    `( name = "BUNDLED", json = ${JSON.stringify(JSON.stringify(bundled))} )`,
  ];
  const worker = await startWorkerd(fileURLToPath(new URL(`edge/${library}.mjs`, import.meta.url)), {
    services: '( name = "internet", network = ( allow = ["private"] ) ),',
    worker: `bindings = [ ${bindings.join(", ")} ],`,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS * 2 });
  return { ...worker, ask: (path, token) => ask(agent, new URL(path, worker.url), token) };
}

/** The status and milliseconds of a request. */
async function ask(agent, url, token) {
  const began = performance.now();
  const sent = request(url, { agent, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  return { status: response.statusCode, milliseconds: performance.now() - began };
}

async function warmUp(workers, issuer) {
  for (let turn = 0; turn < 60; turn += 1) {
    await Promise.all(
      Object.values(workers).map(async ({ ask }) => {
        await ask("/open");
        await ask("/api", issuer.token("good"));
      }),
    );
  }
}

/** Requests per second on a few connections, each as soon as the last is answered: the open route, and the guarded one. */
async function throughput(workers, issuer, seconds) {
  const rates = Object.fromEntries(LIBRARIES.map((library) => [library, { open: [], guarded: [] }]));
  // Signed before: what is measured is the worker, as far as the client on the same machine allows.
  const tokens = Array.from({ length: 200 }, () => issuer.token("good"));
  let turn = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const library of LIBRARIES) {
      const { ask } = workers[library];
      rates[library].open.push(await rate(seconds, () => ask("/open")));
      rates[library].guarded.push(await rate(seconds, () => ask("/api", tokens[turn++ % 200])));
    }
  }
  return rates;
}

async function rate(seconds, ask) {
  const began = performance.now();
  let answered = 0;
  const loop = async () => {
    while (performance.now() - began < seconds * 1000) {
      const { status } = await ask();
      if (status !== 200) throw new Failure(`a good request was answered ${status}`);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, loop));
  return (answered * 1000) / (performance.now() - began);
}

/** All workers by turns, so that what disturbs the machine disturbs all alike; to each, an open request beside each other. */
async function underLoad(workers, issuer, phase, seconds) {
  issuer.become(phase);
  const asked = { ...issuer.asked };
  const figures = Object.fromEntries(
    Object.keys(workers).map((library) => [library, { open: [], good: [], wrong: [], waited: {}, requests: 0 }]),
  );
  const end = performance.now() + seconds * 1000;
  const threshold = delayOf(phase) * 0.8;
  let dealt = 0;
  const loop = async (library) => {
    const { open, good, wrong, waited } = figures[library];
    const note = (kind, milliseconds) => {
      if (milliseconds >= threshold) waited[kind] = (waited[kind] ?? 0) + 1;
    };
    while (performance.now() < end) {
      if (phase === "rotating") issuer.rotate();
      const plain = await workers[library].ask("/open");
      open.push(plain.milliseconds);
      note("open", plain.milliseconds);
      const kind = DEAL[(dealt++ * 37) % DEAL.length];
      const token = issuer.token(kind);
      if (token !== undefined || kind === "none") {
        const { status, milliseconds } = await workers[library].ask("/api", token);
        figures[library].requests += 1;
        if (kind === "good") good.push(milliseconds);
        note(kind, milliseconds);
        const right = kind === "good" ? 200 : 401;
        if (status !== right) wrong.push(`${phase}: ${kind}: ${status} instead of ${right}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  await Promise.all(LIBRARIES.flatMap((library) => Array.from({ length: LOOPS }, () => loop(library))));
  for (const library of LIBRARIES) figures[library].asked = issuer.asked[library] - asked[library];
  return figures;
}

/** Who waited as long as a key server takes: of a withdrawn key the `kid` is unknown, and an empty signature is forged. */
function waitsOf({ open = 0, withdrawn = 0, "unknown kid": unknown = 0, forged = 0, unsigned = 0, ...others }) {
  const known = Object.values(others).reduce((sum, count) => sum + count, 0);
  return { known, forged: forged + unsigned, unknown: unknown + withdrawn, stalled: open };
}

function report(rates, phases) {
  const throughput = LIBRARIES.map((name) => [name, whole(rates[name].open), whole(rates[name].guarded)]);
  const load = PHASES.flatMap((phase) =>
    LIBRARIES.map((name) => {
      const { open, good, wrong, waited, requests, asked } = phases[phase][name];
      const added = (share) => (quantile(good, share) - quantile(open, share)).toFixed(1);
      const { known, forged, unknown, stalled } = waitsOf(waited);
      return [phase, name, requests, asked, added(0.5), added(0.99), wrong.length, known, forged, unknown, stalled];
    }),
  );
  return `
${table(["worker", "open route, requests/s", "guarded route, requests/s"], throughput)}

${table(
  [
    ...["key server", "worker", "requests", "of the worker to the key server", "added p50, ms", "added p99, ms"],
    ...[
      "wrong answers",
      "waited, known key",
      "waited, signature does not hold",
      "waited, unknown kid",
      "stalled, open route",
    ],
  ],
  load,
)}

The key server is ${DISTANCE} ms away, ${SLOWNESS} ms where it is slow; keys are fetched anew after ${REFRESH_EVERY} s, where it would be minutes. Added:
to what the open route took meanwhile. Waited: took as long as the key server does; an open route that does so was stalled by the machine.
`;
}

const whole = (values) => Math.round(quantile(values, 0.5)).toLocaleString("en");

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
