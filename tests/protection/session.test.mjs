// A session behind a PIN: locked after a restart, whole after the PIN, and nothing readable in the storage.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createVerifier } from "tokenward";
import { passkeyProtection } from "tokenward/passkey";
import { pinProtection } from "tokenward/pin";
import { createSession, deviceProtection } from "tokenward/session";
import { memoryStorage, StorageError } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const PIN = "246810";
const { ed25519: key } = testKeys();
const TOKEN = signed(key, { alg: "EdDSA" }, { ...CLAIMS, iat: NOW - 10, exp: NOW + 900 });
const REFRESH_TOKEN = "a-refresh-token-nobody-may-read";

const started = [];
afterEach(() => {
  for (const session of started.splice(0)) session.stop();
});

function deviceOf(protect, parts = {}) {
  const storage = memoryStorage();
  const written = [];
  const watched = {
    ...storage,
    set(name, value) {
      if (device.refuses()) return Promise.reject(new StorageError("full", "no room"));
      written.push(value);
      return storage.set(name, value);
    },
  };
  const device = {
    storage,
    written,
    refuses: () => false,
    /** What a start of the app makes. */
    async start() {
      const protection = protect(watched);
      const verifier = createVerifier({ jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW });
      const environment = { now: () => NOW, ...parts };
      const session = createSession({
        verifier,
        policy: {},
        provider: null,
        storage: watched,
        protection,
        environment,
      });
      started.push(session);
      await session.start();
      return { session, protection };
    },
  };
  return device;
}

const withPin = (more, parts) =>
  deviceOf((storage) => pinProtection({ storage, memory: 19_456, iterations: 2, database: "session", ...more }), parts);
const withDevice = () => deviceOf(() => deviceProtection({ database: "session-device" }));
const tokens = { access_token: TOKEN, refresh_token: REFRESH_TOKEN };

test("is locked after a restart, and whole after the PIN", async () => {
  const device = withPin();
  const first = await device.start();
  await first.protection.setup(PIN);
  await first.session.signIn(tokens);
  assert.equal(first.session.state.protectedBy, "pin");
  first.session.stop();

  const { session } = await device.start();
  assert.deepEqual([session.state.status, session.state.access], ["locked", "none"]);
  assert.equal(session.accessToken, undefined);
  await assert.rejects(session.unlock("000000"), { name: "ProtectionError", code: "wrong_secret", retryAfter: 0 });
  assert.equal(session.state.status, "locked");
  await session.unlock(PIN);
  assert.deepEqual([session.state.status, session.state.access], ["signed_in", "full"]);
  assert.equal(session.accessToken, TOKEN);
  session.lock();
  assert.deepEqual([session.state.status, session.accessToken], ["locked", undefined]);
});

test("one that runs already, such as a worker's, is unlocked when a first PIN is chosen and used in a page", async () => {
  const device = withPin();
  const worker = (await device.start()).session;
  assert.equal(worker.state.status, "signed_out");
  const page = await device.start();
  await page.protection.setup(PIN);
  const unlocked = new Promise((resolve) => {
    worker.addEventListener("change", () => worker.state.status === "signed_in" && resolve());
  });
  await page.session.signIn(tokens);
  await unlocked;
  assert.equal(worker.accessToken, TOKEN);
});

test("a sign-in says whether a PIN is to be set up or to be given", async () => {
  const device = withPin();
  const { session, protection } = await device.start();
  const refused = (remedy) => assert.rejects(session.signIn(tokens), { code: "locked", message: remedy });
  await refused("there is no PIN or passkey yet: set it up, with setup(), then sign in");
  await protection.setup(PIN);
  session.lock();
  await refused("the session is locked: unlock it, then sign in");
  await session.unlock(PIN);
  await session.signIn(tokens);
  await session.signOut();
  await refused("there is no PIN or passkey yet: set it up, with setup(), then sign in");
});

test("signing out forgets the PIN and what it opened", async () => {
  const device = withPin();
  const { session, protection } = await device.start();
  await protection.setup(PIN);
  await session.signIn(tokens);
  await session.signOut();
  assert.equal(session.state.status, "signed_out");
  assert.equal((await protection.status()).isSetUp, false);
  assert.equal(await device.storage.get("default.pin"), undefined);
});

