// What happens while something else is under way: a sign-out, another person, a lock, another tab.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { pinProtection } from "tokenward/pin";
import { oauthProvider } from "tokenward/providers";
import { createSession } from "tokenward/session";
import { gate, keyStore, mapStorage, openTab, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { ISSUER, KEY, signer } from "../support/tokens.mjs";

const NEXT_KEY = signer("next");

/** Signed in as Ada; the provider has rotated its keys, and the next fetch of them waits. */
async function withRotatedKeys(options) {
  const keys = gate();
  const fetching = gate();
  const provider = strictProvider();
  const storage = mapStorage();
  const verifier = keyStore(async () => {
    fetching.open();
    await keys.opened;
    return [KEY.jwk, NEXT_KEY.jwk];
  });
  const environment = { exclusive: turns(), online: () => false };
  const session = await openTab({ verifier, provider, storage, environment, ...options });
  await session.signIn(provider.signIn("ada"));
  provider.token = NEXT_KEY.token;
  return { keys, fetching: fetching.opened, provider, storage, session };
}

const pinned = async (storage) => {
  const protection = pinProtection({ storage, memory: 19_456, iterations: 2 });
  await protection.setup("123456");
  return protection;
};

test("a sign-out while the keys of a fresh token are fetched", async () => {
  const { keys, provider, session, storage } = await withRotatedKeys();
  const refresh = session.refresh();
  await soon();
  await session.signOut();
  keys.open();
  assert.equal(await refresh, "signed_out");
  await soon();
  assert.deepEqual([who(session), session.accessToken], ["signed_out", undefined]);
  assert.deepEqual([...storage.values.keys()], ["default.session"]);
  assert.equal(provider.families[0].ended, true);
});

test("another person signs in while the keys of a fresh token are fetched", async () => {
  const { keys, provider, session, storage } = await withRotatedKeys();
  const refresh = session.refresh();
  await soon();
  await session.signOut();
  provider.token = KEY.token;
  await session.signIn(provider.signIn("bob"));
  keys.open();
  assert.equal(await refresh, "adopted");
  assert.equal(who(session), "bob");
  assert.equal(who(await openTab({ provider, storage })), "bob");
});

test("a lock while the keys of a fresh token are fetched", async () => {
  const pins = mapStorage();
  const { keys, fetching, session } = await withRotatedKeys({ storage: pins, protection: await pinned(pins) });
  const refresh = session.refresh();
  await fetching;
  session.lock();
  keys.open();
  assert.equal(await refresh, "locked");
  assert.deepEqual([who(session), session.accessToken], ["locked", undefined]);
  await session.unlock("123456");
  assert.equal(who(session), "ada");
  assert.equal(await session.refresh(), "refreshed");
});

test("a lock while the answer is under way: its one-time token is sealed all the same", async () => {
  const storage = mapStorage();
  const provider = strictProvider();
  const protection = await pinned(storage);
  const session = await openTab({ provider, storage, protection });
  await session.signIn(provider.signIn("ada"));
  const answer = gate();
  provider.delay = answer.opened;
  const refresh = session.refresh();
  for (let times = 0; times < 50 && provider.asked.length === 0; times++) await soon();
  session.lock();
  answer.open();
  assert.equal(await refresh, "locked");
  // The tab is closed before anybody unlocks it.
  session.stop();
  const reopened = await openTab({ provider, storage, protection: pinProtection({ storage }) });
  assert.equal(who(reopened), "locked");
  await reopened.unlock("123456");
  await soon();
  assert.equal(who(reopened), "ada");
  assert.equal(await reopened.refresh(), "refreshed");
  assert.equal(provider.families[0].ended, false);
});

test("a lock while a sign-in is verified", async () => {
  const storage = mapStorage();
  const { keys, provider, session } = await withRotatedKeys({ storage, protection: await pinned(storage) });
  const signIn = session.signIn(provider.signIn("ada"));
  await soon();
  session.lock();
  keys.open();
  await assert.rejects(signIn, { code: "locked" });
  assert.deepEqual([who(session), session.accessToken], ["locked", undefined]);
});

test("the answer to a person who signed out says nothing about the next", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const session = await openTab({ provider, storage, environment: { exclusive: turns() } });
  await session.signIn(provider.signIn("ada"));
  await session.refresh();
  await session.refresh();
  const request = gate();
  const { refresh } = provider;
  provider.refresh = async (tokens) => {
    await request.opened;
    return refresh(tokens);
  };
  const late = session.refresh();
  await soon();
  await session.signOut();
  await session.signIn(provider.signIn("bob"));
  request.open();
  assert.equal(await late, "adopted");
  assert.deepEqual([who(session), provider.families[1].ended], ["bob", false]);
});

