// The code of docs/fusionauth.md, run as it stands at the stand-in for FusionAuth.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { FusionAuthClient } from "@fusionauth/typescript-client";
import { APPLICATION_ID, startFusionAuth } from "../../tools/fusionauth.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const ADA = ["ada@example.com", "analytical"];
const DAY = 86_400;

let fusionAuth;
let client;
let folder;
let auth;

before(async () => {
  mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  // As the page says under "Settings".
  fusionAuth = await startFusionAuth({
    timeToLiveInSeconds: 900,
    refreshTokenUsagePolicy: "OneTimeUse",
    gracePeriodInSeconds: 60,
  });
  client = new FusionAuthClient(null, fusionAuth.url);
  folder = makeFolder();
  const jwks = (await client.retrieveJsonWebKeySet()).response;
  const replace = {
    "https://auth.example.com": fusionAuth.url,
    "3c219e58-ed0e-4b18-ad48-f4f92793ae32": APPLICATION_ID,
  };
  await writePrograms("docs/fusionauth.md", folder.path, { jwks, replace });
  auth = await import(pathToFileURL(join(folder.path, "auth.js")));
});
after(async () => {
  auth.session.stop();
  await fusionAuth.close();
  mock.restoreAll();
  mock.timers.reset();
  folder.remove();
});

const pass = (seconds) => mock.timers.setTime(Date.now() + seconds * 1000);

/** Runs `work` while what FusionAuth answers does not arrive. */
async function losingAnswers(work) {
  const { fetch } = globalThis;
  const losing = mock.method(globalThis, "fetch", async (...request) => {
    await fetch(...request);
    throw new TypeError("fetch failed");
  });
  try {
    return await work();
  } finally {
    losing.mock.restore();
  }
}

test("somebody signs in by the Login API, and has the roles FusionAuth says", async () => {
  const { session, login } = auth;
  await session.start();
  await login(...ADA);
  assert.equal(session.state.access, "full");
  assert.equal(session.access({ role: "editor" }).allowed, true);
  assert.equal(session.access({ role: "admin" }).allowed, false);
});

test("a wrong password or a second factor still to come signs nobody in", async () => {
  await assert.rejects(auth.login("ada@example.com", "wrong"), /status 404/);
  await assert.rejects(auth.login("joan@example.com", "colossus"), /second factor/);
  assert.equal(auth.session.state.claims.email, "ada@example.com");
});

test("one-time refresh tokens are exchanged, one after the other", async () => {
  const { session } = auth;
  for (let times = 0; times < 3; times += 1) {
    pass(600);
    assert.equal(await session.refresh(), "refreshed");
    assert.equal(session.state.access, "full");
  }
});

test("a lost answer is healed by the retry, within FusionAuth's grace period", async () => {
  const { session } = auth;
  assert.equal(await losingAnswers(() => session.refresh()), "unavailable");
  assert.equal(session.state.status, "signed_in");
  pass(30);
  assert.equal(await session.refresh(), "refreshed");
});

test("tokens of a new key are accepted once the keys were fetched", async () => {
  fusionAuth.rotateKey();
  pass(600);
  assert.equal(await auth.session.refresh(), "refreshed");
  assert.equal(auth.session.state.access, "full");
});

test("offline there is grace for a day, then nothing", async () => {
  const { session } = auth;
  pass(900 + 10);
  assert.equal(session.access().reason, "grace");
  pass(DAY);
  assert.equal(session.access().reason, "expired");
  assert.equal(await session.refresh(), "refreshed");
});

test("what an administrator revoked is over at the next refresh", async () => {
  const { session } = auth;
  await client.revokeRefreshTokensByUserId(session.state.claims.sub);
  assert.equal(session.state.access, "full");
  assert.equal(await session.refresh(), "signed_out");
  assert.deepEqual([session.state.access, session.state.ended], ["none", "rejected"]);
});

test("signing out logs out at FusionAuth", async () => {
  const { session, login } = auth;
  const called = mock.method(globalThis, "fetch");
  await login(...ADA);
  await session.signOut();
  const logout = () => called.mock.calls.find(({ arguments: [url] }) => url === `${fusionAuth.url}/api/logout`);
  while (logout() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const { global, refreshToken } = JSON.parse(logout().arguments[1].body);
  assert.equal(global, false);
  assert.equal((await logout().result).status, 200);
  await assert.rejects(client.exchangeRefreshTokenForJWT({ refreshToken }), { statusCode: 400 });
  called.mock.restore();
});
