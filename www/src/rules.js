// Between the form's fields (all text, as typed) and the options createVerifier takes.

import { isObject } from "./decode.js";

export const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
  ...["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
];

export const EMPTY_RULES = {
  issuer: "",
  anyIssuer: false,
  audience: "",
  anyAudience: false,
  algorithms: [],
  typ: "",
  clockTolerance: "",
  subject: "",
  maxTokenAge: "",
  requiredClaims: "",
  maxTokenBytes: "",
  claims: "",
  requireExp: true,
  anyRsaExponent: false,
};

const NUMBERS = ["clockTolerance", "maxTokenAge", "maxTokenBytes"];
const TEXTS = ["typ", "subject"];

/** A field that cannot become an option. */
export class FieldProblem extends Error {
  constructor(field, message) {
    super(message);
    this.name = "FieldProblem";
    this.option = field;
  }
}

/** Only what was filled in; what is left out has the verifier's own defaults. */
export function toOptions(rules) {
  const options = { issuer: accept(rules, "issuer"), audience: accept(rules, "audience") };
  if (rules.algorithms.length > 0) options.algorithms = rules.algorithms;
  for (const name of TEXTS) if (rules[name].trim()) options[name] = rules[name].trim();
  for (const name of NUMBERS) if (rules[name].trim()) options[name] = Number(rules[name]);
  const required = words(rules.requiredClaims);
  if (required.length > 0) options.requiredClaims = required;
  if (rules.claims.trim()) options.claims = expectedClaims(rules.claims);
  if (!rules.requireExp) options.requireExp = false;
  if (rules.anyRsaExponent) options.anyRsaExponent = true;
  return options;
}

export function fromOptions(options) {
  const list = (value) => (value === null || value === undefined ? "" : [value].flat().join(" "));
  const rules = { ...EMPTY_RULES, algorithms: options.algorithms ?? [], requireExp: options.requireExp ?? true };
  for (const name of [...TEXTS, ...NUMBERS]) if (options[name] !== undefined) rules[name] = String(options[name]);
  return {
    ...rules,
    issuer: list(options.issuer),
    anyIssuer: options.issuer === null,
    audience: list(options.audience),
    anyAudience: options.audience === null,
    requiredClaims: list(options.requiredClaims),
    claims: options.claims ? JSON.stringify(options.claims) : "",
    anyRsaExponent: options.anyRsaExponent ?? false,
  };
}

function accept(rules, name) {
  const any = rules[name === "issuer" ? "anyIssuer" : "anyAudience"];
  if (any) return null;
  const values = words(rules[name]);
  if (values.length === 0) throw new FieldProblem(name, `Say which ${name} to expect, or choose “any”.`);
  return values.length === 1 ? values[0] : values;
}

function expectedClaims(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FieldProblem("claims", "The expected claims are not JSON.");
  }
  if (!isObject(value)) throw new FieldProblem("claims", "The expected claims are not a JSON object.");
  return value;
}

function words(text) {
  return text.split(/[\s,]+/).filter(Boolean);
}