test("a tab that slept through two sign-outs does not bring the first person back", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const exclusive = turns();
  const awake = await openTab({ provider: { ...provider, revoke: undefined }, storage, environment: { exclusive } });
  await awake.signIn(provider.signIn("ada"));
  const asleep = await openTab({ provider, storage, environment: { exclusive } });
  await awake.signOut();
  await awake.signIn(provider.signIn("bob"));
  await awake.signOut();
  await asleep.sync();
  assert.equal(who(asleep), "signed_out");
  assert.equal(await asleep.refresh(), "signed_out");
  assert.equal(who(await openTab({ provider, storage })), "signed_out");
});

test("a sign-in in a tab that has not heard of the sign-out begins a new session", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const exclusive = turns();
  const one = await openTab({ provider, storage, environment: { exclusive } });
  await one.signIn(provider.signIn("ada"));
  const other = await openTab({ provider, storage, environment: { exclusive } });
  const { sessionId } = other.state;
  await one.signOut();
  await other.signIn(provider.signIn("ada"));
  await other.sync();
  assert.equal(who(other), "ada");
  assert.notEqual(other.state.sessionId, sessionId);
  assert.equal(who(await openTab({ provider, storage })), "ada");
});

test("a sign-in in one tab reaches another that has refreshed meanwhile", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const one = await openTab({ provider, storage, environment: { exclusive: turns() } });
  await one.signIn(provider.signIn("ada"));
  const other = await openTab({ provider, storage });
  await one.refresh();
  await other.signIn(provider.signIn("ada"));
  await one.sync();
  assert.equal(one.accessToken, other.accessToken);
});

test("a slow sign-out in one tab leaves alone who signs in in another", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const slow = gate();
  const set = async (key, value) => {
    if (key.endsWith("revocations")) await slow.opened;
    return storage.set(key, value);
  };
  // Without turns: a tab that hangs is not waited for.
  const exclusive = (_name, _seconds, work) => work();
  const one = await openTab({ provider, storage: { ...storage, set }, environment: { exclusive } });
  await one.signIn(provider.signIn("ada"));
  const other = await openTab({ provider, storage, environment: { exclusive } });
  const out = one.signOut();
  await soon();
  await other.signIn(provider.signIn("bob"));
  slow.open();
  await out;
  assert.equal(who(await openTab({ provider, storage })), "bob");
});

test("tokens that name nobody may be another person's", async () => {
  const provider = strictProvider();
  const session = await openTab({ provider, storage: mapStorage() });
  await session.signIn(provider.signIn(undefined));
  const { sessionId } = session.state;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.state.sessionId, sessionId);
  await session.signIn(provider.signIn(undefined));
  assert.notEqual(session.state.sessionId, sessionId);
});

for (const odd of [null, "", 0, 5, {}]) {
  test(`an answer whose refresh_token is ${JSON.stringify(odd)} leaves the old one in use`, async () => {
    const access_token = () => KEY.token({ sub: "ada" });
    const asked = [];
    const refresh = ({ refresh_token }) => {
      asked.push(refresh_token);
      return Promise.resolve({ access_token: access_token(), refresh_token: odd });
    };
    const session = await openTab({ provider: { refresh }, storage: mapStorage() });
    await session.signIn({ access_token: access_token(), refresh_token: "stays" });
    assert.deepEqual([await session.refresh(), await session.refresh()], ["refreshed", "refreshed"]);
    assert.deepEqual(asked, ["stays", "stays"]);
  });
}

test("a fresh refresh token is kept even if no access token comes with it", async () => {
  const provider = strictProvider();
  const { refresh } = provider;
  let incomplete = true;
  provider.refresh = async (tokens) => {
    const { access_token, ...rest } = await refresh(tokens);
    return incomplete ? rest : { access_token, ...rest };
  };
  const session = await openTab({ provider, storage: mapStorage() });
  await session.signIn(provider.signIn("ada"));
  assert.equal(await session.refresh(), "invalid_token");
  assert.equal(session.state.error.code, "missing_token");
  incomplete = false;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(provider.families[0].ended, false);
});

