// A real OpenID provider that lives in memory on this machine, for the playground and its tests: authorization code
// with PKCE for one public client, signed JWT access tokens, one-time refresh tokens. Every start makes new keys, and
// tests may have it change them, or stand between it and the network. It writes nothing to a log: what passes through
// it are tokens.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";
import { generateKeyPair } from "./keypair.mjs";
import { listen } from "./listen.mjs";
import { ACCOUNTS, ALGORITHMS, LIFETIMES, readLogin, sendLogin, sendLoginStyle } from "./provider-login.mjs";

export const CLIENT_ID = "tokenward-playground";
/** The audience of the access tokens. A name, not an address: nobody is asked there. */
export const RESOURCE = "https://api.example";

/**
 * @typedef {object} LocalProvider
 * @property {string} issuer
 * @property {string} clientId
 * @property {string} resource
 * @property {() => Promise<void>} rotateKeys new keys in place of the old ones; grants and refresh tokens stay
 * @property {(meddler?: Meddler) => void} meddle has every request to the provider go through this first
 * @property {() => Promise<void>} close
 *
 * @typedef {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse,
 *   answer: () => Promise<void>) => unknown} Meddler
 *
 * @param {object} options
 * @param {number} options.port wanted port; 0 for any
 * @param {string[]} options.apps origins of the apps that may sign in, `http://127.0.0.1:7519`
 * @param {boolean} [options.implicit] whether it also gives both tokens at once (`id_token token`), as no app should ask for: only
 *   then its ID tokens have `at_hash`. The apps' origins are then https
 * @param {(message: string) => void} [options.say]
 * @returns {Promise<LocalProvider>}
 */
export async function startProvider({ port, apps, implicit = false, say }) {
  const server = createServer();
  const issuer = await listen(server, { port, name: "the OpenID provider", say });
  const choices = new Map();
  const { default: Provider } = await quietly(() => import("oidc-provider"));
  const cookieKey = randomBytes(32).toString("base64url");
  const adapter = createMemoryAdapter();
  const make = () =>
    quietly(() => new Provider(issuer, configuration({ apps, implicit, choices, cookieKey, adapter })));
  let provider = await make();
  let meddler;
  const answer = (request, response) => {
    const path = new URL(request.url, issuer).pathname;
    if (path.startsWith("/interaction/")) return interaction(provider, choices, request, response);
    if (path === "/login.css") return sendLoginStyle(response);
    return provider.callback()(request, response);
  };
  server.on("request", (request, response) =>
    meddler ? meddler(request, response, () => answer(request, response)) : answer(request, response),
  );
  return {
    issuer,
    clientId: CLIENT_ID,
    resource: RESOURCE,
    async rotateKeys() {
      provider = await make();
    },
    meddle(between) {
      meddler = between;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function configuration({ apps, implicit, choices, cookieKey, adapter }) {
  return {
    adapter,
    clients: [
      {
        client_id: CLIENT_ID,
        client_name: "Tokenward playground",
        token_endpoint_auth_method: "none",
        redirect_uris: apps.flatMap((origin) => [`${origin}/`, `${origin}/field.html`]),
        grant_types: ["authorization_code", "refresh_token", ...(implicit ? ["implicit"] : [])],
        response_types: ["code", ...(implicit ? ["id_token token"] : [])],
        id_token_signed_response_alg: "ES256",
      },
    ],
    clientBasedCORS: (_ctx, origin) => apps.includes(origin),
    ...(implicit && { responseTypes: ["code", "id_token token"] }),
    jwks: { keys: signingKeys() },
    cookies: { keys: [cookieKey] },
    enabledJWA: { idTokenSigningAlgValues: [...ALGORITHMS] },
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub"], profile: ["name", "role"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    // One-time refresh tokens: each use gives a new one, and a used one that comes again ends the whole grant.
    rotateRefreshToken: true,
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? LIFETIMES[0].seconds,
      AuthorizationCode: 60,
      Grant: 30 * DAY,
      IdToken: 60 * 60,
      Interaction: 60 * 60,
      RefreshToken: 30 * DAY,
      Session: 30 * DAY,
    },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource) {
          if (resource !== RESOURCE) throw new Error("unknown resource");
          const chosen = choices.get(ctx.oidc.entities.Grant?.jti) ?? {};
          return {
            scope: "read write",
            audience: RESOURCE,
            accessTokenFormat: "jwt",
            accessTokenTTL: chosen.lifetime,
            jwt: { sign: { alg: chosen.algorithm ?? ALGORITHMS[0] } },
          };
        },
      },
    },
    extraTokenClaims: (_ctx, token) => {
      const account = ACCOUNTS.get(token.accountId);
      return account && { name: account.name, role: account.role };
    },
    findAccount: (_ctx, id) => {
      const account = ACCOUNTS.get(id);
      return account && { accountId: id, claims: () => ({ sub: id, name: account.name, role: account.role }) };
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    renderError(ctx, out) {
      ctx.type = "text/plain";
      ctx.body = `The provider refused the request: ${out.error_description ?? out.error}`;
    },
  };
}

const DAY = 24 * 60 * 60;

function signingKeys() {
  const rsa = () => generateKeyPair("rsa", { modulusLength: 2048 });
  const makers = {
    ES256: () => generateKeyPair("ec", { namedCurve: "P-256" }),
    RS256: rsa,
    PS256: rsa,
    EdDSA: () => generateKeyPair("ed25519"),
  };
  return ALGORITHMS.map((alg) => ({
    ...makers[alg]().privateKey.export({ format: "jwk" }),
    alg,
    use: "sig",
    kid: `${alg.toLowerCase()}-${randomBytes(4).toString("hex")}`,
  }));
}

/** The login page: whoever is chosen is signed in, with everything asked for granted. */
async function interaction(provider, choices, request, response) {
  try {
    const details = await provider.interactionDetails(request, response);
    if (request.method !== "POST") return sendLogin(response, details);
    const login = await readLogin(request);
    if (!login) {
      return await provider.interactionFinished(request, response, {
        error: "access_denied",
        error_description: "cancelled at the login page",
      });
    }
    const grant = new provider.Grant({ accountId: login.account, clientId: details.params.client_id });
    grant.addOIDCScope(details.params.scope ?? "openid");
    grant.addResourceScope(RESOURCE, details.params.scope ?? "");
    const grantId = await grant.save();
    choices.set(grantId, login);
    await provider.interactionFinished(request, response, {
      login: { accountId: login.account, remember: false },
      consent: { grantId },
    });
  } catch {
    response.writeHead(400, { "content-type": "text/plain" });
    response.end("This sign-in is over or was never started. Go back to the app and begin again.");
  }
}

/** The library's notices are for people who deploy it: memory only, no https, which runtimes it is made for. */
async function quietly(make) {
  const { info, warn } = console;
  Object.assign(console, { info() {}, warn() {} });
  try {
    return await make();
  } finally {
    Object.assign(console, { info, warn });
  }
}
