// A token as a description: algorithm, header, claims and what is wrong with it, with what was expected and when. Never a
// token: an issuer in memory (tokenward/testing) makes one anew, which nobody else has signed. A link carries it in the
// fragment of the address, which no server sees; what comes by a link is anybody's, so it is read strictly.

import { createVerifier } from "tokenward";
import { decode, isObject, member } from "./decode.js";
import { madeOf } from "./made.js";
import { ALGORITHMS, fromOptions } from "./rules.js";

/** In characters of the fragment; in members; in levels of nesting. */
const MAX_LINK = 8_000;
const MAX_MEMBERS = 100;
const MAX_DEPTH = 16;
const MAX_TIME = 8.64e12;

const SIGNING = [...ALGORITHMS, "Ed25519"];
/** What an issuer puts into every token, unless it is told to leave it out. */
const REGISTERED = ["iss", "aud", "sub", "iat", "exp"];
/** Of the key that signed, which is another one each time. */
const ABOUT_KEY = ["alg", "kid", "jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256"];
/** How a JSON object in base64url begins. */
const OBJECT = /(?:ey[AJ]|ew[0ko])[\w-]{6,}/;

/**
 * @typedef {object} Description
 * @property {1} v
 * @property {string} algorithm the signing key's
 * @property {object} header without what is about the key
 * @property {object} claims
 * @property {string} [flaw] of `tokenward/testing`
 * @property {object} options for `createVerifier`: what was expected
 * @property {number} now when it was judged, in Unix seconds
 */

/** Why a token cannot be described, or what comes by a link is no description. `code` says which. */
export class DescriptionProblem extends Error {
  constructor(code, message) {
    super(message);
    this.name = "DescriptionProblem";
    this.code = code;
  }
}

/**
 * Describes a token so that a token made from the description gets the same answer; that is tried here.
 *
 * @param {import("./judge.js").Answer} answer
 * @returns {Promise<Description>}
 */
export async function describe(answer, token, now) {
  const { header, payload, parts } = decode(token);
  if (!isObject(header) || !isObject(payload)) {
    throw new DescriptionProblem("unreadable", "its header or its claims cannot be read");
  }
  const code = answer.error?.code;
  const flaw = code === undefined ? undefined : flawFor(code, answer.error.message, { token, parts, header });
  const description = {
    v: 1,
    algorithm: signingAlgorithm(member(header, "alg"), answer.keys),
    header: without(header, ABOUT_KEY),
    claims: payload,
    ...(flaw !== undefined && { flaw }),
    options: answer.options,
    now: Math.floor(now),
  };
  const { FLAWS } = await testing();
  check(description, FLAWS);
  const remade = await remake(description);
  const found = await codeOf(remade, description);
  if (found !== code) {
    const said = code === undefined ? "it holds" : code;
    const message = `a token made from its description would not be judged alike (${said}, but ${found ?? "it holds"})`;
    throw new DescriptionProblem("not_alike", message);
  }
  return description;
}

/** What is wrong with it beyond what header and claims say; throws where an issuer in memory cannot do the like. */
function flawFor(code, message, { token, parts, header }) {
  const alg = member(header, "alg");
  if (code === "unsupported_algorithm" && alg === "none") return "alg_none";
  if (code === "unsupported_algorithm" && /^HS/.test(alg)) return "hmac_with_public_key";
  if (code === "malformed" && parts.length === 2) return "no_signature";
  if (code === "malformed" && token.includes("=")) return "padded";
  if (code === "malformed" && /duplicate|twice/.test(message)) return "duplicate_claim";
  if (code === "key_not_found") return "unknown_key";
  if (code === "bad_signature") return member(header, "jwk") === undefined ? "altered_signature" : "embedded_key";
  if (code === "malformed" || code === "key_unusable" || code === "unsupported_algorithm") {
    const why = "an issuer in memory has good keys, and writes tokens as they should be";
    throw new DescriptionProblem("no_such_flaw", `what is wrong with it (${code}) cannot be made anew: ${why}`);
  }
  return undefined;
}

