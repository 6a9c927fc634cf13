// FusionAuth: its own client shows that the stand-in is faithful, then the stand-in answers our provider.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FusionAuthClient } from "@fusionauth/typescript-client";
import { ConfigError, createVerifier } from "tokenward";
import { fusionAuthProvider, fusionAuthTokens, ProviderUnavailable, RefreshRejected } from "tokenward/providers";
import { startFusionAuth } from "../../tools/fusionauth.mjs";
import { FAULTS, facts, json, refused, shown, startServer } from "./server.mjs";

const options = { signal: new AbortController().signal };
const API_KEY = "an-api-key";

/** Runs `work` with a stand-in of its own. */
async function withFusionAuth(settings, work) {
  const fusionAuth = await startFusionAuth(settings);
  try {
    return await work(fusionAuth, new FusionAuthClient(API_KEY, fusionAuth.url));
  } finally {
    await fusionAuth.close();
  }
}

function signIn(client, { applicationId, accounts: [{ loginId, password }] }) {
  return client.login({ applicationId, loginId, password });
}

describe("the stand-in for FusionAuth, through FusionAuth's own client", () => {
  it("signs in", () =>
    withFusionAuth({ apiKey: API_KEY }, async (fusionAuth, client) => {
      const { statusCode, response } = await signIn(client, fusionAuth);
      assert.equal(statusCode, 200);
      assert.equal(response.user.email, "ada@example.com");
      assert.equal(typeof response.refreshToken, "string");
      assert.match(response.refreshTokenId, /^[\da-f-]{36}$/);
      assert.ok(response.tokenExpirationInstant > Date.now());
    }));

  it("refuses to sign in as FusionAuth does", () =>
    withFusionAuth({ apiKey: API_KEY }, async (fusionAuth, client) => {
      const { applicationId } = fusionAuth;
      const wrong = { applicationId, loginId: "ada@example.com", password: "wrong" };
      assert.equal((await refused(client.login(wrong))).statusCode, 404);
      const { statusCode, exception } = await refused(client.login({ applicationId, loginId: "ada@example.com" }));
      assert.equal(statusCode, 400);
      assert.equal(exception.fieldErrors.password[0].code, "[blank]password");
      const stranger = new FusionAuthClient("another-key", fusionAuth.url);
      assert.equal((await refused(stranger.login(wrong))).statusCode, 401);
    }));

  it("asks for a second factor", () =>
    withFusionAuth({}, async ({ applicationId, accounts: [, , joan] }, client) => {
      const { statusCode, response } = await client.login({ applicationId, ...joan });
      assert.equal(statusCode, 242);
      assert.equal(typeof response.twoFactorId, "string");
      assert.throws(() => fusionAuthTokens(response), /not signed in yet/);
    }));

  it("exchanges one-time refresh tokens", () =>
    withFusionAuth({}, async (fusionAuth, client) => {
      const { response: first } = await signIn(client, fusionAuth);
      const { refreshToken, token } = first;
      const { statusCode, response: second } = await client.exchangeRefreshTokenForJWT({ refreshToken, token });
      assert.equal(statusCode, 200);
      assert.deepEqual(Object.keys(second).sort(), ["refreshToken", "refreshTokenId", "token"]);
      assert.notEqual(second.refreshToken, first.refreshToken);
      assert.equal(second.refreshTokenId, first.refreshTokenId);
      const used = await refused(client.exchangeRefreshTokenForJWT({ refreshToken }));
      assert.equal(used.statusCode, 400);
      const [error] = used.exception.fieldErrors.refreshToken;
      assert.equal(error.code, "[invalid]refreshToken");
      await client.exchangeRefreshTokenForJWT({ refreshToken: second.refreshToken });
    }));

  it("keeps reusable refresh tokens", () =>
    withFusionAuth({ refreshTokenUsagePolicy: "Reusable" }, async (fusionAuth, client) => {
      const { refreshToken } = (await signIn(client, fusionAuth)).response;
      for (let times = 0; times < 2; times += 1) {
        const { response } = await client.exchangeRefreshTokenForJWT({ refreshToken });
        assert.equal(response.refreshToken, refreshToken);
      }
    }));

  it("answers a used token again in the grace period, with the same new one", () => {
    let now = 1_800_000_000;
    return withFusionAuth({ gracePeriodInSeconds: 5, now: () => now }, async (fusionAuth, client) => {
      const { refreshToken } = (await signIn(client, fusionAuth)).response;
      const exchange = () => client.exchangeRefreshTokenForJWT({ refreshToken });
      const { response } = await exchange();
      now += 4;
      assert.equal((await exchange()).response.refreshToken, response.refreshToken);
      now += 1;
      assert.equal((await refused(exchange())).statusCode, 400);
    });
  });

  it("revokes the new token when a used one comes again, if so configured", () =>
    withFusionAuth({ onOneTimeTokenReuse: true }, async (fusionAuth, client) => {
      const { refreshToken } = (await signIn(client, fusionAuth)).response;
      const { response } = await client.exchangeRefreshTokenForJWT({ refreshToken });
      await refused(client.exchangeRefreshTokenForJWT({ refreshToken }));
      const { statusCode } = await refused(client.exchangeRefreshTokenForJWT({ refreshToken: response.refreshToken }));
      assert.equal(statusCode, 400);
    }));

  it("says which token is missing", () =>
    withFusionAuth({}, async (_, client) => {
      const { statusCode, exception } = await refused(client.exchangeRefreshTokenForJWT({}));
      assert.equal(statusCode, 400);
      assert.equal(exception.fieldErrors.refreshToken[0].code, "[missing]refreshToken");
    }));

  it("logs out, of one session or of all", () =>
    withFusionAuth({}, async (fusionAuth, client) => {
      const session = async () => (await signIn(client, fusionAuth)).response.refreshToken;
      const isOver = (refreshToken) =>
        client.exchangeRefreshTokenForJWT({ refreshToken }).then(
          () => false,
          ({ statusCode }) => statusCode === 400,
        );
      const [one, two, three] = [await session(), await session(), await session()];
      assert.equal((await client.logoutWithRequest({ global: false, refreshToken: one })).statusCode, 200);
      assert.equal(await isOver(one), true);
      assert.equal((await client.logout(true, two)).statusCode, 200);
      assert.equal(await isOver(two), true);
      assert.equal(await isOver(three), true);
    }));

  it("lets an administrator revoke what a person has", () =>
    withFusionAuth({ apiKey: API_KEY }, async (fusionAuth, client) => {
      const { refreshToken, user } = (await signIn(client, fusionAuth)).response;
      await client.revokeRefreshTokensByUserId(user.id);
      assert.equal((await refused(client.exchangeRefreshTokenForJWT({ refreshToken }))).statusCode, 400);
    }));

  it("publishes its keys and where they are", () =>
    withFusionAuth({}, async ({ issuer }, client) => {
      const { response } = await client.retrieveOpenIdConfiguration();
      assert.equal(response.issuer, issuer);
      assert.equal(response.jwks_uri, `${issuer}/.well-known/jwks.json`);
      const { keys } = (await client.retrieveJsonWebKeySet()).response;
      assert.equal(keys[0].alg, "RS256");
    }));
});

