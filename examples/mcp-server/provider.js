// A real OpenID provider in memory, to try the server with: clients register themselves, whoever gives a name is signed in.
// It is for your machine alone. In production `ISSUER` is your own provider.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const SCOPES = "notes:read notes:write";

/** `{ issuer, jwks, close }`: `resource` is the one API that it makes tokens for. */
export async function startProvider({ port, resource }) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const named = (key) => ({ ...key.export({ format: "jwk" }), kid: "trial", alg: "ES256", use: "sig" });
  const { default: Provider } = await import("oidc-provider");
  const provider = new Provider(issuer, configuration(resource, named(privateKey)));
  server.on("request", provider.callback());
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { issuer, jwks: { keys: [named(publicKey)] }, close };
}

function configuration(resource, key) {
  return {
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    scopes: ["openid", "offline_access", ...SCOPES.split(" ")],
    // Any name will do, and any password.
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    pkce: { required: () => true },
    // In seconds.
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    features: {
      // Clients that have never heard of this provider register themselves (RFC 7591).
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, asked) {
          if (asked !== resource) throw new Error("there is no such resource");
          const jwt = { sign: { alg: "ES256" } };
          return { scope: SCOPES, audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 300, jwt };
        },
      },
    },
  };
}
