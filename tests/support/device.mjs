// One device in one process: a storage, turns and tabs, which tests can hold up at any point.
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { createSession, noProtection } from "tokenward/session";
import { soon } from "./soon.mjs";
import { ISSUER, KEY } from "./tokens.mjs";

export { soon };

/** Keys of which the first is bundled, and what the provider publishes is fetched. */
export const keyStore = (publishedKeys, { storage = mapStorage(), now } = {}) =>
  createKeyStore({
    verifier: createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app", now }),
    bundled: { keys: [KEY.jwk] },
    jwksUri: `${ISSUER}/jwks`,
    storage,
    now,
    fetch: async () => Response.json({ keys: await publishedKeys() }),
  });

/** A promise, and how to fulfil it. */
export function gate() {
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function mapStorage() {
  const values = new Map();
  return {
    values,
    get: (key) => Promise.resolve(values.get(key)),
    set: (key, value) => Promise.resolve(void values.set(key, value)),
    delete: (key) => Promise.resolve(void values.delete(key)),
  };
}

/** One at a time, by name. */
export function turns() {
  const last = new Map();
  return (name, _seconds, work) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(work);
    last.set(
      name,
      turn.catch(() => {}),
    );
    return turn;
  };
}

/** How the tabs of one device hear each other: `environment.channel`. */
export function channels() {
  const listeners = new Set();
  return (_name, listener) => {
    listeners.add(listener);
    const post = (message) => {
      for (const other of listeners) if (other !== listener) setTimeout(() => other(structuredClone(message)));
    };
    return { post, close: () => listeners.delete(listener) };
  };
}

/** Tabs that hear each other when the test says so: those of a place, in the order in which they were opened. */
export function hearingLater() {
  const heard = new Map();
  const channel = (_name, listener) => {
    heard.set(listener, []);
    const post = (message) => {
      for (const [other, messages] of heard) if (other !== listener) messages.push(structuredClone(message));
    };
    return { post, close() {} };
  };
  const miss = (place) => [...heard.values()][place].splice(0);
  const listen = (place) => {
    const listener = [...heard.keys()][place];
    for (const message of miss(place)) listener(message);
    return soon();
  };
  return { channel, listen, miss };
}

/** The network, as a tab hears that it is back: `environment.onReconnect`, and how to say so. */
export function reconnection() {
  let reconnect;
  const onReconnect = (listener) => {
    reconnect = () => listener("visible");
    return () => {};
  };
  return { onReconnect, reconnect: () => reconnect() };
}

/** A session as one tab has it; without a channel it hears nothing of the others. */
export async function openTab({ environment, ...options }) {
  const session = createSession({
    verifier: createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app" }),
    protection: noProtection(),
    ...options,
    environment: {
      channel: () => ({ post() {}, close() {} }),
      onReconnect: () => () => {},
      online: () => true,
      caches: undefined,
      ...environment,
    },
  });
  await session.start();
  return session;
}

export const who = ({ state }) => (state.status === "signed_in" ? state.claims?.sub : state.status);

/** Whether a storage holds anybody's tokens. */
export const isStored = ({ values }) => {
  const text = values.get("default.session");
  return text !== undefined && (JSON.parse(text).record ?? null) !== null;
};
