// What a page and its worker do when they are told: answers are plain values, an error is its name, code and facts.
import { openDB } from "idb";
import { passkeyProtection } from "tokenward/passkey";
import { deviceProtection, pinProtection } from "tokenward/pin";
import { indexedDbStorage } from "tokenward/storage";

const storage = indexedDbStorage();
const made = {
  device: () => deviceProtection(),
  pin: () => pin(),
  passkey: () => passkeyProtection({ storage, ...passkey }),
};
const protections = {};
let passkey = { timeout: 10 };

/** The time of the tests, in seconds; a page loaded anew has it anew. */
let ahead = 0;

function pin(cost = { memory: 19_456, iterations: 2 }) {
  return pinProtection({ storage, ...cost, now: () => Date.now() / 1000 + ahead });
}

function protection(kind) {
  protections[kind] ??= made[kind]();
  return protections[kind];
}

async function answer(kind, method, args) {
  try {
    const value = await protection(kind)[method](...args);
    return value ?? "done";
  } catch (error) {
    const { name, code, retryAfter } = error;
    return retryAfter === undefined ? `${name} ${code}` : `${name} ${code} ${retryAfter}`;
  }
}

globalThis.locks = {
  answer,
  locked: (kind) => protection(kind).locked,
  wait: (seconds) => {
    ahead += seconds;
    return ahead;
  },
  kept: async (key) => (await storage.get(key)) ?? "",
  /** Slow enough to be closed meanwhile. */
  slow: () => {
    made.pin = () => pin({ memory: 262_144, iterations: 8 });
    delete protections.pin;
    return true;
  },
  usePasskey: (options) => {
    passkey = options;
    delete protections.passkey;
    return true;
  },
  keyKept: async () => {
    const keys = await openDB("tokenward-keys");
    const key = await keys.get("keys", "device");
    keys.close();
    const exported = await crypto.subtle.exportKey("raw", key).then(
      () => "exported",
      (error) => error.name,
    );
    return `${key.extractable} ${exported}`;
  },
  seal: async (database, at) => {
    while (Date.now() < at) await new Promise((resolve) => setTimeout(resolve));
    return deviceProtection({ database }).seal("text");
  },
  open: (database, sealed) => deviceProtection({ database }).open(sealed),
  /** Does something in a worker, which is first given what is unlocked here if `shared` names its kind. */
  inWorker: (call, shared) =>
    new Promise((resolve, reject) => {
      const worker = new Worker("/page.js");
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message ?? "the worker did not start"));
      worker.postMessage({ call, shared: shared && [shared, "adopt", [protection(shared).share()]] });
    }),
};

if (typeof document === "undefined") {
  globalThis.onmessage = async ({ data: { call, shared } }) => {
    if (shared) await answer(...shared);
    postMessage(await answer(...call));
  };
}
