// Tokens that name keys nobody knows: a rotation, or an attempt to make the app hammer its provider.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NOW } from "../conformance/tokens.mjs";
import { accepted, DAY, invented, k1, k2, k3, MINUTE, openStore, providerFor, tokens, until } from "./stores.mjs";

test("a token of a new key is verified after one refresh", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const { store } = openStore(provider);
  assert.equal((await store.verifyFresh(tokens.k2)).key.kid, "k2");
  assert.equal((await store.verifyFresh(tokens.k2)).key.kid, "k2");
  assert.equal(provider.requests.length, 1);
});

test("many invented kids make one request in a cool-down, at once and one after the other, also across reloads", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, storage, clock } = openStore(provider);
  const refused = (one, number) => assert.rejects(one.verifyFresh(invented(number)), { code: "key_not_found" });
  await Promise.all([1, 2, 3, 4, 5].map((number) => refused(store, number)));
  for (let number = 6; number < 20; number += 1) await refused(store, number);
  assert.equal(provider.requests.length, 1);
  clock.now += 4 * MINUTE;
  const { store: reloaded } = openStore(provider, { storage, clock });
  for (let number = 20; number < 25; number += 1) await refused(reloaded, number);
  assert.equal(provider.requests.length, 1);
  clock.now += MINUTE;
  for (let number = 25; number < 30; number += 1) await refused(reloaded, number);
  assert.equal(provider.requests.length, 2);
});

test("the cool-down holds after failures and across a reload while the request hangs", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  provider.answer = () => {};
  const { store, storage, clock } = openStore(provider, { timeout: "1h" });
  const hanging = store.verifyFresh(tokens.k2);
  await until(() => provider.requests.length === 1);
  const { store: reloaded } = openStore(provider, { storage, clock });
  const error = await reloaded.verifyFresh(tokens.k2).catch((thrown) => thrown);
  assert.equal(error.code, "key_not_found");
  assert.equal(error.cause.code, "cooling_down");
  assert.equal(error.cause.retryAt, clock.now + 5 * MINUTE);
  assert.equal(await reloaded.refreshIfDue(), undefined);
  assert.equal(provider.requests.length, 1);
  await provider.close();
  await assert.rejects(hanging, ({ code, cause }) => code === "key_not_found" && cause.code === "unreachable");
  assert.equal(await store.refreshIfDue(), undefined);
});

test("refresh() asks whatever the cool-down", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store } = openStore(provider);
  await store.refresh();
  provider.keys = [k2];
  await assert.rejects(store.verifyFresh(tokens.k2), { code: "key_not_found" });
  await store.refresh();
  assert.deepEqual(accepted(store), ["k2"]);
});

test("why no fresher keys came is the cause of the error", async (t) => {
  const provider = await providerFor(t, [k1]);
  provider.answer = (_, response) => response.writeHead(503).end();
  const { store } = openStore(provider);
  const error = await store.verifyFresh(tokens.k2).catch((thrown) => thrown);
  assert.equal(error.name, "TokenError");
  assert.equal(error.code, "key_not_found");
  assert.deepEqual([error.cause.name, error.cause.code, error.cause.status], ["KeyStoreError", "http_status", 503]);
});

test("a clock set back does not prolong the cool-down", async (t) => {
  const provider = await providerFor(t, [k1]);
  const { store, storage, clock } = openStore(provider);
  await store.refresh();
  clock.now -= 300 * DAY;
  provider.keys = [k2];
  const { store: reloaded } = openStore(provider, { storage, clock });
  assert.deepEqual(await reloaded.refreshIfDue(), { outcome: "updated" });
});

test("Retry-After is honoured, by seconds and by date, for a day at most, also by refresh()", async (t) => {
  const provider = await providerFor(t, [k1]);
  for (const [header, wait] of [
    ["3600", 3600],
    ["99999999999999999999", DAY],
    [(now) => new Date((now + 1800) * 1000).toUTCString(), 1800],
    [(now) => new Date((now - 1800) * 1000).toUTCString(), 0],
  ]) {
    const { store, storage, clock } = openStore(provider, { cooldown: 0 });
    const value = typeof header === "string" ? header : header(clock.now);
    provider.answer = (_, response) => response.writeHead(429, { "Retry-After": value }).end();
    await assert.rejects(store.refresh(), { code: "http_status", status: 429, retryAt: clock.now + wait });
    provider.answer = undefined;
    const { store: reloaded } = openStore(provider, { storage, clock, cooldown: 0 });
    if (wait > 0) {
      clock.now += wait - 1;
      await assert.rejects(reloaded.refresh(), { code: "cooling_down", retryAt: clock.now + 1 });
      assert.equal(await reloaded.refreshIfDue(), undefined);
      clock.now += 1;
    }
    assert.deepEqual(await reloaded.refresh(), { outcome: "unchanged" });
  }
});

test("freshen tells whether the keys changed, and asks only for an unknown key", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const { store, clock, errors } = openStore(provider);
  const { error: unknown } = store.safeVerify(tokens.k2);
  const { error: malformed } = store.safeVerify("x");
  assert.equal(await store.freshen(malformed), false);
  assert.equal(provider.requests.length, 0);
  assert.equal(await store.freshen(unknown), true);
  assert.equal(await store.freshen(unknown), false);
  clock.now += 5 * MINUTE;
  assert.equal(await store.freshen(unknown), false);
  assert.equal(provider.requests.length, 2);
  assert.deepEqual(errors, []);
  clock.now += 5 * MINUTE;
  await provider.close();
  assert.equal(await store.freshen(unknown), false);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["unreachable"],
  );
});

test("what another tab fetched is found without a request", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const one = openStore(provider);
  const other = openStore(provider, { storage: one.storage, clock: one.clock });
  await one.store.refresh();
  assert.equal((await other.store.verifyFresh(tokens.k2)).key.kid, "k2");
  assert.equal(await other.store.refreshIfDue(), undefined);
  assert.equal(provider.requests.length, 1);
});

test("other errors of a token ask for nothing", async (t) => {
  const provider = await providerFor(t, [k3]);
  const { store } = openStore(provider);
  const expired = openStore(provider, { clock: { now: NOW + 4000 * DAY } }).store;
  await assert.rejects(expired.verifyFresh(tokens.k1), { code: "expired" });
  await assert.rejects(store.verifyFresh(undefined), { code: "malformed" });
  assert.equal(provider.requests.length, 0);
});
