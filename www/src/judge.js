// Asks Tokenward. The only place that does: everything the page says about a token comes from an answer made here.

import { ConfigError, createVerifier } from "tokenward";
import { FieldProblem, toOptions } from "./rules.js";

const LOADING = "ML-DSA is being loaded: it is a module of its own.";

/** Codes that are only given after the signature held (the order of checks is fixed and documented). */
const AFTER_SIGNATURE = new Set([
  "missing_claim",
  "invalid_claim",
  "claim_mismatch",
  "expired",
  "not_yet_valid",
  "too_old",
]);

/**
 * @typedef {object} Answer
 * @property {"empty" | "setup" | "verified" | "genuine" | "refused"} kind `genuine`: the signature held, a claim did not
 * @property {import("tokenward").Verified} [value]
 * @property {Error & { code?: string, claim?: string, expected?: unknown, actual?: unknown, option?: string }} [error]
 * @property {object} [options] what was asked for
 * @property {readonly object[]} [keys] the keys as the verifier holds them
 * @property {import("tokenward").Verifier} [verifier] the one that has answered
 * @property {number} [took] in milliseconds
 */

/**
 * `ready` is called once what an answer had to wait for is there, or has failed. `cache`: tokens whose signature held are
 * remembered.
 */
export function createJudge(ready = () => {}, { cache = false } = {}) {
  let now = 0;
  let made = { key: undefined, verifier: undefined, options: undefined };
  const mlDsa = lazily(() => import("tokenward/ml-dsa"), ready);

  /** A verifier is made anew only when keys or expectations change: moving the time asks the same one again. */
  function verifierFor(jwks, rules) {
    const key = JSON.stringify([jwks, rules]);
    if (made.key !== key) {
      const options = toOptions(rules);
      const create = wantsMlDsa(jwks, rules) ? mlDsa().createVerifier : createVerifier;
      made = { key, options, verifier: create({ ...options, jwks, cache, now: () => now }) };
    }
    return made;
  }

  /** @returns {Answer} */
  return function judge({ token, jwks, rules }, moment) {
    now = moment;
    if (!token) return { kind: "empty" };
    if (!jwks.trim())
      return { kind: "setup", error: new FieldProblem("jwks", "There are no keys to check it with yet.") };
    let verifier;
    let options;
    try {
      ({ verifier, options } = verifierFor(jwks, rules));
    } catch (error) {
      made = { key: undefined, verifier: undefined, options: undefined };
      if (error instanceof FieldProblem || error instanceof ConfigError) return { kind: "setup", error };
      throw error;
    }
    const started = performance.now();
    const result = verifier.safeVerify(token);
    const took = performance.now() - started;
    const common = { options, keys: verifier.keys, verifier, took };
    if (result.ok) return { kind: "verified", value: result.value, ...common };
    const kind = AFTER_SIGNATURE.has(result.error.code) ? "genuine" : "refused";
    return { kind, error: result.error, ...common };
  };
}

/** Keys of the type AKP, or an algorithm that was chosen: nobody else loads the module. */
function wantsMlDsa(jwks, { algorithms }) {
  return /"AKP"/.test(jwks) || algorithms.some((name) => name.startsWith("ML-DSA"));
}

/** What `load` gives, once it is there; until then it is a problem of the field that asks for it. */
function lazily(load, ready) {
  let state;
  return () => {
    if (state === undefined) {
      state = { problem: LOADING };
      load()
        .then(
          (module) => {
            state = { module };
          },
          () => {
            state = { problem: "ML-DSA could not be loaded: try again where there is a network." };
          },
        )
        .then(ready);
    }
    if (state.module) return state.module;
    const { problem } = state;
    // The next question after a failure tries again.
    if (problem !== LOADING) state = undefined;
    throw new FieldProblem("jwks", problem);
  };
}
