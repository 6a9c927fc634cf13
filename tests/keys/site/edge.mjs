// An edge worker whose key store keeps its set in Workers KV or in the Cache API: anew for each request, as if each went to
// another isolate.
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { cacheStorage, kvStorage } from "tokenward/storage";

export default {
  async fetch(request, env) {
    if (request.method === "HEAD") return new Response();
    const { kind, bundled, token, jwksUri, issuer, refresh } = await request.json();
    const errors = [];
    const store = createKeyStore({
      verifier: createVerifier({ jwks: bundled, issuer: null, audience: null }),
      bundled,
      jwksUri,
      issuer,
      storage: kind === "kv" ? kvStorage(env.KEYS) : cacheStorage(),
      onError: ({ name, code }) => errors.push(`${name} ${code}`),
    });
    await store.load();
    const loaded = store.keys.map(({ kid }) => kid);
    const { outcome } = refresh ? await store.refresh().catch(({ code }) => ({ outcome: code })) : {};
    const verified = await store.verifyFresh(token).then(
      ({ key }) => key.kid,
      ({ code, cause }) => `${code}: ${cause?.code}`,
    );
    return Response.json({ loaded, outcome, verified, errors });
  },
};