test("after too many attempts a new PIN and a sign-in are the way back", async () => {
  const device = withPin({ maxAttempts: 1 });
  const first = await device.start();
  await first.protection.setup(PIN);
  await first.session.signIn(tokens);
  first.session.stop();

  const { session, protection } = await device.start();
  await assert.rejects(session.unlock("000000"), { code: "too_many_attempts" });
  await assert.rejects(session.unlock(PIN), { code: "not_set_up" });
  assert.equal(session.state.access, "none");
  await protection.setup("135791");
  await session.signIn(tokens);
  assert.deepEqual([session.state.status, session.state.access], ["signed_in", "full"]);
  session.stop();
  const again = (await device.start()).session;
  await again.unlock("135791");
  assert.equal(again.accessToken, TOKEN);
});

for (const [name, make] of Object.entries({ "a PIN": withPin, "the device's key": withDevice })) {
  test(`behind ${name} the storage never sees a token`, async () => {
    const device = make();
    const { session, protection } = await device.start();
    await protection.setup?.(PIN);
    await session.signIn(tokens);
    await session.signOut();
    assert.ok(device.written.length > 0);
    const seen = device.written.join("\n");
    for (const secret of [REFRESH_TOKEN, TOKEN, TOKEN.split(".")[1], PIN]) assert.ok(!seen.includes(secret));
  });
}

test("locking while what others have cached is deleted does not cost the person's own pages", async () => {
  const names = new Set();
  let meanwhile = () => {};
  const keys = () => {
    const found = [...names];
    meanwhile();
    return Promise.resolve(found);
  };
  const device = withPin({}, { caches: { keys, delete: async (name) => names.delete(name) } });
  const { session, protection } = await device.start();
  await protection.setup(PIN);
  await session.signIn(tokens);
  const own = `tokenward:default:${session.state.sessionId}`;
  for (const name of ["tokenward:default:another", own]) names.add(name);
  meanwhile = () => session.lock();
  await session.signIn(tokens);
  assert.deepEqual([session.state.status, ...names], ["locked", own]);
});

test("a full storage does not keep the right PIN out: it is given the room of cached pages", async () => {
  const names = new Set();
  const caches = { keys: () => Promise.resolve([...names]), delete: async (name) => names.delete(name) };
  const device = withPin({}, { caches });
  const { session, protection } = await device.start();
  await protection.setup(PIN);
  await session.signIn(tokens);
  session.lock();
  names.add(`tokenward:default:${session.state.sessionId}`);
  device.refuses = () => names.size > 0;
  await session.unlock(PIN);
  assert.deepEqual([session.state.status, names.size], ["signed_in", 0]);
  session.lock();
  device.refuses = () => true;
  await assert.rejects(session.unlock(PIN), { name: "ProtectionError", code: "unavailable", message: /no room/ });
});

test("two sessions have no PIN in common: signing out of one would lock the other for good", async () => {
  const storage = memoryStorage();
  const verifier = createVerifier({ jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, now: () => NOW });
  const make = (name, protection) => {
    const session = createSession({ verifier, provider: null, storage, name, protection });
    started.push(session);
    return session;
  };
  const refused = { name: "ConfigError", code: "invalid_option", option: "protection", message: /its name, "a"/ };
  assert.throws(() => make("a", pinProtection({ storage })), refused);
  assert.throws(() => make("a", passkeyProtection({ storage, name: "b" })), refused);
  make("a", passkeyProtection({ storage, name: "a" }));
  make("a", deviceProtection({ name: "b" }));
  const cheap = { storage, memory: 19_456, iterations: 2, database: "two" };
  const [one, other] = ["one", "other"].map((name) => make(name, pinProtection({ ...cheap, name })));
  for (const [session, pin] of [
    [one, "246810"],
    [other, "135791"],
  ]) {
    await session.start();
    await pinProtection({ ...cheap, name: session.name }).setup(pin);
    await session.unlock(pin);
    await session.signIn(tokens);
  }
  await one.signOut();
  other.lock();
  await other.unlock("135791");
  assert.equal(other.state.status, "signed_in");
});
