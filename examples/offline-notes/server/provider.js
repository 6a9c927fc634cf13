// A real OpenID provider in memory, to try the app with: any name and any password will do. It is for your machine alone.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const DAY = 24 * 60 * 60;

/**
 * `{ issuer, close }`. `apps`: origins of the app, which may ask for tokens (CORS) and be redirected to. `api`: the audience
 * of its access tokens. `lifetime`: of an access token, in seconds.
 */
export async function startProvider({ port, apps, clientId, api, lifetime }) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { default: Provider } = await import("oidc-provider");
  const provider = new Provider(issuer, configuration({ apps, clientId, api, lifetime }));
  server.on("request", provider.callback());
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { issuer, close };
}

function configuration({ apps, clientId, api, lifetime }) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    clients: [
      {
        client_id: clientId,
        client_name: "Notes",
        token_endpoint_auth_method: "none",
        redirect_uris: apps.map((origin) => `${origin}/signed-in.html`),
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        id_token_signed_response_alg: "ES256",
      },
    ],
    // The app's pages and its worker ask for tokens from another origin than this one: a provider has to allow that.
    clientBasedCORS: (_context, origin) => apps.includes(origin),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "trial", alg: "ES256", use: "sig" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    scopes: ["openid", "offline_access", "notes:write"],
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    pkce: { required: () => true },
    // Each refresh token works once.
    rotateRefreshToken: true,
    ttl: {
      AccessToken: lifetime,
      AuthorizationCode: 60,
      Grant: 30 * DAY,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 30 * DAY,
      Session: DAY,
    },
    features: {
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, asked) {
          if (asked !== api) throw new Error("there is no such resource");
          const jwt = { sign: { alg: "ES256" } };
          return { scope: "notes:write", audience: api, accessTokenFormat: "jwt", accessTokenTTL: lifetime, jwt };
        },
      },
    },
  };
}
