// What makes the page an app: works offline, says whether it is, can be installed, offers new versions.

import { byId } from "./dom.js";

export function setUpApp() {
  showNetwork();
  addEventListener("online", showNetwork);
  addEventListener("offline", showNetwork);
  offerInstalling();
  keepOffline();
}

function showNetwork() {
  const element = byId("network");
  element.dataset.online = String(navigator.onLine);
  element.textContent = navigator.onLine ? "Works without a network" : "No network, none needed";
}

function offerInstalling() {
  const button = byId("install");
  let offer;
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event;
    button.hidden = false;
  });
  button.addEventListener("click", () => offer?.prompt());
  addEventListener("appinstalled", () => {
    button.hidden = true;
  });
}

async function keepOffline() {
  if (!navigator.serviceWorker) return;
  const registration = await navigator.serviceWorker.register("sw.js").catch(() => undefined);
  if (!registration) return;
  byId("reload").addEventListener("click", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    registration.waiting?.postMessage("take over");
  });
  offerUpdate(registration);
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", () => offerUpdate(registration));
  });
}

/** A new version waits until it is asked for, so that a page never mixes two. */
function offerUpdate(registration) {
  byId("update").hidden = !registration.waiting || !navigator.serviceWorker.controller;
}
