// The hostile tokens of the conformance suite as data that any library can run: the format is in docs/vectors.md.
import { readdirSync } from "node:fs";
import { fixedKeys, inPlaceOfEd25519 } from "../conformance/fixed-keys.mjs";
import { groups as mlDsaGroups } from "../conformance/ml-dsa.mjs";
import { CLAIMS, NOW, signed, withHeaders } from "../conformance/tokens.mjs";
import { RULES, ruleOf } from "./rules.mjs";

export const FORMAT = "tokenward-hostile-tokens";
export const VERSION = 1;

const CASES = new URL("../conformance/cases/", import.meta.url);
// What these have is not one set of keys and a token: signatures by chance, what a verifier is made from, what it becomes.
const LEFT_OUT = ["signers.mjs", "options.mjs", "rotation.mjs", "issuers.mjs"];
// What these test has nothing to do with the algorithm: with ES256 and a kid every library can be asked.
const IN_ES256 = ["claims.mjs", "form.mjs", "json.mjs", "times.mjs"];
const GROUPS_IN_ES256 = /^(extensions|typ,)/;
// Where several faults meet, another library may well name another first.
const WITHOUT_ONE_REASON = /^order of/;
// Larger ones show bounds of size, not hostile content.
const MOST_CHARACTERS = 20_000;
const MOST_OF_OPTIONS = 70_000;

/** The vectors of all algorithms but ML-DSA. */
export async function hostileTokens() {
  const keys = fixedKeys();
  const files = readdirSync(CASES).filter((file) => !LEFT_OUT.includes(file));
  const groups = [];
  for (const file of files.sort()) {
    const { groups: make } = await import(new URL(file, CASES));
    const isAll = IN_ES256.includes(file);
    const made = isAll ? [] : await make(keys);
    const others = isAll || file === "header.mjs" ? await inEs256(make, keys) : [];
    groups.push(...made.filter(({ name }) => !GROUPS_IN_ES256.test(name)));
    groups.push(...others.filter(({ name }) => isAll || GROUPS_IN_ES256.test(name)));
  }
  return vectors(groups, keys);
}

function inEs256(make, keys) {
  const others = {
    ed25519: inPlaceOfEd25519(keys.p256, "key"),
    otherEd25519: inPlaceOfEd25519(keys.otherP256, "other"),
  };
  return withHeaders(/("(?:a|\\u0061)lg"\s*:\s*)"Ed(?:D|\\u0044)SA"/g, '$1"ES256","kid":"key"', () =>
    make({ ...keys, ...others }),
  );
}

export function hostileMlDsaTokens() {
  return vectors(mlDsaGroups(fixedKeys()), {});
}

function vectors(table, keys) {
  const groups = table
    .filter(isPortable)
    .map(exported)
    .map((group) => withControls(group, keys))
    .filter(({ tests }) => tests.length > 0);
  const used = new Set(groups.flatMap(({ tests }) => tests.map(({ rule }) => rule)));
  const rules = Object.entries(RULES)
    .filter(([name]) => used.has(name))
    .map(([name, [level, source, text]]) => [name, { level, source, text }]);
  let id = 0;
  for (const { tests } of groups) for (const one of tests) one.id = ++id;
  return { format: FORMAT, version: VERSION, now: NOW, rules: Object.fromEntries(rules), groups };
}

/** One verifier of one issuer, whose keys and options JSON can say. */
function isPortable({ name, options, refused, cases }) {
  if (refused || Array.isArray(options) || WITHOUT_ONE_REASON.test(name) || hasSpecial(options)) return false;
  // Profiles are a way of this library's to ask for claims: others have no such option.
  if (options.profile !== undefined || options.requireKeyAlgorithm !== undefined) return false;
  if (typeof options.jwks === "string" || JSON.stringify(options).length > MOST_OF_OPTIONS) return false;
  return cases.every((one) => !("setKeys" in one));
}

function exported({ name, options, cases }) {
  const { jwks, ...asked } = options;
  const keys = Array.isArray(jwks) ? jwks : jwks.keys;
  const tests = cases
    .filter(({ token, expect }) => typeof token === "string" && token.length <= MOST_CHARACTERS && !hasSpecial(expect))
    .filter(({ token }) => token.isWellFormed())
    .map(({ name: title, token, now, expect: { code, claim } }) => ({
      id: 0,
      name: title,
      token,
      ...(now === undefined ? {} : { now }),
      result: code === undefined ? "valid" : "invalid",
      ...(code === undefined
        ? {}
        : { code, ...(claim === undefined ? {} : { claim }), rule: ruleOf(name, title, code) }),
    }));
  return { name, options: asked, jwks: { keys }, tests };
}

const CURVES = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", Ed25519: "EdDSA" };
// No token that a library's own maker would make holds there.
const WITHOUT_CONTROL = /__proto__|least limit|a key whose kid is not a string|many keys: the 17th/;
const CONTROL = "control: a sound token";

/**
 * A library that takes no sound token of a group refuses the others for a reason of its own, such as an algorithm that it
 * does not have. So each group has a sound token for each algorithm that its tokens name, where its keys can make one.
 */
function withControls(group, keys) {
  const { tests, jwks, options } = group;
  if (tests.some(({ result }) => result === "valid") || WITHOUT_CONTROL.test(group.name)) return group;
  const isWeak = /^(weak keys|RSA exponents)/.test(group.name);
  const sound = [keys.rsa2048, keys.p256, keys.p384, keys.p521, keys.ed25519].filter(Boolean);
  const own = isWeak
    ? sound.map((key, index) => ({ key, jwk: { ...key.jwk, kid: `control-${index}` } }))
    : jwks.keys.flatMap((jwk) => {
        const key = sound.find((one) => one.jwk.crv === jwk.crv && (one.jwk.x ?? one.jwk.n) === (jwk.x ?? jwk.n));
        return key && jwk.use === undefined && jwk.key_ops === undefined && jwk.alg === undefined ? [{ key, jwk }] : [];
      });
  const controls = own.flatMap(({ key, jwk: { kid, crv } }) =>
    (crv ? [CURVES[crv]] : ["RS256", "PS512"]).map((alg) => ({
      id: 0,
      name: `${CONTROL}, ${alg}`,
      token: signed(
        key,
        { alg, ...(kid === undefined ? {} : { kid }) },
        { ...CLAIMS, iss: options.issuer ?? CLAIMS.iss },
      ),
      result: "valid",
    })),
  );
  const all = isWeak ? [...jwks.keys, ...own.map(({ jwk }) => jwk)] : jwks.keys;
  return { ...group, jwks: { keys: all }, tests: [...tests, ...controls] };
}

function hasSpecial(value) {
  return JSON.stringify(value)?.includes('{"$":') ?? false;
}

/** A line for each token: a change of one is a line in a diff. */
export function asText({ groups, ...head }) {
  const group = ({ tests, ...rest }) =>
    `${JSON.stringify(rest).slice(0, -1)},"tests":[\n${tests.map((one) => JSON.stringify(one)).join(",\n")}\n]}`;
  return `${JSON.stringify(head).slice(0, -1)},"groups":[\n${groups.map(group).join(",\n")}\n]}\n`;
}
