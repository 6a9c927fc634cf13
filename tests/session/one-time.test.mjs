// A refresh token that serves once is neither used twice nor thrown away, whatever comes between its answer and the storage.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gate, mapStorage, openTab, soon, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";

test("an app that judges the ID token from now on keeps the refresh token that brings the first one", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const before = await openTab({ provider, storage });
  await before.signIn(provider.signIn("ada"));
  before.stop();
  const { refresh } = provider;
  provider.refresh = async (tokens) => ({ ...(await refresh(tokens)), id_token: KEY.token({ sub: "ada" }) });
  const updated = await openTab({ provider, storage, token: "id_token", environment: { online: () => false } });
  assert.equal(updated.state.error.code, "missing_token");
  assert.deepEqual([await updated.refresh(), await updated.refresh()], ["refreshed", "refreshed"]);
  assert.deepEqual([who(updated), updated.state.access, provider.asked], ["ada", "full", ["0.0", "0.1"]]);
});

test("an answer is kept also where turns fail, before or after", async () => {
  for (const fails of ["before", "after"]) {
    const provider = strictProvider();
    const exclusive = async (name, _seconds, work) => {
      if (!name.endsWith(":storage")) return work();
      if (fails === "after") await work();
      throw new Error("no turns");
    };
    const session = await openTab({ provider, storage: mapStorage(), environment: { exclusive } });
    await session.signIn(provider.signIn("ada"));
    assert.deepEqual([await session.refresh(), await session.refresh()], ["refreshed", "refreshed"], fails);
  }
});

test("of two looks at the storage at once the later one counts", async () => {
  const provider = strictProvider();
  const storage = mapStorage();
  const one = await openTab({ provider, storage, environment: { online: () => false } });
  await one.signIn(provider.signIn("ada"));
  const looks = [gate(), gate()];
  let look = 0;
  const get = async (key) => {
    const value = await storage.get(key);
    if (key === "default.marks") await looks[look++]?.opened;
    return value;
  };
  let hear;
  const channel = (_name, listener) => {
    hear = listener;
    return { post() {}, close() {} };
  };
  const opening = openTab({ provider, storage: { ...storage, get }, environment: { channel, online: () => false } });
  await soon();
  await one.refresh();
  hear({});
  await soon();
  looks[0].open();
  const other = await opening;
  looks[1].open();
  await soon();
  assert.equal(other.accessToken, one.accessToken);
});
