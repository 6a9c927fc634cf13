// A page fetches fresher keys: the service worker and the other tabs learn of them, though they ask nobody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channels, keyStore, mapStorage, openTab, reconnection, soon, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY, signer } from "../support/tokens.mjs";

const NEXT_KEY = signer("next");

/** Two tabs that hear each other and share a storage; `published` is what the provider publishes, `asked` who asked for it. */
async function twoTabs() {
  const world = { published: [KEY.jwk], asked: [], now: Math.floor(Date.now() / 1000) };
  const provider = strictProvider();
  const [storage, keys, exclusive, channel] = [mapStorage(), mapStorage(), turns(), channels()];
  const now = () => world.now;
  const open = async (name) => {
    const published = () => {
      world.asked.push(name);
      return world.published;
    };
    const { onReconnect, reconnect } = reconnection();
    const verifier = keyStore(published, { storage: keys, now });
    const environment = { exclusive, channel, onReconnect, now };
    return { session: await openTab({ verifier, provider, storage, environment }), reconnect };
  };
  const [page, worker] = [await open("page"), await open("worker")];
  await page.session.signIn(provider.signIn("ada"));
  await soon();
  world.asked.length = 0;
  return { world, provider, page, worker };
}

test("a token signed by a key that only another tab has fetched", async () => {
  const { world, provider, page, worker } = await twoTabs();
  world.published = [NEXT_KEY.jwk];
  provider.token = NEXT_KEY.token;
  assert.equal(await page.session.refresh(), "refreshed");
  await soon();
  assert.deepEqual([who(worker.session), worker.session.access().access], ["ada", "full"]);
  assert.deepEqual(world.asked, ["page"]);
});

test("a key that the provider has withdrawn is withdrawn in every tab", async () => {
  const { world, provider, page, worker } = await twoTabs();
  world.published = [NEXT_KEY.jwk];
  // The tokens stay those of the old key: what is seen is the news of the keys alone.
  provider.refresh = () => new Promise(() => {});
  world.now += 8 * 86_400;
  page.reconnect();
  await soon();
  await soon();
  assert.deepEqual(world.asked, ["page"]);
  for (const { session } of [page, worker]) assert.equal(session.access().reason, "invalid_token");
});

test("keys that could not be fetched are no error any more once they were", async () => {
  let [isDown, time] = [true, Date.now() / 1000];
  const now = () => time;
  const published = () => (isDown ? Promise.reject(new TypeError("fetch failed")) : [KEY.jwk]);
  const { onReconnect, reconnect } = reconnection();
  const provider = strictProvider();
  const verifier = keyStore(published, { now });
  const session = await openTab({ verifier, provider, storage: mapStorage(), environment: { now, onReconnect } });
  await session.signIn(provider.signIn("ada"));
  reconnect();
  await soon();
  await session.sync();
  assert.equal(session.state.error?.code, "unreachable");
  isDown = false;
  time += 400;
  reconnect();
  await soon();
  assert.equal(session.state.error, undefined);
});
