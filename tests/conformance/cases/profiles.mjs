// Profiles: what each takes and refuses, in every runtime. What one call expects is tested in
// tests/api/profiles.test.mjs.
import { AUDIENCE, ISSUER, NOW, signed, special } from "../tokens.mjs";

const ID = { iss: ISSUER, aud: AUDIENCE, sub: "ada", iat: NOW - 10, exp: NOW + 300 };
const ACCESS = { ...ID, client_id: "web", jti: "1" };

export function groups({ ed25519 }) {
  const options = { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE };
  const token = (claims, typ) => signed(ed25519, { alg: "EdDSA", ...(typ !== undefined && { typ }) }, claims);
  const refusedBy = (profile, option, value) => ({
    name: `profile ${profile} with ${option} ${JSON.stringify(value)}`,
    options: { ...options, profile, [option]: value },
    refused: { code: "invalid_option", option },
  });
  return [
    { name: "profile at+jwt", options: { ...options, profile: "at+jwt" }, cases: accessTokens(token) },
    { name: "profile id_token", options: { ...options, profile: "id_token" }, cases: idTokens(token) },
    refusedBy("at+jwt", "typ", "JWT"),
    refusedBy("at+jwt", "requireExp", false),
    refusedBy("at+jwt", "issuer", null),
    refusedBy("id_token", "audience", null),
    refusedBy("at_jwt", "profile", "at_jwt"),
    refusedBy("none", "profile", special.function),
    {
      name: "requireKeyAlgorithm with keys that name none",
      options: { ...options, requireKeyAlgorithm: true },
      refused: { code: "no_usable_key", option: "jwks" },
    },
    {
      name: "requireKeyAlgorithm with a key that names one",
      options: { ...options, jwks: [{ ...ed25519.jwk, alg: "EdDSA" }], requireKeyAlgorithm: true },
      cases: [{ name: "its token", token: token(ID), expect: { claims: ID } }],
    },
  ];
}

function accessTokens(token) {
  return [
    { name: "as RFC 9068 says", token: token(ACCESS, "at+jwt"), expect: { claims: ACCESS } },
    { name: "application/at+jwt", token: token(ACCESS, "application/AT+jwt"), expect: { claims: ACCESS } },
    {
      name: "JWT",
      token: token(ACCESS, "JWT"),
      expect: { code: "unexpected_type", expected: "at+jwt", actual: "JWT" },
    },
    { name: "no typ", token: token(ACCESS), expect: { code: "unexpected_type", expected: "at+jwt" } },
    ...["iss", "exp", "aud", "sub", "client_id", "iat", "jti"].map((claim) => ({
      name: `no ${claim}`,
      token: token({ ...ACCESS, [claim]: undefined }, "at+jwt"),
      expect: { code: "missing_claim", claim },
    })),
    {
      name: "client_id that is no text",
      token: token({ ...ACCESS, client_id: 5 }, "at+jwt"),
      expect: { code: "invalid_claim", claim: "client_id", expected: "a string", actual: 5 },
    },
  ];
}

function idTokens(token) {
  const several = { ...ID, aud: [AUDIENCE, "other"] };
  return [
    { name: "as OpenID Connect says", token: token(ID), expect: { claims: ID } },
    { name: "JWT", token: token(ID, "JWT"), expect: { claims: ID } },
    {
      name: "at+jwt",
      token: token(ACCESS, "at+jwt"),
      expect: { code: "unexpected_type", expected: "JWT", actual: "at+jwt" },
    },
    ...["iss", "sub", "aud", "exp", "iat"].map((claim) => ({
      name: `no ${claim}`,
      token: token({ ...ID, [claim]: undefined }),
      expect: { code: "missing_claim", claim },
    })),
    { name: "several audiences", token: token(several), expect: { code: "missing_claim", claim: "azp" } },
    {
      name: "several with azp",
      token: token({ ...several, azp: AUDIENCE }),
      expect: { claims: { ...several, azp: AUDIENCE } },
    },
    {
      name: "several for another",
      token: token({ ...several, azp: "other" }),
      expect: { code: "claim_mismatch", claim: "azp", expected: AUDIENCE, actual: "other" },
    },
  ];
}
