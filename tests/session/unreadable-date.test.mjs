// `Date.parse` of a header that is missing or wrong is NaN: it is no time of the provider, and breaks nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createSession } from "tokenward/session";
import { memoryStorage } from "tokenward/storage";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

const { ed25519: key } = testKeys();
const token = (iat) => signed(key, { alg: "EdDSA" }, { ...CLAIMS, iat, exp: iat + 900 });
const unreadable = Date.parse("");

test("an unreadable Date at sign-in and refresh is as none", async () => {
  const storage = memoryStorage();
  let now = NOW;
  const start = async () => {
    const session = createSession({
      verifier: createVerifier({ jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE }),
      provider: {
        refresh: () => Promise.resolve({ access_token: token(now), refresh_token: "two", serverTime: unreadable }),
      },
      storage,
      name: "unreadable-date",
      environment: { now: () => now, after: () => () => {} },
    });
    await session.start();
    return session;
  };
  const first = await start();
  await first.signIn({ access_token: token(now), refresh_token: "one" }, { serverTime: unreadable });
  assert.equal(first.state.reason, "valid");
  now += 600;
  assert.equal(await first.refresh(), "refreshed");
  assert.equal(first.state.until, now + 905);
  first.stop();
  const second = await start();
  assert.deepEqual([second.state.status, second.state.access], ["signed_in", "full"]);
  second.stop();
});
