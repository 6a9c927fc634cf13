// Faults that were seen once, and what a session does instead.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { oauthProvider, ProviderUnavailable } from "tokenward/providers";
import { createSession } from "tokenward/session";
import { isStored, keyStore, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { ISSUER, KEY, signer } from "../support/tokens.mjs";

const HOUR = 3600;
const start = Math.floor(Date.now() / 1000);

/** A device whose clock is set by the test, offline as far as timers go. */
function device() {
  const clock = { now: start };
  const environment = { now: () => clock.now, online: () => false, exclusive: turns() };
  return { clock, environment, storage: mapStorage() };
}

const idToken = (more) => KEY.token({ sub: "ada", ...more });

test("an app that judges the ID token needs no access token: to sign in, to refresh, after a restart", async () => {
  const { environment, storage } = device();
  const answers = [{ id_token: idToken(), refresh_token: "next" }, { id_token: idToken() }];
  const asked = [];
  const refresh = ({ refresh_token }) => asked.push(refresh_token) && Promise.resolve(answers.shift());
  const options = { provider: { refresh }, storage, token: "id_token", environment };
  const session = await openTab(options);
  await session.signIn({ id_token: idToken(), refresh_token: "first" });
  assert.deepEqual([who(session), session.state.access, session.accessToken], ["ada", "full", undefined]);
  assert.deepEqual([await session.refresh(), await session.refresh()], ["refreshed", "refreshed"]);
  assert.deepEqual(asked, ["first", "next"]);
  assert.equal(who(await openTab(options)), "ada");
  await assert.rejects(session.signIn({ access_token: KEY.token({ sub: "ada" }) }), { code: "missing_token" });
});

test("a clock set back after an answer that could not be verified yet is not believed once it is", async () => {
  const { clock, environment, storage } = device();
  const provider = strictProvider();
  const next = signer("next");
  const lasting = () => ({ iat: clock.now, exp: clock.now + HOUR });
  let published = () => Promise.reject(new TypeError("no network"));
  const verifier = keyStore(() => published(), { now: environment.now });
  const session = await openTab({ verifier, provider, storage, environment, policy: { grace: 0 } });
  provider.token = (claims) => KEY.token({ ...claims, ...lasting() });
  await session.signIn(provider.signIn("ada"));
  provider.token = (claims) => next.token({ ...claims, ...lasting() });
  clock.now += 60;
  assert.equal(await session.refresh(), "unverified");
  const answeredAt = clock.now;
  clock.now += 20 * HOUR;
  session.access();
  await session.sync();
  clock.now = answeredAt + 60;
  provider.refresh = () => Promise.reject(new ProviderUnavailable("network", "no network", { sent: false }));
  published = async () => [KEY.jwk, next.jwk];
  await session.refresh();
  assert.deepEqual([session.state.access, session.state.reason], ["none", "clock_rolled_back"]);
  assert.equal((await openTab({ verifier, provider, storage, environment })).state.reason, "clock_rolled_back");
});

for (const [what, answer] of [
  ["repeats the judged token", (id_token) => ({ access_token: "opaque", id_token })],
  ["leaves the judged token out", () => ({ access_token: "opaque" })],
]) {
  for (const life of [HOUR, 7 * HOUR]) {
    for (const when of [60, life - 300, life + 600]) {
      test(`a Date far behind, of an answer that ${what}, ${when} s into ${life}: no more time for the token`, async () => {
        const { clock, environment, storage } = device();
        const id_token = idToken({ iat: start, exp: start + life });
        const refresh = async () => ({ ...answer(id_token), serverTime: clock.now - 6.9 * HOUR });
        const options = { provider: { refresh }, storage, token: "id_token", environment };
        const session = await openTab(options);
        await session.signIn({ access_token: "opaque", id_token, refresh_token: "stays" });
        clock.now = start + when;
        assert.equal(await session.refresh(), "refreshed");
        clock.now = Math.max(clock.now, start + life) + 60;
        assert.notEqual(session.access().access, "full");
      });
    }
  }
}

test("a Date that is right puts a clock right that is behind, also where the judged token is repeated", async () => {
  const { clock, environment, storage } = device();
  const id_token = idToken({ iat: start, exp: start + 7 * HOUR });
  const refresh = async () => ({ access_token: "opaque", id_token, serverTime: start + 6 * HOUR });
  const session = await openTab({ provider: { refresh }, storage, token: "id_token", environment });
  await session.signIn({ access_token: "opaque", id_token, refresh_token: "stays" });
  clock.now = start + 60;
  await session.refresh();
  clock.now = start + 60 + 1.1 * HOUR;
  assert.notEqual(session.access().access, "full");
});

for (const [what, claims, answer, due] of [
  ["iat", { iat: start, exp: start + 900 }, {}, 900 - 180],
  ["expires_in and no iat", { iat: undefined, exp: start + 900 }, { expires_in: 900 }, 900 - 180],
  ["nbf and no iat", { iat: undefined, nbf: start, exp: start + 900 }, {}, 900 - 180],
  ["neither", { iat: undefined, exp: start + 900 }, {}, 900 - 180],
  ["neither, and one that is over soon", { iat: undefined, exp: start + 40 }, {}, 20],
]) {
  test(`a token with ${what} is refreshed ahead of its end`, async () => {
    const { clock, environment, storage } = device();
    const timers = [];
    const asked = [];
    const refresh = () => asked.push(clock.now) && new Promise(() => {});
    const after = (seconds, run) => timers.push({ at: clock.now + seconds, run }) && (() => {});
    const session = await openTab({
      provider: { refresh },
      storage,
      environment: { ...environment, online: () => true, after },
    });
    await session.signIn({ access_token: KEY.token({ sub: "ada", ...claims }), refresh_token: "first", ...answer });
    const [next] = timers.sort((one, other) => one.at - other.at);
    assert.equal(Math.round(next.at - start), due);
    clock.now = next.at;
    next.run();
    await soon();
    assert.equal(asked.length, 1);
  });
}

for (const error of ["interaction_required", "login_required", "consent_required", "mfa_required"]) {
  test(`${error}: only a sign-in helps, which is said; nothing is asked on its own, and offline access stays`, async () => {
    const { clock, environment, storage } = device();
    const timers = new Set();
    const after = (seconds, run) => {
      const timer = { at: clock.now + seconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    };
    let asked = 0;
    const fetch = () => {
      asked += 1;
      return Promise.resolve(Response.json({ error }, { status: 400 }));
    };
    const server = { issuer: ISSUER, token_endpoint: `${ISSUER}/token` };
    const provider = oauthProvider({ server, clientId: "app", fetch });
    const session = await openTab({ provider, storage, environment: { ...environment, online: () => true, after } });
    await session.signIn({ access_token: KEY.token({ sub: "ada" }), refresh_token: "first" });
    assert.equal(await session.refresh(), "unavailable");
    const { status, access, refreshable } = session.state;
    assert.deepEqual([status, access, refreshable, session.state.error.error], ["signed_in", "full", false, error]);
    assert.match(session.state.error.message, /only a sign-in helps/);
    for (let step = 0; step < 50; step += 1) {
      const [next] = [...timers].sort((one, other) => one.at - other.at);
      timers.delete(next);
      clock.now = Math.max(clock.now, next.at);
      next.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(asked, 1);
    assert.equal(session.state.reason, "grace");
    await session.signIn({
      access_token: KEY.token({ sub: "ada", iat: clock.now, exp: clock.now + 900 }),
      refresh_token: "second",
    });
    assert.deepEqual([session.state.refreshable, session.state.error], [true, undefined]);
  });
}

test("an app's own rule gets the body of a refusal in another form, and ends the session by it", async () => {
  const bodies = [];
  const rejects = ({ status, error, body }) => {
    bodies.push([status, error, body]);
    return body?.error?.message === "TOKEN_EXPIRED";
  };
  const server = { issuer: ISSUER, token_endpoint: `${ISSUER}/token` };
  const answers = [
    new Response("<p>portal</p>", { status: 400 }),
    Response.json({ error: { code: 400, message: "TOKEN_EXPIRED" } }, { status: 400 }),
  ];
  const provider = oauthProvider({ server, clientId: "app", fetch: async () => answers.shift(), rejects });
  const session = await openTab({ provider, storage: mapStorage() });
  await session.signIn({ access_token: KEY.token({ sub: "ada" }), refresh_token: "first" });
  assert.deepEqual([await session.refresh(), await session.refresh()], ["unavailable", "signed_out"]);
  assert.deepEqual(
    bodies.map(([status, error, body]) => [status, error, JSON.stringify(body)]),
    [
      [400, undefined, undefined],
      [400, undefined, '{"error":{"code":400,"message":"TOKEN_EXPIRED"}}'],
    ],
  );
});

test("at most 10 refresh tokens wait to be revoked, the latest ones, also where the storage refuses to remember them", async () => {
  for (const refuses of [false, true]) {
    const { environment, storage } = device();
    const provider = strictProvider();
    let asked = [];
    provider.revoke = ({ refresh_token }) => {
      asked.push(refresh_token);
      return Promise.reject(new Error("no network"));
    };
    const { set } = storage;
    if (refuses)
      storage.set = (key, value) => (key.endsWith("revocations") ? Promise.reject(new Error("no")) : set(key, value));
    const session = await openTab({ provider, storage, environment });
    for (let person = 0; person < 40; person += 1) {
      await session.signIn(provider.signIn(`person ${person}`));
      await session.signOut();
    }
    await soon();
    asked = [];
    await session.signIn(provider.signIn("ada"));
    await soon();
    const expected = Array.from({ length: 10 }, (_, place) => `${30 + place}.0`);
    assert.deepEqual(asked.sort(), expected);
  }
});

test("what is known of ends does not grow, in the storage nor in what tabs tell one another", async () => {
  const { environment, storage } = device();
  const provider = { ...strictProvider(), revoke: undefined };
  const posted = [];
  const channel = () => ({ post: (message) => posted.push(JSON.stringify(message).length), close() {} });
  const session = await openTab({ provider, storage, environment: { ...environment, channel } });
  const sizes = [];
  for (let person = 0; person < 50; person += 1) {
    await session.signIn(provider.signIn("ada"));
    await session.signOut();
    sizes.push(storage.values.get("default.session").length, posted.at(-1));
  }
  assert.deepEqual(new Set(sizes.slice(2)), new Set(sizes.slice(0, 2)));
});

test("an old copy of all that was stored opens nothing after a sign-out, by the device's key", async () => {
  const storage = mapStorage();
  const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app" });
  const environment = { online: () => false, onReconnect: () => () => {}, channel: () => ({ post() {}, close() {} }) };
  const provider = strictProvider();
  const open = async () => {
    const session = createSession({ verifier, provider, storage, environment });
    await session.start();
    return session;
  };
  const session = await open();
  await session.signIn(provider.signIn("ada"));
  assert.equal(session.state.protectedBy, "device");
  const copy = new Map(storage.values);
  assert.equal(who(await open()), "ada");
  await session.signOut();
  await soon();
  assert.equal(isStored(storage), false);
  for (const [key, value] of copy) storage.values.set(key, value);
  const next = await open();
  assert.deepEqual([who(next), next.state.access, next.state.error.code], ["signed_out", "none", "damaged"]);
  await next.signIn(provider.signIn("bob"));
  assert.equal(who(await open()), "bob");
});
