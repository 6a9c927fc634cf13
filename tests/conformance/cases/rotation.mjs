// Several issuers, and new keys while a verifier is in use.
import { AUDIENCE, CLAIMS, ISSUER, signed, special } from "../tokens.mjs";

const ACCEPTED = { claims: CLAIMS };
const WRONG = { code: "bad_signature" };
const OTHER = "https://other.example";

export function groups(keys) {
  return [...rotation(keys), ...issuers(keys), ...impossible(keys), issuersRotation(keys)];
}

/** All or nothing: what is refused changes nothing. */
function rotation({ ed25519, otherEd25519, p256, rsa1024, rsa2048 }) {
  const token = signed(ed25519, { alg: "EdDSA" });
  const after = signed(otherEd25519, { alg: "EdDSA" });
  const still = { name: "the old keys still serve", token, expect: ACCEPTED };
  const refused = (name, jwks, code) => [{ name, setKeys: jwks, expect: { config: { code } } }, still];
  const [first, second] = [ed25519, otherEd25519].map((_, index) => ({ index, kty: "OKP", crv: "Ed25519" }));
  return [
    {
      name: "setKeys",
      options: { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE, algorithms: ["EdDSA"] },
      cases: [
        { name: "the first key", token, expect: ACCEPTED },
        { name: "the second key is not there yet", token: after, expect: WRONG },
        ...refused("with nothing", [], "no_usable_key"),
        ...refused("with null", null, "invalid_jwks"),
        ...refused("with a number", 5, "invalid_jwks"),
        ...refused("with undefined", special.undefined, "invalid_jwks"),
        ...refused("with text that is no JSON", "{", "invalid_jwks"),
        ...refused("with a private key", [otherEd25519.privateJwk], "private_key"),
        ...refused("with a private key beside a good one", [ed25519.jwk, p256.privateJwk], "private_key"),
        ...refused("with a symmetric key", { keys: [{ kty: "oct", k: "AAAA" }] }, "symmetric_key"),
        ...refused("with a weak key alone", [rsa1024.jwk], "no_usable_key"),
        ...refused("with keys for other algorithms", [p256.jwk, rsa2048.jwk], "no_usable_key"),
        { name: "both", setKeys: [ed25519.jwk, otherEd25519.jwk], expect: { keys: [first, second] } },
        { name: "the first of both", token, expect: ACCEPTED },
        { name: "the second of both", token: after, expect: { claims: CLAIMS, key: second } },
        { name: "only the second", setKeys: JSON.stringify({ keys: [otherEd25519.jwk] }), expect: { keys: [first] } },
        { name: "the first is gone", token, expect: WRONG },
        { name: "the second alone", token: after, expect: { claims: CLAIMS, key: first } },
        { name: "named by its issuer", setKeys: [ed25519.jwk], issuer: ISSUER, expect: { keys: [first] } },
        { name: "the first again", token, expect: ACCEPTED },
        {
          name: "for an issuer it is not",
          setKeys: [otherEd25519.jwk],
          issuer: OTHER,
          expect: { config: { code: "invalid_option" } },
        },
        still,
      ],
    },
  ];
}