/** The token's own, or for one that nobody may sign with that of the keys it was meant for. */
function signingAlgorithm(alg, keys = []) {
  if (SIGNING.includes(alg)) return alg;
  return keys.some(({ kty }) => kty === "RSA") ? "RS256" : "ES256";
}

/** Makes the token anew: `{ token, jwks }`. Throws a {@link DescriptionProblem} where this browser cannot sign so. */
export async function remake(description) {
  const { header, claims, flaw, now } = description;
  const { createTestIssuer } = await testing();
  let issuer;
  try {
    issuer = await createTestIssuer({ algorithms: algorithmsOf(description), now });
  } catch (error) {
    if (error.name === "ConfigError") throw new DescriptionProblem("no_algorithm", error.message);
    throw error;
  }
  const options = { header, ...(flaw !== undefined && { flaw }) };
  return { token: await issuer.token(withAbsences(claims), options), jwks: issuer.jwks };
}

/** Of the issuer's keys; the first signs. A verifier wants one that it may use, also where the token's is not. */
export function algorithmsOf({ algorithm, options: { algorithms = [algorithm] } }) {
  return algorithms.includes(algorithm) ? [algorithm] : [algorithm, algorithms[0]];
}

/** The claims, and `undefined` for each that the issuer would put there by itself. */
export function withAbsences(claims) {
  const absent = REGISTERED.filter((name) => !Object.hasOwn(claims, name));
  return { ...claims, ...Object.fromEntries(absent.map((name) => [name, undefined])) };
}

/** What the page shows of a token that was made from a description. */
export async function stateOf(description) {
  const { token, jwks } = await remake(description);
  return {
    sample: "described",
    token,
    jwks: JSON.stringify(jwks, null, 2),
    rules: fromOptions(description.options),
    moment: description.now,
    made: madeOf(token, jwks),
  };
}

async function codeOf({ token, jwks }, { options, now, algorithm }) {
  const isMlDsa = algorithm.startsWith("ML-DSA");
  const create = isMlDsa ? (await import("tokenward/ml-dsa")).createVerifier : createVerifier;
  const result = create({ ...options, jwks, now: () => now }).safeVerify(token);
  return result.ok ? undefined : result.error.code;
}

/** The fragment of a link, without its `#`. */
export function fragmentOf(description) {
  const bytes = new TextEncoder().encode(JSON.stringify(description));
  if (bytes.length > MAX_LINK) throw tooLong();
  const text = btoa(String.fromCharCode(...bytes));
  const encoded = text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  if (encoded.length > MAX_LINK) throw tooLong();
  return `describes=${encoded}`;
}

const tooLong = () => new DescriptionProblem("too_long", `the link would have more than ${MAX_LINK} characters`);

/** The description in the fragment of an address; `undefined` if there is none. Throws a {@link DescriptionProblem}. */
export async function readFragment(fragment) {
  const given = new URLSearchParams(fragment).get("describes");
  if (given === null) return undefined;
  if (given.length > MAX_LINK) {
    throw new DescriptionProblem("too_long", `it has ${given.length} characters, more than ${MAX_LINK}`);
  }
  const { FLAWS } = await testing();
  return check(parse(given), FLAWS);
}

function parse(text) {
  try {
    if (!/^[\w-]+$/.test(text)) throw new Error("not base64url");
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new DescriptionProblem("not_json", "it is not JSON in base64url");
  }
}

const isText = (value) => typeof value === "string";
const isWhole = (value) => Number.isFinite(value) && value >= 0;
const isList = (of) => (value) =>
  Array.isArray(value) && value.length > 0 && value.length <= MAX_MEMBERS && value.every(of);
const isAccepted = (value) => value === null || isText(value) || isList(isText)(value);

