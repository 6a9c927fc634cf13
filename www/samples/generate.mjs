// Writes samples.json: one token for each algorithm and for each common way to fail. `node www/samples/generate.mjs`
// The private keys live in this process only and end with it: nobody, not even this project, can sign another
// token for the keys in the file.

import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { RFC_SAMPLES } from "./rfc.mjs";

/** Every sample is judged at a moment of its own, so that it means the same today and in ten years. */
const ISSUED = Date.UTC(2026, 2, 12, 9, 0, 0) / 1000;
const MOMENT = ISSUED + 5 * 60;
const ISSUER = "https://login.example";
const AUDIENCE = "https://api.example";
const CLAIMS = {
  iss: ISSUER,
  sub: "ada",
  aud: AUDIENCE,
  iat: ISSUED,
  nbf: ISSUED,
  exp: ISSUED + 15 * 60,
  scope: "read write",
  role: "engineer",
};
const OPTIONS = { issuer: ISSUER, audience: AUDIENCE, typ: "at+jwt" };

const keys = {
  "ec-256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "ec-384": generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "ec-521": generateKeyPairSync("ec", { namedCurve: "P-521" }),
  "rsa-2048": generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "rsa-1024": generateKeyPairSync("rsa", { modulusLength: 1024 }),
  "ed-25519": generateKeyPairSync("ed25519"),
  stranger: generateKeyPairSync("ec", { namedCurve: "P-256" }),
};

const SIGNING = {
  ...Object.fromEntries(
    [256, 384, 512].flatMap((bits) => [
      [`RS${bits}`, { kid: "rsa-2048", hash: `sha${bits}` }],
      [`PS${bits}`, { kid: "rsa-2048", hash: `sha${bits}`, padding: 6, saltLength: bits / 8 }],
    ]),
  ),
  ES256: { kid: "ec-256", hash: "sha256", dsaEncoding: "ieee-p1363" },
  ES384: { kid: "ec-384", hash: "sha384", dsaEncoding: "ieee-p1363" },
  ES512: { kid: "ec-521", hash: "sha512", dsaEncoding: "ieee-p1363" },
  EdDSA: { kid: "ed-25519", hash: null },
};

const NOTES = {
  RS: "RSA, PKCS#1 v1.5 padding: what most providers sign with.",
  PS: "RSA with PSS padding, salted.",
  ES: "Elliptic curve: short signatures, the usual choice for new systems.",
  Ed: "Ed25519: short keys and signatures, fast.",
};

function valid() {
  return Object.keys(SIGNING).map((alg) => ({
    id: alg.toLowerCase(),
    group: "Holds",
    title: alg,
    about: NOTES[alg.slice(0, 2)],
    token: token({ alg }),
    keys: [SIGNING[alg].kid],
    expect: { ok: true },
  }));
}

function failing() {
  const good = token({ alg: "ES256" });
  const [head, body, signature] = good.split(".");
  const other = encode({ ...CLAIMS, role: "administrator" });
  return [
    times(),
    claims(),
    refused("Not genuine", [
      ["altered", "One claim altered", "The role was changed after signing.", `${head}.${other}.${signature}`, "bad_signature"],
      ["stranger", "Signed by a stranger", "Names the right key, but another key signed it.", token({ key: "stranger" }), "bad_signature"],
      ["der", "Signature in DER", "ECDSA as OpenSSL writes it, where a JWT needs r and s side by side.", token({ dsaEncoding: "der" }), "bad_signature"],
      ["unknown-key", "Unknown key", "Names a key that is not in the key set.", token({ header: { kid: "retired" } }), "key_not_found"],
      ["embedded-key", "Brings its own key", "The header carries the key to check it with. It is ignored.", embeddedKey(), "key_not_found"],
    ]),
    refused("Algorithm and key", [
      ["none", "alg none", "Unsigned, and says so.", `${encode({ alg: "none", typ: "at+jwt" })}.${body}.`, "unsupported_algorithm"],
      ["confusion", "HS256 with the public key", "The classic confusion: the public key used as a shared secret.", confused(), "unsupported_algorithm"],
      ["not-allowed", "Algorithm not allowed", "Correctly signed with RS256 where only ES256 is wanted.", token({ alg: "RS256" }), "algorithm_not_allowed", { options: { algorithms: ["ES256"] }, keys: ["ec-256", "rsa-2048"] }],
      ["wrong-use", "Key for encryption", "The key's own `use` forbids signatures.", token({ alg: "RS256" }), "key_unusable", { keys: ["ec-256", { kid: "rsa-2048", use: "enc" }] }],
      ["weak-key", "Weak RSA key", "1024 bits: too short since 2013.", token({ alg: "RS256", key: "rsa-1024", header: { kid: "rsa-1024" } }), "key_unusable", { keys: ["ec-256", "rsa-1024"] }],
    ]),
    refused("Form", [
      ["duplicate", "Duplicate claim", "Two values for one claim: readers disagree which counts.", duplicate(), "malformed"],
      ["padding", "Padded base64url", "An = at the end: the same bytes in a second spelling.", `${good}=`, "malformed"],
      ["two-parts", "Signature cut off", "Two parts instead of three.", `${head}.${body}`, "malformed"],
      ["critical", "Unknown critical header", "Demands an extension that is not understood.", token({ header: { crit: ["exp"], exp: 1 } }), "unsupported_critical"],
      ["id-token", "Wrong type", "An ID token where an access token is wanted.", token({ header: { typ: "JWT" } }), "unexpected_type"],
      ["too-large", "Too large", "Longer than this verifier wants to read.", good, "too_large", { options: { maxTokenBytes: 300 } }],
    ]),
  ].flat();
}

