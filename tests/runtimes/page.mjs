import { answer } from "./inside.mjs";

const places = { page: answer, worker: inWorker, "service worker": inServiceWorker };
const results = {};

/** Starts the suite in a place; `results` tells when it has ended. */
globalThis.conformance = {
  results,
  start(place) {
    places[place]().then(
      (result) => {
        results[place] = JSON.stringify(result);
      },
      (error) => {
        results[place] = JSON.stringify({ passed: 0, failures: [`${error.name}: ${error.message}`] });
      },
    );
    return true;
  },
};

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js");
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message ?? "the worker did not start"));
  });
}

async function inServiceWorker() {
  const registration = await navigator.serviceWorker.register("/service-worker.js");
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  await new Promise((resolve) => {
    const activated = () => worker.state === "activated" && resolve();
    worker.addEventListener("statechange", activated);
    activated();
  });
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage("run", [port2]);
  });
}