describe("refresh by FusionAuth's own API", () => {
  let fusionAuth;
  let client;
  before(async () => {
    fusionAuth = await startFusionAuth();
    client = new FusionAuthClient(null, fusionAuth.url);
  });
  after(() => fusionAuth.close());
  const tokens = async () => fusionAuthTokens((await signIn(client, fusionAuth)).response);
  const provider = (more) => fusionAuthProvider({ url: fusionAuth.url, ...more });

  it("gives tokens that hold before the verifier, one refresh after the other", async () => {
    const jwks = (await client.retrieveJsonWebKeySet()).response;
    const { issuer, applicationId } = fusionAuth;
    const verifier = createVerifier({ jwks, issuer, audience: applicationId, algorithms: ["RS256"] });
    let held = await tokens();
    const seen = new Set();
    for (let times = 0; times < 3; times += 1) {
      const { claims } = verifier.verify(held.access_token);
      assert.deepEqual(claims.roles, ["editor"]);
      seen.add(held.refresh_token);
      held = await provider().refresh(held, options);
      assert.deepEqual(Object.keys(held).sort(), ["access_token", "refresh_token", "serverTime"]);
      assert.ok(Math.abs(held.serverTime - Date.now() / 1000) < 60);
    }
    assert.equal(seen.size, 3);
  });

  it("takes FusionAuth's refusal of a used token for its word", async () => {
    const first = await tokens();
    await provider().refresh(first, options);
    const error = await refused(provider().refresh(first, options));
    assert.ok(error instanceof RefreshRejected);
    assert.equal(error.code, "invalid_refresh_token");
    assert.ok(!shown(error).includes(first.refresh_token));
  });

  it("revokes by logging out", async () => {
    const first = await tokens();
    await provider().revoke(first, options);
    assert.ok((await refused(provider().refresh(first, options))) instanceof RefreshRejected);
    await provider().revoke(first, options);
  });

  it("has a session that an administrator ended end", async () => {
    const first = await tokens();
    await client.revokeRefreshTokensByUserId(fusionAuth.accounts[0].id);
    assert.ok((await refused(provider().refresh(first, options))) instanceof RefreshRejected);
  });

  it("cannot refresh without a refresh token", async () => {
    assert.ok((await refused(provider().refresh({ access_token: "x" }, options))) instanceof RefreshRejected);
  });
});

