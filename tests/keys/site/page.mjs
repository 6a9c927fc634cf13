// Key stores and storages in a page, for the test to drive.
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { cacheStorage, indexedDbStorage, memoryStorage } from "tokenward/storage";

const STORAGES = { indexedDb: indexedDbStorage, cache: cacheStorage, memory: memoryStorage };
const storages = new Map();

/** One of each kind, kept: also to see what becomes of its connection. */
function storageOf(kind) {
  if (!storages.has(kind)) storages.set(kind, STORAGES[kind]());
  return storages.get(kind);
}

const words = ({ name, code, cause }) => `${name} ${code} ${cause?.name ?? ""}`.trim();

globalThis.keysInPage = {
  /** A storage's method, or what it threw. */
  store: (kind, method, ...parameters) =>
    storageOf(kind)
      [method](...parameters)
      .catch(words),

  /** Sets so many characters that no database can store in less. */
  fill(kind, key, size) {
    let text = "";
    while (text.length < size) text += Math.random().toString(36);
    return storageOf(kind).set(key, text).catch(words);
  },

  /** A key store as a page makes one when it is loaded, and one refresh. */
  async refresh({ kind, bundled, jwksUri }) {
    const verifier = createVerifier({ jwks: bundled, issuer: null, audience: null });
    const errors = [];
    const onError = (error) => errors.push(words(error));
    const store = createKeyStore({ verifier, bundled, jwksUri, storage: storageOf(kind), onError });
    await store.load();
    const kids = () => store.keys.map(({ kid }) => kid);
    const loaded = kids();
    const outcome = await store.refresh().then(
      (refresh) => refresh.outcome,
      (error) => error.code,
    );
    return { loaded, outcome, kids: kids(), errors };
  },
};
