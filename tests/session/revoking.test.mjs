// Tokens that are to be revoked wait until they were.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProviderUnavailable } from "tokenward/providers";
import { KEY, mapStorage, openTab, soon } from "./strict-provider.mjs";

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
