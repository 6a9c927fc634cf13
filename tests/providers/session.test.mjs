// A session at FusionAuth (its stand-in) and at Glewlwyd: what the provider says, and what the session makes of it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FusionAuthClient } from "@fusionauth/typescript-client";
import { createVerifier } from "tokenward";
import { fusionAuthProvider, fusionAuthTokens, oauthProvider } from "tokenward/providers";
import { createSession } from "tokenward/session";
import { memoryStorage } from "tokenward/storage";
import { startFusionAuth } from "../../tools/fusionauth.mjs";
import { startGlewlwyd } from "../../tools/glewlwyd.mjs";
import { startServer } from "./server.mjs";

/** Runs `work` with a session of somebody who has just signed in at a stand-in for FusionAuth. */
async function atFusionAuth(settings, work, { url } = {}) {
  const fusionAuth = await startFusionAuth(settings);
  const client = new FusionAuthClient(null, fusionAuth.url);
  const { issuer, applicationId, accounts } = fusionAuth;
  const session = createSession({
    verifier: createVerifier({
      jwks: (await client.retrieveJsonWebKeySet()).response,
      issuer,
      audience: applicationId,
      algorithms: ["RS256"],
    }),
    policy: {},
    provider: fusionAuthProvider({ url: url ?? fusionAuth.url }),
    storage: memoryStorage(),
  });
  try {
    await session.start();
    const { response } = await client.login({ ...accounts[0], applicationId });
    await session.signIn(fusionAuthTokens(response));
    await work({ session, fusionAuth, client });
  } finally {
    session.stop();
    await fusionAuth.close();
  }
}

/** Passes requests on to FusionAuth, but loses the first answer of each kind on the way back. */
async function losingAnswers(work) {
  let target;
  const lost = new Set();
  const between = await startServer(async ({ method, url, headers, body }, response) => {
    const { "content-type": type } = headers;
    const answer = await fetch(`${target}${url}`, { method, headers: { "content-type": type }, body });
    const text = await answer.text();
    if (!lost.has(url)) {
      lost.add(url);
      return response.socket.destroy();
    }
    return response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(text);
  });
  const to = (url) => {
    target = url;
  };
  try {
    await work({ url: between.origin, to });
  } finally {
    await between.close();
  }
}

describe("a session at FusionAuth", () => {
  it("is refreshed with one-time tokens and knows the person's roles", () =>
    atFusionAuth({}, async ({ session }) => {
      const first = session.accessToken;
      assert.equal(await session.refresh(), "refreshed");
      assert.equal(await session.refresh(), "refreshed");
      assert.notEqual(session.accessToken, first);
      assert.equal(session.access({ method: "POST", role: "editor" }).allowed, true);
      assert.equal(session.access({ method: "POST", role: "owner" }).allowed, false);
    }));

  it("ends when an administrator ends it", () =>
    atFusionAuth({}, async ({ session, client, fusionAuth }) => {
      await client.revokeRefreshTokensByUserId(fusionAuth.accounts[0].id);
      assert.equal(await session.refresh(), "signed_out");
      assert.equal(session.state.status, "signed_out");
      assert.equal(session.accessToken, undefined);
    }));

  it("goes on when FusionAuth is away", () =>
    atFusionAuth({}, async ({ session, fusionAuth }) => {
      await fusionAuth.close();
      assert.equal(await session.refresh(), "unavailable");
      assert.equal(session.state.status, "signed_in");
      assert.equal(session.state.access, "full");
    }));

  it("survives a lost answer where FusionAuth gives used tokens a grace period", () =>
    losingAnswers(({ url, to }) =>
      atFusionAuth(
        { gracePeriodInSeconds: 60 },
        async ({ session, fusionAuth }) => {
          to(fusionAuth.url);
          assert.equal(await session.refresh(), "unavailable");
          assert.equal(session.state.status, "signed_in");
          assert.equal(await session.refresh(), "refreshed");
          assert.equal(await session.refresh(), "refreshed");
        },
        { url },
      ),
    ));

  it("says that it is over after a lost answer where there is none", () =>
    losingAnswers(({ url, to }) =>
      atFusionAuth(
        {},
        async ({ session, fusionAuth }) => {
          to(fusionAuth.url);
          assert.equal(await session.refresh(), "unavailable");
          assert.equal(await session.refresh(), "signed_out");
        },
        { url },
      ),
    ));
});

describe("a session at Glewlwyd", () => {
  it("is refreshed with one-time tokens, and goes on when Glewlwyd is away", async () => {
    const glewlwyd = await startGlewlwyd();
    const { issuer, publicClient } = glewlwyd;
    const jwks = await (await fetch(`${issuer}/jwks`)).json();
    const session = createSession({
      verifier: createVerifier({ jwks, issuer, audience: "openid read", typ: "at+jwt" }),
      policy: {},
      provider: oauthProvider({ issuer, clientId: publicClient.id }),
      storage: memoryStorage(),
    });
    try {
      await session.start();
      await session.signIn(await glewlwyd.signIn(publicClient));
      assert.equal(await session.refresh(), "refreshed");
      assert.equal(await session.refresh(), "refreshed");
      await glewlwyd.close();
      assert.equal(await session.refresh(), "unavailable");
      assert.equal(session.state.access, "full");
    } finally {
      session.stop();
      await glewlwyd.close();
    }
  });
});