/** Each token goes to the verifier that its iss names, exactly. */
function issuers({ ed25519, otherEd25519, p256 }) {
  const options = [
    { jwks: [{ ...ed25519.jwk, kid: "a" }], issuer: ISSUER, audience: AUDIENCE },
    {
      jwks: [{ ...otherEd25519.jwk, kid: "a" }, p256.jwk],
      issuer: [OTHER, "https://third.example"],
      audience: "api",
      maxTokenBytes: 400,
    },
  ];
  const of = (key, iss, more = {}) => signed(key, { alg: "EdDSA", kid: "a" }, { ...CLAIMS, iss, ...more });
  const unknown = (iss) => ({
    name: `iss ${JSON.stringify(iss)}`,
    token: of(ed25519, iss),
    expect: {
      code: "claim_mismatch",
      claim: "iss",
      expected: [ISSUER, OTHER, "https://third.example"],
      actual: special.undefined,
    },
  });
  return [
    {
      name: "several issuers",
      options,
      cases: [
        { name: "the first", token: of(ed25519, ISSUER), expect: { claims: { ...CLAIMS } } },
        {
          name: "the second",
          token: of(otherEd25519, OTHER, { aud: "api" }),
          expect: { claims: { ...CLAIMS, iss: OTHER, aud: "api" } },
        },
        {
          name: "another name of the second",
          token: of(otherEd25519, "https://third.example", { aud: "api" }),
          expect: { header: { alg: "EdDSA", kid: "a" } },
        },
        { name: "the first, by the second's key", token: of(otherEd25519, ISSUER), expect: WRONG },
        { name: "the second, by the first's key", token: of(ed25519, OTHER, { aud: "api" }), expect: WRONG },
        {
          name: "the second, with the first's audience",
          token: of(otherEd25519, OTHER),
          expect: { code: "claim_mismatch", claim: "aud" },
        },
        {
          name: "the second, longer than it takes",
          token: of(otherEd25519, OTHER, { aud: "api", filler: "x".repeat(300) }),
          expect: { code: "too_large", expected: 400 },
        },
        ...["", `${ISSUER}/`, "https://LOGIN.example", "__proto__", 5, null, [ISSUER], { iss: ISSUER }].map(unknown),
        { name: "no iss", token: of(ed25519, undefined), expect: { code: "missing_claim", claim: "iss" } },
        {
          name: "iss twice",
          token: signed(ed25519, { alg: "EdDSA" }, `{"iss":"${OTHER}","iss":"${ISSUER}"}`),
          expect: { code: "malformed" },
        },
        { name: "no token", token: "..", expect: { code: "malformed" } },
        { name: "not a string", token: special.undefined, expect: { code: "malformed" } },
        { name: "longer than any takes", token: special.repeated("a", 20_000), expect: { code: "too_large" } },
      ],
    },
  ];
}

function impossible({ ed25519, otherEd25519 }) {
  const one = { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE };
  const refused = (name, options, code, option) => ({
    name: `several issuers: ${name}`,
    options,
    refused: { code, option },
  });
  return [
    refused("the same twice", [one, { ...one, jwks: [otherEd25519.jwk] }], "invalid_option", "issuer"),
    refused("one in two lists", [{ ...one, issuer: [OTHER, ISSUER] }, one], "invalid_option", "issuer"),
    refused("one that takes any", [one, { ...one, issuer: null }], "invalid_option", "issuer"),
    refused("one that names none", [one, { jwks: one.jwks, audience: AUDIENCE }], "missing_option", "issuer"),
    refused(
      "one with a private key",
      [one, { ...one, issuer: OTHER, jwks: [otherEd25519.privateJwk] }],
      "private_key",
      "jwks",
    ),
    refused("one without a usable key", [one, { ...one, issuer: OTHER, jwks: [] }], "no_usable_key", "jwks"),
    {
      name: "a list of one that takes any issuer",
      options: [{ ...one, issuer: null }],
      cases: [{ name: "verify", token: signed(ed25519, { alg: "EdDSA" }), expect: ACCEPTED }],
    },
  ];
}

function issuersRotation({ ed25519, otherEd25519, p256 }) {
  const of = (key, iss, alg = "EdDSA") => signed(key, { alg }, { ...CLAIMS, iss });
  const [first, second] = [of(ed25519, ISSUER), of(otherEd25519, OTHER)];
  const both = [
    { name: "the first", token: first, expect: ACCEPTED },
    { name: "the second", token: second, expect: { claims: { ...CLAIMS, iss: OTHER } } },
  ];
  const refused = (name, issuer) => [
    {
      name: `keys for ${name}`,
      setKeys: [p256.jwk],
      issuer,
      expect: { config: { code: "invalid_option", option: "issuer" } },
    },
    ...both,
  ];
  return {
    name: "setKeys of several issuers",
    options: [
      { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE },
      { jwks: [otherEd25519.jwk], issuer: OTHER, audience: AUDIENCE },
    ],
    cases: [
      ...both,
      ...refused("nobody"),
      ...refused("an unknown issuer", "https://unknown.example"),
      ...refused("an issuer with a slash more", `${OTHER}/`),
      { name: "of the second", setKeys: [p256.jwk], issuer: OTHER, expect: {} },
      { name: "the first, as before", token: first, expect: ACCEPTED },
      { name: "the second, by its old key", token: second, expect: { code: "key_not_found" } },
      {
        name: "the second, by its new key",
        token: of(p256, OTHER, "ES256"),
        expect: { claims: { ...CLAIMS, iss: OTHER } },
      },
      {
        name: "the first, by the second's new key",
        token: of(p256, ISSUER, "ES256"),
        expect: { code: "key_not_found" },
      },
    ],
  };
}
