// Proof of possession (DPoP, RFC 9449): the token, a proof and the request that they came with, judged by a gate. Which check
// failed is the gate's answer; those before it passed, since their order is fixed and documented. Nothing here decides.

import { ConfigError } from "tokenward";
import { base64url, sha256, thumbprint } from "../../pkg/esm/thumbprint.js";
import { drawChecks, sentence, sign } from "./checks.js";
import { decode, isObject, member } from "./decode.js";
import { byId, make, update } from "./dom.js";
import { madeOf } from "./made.js";
import { fromOptions } from "./rules.js";
import { dateTime, realNow } from "./time.js";

export const EMPTY_PROOF = { proof: "", method: "GET", url: "", nonce: "", scheme: "DPoP" };
const FIELDS = Object.keys(EMPTY_PROOF);
/** As in `js/gate/dpop.ts`, for what is said to be expected. */
const MAX_PROOF_BYTES = 16_384;
const MAX_AGE = 60;
const TOLERANCE = 5;

const is =
  (...codes) =>
  ({ dpop }) =>
    codes.includes(dpop);

/** In the gate's order. `after`: found only once the signature held, since anybody may have written it. */
const CHECKS = [
  {
    name: "URL",
    fails: ({ reason, rule }) => rule === undefined && reason !== "open",
    found: ({ url }) => url,
    expected: () => "one reading of the path",
  },
  {
    name: "Access token",
    fails: ({ error, reason }) => error !== undefined || reason === "invalid_request",
    found: () => "holds",
    foundOnFailure: ({ decision }) => decision.error ?? "malformed credentials",
    expected: () => "holds by itself, as above",
  },
  {
    name: "Token is bound",
    fails: is("proof_needed", "not_bound"),
    found: ({ jkt, scheme }) => `${scheme}, cnf.jkt ${jkt ?? "missing"}`,
    expected: () => "presented as DPoP, with cnf.jkt",
  },
  {
    name: "One proof",
    fails: is("missing_proof", "repeated_proof", "too_large"),
    found: ({ proof }) => (proof === "" ? "none" : `${proof.length} characters`),
    expected: () => `one, of at most ${MAX_PROOF_BYTES} bytes`,
  },
  {
    name: "Key in it",
    fails: is("malformed", "secret_key"),
    found: ({ header }) => keyName(member(header, "jwk")),
    expected: () => "a JWT with a public jwk",
  },
  {
    name: "Key is the token's",
    fails: is("key_mismatch"),
    found: ({ own }) => own ?? "no thumbprint",
    expected: ({ jkt }) => jkt ?? "cnf.jkt",
  },
  {
    name: "Algorithm",
    fails: is(
      "unsupported_algorithm",
      "algorithm_not_allowed",
      "unsupported_critical",
      "key_unusable",
      "key_not_found",
    ),
    found: ({ header }) => shown(member(header, "alg")),
    expected: () => "asymmetric, and fits the key",
  },
  {
    name: "Type",
    fails: is("unexpected_type"),
    found: ({ header }) => shown(member(header, "typ")),
    expected: () => "dpop+jwt",
  },
  {
    name: "Signature",
    fails: is("bad_signature"),
    found: () => "fits",
    foundOnFailure: () => "does not fit",
    expected: () => "made by that key over these bytes",
  },
  {
    name: "Claims",
    fails: is("missing_claim", "invalid_claim", "claim_mismatch"),
    found: ({ claims }) => Object.keys(claims ?? {}).join(", "),
    expected: () => "jti, htm, htu, iat, ath",
  },
  {
    name: "Fresh",
    fails: is("too_old", "not_yet_valid", "expired"),
    found: ({ claims }) => time(member(claims, "iat")),
    expected: ({ now }) => `from ${dateTime(now - MAX_AGE - TOLERANCE)} to ${dateTime(now + TOLERANCE)}`,
  },
  {
    name: "Method",
    fails: is("htm_mismatch"),
    found: ({ claims }) => shown(member(claims, "htm")),
    expected: ({ method }) => method,
  },
  {
    name: "Address",
    fails: is("htu_mismatch"),
    found: ({ claims }) => shown(member(claims, "htu")),
    expected: ({ url }) => url.replace(/[?#].*/s, ""),
  },
  {
    name: "Token hash",
    fails: is("ath_mismatch"),
    found: ({ claims }) => shown(member(claims, "ath")),
    expected: ({ ath }) => ath,
  },
  {
    name: "Nonce",
    asked: ({ nonce }) => nonce !== "",
    fails: is("missing_nonce", "unknown_nonce"),
    found: ({ claims }) => shown(member(claims, "nonce")),
    expected: ({ nonce }) => nonce,
  },
];

export function setUpProof({ state, change, notify }) {
  const form = byId("proof-form");
  const read = () => Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value.trim()]));
  form.addEventListener("input", () => change({ proof: read() }));
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("proof-example").addEventListener("click", async () => {
    try {
      change({ session: state().session, ...(await exampleState()) });
    } catch (error) {
      notify(`The example could not be made: ${error.message}.`);
    }
  });
}

/** Counts what was asked for, so that an answer which is late is not shown. */
let asked = 0;

export async function drawProof({ verifier }, state, now) {
  asked += 1;
  const mine = asked;
  const { token, proof: given } = state;
  write(given);
  const isAsked = given.proof !== "" || given.url !== "";
  byId("proof").hidden = !isAsked;
  byId("proof-summary").textContent = isAsked ? `${given.method} ${given.url}` : "optional";
  if (!isAsked) return;
  const judged = verifier === undefined ? NOT_YET : await judgeProof({ verifier, token, ...given, now });
  if (mine !== asked) return;
  draw(judged);
}

const NOT_YET = { problem: "The token has to be judged first: it needs keys and expectations." };

