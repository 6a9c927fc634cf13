// The end of the stack, thousands of times around every call of a verifier: in any runtime, with nothing but the public API.

/** How many frames before the end of the stack calls are made from. */
const FRAMES = 160;

/**
 * Runs out of stack around calls of verifiers, and says what was wrong: an answer, during that or afterwards, or an error
 * that is not the engine's own for the end of the stack.
 *
 * @param {{ createVerifier: Function }} api
 * @param {{ now: number, issuer: string, audience: string, kinds: { jwk: object, token: string, forged: string }[] }} given
 * @param {number} dives to the end of the stack; from each, {@link FRAMES} calls on the way back
 * @returns {{ calls: number, overflows: number, wrong: string[] }}
 */
export function overflow(api, given, dives) {
  const { now, issuer, audience, kinds } = given;
  const random = randomNumbers(20_260_419);
  const options = { issuer, audience, now: () => now };
  // A schema takes room of its own, so that the stack may end in it.
  const nested = (value, depth) => (depth === 0 ? value : nested(value, depth - 1));
  const validate = (value) => ({ value: nested(value, 30) });
  const schema = { "~standard": { version: 1, vendor: "test", validate } };
  const everyKey = kinds.map(({ jwk }) => jwk);
  const verifiers = {
    plain: api.createVerifier({ ...options, jwks: everyKey }),
    cached: api.createVerifier({ ...options, jwks: everyKey, cache: true, schema }),
    several: api.createVerifier([
      { ...options, jwks: everyKey, cache: true },
      { ...options, jwks: everyKey, issuer: "https://other.example" },
    ]),
    rotating: api.createVerifier({ ...options, jwks: [kinds[0].jwk] }),
  };
  /** Which key the last call of `setKeys` that came back has set. */
  let inUse = 0;
  const calls = [
    ({ token }) => verifiers.plain.verify(token).claims.iss === issuer,
    ({ token }) => verifiers.cached.verify(token).claims.iss === issuer,
    ({ token }) => verifiers.several.safeVerify(token).ok,
    ({ forged }) => verifiers.plain.safeVerify(forged).error.code === "bad_signature",
    ({ forged }) => verifiers.several.safeVerify(forged).error.code === "bad_signature",
    ({ token }) => verifiers.cached.assess(token, {}, { now }).access === "full",
    () => verifiers.plain.keys.length === kinds.length,
    ({ jwk, token }) => api.createVerifier({ ...options, jwks: [jwk] }).safeVerify(token).ok,
    ({ token }, one) => verifiers.rotating.safeVerify(token).ok === (one === inUse),
    ({ jwk }, one) => {
      verifiers.rotating.setKeys([jwk]);
      inUse = one;
      return true;
    },
    () => {
      verifiers.several.setKeys(everyKey, issuer);
      return true;
    },
  ];

  const result = { calls: 0, overflows: 0, wrong: [] };
  let wrongCall;
  let wrongError;
  /** Calls nothing but what it tests: at the end of the stack that would fail, too. */
  const attempt = (call, kind, one) => {
    result.calls += 1;
    try {
      if (calls[call](kind, one) !== true) wrongCall = call;
    } catch (error) {
      // SpiderMonkey throws an InternalError; V8 a SyntaxError, where it compiles a regular expression just then.
      if (error.name === "RangeError" || error.name === "InternalError" || error.name === "SyntaxError") {
        result.overflows += 1;
      } else {
        wrongCall = call;
        wrongError = error;
      }
    }
  };
  const choices = Array.from({ length: FRAMES + 1 }, () => [0, 0, kinds[0]]);
  /** To the end of the stack and, on the way back, a call from each of the last frames. */
  const dive = (a, b, c) => {
    let fromTheEnd = 0;
    try {
      fromTheEnd = dive(b, c, a) + 1;
    } catch {}
    if (fromTheEnd > 0 && fromTheEnd <= FRAMES) {
      const choice = choices[fromTheEnd];
      attempt(choice[0], choice[2], choice[1]);
    }
    return fromTheEnd;
  };
  /** The end comes at another place of the calls when the stack begins a little deeper. */
  const deeper = (frames) => (frames === 0 ? dive(1, 2, 3) : deeper(frames - 1));

  for (let round = 0; round < dives; round += 1) {
    for (const choice of choices) {
      choice[0] = random(calls.length);
      choice[1] = random(kinds.length);
      choice[2] = kinds[choice[1]];
    }
    deeper(random(12));
    if (wrongCall !== undefined)
      result.wrong.push(`call ${wrongCall} in dive ${round}: ${wrongError ?? "another answer"}`);
    wrongCall = undefined;
    wrongError = undefined;
    for (const [call, work] of calls.entries()) {
      for (const [one, kind] of kinds.entries()) {
        const said = saidBy(() => work(kind, one));
        if (said !== "true") result.wrong.push(`call ${call} after dive ${round}: ${said}`);
      }
    }
  }
  return result;
}

function saidBy(work) {
  try {
    return String(work());
  } catch (error) {
    return `${error}`;
  }
}

/** Whole numbers below a bound: a linear congruential generator, the same in every runtime. */
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
