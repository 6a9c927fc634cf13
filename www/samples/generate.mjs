// Writes samples.json: one token for each algorithm and for each common way to fail. `node www/samples/generate.mjs`

import { writeFileSync } from "node:fs";
import { FAILING } from "./failing.mjs";
import { ML_DSA_SAMPLE } from "./ml-dsa.mjs";
import { RFC_SAMPLES } from "./rfc.mjs";
import { AUDIENCE, ISSUER, MOMENT, publicJwk, SIGNING, token } from "./signer.mjs";

const OPTIONS = { issuer: ISSUER, audience: AUDIENCE, typ: "at+jwt" };

const NOTES = {
  RS: "RSA, PKCS#1 v1.5 padding: what most providers sign with.",
  PS: "RSA with PSS padding, salted.",
  ES: "Elliptic curve: short signatures, the usual choice for new systems.",
  Ed: "Ed25519: short keys and signatures, fast.",
};

const holding = Object.keys(SIGNING).map((alg) => ({
  id: alg.toLowerCase(),
  group: "Holds",
  title: alg,
  about: NOTES[alg.slice(0, 2)],
  token: token({ alg }),
  options: OPTIONS,
  now: MOMENT,
  jwks: keySet([SIGNING[alg].kid]),
  expect: { ok: true },
}));

const failing = Object.entries(FAILING).flatMap(([group, samples]) =>
  samples.map(({ id, title, about, token, options, now = MOMENT, keys = ["ec-256"], code, claim }) => ({
    id,
    group,
    title,
    about,
    token,
    options: { ...OPTIONS, ...options },
    now,
    jwks: keySet(keys),
    expect: { code, claim },
  })),
);

/** @param {(string | { kid: string })[]} keys names, or a name with members to add */
function keySet(keys) {
  return { keys: keys.map((key) => (typeof key === "string" ? publicJwk(key) : { ...publicJwk(key.kid), ...key })) };
}

const samples = [...holding, { ...ML_DSA_SAMPLE, options: OPTIONS, now: MOMENT }, ...failing, ...RFC_SAMPLES];
writeFileSync(new URL("./samples.json", import.meta.url), `${JSON.stringify(samples, null, 1)}\n`);
console.log(`${samples.length} samples written`);