function times() {
  return refused("Genuine, but the time is wrong", [
    ["expired", "Expired", "Its time is over. Move now back and it holds.", token({}), "expired", { now: CLAIMS.exp + 120, claim: "exp" }],
    ["not-yet-valid", "Not yet valid", "Issued for later.", token({ claims: { nbf: ISSUED + 8 * 60 } }), "not_yet_valid", { claim: "nbf" }],
    ["too-old", "Too old", "Still valid for days, but this verifier wants a fresh one.", token({ claims: { exp: ISSUED + 7 * 86_400 } }), "too_old", { now: ISSUED + 2 * 86_400, options: { maxTokenAge: 86_400 }, claim: "iat" }],
    ["forever", "Never expires", "Without exp a token would live for ever.", token({ claims: { exp: undefined } }), "missing_claim", { claim: "exp" }],
    ["exp-text", "exp is text", "A time must be a number.", token({ claims: { exp: String(CLAIMS.exp) } }), "invalid_claim", { claim: "exp" }],
  ]);
}

function claims() {
  return refused("Genuine, but not for us", [
    ["issuer", "Another issuer", "One slash more is another issuer.", token({ claims: { iss: `${ISSUER}/` } }), "claim_mismatch", { claim: "iss" }],
    ["audience", "Another audience", "Meant for another service.", token({ claims: { aud: ["https://mail.example"] } }), "claim_mismatch", { claim: "aud" }],
    ["no-audience", "No audience", "Does not say whom it is for.", token({ claims: { aud: undefined } }), "missing_claim", { claim: "aud" }],
    ["role", "Another role", "Everything holds, but a claim this app asks for differs.", token({}), "claim_mismatch", { options: { claims: { role: "admiral" } }, claim: "role" }],
    ["no-email", "A claim is missing", "This app asks for an e-mail address.", token({}), "missing_claim", { options: { requiredClaims: ["email"] }, claim: "email" }],
  ]);
}

function refused(group, rows) {
  return rows.map(([id, title, about, text, code, { keys: used = ["ec-256"], claim, ...rest } = {}]) => ({
    id,
    group,
    title,
    about,
    token: text,
    keys: used,
    ...rest,
    expect: { code, ...(claim && { claim }) },
  }));
}

function token({ alg = "ES256", header, claims: changed, key = SIGNING[alg].kid, dsaEncoding }) {
  const input = `${encode({ alg, kid: SIGNING[alg].kid, typ: "at+jwt", ...header })}.${encode({ ...CLAIMS, ...changed })}`;
  return signed(input, alg, key, dsaEncoding);
}

function signed(input, alg, key, dsaEncoding) {
  const { hash, kid: _kid, ...scheme } = SIGNING[alg];
  const options = { ...scheme, ...(dsaEncoding && { dsaEncoding }), key: keys[key].privateKey };
  return `${input}.${sign(hash, Buffer.from(input), options).toString("base64url")}`;
}

function embeddedKey() {
  const jwk = keys.stranger.publicKey.export({ format: "jwk" });
  return token({ key: "stranger", header: { kid: "stranger", jwk } });
}

function confused() {
  const secret = keys["rsa-2048"].publicKey.export({ type: "spki", format: "pem" });
  const input = `${encode({ alg: "HS256", kid: "rsa-2048", typ: "at+jwt" })}.${encode(CLAIMS)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

function duplicate() {
  const text = JSON.stringify(CLAIMS).replace(/}$/, ',"role":"administrator"}');
  const head = encode({ alg: "ES256", kid: "ec-256", typ: "at+jwt" });
  return signed(`${head}.${Buffer.from(text).toString("base64url")}`, "ES256", "ec-256");
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

const publicKeys = Object.fromEntries(
  Object.entries(keys).map(([kid, { publicKey }]) => [kid, { kid, ...publicKey.export({ format: "jwk" }) }]),
);

const samples = [...valid(), ...failing(), ...RFC_SAMPLES].map(({ keys: used, options, ...sample }) => ({
  now: MOMENT,
  ...sample,
  options: sample.group === "From the RFCs" ? options : { ...OPTIONS, ...options },
  jwks: {
    keys: used.map((entry) => {
      if (typeof entry === "string") return publicKeys[entry];
      return entry.kid in publicKeys ? { ...publicKeys[entry.kid], ...entry } : entry;
    }),
  },
}));

const file = new URL("./samples.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(samples, null, 1)}\n`);
console.log(`${samples.length} samples written`);
