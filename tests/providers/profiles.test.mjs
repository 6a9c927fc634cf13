// Real tokens of the playground's OpenID provider by the profiles: each is what its standard says, and neither is the other.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVerifier } from "tokenward";
import { startProvider } from "../../tools/provider.mjs";
import { discover, walk } from "../playground/client.mjs";

const APP = "https://app.example";
const NONCE = "n-0S6_WzA2Mj";
let local;
let tokens;
let access;
let id;

before(async () => {
  local = await startProvider({ port: 0, apps: [APP], implicit: true });
  const url = new URL((await discover(local)).authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: local.clientId,
    redirect_uri: `${APP}/`,
    response_type: "id_token token",
    scope: "openid read",
    prompt: "login consent",
    resource: local.resource,
    state: "state",
    nonce: NONCE,
  }).toString();
  const { hash } = await walk(url, `${APP}/`, {});
  tokens = Object.fromEntries(new URLSearchParams(hash.slice(1)));
  const jwks = await (await fetch(`${local.issuer}/jwks`)).json();
  const { issuer, clientId, resource } = local;
  // "One key, one algorithm": each key of the provider says its own.
  access = createVerifier({ jwks, issuer, audience: resource, profile: "at+jwt", requireKeyAlgorithm: true });
  id = createVerifier({ jwks, issuer, audience: clientId, profile: "id_token", requireKeyAlgorithm: true });
});
after(() => local.close());

test("an access token", () => {
  const { claims } = access.verify(tokens.access_token);
  assert.equal(claims.client_id, local.clientId);
  assert.equal(claims.sub, "ada");
});

test("an ID token, with the nonce of the request and of the access token that came with it", () => {
  const expected = { nonce: NONCE, accessToken: tokens.access_token };
  assert.equal(id.verify(tokens.id_token, expected).claims.nonce, NONCE);
  assert.throws(() => id.verify(tokens.id_token, { ...expected, nonce: "another" }), {
    code: "claim_mismatch",
    claim: "nonce",
  });
  assert.throws(() => id.verify(tokens.id_token, { ...expected, accessToken: `${tokens.access_token}x` }), {
    code: "claim_mismatch",
    claim: "at_hash",
  });
});

test("neither is the other", () => {
  assert.throws(() => access.verify(tokens.id_token), { code: "unexpected_type" });
  assert.throws(() => id.verify(tokens.access_token), { code: "unexpected_type" });
});
