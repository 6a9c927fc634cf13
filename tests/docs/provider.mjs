// The provider of README and guide, in place of `fetch`: authorization code, one-time refresh tokens, revocation.
//
// It is as strict as a provider may be: of the scopes it grants those that were asked for, `offline_access` only with
// `prompt=consent` (OpenID Connect Core 1.0, section 11), and a JWT only where the request for tokens names `resource`.
import { createHash, sign } from "node:crypto";
import { generateKeyPair } from "../../tools/keypair.mjs";

const ISSUER = "https://login.example";
/** Whose server answers too, without asking anything. */
export const APP = "https://app.example";

const SCOPES = ["openid", "offline_access", "notes:write"];

export class Provider {
  reachable = true;
  /** How far its clock is ahead of the device's, in seconds. */
  ahead = 0;
  revoked = [];
  #key = generateKeyPair("ec", { namedCurve: "P-256" });
  #grant;
  #refreshToken;
  #codes = new Map();
  #count = 0;
  #audience;

  constructor({ audience }) {
    this.#audience = audience;
  }

  get jwks() {
    return { keys: [{ ...this.#key.publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256" }] };
  }

  /** The tokens of somebody who has just signed in, for that API. */
  signIn({ resource = null } = {}) {
    this.#grant = { scopes: ["offline_access", "notes:write"], resource };
    return this.#tokens(resource);
  }

  /** Somebody agrees on the provider's page: the address of the app that the browser goes back to. */
  authorize(url) {
    const asked = Object.fromEntries(new URL(url).searchParams);
    const prompts = (asked.prompt ?? "").split(" ");
    const scopes = (asked.scope ?? "").split(" ").filter((scope) => SCOPES.includes(scope));
    const granted = scopes.filter((scope) => scope !== "offline_access" || prompts.includes("consent"));
    const code = `code-${this.#codes.size + 1}`;
    this.#codes.set(code, { ...asked, scopes: granted, resource: asked.resource ?? null });
    return `${asked.redirect_uri}?${new URLSearchParams({ code, state: asked.state })}`;
  }

  fetch(input, init = {}) {
    if (!this.reachable) return Promise.reject(new TypeError("fetch failed"));
    const url = new URL(typeof input === "string" ? input : input.url, APP);
    if (url.origin === APP) return Promise.resolve(new Response("the notes"));
    const body = this.#answer(url.pathname, new URLSearchParams(init.body));
    const headers = { "Content-Type": "application/json", Date: new Date(this.#now() * 1000).toUTCString() };
    return Promise.resolve(new Response(JSON.stringify(body), { status: "error" in body ? 400 : 200, headers }));
  }

  #answer(path, parameters) {
    const at = (endpoint) => `${ISSUER}/${endpoint}`;
    switch (path) {
      case "/.well-known/openid-configuration":
        return {
          issuer: ISSUER,
          authorization_endpoint: at("authorize"),
          token_endpoint: at("token"),
          revocation_endpoint: at("revoke"),
          jwks_uri: at("jwks.json"),
        };
      case "/jwks.json":
        return this.jwks;
      case "/revoke":
        this.revoked.push(parameters.get("token"));
        return {};
      case "/token":
        return this.#token(parameters);
    }
  }

  /** What the token endpoint answers. */
  #token(parameters) {
    const resource = parameters.get("resource");
    if (parameters.get("grant_type") === "refresh_token") {
      if (parameters.get("refresh_token") !== this.#refreshToken) return { error: "invalid_grant" };
      return this.#tokens(resource);
    }
    const code = this.#codes.get(parameters.get("code"));
    this.#codes.delete(parameters.get("code"));
    const challenge = createHash("sha256")
      .update(parameters.get("code_verifier") ?? "")
      .digest("base64url");
    const isGenuine =
      code?.code_challenge === challenge &&
      code.client_id === parameters.get("client_id") &&
      code.redirect_uri === parameters.get("redirect_uri");
    if (!isGenuine) return { error: "invalid_grant" };
    this.#grant = code;
    return this.#tokens(resource);
  }

  #tokens(resource) {
    const { scopes, resource: granted } = this.#grant;
    this.#count += 1;
    this.#refreshToken = scopes.includes("offline_access") ? `refresh-${this.#count}` : undefined;
    return {
      access_token: resource === granted ? this.#accessToken(scopes) : `opaque-${this.#count}`,
      token_type: "Bearer",
      ...(this.#refreshToken && { refresh_token: this.#refreshToken }),
      expires_in: 900,
    };
  }

  #now() {
    return Date.now() / 1000 + this.ahead;
  }

  #accessToken(scopes) {
    const iat = Math.floor(this.#now());
    const scope = scopes.join(" ");
    const claims = { iss: ISSUER, aud: this.#audience, sub: "ada", scope, iat, exp: iat + 900 };
    const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const signed = `${encode({ alg: "ES256", kid: "1", typ: "at+jwt" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }
}
