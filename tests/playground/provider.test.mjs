// The local OpenID provider, as a client sees it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { startProvider } from "../../tools/provider.mjs";
import { refresh, signIn } from "./client.mjs";

const APP = "http://127.0.0.1:1";
const redirectUri = `${APP}/`;

describe("the local OpenID provider", () => {
  let provider;
  before(async () => {
    provider = await startProvider({ port: 0, apps: [APP] });
  });
  after(() => provider.close());

  const verified = (token, options) =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${provider.issuer}/jwks`)), { issuer: provider.issuer, ...options });

  for (const algorithm of ["ES256", "RS256", "PS256", "EdDSA"]) {
    it(`signs access tokens with ${algorithm}`, async () => {
      const { tokens } = await signIn(provider, { redirectUri, form: { algorithm, account: "grace", lifetime: "60" } });
      const { payload, protectedHeader } = await verified(tokens.access_token, {
        audience: provider.resource,
        typ: "at+jwt",
      });
      assert.equal(protectedHeader.alg, algorithm);
      assert.equal(payload.sub, "grace");
      assert.equal(payload.role, "admiral");
      assert.equal(payload.exp - payload.iat, 60);
    });
  }

  it("gives an ID token for the client", async () => {
    const { tokens } = await signIn(provider, { redirectUri });
    const { payload } = await verified(tokens.id_token, { audience: provider.clientId });
    assert.equal(payload.sub, "ada");
  });

  it("gives each refresh token once, and ends the grant when one comes again", async () => {
    const session = await signIn(provider, { redirectUri, form: { algorithm: "EdDSA" } });
    const first = session.tokens.refresh_token;
    const second = await refresh(session, first);
    assert.equal(decodeProtectedHeader(second.access_token).alg, "EdDSA", "the choice outlives the refresh");
    assert.notEqual(second.refresh_token, first);
    const refused = { name: "ResponseBodyError", error: "invalid_grant" };
    await assert.rejects(refresh(session, first), refused);
    await assert.rejects(refresh(session, second.refresh_token), refused);
  });

  it("tells the app when somebody cancels", async () => {
    const refused = { name: "AuthorizationResponseError", error: "access_denied" };
    await assert.rejects(signIn(provider, { redirectUri, form: { action: "cancel" } }), refused);
  });

  it("lets only its apps' pages ask for tokens, and any page for keys", async () => {
    const allowed = async (path, origin, init) => {
      const response = await fetch(`${provider.issuer}${path}`, { ...init, headers: { origin } });
      return response.headers.get("access-control-allow-origin");
    };
    const token = () => ({
      method: "POST",
      body: new URLSearchParams({ client_id: provider.clientId, grant_type: "refresh_token", refresh_token: "x" }),
    });
    assert.equal(await allowed("/token", APP, token()), APP);
    assert.equal(await allowed("/token", "http://evil.example", token()), null);
    assert.ok(await allowed("/jwks", "http://any.example"));
    assert.ok(await allowed("/.well-known/openid-configuration", "http://any.example"));
  });

  it("loads nothing from elsewhere", async () => {
    const start = new URL(`${provider.issuer}/auth`);
    start.search = new URLSearchParams({
      client_id: provider.clientId,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: "openid",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    }).toString();
    const first = await fetch(start, { redirect: "manual" });
    const cookie = first.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ");
    const page = await fetch(new URL(first.headers.get("location"), start), { headers: { cookie } });
    const html = await page.text();
    assert.match(html, /<h1>Sign in<\/h1>/);
    assert.doesNotMatch(html, /(?:src|href)="(?!\/)/);
    assert.match(page.headers.get("content-security-policy"), /^default-src 'none'/);
  });
});
