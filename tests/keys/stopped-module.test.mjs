// What stops the module in the middle, the end of the stack or of its memory, is not the fault of a key set.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { AUDIENCE, ISSUER } from "../conformance/tokens.mjs";
import { accepted, DAY, k1, k2, openStore, providerFor } from "./stores.mjs";

const STOPS = {
  "the end of the stack": () => new RangeError("Maximum call stack size exceeded"),
  "the end of the memory": () => new ConfigError("out_of_memory", "the WebAssembly module got no more memory"),
};

for (const [name, stop] of Object.entries(STOPS)) {
  test(`${name} does not drop the cached set, and is told as what it is`, async (t) => {
    const provider = await providerFor(t, [k2]);
    const { store, storage, clock } = openStore(provider);
    await store.refresh();
    const jwks = [k1];
    const real = createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE, now: () => clock.now });
    let isStopped = true;
    const verifier = {
      verify: real.verify,
      safeVerify: real.safeVerify,
      get keys() {
        return real.keys;
      },
      setKeys(text, issuer, options) {
        if (options.published && isStopped) throw stop();
        real.setKeys(text, issuer, options);
      },
    };
    const errors = [];
    const now = () => clock.now;
    const onError = (error) => errors.push(error);
    const where = { jwksUri: provider.jwksUri, storage, now, onError };
    const again = createKeyStore({ verifier, bundled: jwks, ...where });
    await again.load();
    assert.deepEqual(
      errors.map(({ name, code }) => [name, code]),
      [[stop().name, stop().code]],
    );
    clock.now += DAY;
    await assert.rejects(again.refresh(), { name: stop().name });
    isStopped = false;
    const next = openStore(provider, { storage, clock });
    await next.store.load();
    assert.deepEqual(accepted(next.store), ["k2"]);
  });
}

test("an issuer that is not the verifier's is named", () => {
  const verifier = createVerifier({ jwks: [k1], issuer: ISSUER, audience: AUDIENCE });
  const make = () => createKeyStore({ verifier, bundled: [k1], issuer: `${ISSUER}/` });
  assert.throws(make, { code: "invalid_option", option: "issuer", message: new RegExp(`"${ISSUER}/".*exactly`) });
});
