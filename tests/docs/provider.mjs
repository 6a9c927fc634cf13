// The provider of README and guide, in place of `fetch`: authorization code, one-time refresh tokens, revocation.
import { sign } from "node:crypto";
import { generateKeyPair } from "../../tools/keypair.mjs";

const ISSUER = "https://login.example";
/** Whose server answers too, without asking anything. */
export const APP = "https://app.example";

export class Provider {
  reachable = true;
  /** How far its clock is ahead of the device's, in seconds. */
  ahead = 0;
  revoked = [];
  #key = generateKeyPair("ec", { namedCurve: "P-256" });
  #refreshToken;
  #count = 0;
  #audience;

  constructor({ audience }) {
    this.#audience = audience;
  }

  get jwks() {
    return { keys: [{ ...this.#key.publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256" }] };
  }

  /** The tokens of somebody who has just signed in. */
  signIn() {
    return this.#tokens(new URLSearchParams());
  }

  fetch(input, init = {}) {
    if (!this.reachable) return Promise.reject(new TypeError("fetch failed"));
    const url = new URL(typeof input === "string" ? input : input.url);
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
        return this.#tokens(parameters);
    }
  }

  /** What the token endpoint answers. */
  #tokens(parameters) {
    const isRefresh = parameters.get("grant_type") === "refresh_token";
    if (isRefresh && parameters.get("refresh_token") !== this.#refreshToken) return { error: "invalid_grant" };
    this.#count += 1;
    this.#refreshToken = `refresh-${this.#count}`;
    return {
      access_token: this.#accessToken(),
      token_type: "Bearer",
      refresh_token: this.#refreshToken,
      expires_in: 900,
    };
  }

  #now() {
    return Date.now() / 1000 + this.ahead;
  }

  #accessToken() {
    const iat = Math.floor(this.#now());
    const claims = { iss: ISSUER, aud: this.#audience, sub: "ada", scope: "notes:write", iat, exp: iat + 900 };
    const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const signed = `${encode({ alg: "ES256", kid: "1", typ: "at+jwt" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }
}
