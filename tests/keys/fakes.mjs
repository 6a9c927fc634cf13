// What Workers KV and the Cache API do, as far as the adapters use them; the real ones are in runtimes.test.mjs.

/** https://developers.cloudflare.com/kv/api/: keys of at most 512 bytes, neither empty nor "." nor "..". */
export function fakeKv() {
  const values = new Map();
  const checked = (key) => {
    const isKey = typeof key === "string" && !["", ".", ".."].includes(key) && Buffer.byteLength(key) <= 512;
    return isKey ? Promise.resolve(key) : Promise.reject(new TypeError("not a key of KV"));
  };
  return {
    get: (key) => checked(key).then(() => values.get(key) ?? null),
    put: (key, value) => checked(key).then(() => void values.set(key, String(value))),
    delete: (key) => checked(key).then(() => void values.delete(key)),
  };
}

/** Service Workers, section 5: entries by request, each answer read once. */
export function fakeCaches() {
  const caches = new Map();
  return {
    open: (name) => {
      if (!caches.has(name)) caches.set(name, new FakeCache());
      return Promise.resolve(caches.get(name));
    },
  };
}

class FakeCache {
  #entries = new Map();

  match(request) {
    return Promise.resolve(this.#entries.get(addressOf(request))?.clone());
  }

  put(request, response) {
    const isStorable = addressOf(request).startsWith("http") && response.status !== 206 && !response.bodyUsed;
    if (!isStorable) return Promise.reject(new TypeError("cannot be stored"));
    this.#entries.set(addressOf(request), response);
    return Promise.resolve();
  }

  delete(request) {
    return Promise.resolve(this.#entries.delete(addressOf(request)));
  }
}

function addressOf(request) {
  return new Request(request).url.split("#")[0];
}