/** What a gate says of the request: `{ decision, response, about }`; or the `problem` with what was filled in. */
async function judgeProof({ verifier, token, now, ...given }) {
  const { proof, method, url, nonce, scheme } = given;
  if (!/^[!#$%&'*+.^`|~\w-]+$/.test(method)) return { problem: "The method is the request’s, such as GET." };
  if (!URL.canParse(url))
    return { problem: "The URL is the whole address of the request, such as https://api.example/notes." };
  const headers = { authorization: `${scheme} ${token}`, dpop: proof };
  try {
    const gate = await gateFor(verifier, new URL(url).origin, nonce);
    const { decision, response } = await gate.admit({ url, method, headers: { get: (name) => headers[name] ?? null } });
    const { header, payload: claims } = decode(proof);
    const cnf = member(decode(token).payload, "cnf");
    const jkt = member(cnf, "jkt");
    const own = await thumbprintOf(member(header, "jwk"));
    const about = { ...given, now, header, claims, jkt: jkt === undefined ? undefined : shown(jkt), own };
    return { decision, response, about: { ...about, decision, ath: await sha256(token) } };
  } catch (error) {
    if (error instanceof ConfigError) return { problem: sentence(error.message) };
    throw error;
  }
}

/** One gate for each verifier, origin and nonce. It has no memory of proofs: the page asks again every second. */
let made = {};
async function gateFor(verifier, origin, nonce) {
  if (made.verifier === verifier && made.origin === origin && made.nonce === nonce) return made.gate;
  const { createGate } = await import("tokenward/gate");
  const dpop = { replay: { remember: () => true }, ...(nonce !== "" && { nonce: () => nonce }) };
  const gate = createGate({ verifier, origin, dpop, rules: [{ match: "/*" }] });
  made = { verifier, origin, nonce, gate };
  return gate;
}

function draw({ problem, decision, response, about }) {
  const title = problem ?? (decision.allowed ? "The gate lets the request through." : "The gate refuses the request.");
  const kind = problem ? "waiting" : decision.allowed ? "holds" : "refused";
  byId("proof-verdict").dataset.kind = kind;
  const code = problem ? undefined : codeOf(decision);
  update(
    byId("proof-verdict"),
    sign(`#${kind}`),
    make("b", {}, title),
    code && " ",
    code && make("code.code-chip", {}, code),
  );
  const lines = problem ? [] : linesOf(decision, about);
  drawChecks(byId("proof-checks"), lines);
  byId("proof-head").hidden = lines.length === 0;
  const challenge = response?.headers.get("www-authenticate");
  update(
    byId("proof-answer"),
    ...(response ? [`Answer: ${response.status}`] : []),
    ...(challenge ? [", ", make("code", {}, `WWW-Authenticate: ${challenge}`)] : []),
  );
}

const codeOf = ({ allowed, dpop, error, reason }) => (allowed ? undefined : (dpop ?? error ?? reason));

function linesOf(decision, about) {
  const checks = CHECKS.filter(({ asked: isAsked }) => isAsked?.(about) ?? true);
  const failing = decision.allowed ? checks.length : checks.findIndex(({ fails }) => fails(decision));
  return checks.map((check, index) => {
    const state = index < failing ? "passed" : index === failing ? "failed" : "unreached";
    const found = state === "failed" ? (check.foundOnFailure ?? check.found) : check.found;
    const error = { code: codeOf(decision), message: decision.detail ?? decision.cause?.message ?? "" };
    return {
      name: check.name,
      state,
      found: state === "unreached" ? "" : found(about),
      expected: check.expected(about),
      error: state === "failed" ? error : undefined,
    };
  });
}

function write(given) {
  const { elements } = byId("proof-form");
  for (const name of FIELDS) if (elements[name].value.trim() !== given[name]) elements[name].value = given[name];
}

async function thumbprintOf(jwk) {
  return isObject(jwk) ? await thumbprint(jwk) : undefined;
}

/** A token, a key that it is bound to and a proof, made just now. */
async function exampleState() {
  const { createTestIssuer } = await import("tokenward/testing");
  const now = Math.floor(realNow());
  const issuer = await createTestIssuer({ issuer: "https://login.example", audience: "https://api.example", now });
  const scheme = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const { publicKey, privateKey } = await crypto.subtle.generateKey(scheme, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const jwk = { kty, crv, x, y };
  const claims = { client_id: "notes-app", scope: "notes:read", cnf: { jkt: await thumbprint(jwk) } };
  const token = await issuer.token(claims, { header: { typ: "at+jwt" } });
  const url = "https://api.example/notes";
  const text = [
    { typ: "dpop+jwt", alg: "ES256", jwk },
    { jti: crypto.randomUUID(), htm: "GET", htu: url, iat: now, ath: await sha256(token) },
  ]
    .map((part) => base64url(new TextEncoder().encode(JSON.stringify(part))))
    .join(".");
  const signature = await crypto.subtle.sign(scheme, privateKey, new TextEncoder().encode(text));
  return {
    sample: "bound",
    token,
    jwks: JSON.stringify(issuer.jwks, null, 2),
    rules: fromOptions({ issuer: issuer.issuer, audience: issuer.audience, typ: "at+jwt" }),
    proof: { ...EMPTY_PROOF, url, proof: `${text}.${base64url(signature)}` },
    moment: now,
    made: madeOf(token, issuer.jwks),
  };
}

const time = (value) => (typeof value === "number" ? dateTime(value) : "no iat");

const keyName = (jwk) =>
  isObject(jwk) ? [member(jwk, "kty"), member(jwk, "crv")].filter(Boolean).map(shown).join(" · ") : "no jwk";

function shown(value) {
  if (value === undefined) return "missing";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