for (const [what, body, outcome] of [
  ...["", "jwt", "N_A", "BEARER", 5, null].map((token_type) => [
    `a token type ${JSON.stringify(token_type)}`,
    (access_token) => ({ access_token, refresh_token: "fresh", token_type }),
    "refreshed",
  ]),
  ["no access token", () => ({ refresh_token: "fresh", token_type: "Bearer" }), "invalid_token"],
]) {
  test(`a fresh refresh token that comes with ${what} is kept`, async () => {
    const fetch = () => Promise.resolve(Response.json(body(KEY.token({ sub: "ada" }))));
    const server = { issuer: ISSUER, token_endpoint: `${ISSUER}/token` };
    const asked = [];
    const provider = oauthProvider({ server, clientId: "app", fetch });
    const noting = { refresh: (tokens, more) => asked.push(tokens.refresh_token) && provider.refresh(tokens, more) };
    const session = await openTab({ provider: noting, storage: mapStorage() });
    await session.signIn({ access_token: KEY.token({ sub: "ada" }), refresh_token: "first" });
    assert.equal(await session.refresh(), outcome);
    await session.refresh();
    assert.deepEqual(asked, ["first", "fresh"]);
  });
}

test("a provider that never answers, nor heeds the signal, does not hold up the tabs; what it answers late counts", async () => {
  const provider = strictProvider();
  const timers = [];
  const after = (seconds, run) => {
    const timer = { seconds, run };
    timers.push(timer);
    return () => timers.splice(timers.indexOf(timer), 1);
  };
  const session = await openTab({ provider, storage: mapStorage(), environment: { after } });
  await session.signIn(provider.signIn("ada"));
  const answer = gate();
  provider.delay = answer.opened;
  const refresh = session.refresh();
  await soon();
  for (const { run } of timers.filter(({ seconds }) => seconds === 40 || seconds === 41)) run();
  assert.equal(await refresh, "unavailable");
  const { jti } = session.state.claims;
  answer.open();
  await soon();
  assert.notEqual(session.state.claims.jti, jti);
  assert.equal(await session.refresh(), "refreshed");
  assert.deepEqual([provider.asked, provider.families[0].ended], [["0.0", "0.1"], false]);
});

test("a channel that refuses", async () => {
  const refuses = () => {
    throw new Error("closed");
  };
  for (const channel of [refuses, () => ({ post: refuses, close() {} })]) {
    const provider = strictProvider();
    const session = await openTab({ provider, storage: mapStorage(), environment: { channel } });
    await session.signIn(provider.signIn("ada"));
    assert.equal(await session.refresh(), "refreshed");
    await session.signOut();
    assert.equal(who(session), "signed_out");
  }
});

test("a protection that cannot forget still lets the person sign out, in all tabs", async () => {
  const provider = strictProvider();
  const posted = [];
  const protection = {
    kind: "pin",
    locked: false,
    seal: async (text) => text,
    open: async (text) => text,
    forget: () => Promise.reject(new Error("busy")),
  };
  const channel = () => ({ post: (message) => posted.push(message), close() {} });
  const session = await openTab({ provider, storage: mapStorage(), protection, environment: { channel } });
  await session.signIn(provider.signIn("ada"));
  const { sessionId } = session.state;
  await assert.rejects(session.signOut(), { message: "busy" });
  assert.equal(who(session), "signed_out");
  const { ended, record } = posted.at(-1).replica;
  assert.deepEqual([ended.id, ended.cause, record], [sessionId, "signed_out", null]);
});

test("parts that lack what a session needs are refused", () => {
  const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app" });
  for (const part of [{ storage: {} }, { storage: 5 }, { protection: "pin" }, { protection: {} }]) {
    const options = { verifier, provider: null, ...part };
    assert.throws(() => createSession(options), { code: "invalid_option", option: Object.keys(part)[0] });
  }
});

test("a session that has ended does not come back by another id or number before the seal", async () => {
  const provider = { ...strictProvider(), revoke: undefined };
  const storage = mapStorage();
  const session = await openTab({ provider, storage });
  await session.signIn(provider.signIn("ada"));
  const kept = storage.values.get("default.session");
  await session.signOut();
  const { record, ...rest } = JSON.parse(kept);
  const over = JSON.parse(storage.values.get("default.session"));
  for (const altered of [{ id: "0".repeat(32) }, { signIn: record.signIn + 1 }, { generation: 1 }, { turnId: "" }]) {
    for (const replica of [rest, over]) {
      storage.values.set("default.session", JSON.stringify({ ...replica, record: { ...record, ...altered } }));
      assert.equal(who(await openTab({ provider, storage })), "signed_out");
    }
  }
});
