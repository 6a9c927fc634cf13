// The conformance suite: a table of tokens with the exact answer to each, and what runs it. It uses the public API and
// nothing of any runtime, so the same file runs in Node, in pages, in workers and at the edge.

/**
 * Runs every case in every way a verifier can be asked, and says what was not as it should be.
 *
 * @param {{ createVerifier: Function, TokenError: Function, ConfigError: Function }} api
 * @param {{ now: number, groups: object[] }} table as `table.mjs` makes it, as JSON
 * @returns {{ passed: number, failures: string[] }}
 */
export function run(api, table) {
  const result = { passed: 0, failures: [] };
  const before = inherited();
  for (const ask of [byVerify, bySafeVerify, byCache]) {
    for (const group of table.groups) runGroup(api, table.now, group, ask, result);
  }
  record(result, "nothing is added to the prototypes of all objects", before, inherited());
  return result;
}

/** @typedef {(api: object, verifier: object, token: unknown) => object} Ask tells the outcome of a verification */

/** @type {Ask} */
function byVerify(api, verifier, token) {
  return outcome(api, token, () => verifier.verify(token));
}

/** @type {Ask} */
function bySafeVerify(api, verifier, token) {
  const thrown = byVerify(api, verifier, token);
  const answered = outcome(api, token, () => {
    const answer = verifier.safeVerify(token);
    if (answer.ok) return answer.value;
    throw answer.error;
  });
  return same(thrown, answered) ? answered : { disagree: [thrown, answered] };
}

/** Twice, so that the second time a token that held is remembered. @type {Ask} */
function byCache(api, verifier, token) {
  const first = byVerify(api, verifier, token);
  const second = byVerify(api, verifier, token);
  return same(first, second) ? second : { disagree: [first, second] };
}

function runGroup(api, now, group, ask, result) {
  const name = (step) => [group.name, step?.name, ask === byVerify ? "" : ask.name].filter(Boolean).join(" / ");
  const clock = { now };
  let verifier;
  const created = outcome(api, undefined, () => {
    verifier = api.createVerifier(prepared(group.options, clock, ask === byCache));
    return { keys: verifier.keys };
  });
  if (group.refused) return record(result, name(), { config: group.refused }, created);
  if (verifier === undefined) return record(result, name(), { keys: "a verifier" }, created);
  for (const step of group.cases) {
    clock.now = step.now ?? now;
    const found = "setKeys" in step ? setKeys(api, verifier, step) : ask(api, verifier, revive(step.token));
    record(result, name(step), revive(step.expect), found);
  }
}

function prepared(options, clock, cached) {
  if (Array.isArray(options)) return options.map((one) => prepared(one, clock, cached));
  const given = revive(options);
  if (typeof given !== "object" || given === null) return given;
  return { now: () => clock.now, ...(cached ? { cache: true } : {}), ...given };
}

function setKeys(api, verifier, { setKeys: jwks, issuer }) {
  return outcome(api, undefined, () => {
    if (issuer === undefined) verifier.setKeys(revive(jwks));
    else verifier.setKeys(revive(jwks), issuer);
    return { keys: verifier.keys };
  });
}

/** What happened, as data: the value of `work`, or the facts of the error it threw. */
function outcome({ TokenError, ConfigError }, token, work) {
  try {
    const value = work();
    return isDeepFrozen(value) || "keys" in value ? value : { notFrozen: value };
  } catch (error) {
    const isToken = error instanceof TokenError;
    if (!isToken && !(error instanceof ConfigError)) return { thrown: `${error?.name}: ${error?.message}` };
    const problem = problemOf(error, token, isToken ? "TokenError" : "ConfigError");
    if (problem) return { problem, message: error.message };
    const { code, claim, expected, actual, option } = error;
    return isToken ? { code, claim, expected, actual } : { config: { code, option } };
  }
}

function problemOf(error, token, name) {
  if (!(error instanceof Error) || error.name !== name || typeof error.message !== "string" || error.message === "") {
    return "an error is not shaped as an error";
  }
  const long = typeof token === "string" ? token.split(".").filter((segment) => segment.length > 20) : [];
  return long.some((segment) => error.message.includes(segment)) ? "a message shows the token" : undefined;
}

function isDeepFrozen(value) {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Reflect.ownKeys(value).every((name) => isDeepFrozen(value[name]));
}

/** Compares what a case says with what happened; what it does not say is not compared. */
function record(result, name, expected, found) {
  if (Object.keys(expected).every((key) => key in found && same(expected[key], found[key], key === "config"))) {
    result.passed += 1;
  } else {
    result.failures.push(`${name}: expected ${brief(expected)}, found ${brief(found)}`);
  }
}

/** Deep equality of JSON values by own members, whatever their names; of what `partly` expects, only what it says. */
function same(expected, found, partly = false) {
  if (expected === found) return true;
  if (typeof expected !== "object" || typeof found !== "object" || expected === null || found === null) return false;
  if (Array.isArray(expected) !== Array.isArray(found)) return false;
  if (!Array.isArray(found) && Object.getPrototypeOf(found) !== Object.prototype) return false;
  const names = Reflect.ownKeys(expected);
  const hasSame = (name) => Object.hasOwn(found, name) && same(expected[name], found[name]);
  return (partly || names.length === Reflect.ownKeys(found).length) && names.every(hasSame);
}

function brief(value) {
  const text = JSON.stringify(value, (_, inner) => (inner === undefined ? "(undefined)" : inner));
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
}

function inherited() {
  return [Object.prototype, Array.prototype, Function.prototype].map((prototype) =>
    Reflect.ownKeys(prototype).map(String),
  );
}

/** Puts values that JSON cannot say in the place of what stands for them in the table. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if (Object.hasOwn(value, "$")) return SPECIAL[value.$](value);
  const revived = {};
  for (const [name, member] of Object.entries(value)) {
    Object.defineProperty(revived, name, {
      value: revive(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return revived;
}

const SPECIAL = {
  undefined: () => undefined,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  symbol: () => Symbol("token"),
  bigint: () => BigInt(5),
  function: () => () => "token",
  bytes: ({ text }) => new TextEncoder().encode(text),
  stringObject: ({ text }) => new String(text),
  withToString: ({ text }) => ({ toString: () => text }),
  returning:
    ({ value }) =>
    () =>
      revive(value),
  promising:
    ({ value }) =>
    () =>
      Promise.resolve(value),
  repeated: ({ text, times }) => text.repeat(times),
};
