// The field app's session, the same in the page and in its service worker: bundled keys, one-time refresh tokens, the
// default policy. The clock and the network can be moved, for demonstration: both contexts hear of it.

import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { oauthProvider } from "tokenward/providers";
import { createSession } from "tokenward/session";
import { indexedDbStorage } from "tokenward/storage";

const PROVIDER = __PROVIDER__;
const STORAGE = indexedDbStorage({ database: "field" });
const SIMULATION = "simulation";

/** How far the clock is moved, in seconds, and whether the network is said to be gone. */
const nothing = { shift: 0, offline: false };
let simulation = nothing;
const channel = new BroadcastChannel("field-simulation");

export const simulated = () => simulation;
export const deviceNow = () => Date.now() / 1000 + simulation.shift;
export const isOffline = () => simulation.offline || navigator.onLine === false;

/** `undefined` where no provider belongs to this copy of the page. */
export function createFieldSession() {
  if (PROVIDER === null) return undefined;
  const { issuer, clientId, resource, jwks } = PROVIDER;
  const verifier = createVerifier({ jwks, issuer, audience: resource, typ: "at+jwt", now: deviceNow });
  const common = { fetch: fetchUnlessOffline };
  const keys = createKeyStore({ verifier, bundled: jwks, issuer, storage: STORAGE, now: deviceNow, ...common });
  const provider = oauthProvider({ issuer, clientId, resource, ...common });
  const environment = { now: deviceNow, online: () => !isOffline() };
  return createSession({ verifier: keys, provider, storage: STORAGE, name: "field", environment });
}

/** Also kept: a service worker may be restarted at any moment. */
export async function simulate(change) {
  simulation = { ...simulation, ...change };
  await STORAGE.set(SIMULATION, JSON.stringify(simulation));
  channel.postMessage(simulation);
}

export async function recallSimulation() {
  simulation = JSON.parse((await STORAGE.get(SIMULATION).catch(() => undefined)) ?? JSON.stringify(nothing));
}

export function onSimulation(listener) {
  channel.onmessage = ({ data }) => {
    simulation = data;
    listener?.();
  };
}

export function fetchUnlessOffline(...request) {
  return isOffline() ? Promise.reject(new TypeError("offline, as the switch says")) : fetch(...request);
}
