// Tokens that are to be revoked wait until they were.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProviderUnavailable } from "tokenward/providers";
import { gate, mapStorage, openTab, soon, turns } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";
import { KEY } from "../support/tokens.mjs";

/** Signed out, with a provider whose `revoke` is given. Answers whether the token waits. */
async function signedOut(revoke) {
  const storage = mapStorage();
  const session = await openTab({ provider: { refresh: () => Promise.reject(), revoke }, storage });
  await session.signIn({ access_token: KEY.token({ sub: "ada" }), refresh_token: "secret" });
  await session.signOut();
  await soon();
  return storage.values.has("default.revocations");
}

for (const [what, sent, waits] of [
  ["the provider refuses", true, false],
  ["could not even be sent", false, true],
]) {
  test(`a revocation that ${what} ${waits ? "waits" : "is done"}`, async () => {
    const revoke = () => Promise.reject(new ProviderUnavailable("refused", "refused", { sent }));
    assert.equal(await signedOut(revoke), waits);
  });
}

test("a token that one tab adds while another has just revoked one is not forgotten", async () => {
  const provider = strictProvider();
  const { revoke } = provider;
  const storage = mapStorage();
  const exclusive = turns();
  const written = gate();
  provider.revoke = () => Promise.reject(new Error("no network"));
  const one = await openTab({ provider, storage, environment: { exclusive } });
  await one.signIn(provider.signIn("ada"));
  await one.signOut();
  await one.signIn(provider.signIn("bob"));
  await soon();
  // The other tab revokes Ada's token, and is about to write that nothing is left.
  const deleting = gate();
  const slow = async (key) => {
    if (key.endsWith("revocations")) {
      deleting.open();
      await written.opened;
    }
    return storage.delete(key);
  };
  await openTab({
    provider: { ...provider, revoke },
    storage: { ...storage, delete: slow },
    environment: { exclusive },
  });
  await deleting.opened;
  const out = one.signOut();
  await soon();
  written.open();
  await out;
  await openTab({ provider: { ...provider, revoke }, storage, environment: { exclusive } });
  await soon();
  assert.deepEqual(
    provider.families.map(({ ended }) => ended),
    [true, true],
  );
});