describe("what stands between an app and FusionAuth", () => {
  const OLD = { access_token: "old-access-secret", refresh_token: "old-refresh-secret" };
  const NEW = { token: "new-access-secret", refreshToken: "new-refresh-secret", refreshTokenId: "an-id" };
  let server;
  let answer;
  before(async () => {
    server = await startServer((request, response) => answer(request, response));
  });
  after(() => server.close());
  const provider = (more) => fusionAuthProvider({ url: server.origin, ...more });
  const refresh = (respond, more) => {
    answer = respond;
    return provider(more).refresh(OLD, options);
  };
  const fieldErrors = (code) => ({ fieldErrors: { refreshToken: [{ code, message: "m" }] }, generalErrors: [] });

  it("sees requests without an API key, without a token in the address", async () => {
    server.requests.length = 0;
    await refresh((_, response) => json(response, 200, NEW), { url: `${server.origin}/auth/`, tenantId: "t" });
    answer = (_, response) => response.writeHead(200).end();
    await provider().revoke(OLD, options);
    const [first, second] = server.requests;
    assert.equal(`${first.method} ${first.url}`, "POST /auth/api/jwt/refresh");
    assert.deepEqual(JSON.parse(first.body), { refreshToken: OLD.refresh_token });
    assert.equal(first.headers["content-type"], "application/json");
    assert.equal(first.headers["x-fusionauth-tenantid"], "t");
    assert.equal(first.headers.authorization, undefined);
    assert.equal(`${second.method} ${second.url}`, "POST /api/logout");
    assert.deepEqual(JSON.parse(second.body), { global: false, refreshToken: OLD.refresh_token });
  });

  it("sees the previous access token only if the app wants it", async () => {
    server.requests.length = 0;
    await refresh((_, response) => json(response, 200, NEW), { sendToken: true });
    const [{ body }] = server.requests;
    assert.deepEqual(JSON.parse(body), { refreshToken: OLD.refresh_token, token: OLD.access_token });
  });

  it("may leave out a refresh token that stays", async () => {
    const { refresh_token } = await refresh((_, response) => json(response, 200, { token: NEW.token }));
    assert.equal(refresh_token, OLD.refresh_token);
  });

  for (const code of ["[invalid]refreshToken", "[expired]refreshToken", "[revoked]refreshToken"]) {
    it(`signs out by ${code}`, async () => {
      const error = await refused(refresh((_, response) => json(response, 400, fieldErrors(code))));
      assert.ok(error instanceof RefreshRejected);
    });
  }

  for (const [what, status, body] of [
    ["an error about another field", 400, { fieldErrors: { timeToLiveInSeconds: [{ code: "[tooLarge]" }] } }],
    ["a request that came without its token", 400, fieldErrors("[missing]refreshToken")],
    ["a token that came empty", 400, fieldErrors("[blank]refreshToken")],
    ["a general error", 400, { fieldErrors: {}, generalErrors: [{ code: "[Exception]", message: "m" }] }],
    ["an error without a code", 400, { fieldErrors: { refreshToken: [{}] } }],
    ["an error that is no list", 400, { fieldErrors: { refreshToken: "[invalid]refreshToken" } }],
    ["an error with a status of the server's", 500, fieldErrors("[invalid]refreshToken")],
    ["an error with the status of a page that is not there", 404, fieldErrors("[invalid]refreshToken")],
    ["a key that is not accepted", 401, {}],
    ["an error that OAuth has", 400, { error: "invalid_grant" }],
  ]) {
    it(`signs nobody out by ${what}`, async () => {
      const error = await refused(refresh((_, response) => json(response, status, body)));
      assert.ok(error instanceof ProviderUnavailable);
      assert.deepEqual(facts(error), { code: "http_status", sent: true, status });
    });
  }

  for (const [what, respond, expected] of FAULTS) {
    it(`signs nobody out by ${what}`, async () => {
      const timeout = expected.code === "timeout" ? 0.2 : 30;
      const error = await refused(refresh((request, response) => respond(request, response, NEW), { timeout }));
      assert.ok(error instanceof ProviderUnavailable);
      assert.deepEqual(facts(error), { sent: true, ...expected });
      assert.doesNotMatch(shown(error), /secret/);
    });
  }

  it("does not take the page of a captive portal for a revocation", async () => {
    answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    const error = await refused(provider().revoke(OLD, options));
    assert.deepEqual(facts(error), { code: "not_json", sent: true, status: 200 });
    answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end();
    await provider().revoke(OLD, options);
  });

  it("makes revocation wait", async () => {
    answer = (_, response) => response.writeHead(503, { "retry-after": "7" }).end();
    const error = await refused(provider().revoke(OLD, options));
    assert.deepEqual(facts(error), { code: "http_status", sent: true, status: 503, retryAfter: 7 });
  });
});

describe("the options of fusionAuthProvider", () => {
  for (const [what, wrong, option] of [
    ["no address", {}, "url"],
    ["an address without protection", { url: "http://auth.example" }, "url"],
    ["an address with a password", { url: "https://a:b@auth.example" }, "url"],
    ["an address with a user", { url: "https://a@auth.example" }, "url"],
    ["an API key", { url: "https://auth.example", apiKey: "k" }, "apiKey"],
  ]) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => fusionAuthProvider(wrong),
        (error) => error instanceof ConfigError && error.option === option,
      );
    });
  }
});