/** The options of `createVerifier` that the page has fields for; the verifier itself judges their values. */
const OPTIONS = {
  issuer: [isAccepted, "a text, several, or null"],
  audience: [isAccepted, "a text, several, or null"],
  algorithms: [isList((name) => ALGORITHMS.includes(name)), "names of algorithms"],
  typ: [isText, "a text"],
  subject: [isText, "a text"],
  clockTolerance: [isWhole, "a number of seconds"],
  maxTokenAge: [isWhole, "a number of seconds"],
  maxTokenBytes: [isWhole, "a number of bytes"],
  requiredClaims: [isList(isText), "names of claims"],
  claims: [isObject, "an object"],
  requireExp: [(value) => value === false, "false, or left out"],
  anyRsaExponent: [(value) => value === true, "true, or left out"],
};

/** The same description, if it is one. */
function check(description, flaws) {
  const isNumber = (value) => Number.isFinite(value) && Math.abs(value) <= MAX_TIME;
  checkMembers("the description", description, {
    v: [(value) => value === 1, "1"],
    algorithm: [(value) => SIGNING.includes(value), "the name of an algorithm"],
    header: [isObject, "an object"],
    claims: [isObject, "an object"],
    flaw: [(value) => isText(value) && Object.hasOwn(flaws, value), "a flaw of tokenward/testing"],
    options: [isObject, "an object"],
    now: [isNumber, "Unix seconds"],
  });
  for (const name of ["v", "algorithm", "header", "claims", "options", "now"]) {
    if (!Object.hasOwn(description, name)) throw new DescriptionProblem("invalid", `it lacks the member "${name}"`);
  }
  checkMembers("the options", description.options, OPTIONS);
  for (const name of ["issuer", "audience"]) {
    if (!Object.hasOwn(description.options, name)) {
      throw new DescriptionProblem("invalid", `its options lack the member "${name}"`);
    }
  }
  const own = ABOUT_KEY.find((name) => Object.hasOwn(description.header, name));
  if (own !== undefined) throw new DescriptionProblem("invalid", `its header has "${own}", which is the signing key's`);
  checkDepth(description, 0);
  return description;
}

function checkMembers(what, value, members) {
  if (!isObject(value)) throw new DescriptionProblem("invalid", `${what} should be an object`);
  for (const [name, found] of Object.entries(value)) {
    if (!Object.hasOwn(members, name)) throw new DescriptionProblem("invalid", `${what} should have no ${shown(name)}`);
    const [fits, expected] = members[name];
    if (!fits(found)) throw new DescriptionProblem("invalid", `${what}: "${name}" should be ${expected}`);
  }
}

/** Bounds of all that may be anything; and no token in it. */
function checkDepth(value, depth) {
  if (isText(value)) checkText(value);
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) throw new DescriptionProblem("invalid", `it is nested deeper than ${MAX_DEPTH} levels`);
  const names = Object.keys(value);
  if (names.length > MAX_MEMBERS) {
    throw new DescriptionProblem("invalid", `an object or a list in it has more than ${MAX_MEMBERS} members`);
  }
  for (const name of names) {
    if (name === "__proto__") throw new DescriptionProblem("invalid", 'it has a member "__proto__"');
    checkText(name);
    checkDepth(value[name], depth + 1);
  }
}

function checkText(text) {
  if (holdsToken(text)) {
    throw new DescriptionProblem("holds_a_token", "a token stands in it, and a description has none");
  }
}

/** A token wherever it stands: before a dot, a JSON object in base64url. Each piece is looked at once, however long. */
function holdsToken(text) {
  const beforeDots = text.split(".").slice(0, -1);
  return beforeDots.some((piece) => OBJECT.test(piece.split(/[^\w=-]/).at(-1)));
}

const without = (object, names) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

const shown = (name) => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);

/** Loaded when somebody describes a token or follows such a link. */
const testing = () => import("tokenward/testing");
