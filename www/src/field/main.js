// The field app: signed in once, then days without a network. Shows what a session answers, and lets clock and network
// be moved.

import { byId, make, update } from "../dom.js";
import { setUpApp } from "../install.js";
import { signIn, takeCallback, tokensFor } from "../sign-in.js";
import { dateTime, relative } from "../time.js";
import { drawLine, placeOf, spansOf, timeAt } from "./line.js";
import {
  createFieldSession,
  deviceNow,
  isOffline,
  onSimulation,
  recallSimulation,
  simulate,
  simulated,
} from "./session.js";

const LIMITS = { tolerance: 5, grace: 86_400 };
const STEPS = 1000;
const WORDS = {
  valid: "The token is within its time. Reading and writing are allowed.",
  grace: "The token has expired, and the provider could not be asked. For a while, reading is still allowed.",
  expired: "The token and its time of grace are over. Go online to go on.",
  check_in_required: "The provider was not asked for too long. Go online to go on.",
  clock_rolled_back:
    "The clock shows less than what was already seen of time. It is not believed until the provider was asked.",
  not_yet_valid: "The token is not valid yet.",
  signed_out: "Nobody is signed in.",
  invalid_token: "The token is not genuine by the keys in use.",
  locked: "Locked.",
};
const ENDED = {
  rejected: "The provider has ended the session: its refresh token was used, revoked or is unknown.",
  interrupted: "The provider has ended the session: an answer was lost on its way, and its refresh token serves once.",
  evicted: "What this device had stored is gone.",
  user_changed: "Another person signed in.",
  signed_out: "Signed out. Nothing of that person is kept here.",
};

const session = createFieldSession();

function draw() {
  const { status, ended, error } = session.state;
  const { access, reason, until } = session.access();
  const signedIn = status === "signed_in";
  const now = deviceNow();
  byId("access").dataset.access = access;
  byId("access-word").textContent = signedIn ? access : "signed out";
  byId("why").textContent = signedIn ? WORDS[reason] : (ENDED[ended] ?? WORDS.signed_out);
  byId("until").textContent = signedIn && until !== null ? `Changes by itself ${relative(until, now)}.` : "";
  byId("reason").textContent = reason;
  byId("who").textContent = session.state.claims?.name ?? session.state.claims?.sub ?? "";
  byId("trouble").textContent = signedIn && error ? `Last attempt: ${error.message}` : "";
  for (const [id, request] of [
    ["may-read", { method: "GET", scope: "read" }],
    ["may-write", { method: "POST", scope: "write" }],
  ]) {
    const { allowed } = session.access(request);
    byId(id).dataset.allowed = String(allowed);
    byId(id).textContent = allowed ? "yes" : "no";
  }
  byId("sign-in").hidden = signedIn;
  byId("sign-out").hidden = !signedIn;
  byId("device").hidden = !signedIn;
  byId("explained").hidden = signedIn || status === "locked";
  byId("offline").checked = simulated().offline;
  byId("network-word").textContent = isOffline() ? "no network" : "online";
  drawTime(now);
}

function drawTime(now) {
  const { claims } = session.state;
  const moved = Math.abs(simulated().shift) >= 1;
  byId("moment").textContent =
    `${moved ? "The device's clock is moved to" : "The device's clock shows"} ${dateTime(now)}`;
  byId("real").hidden = !moved;
  if (claims === undefined) return;
  const spans = spansOf(claims, LIMITS);
  drawLine(byId("line"), spans, now);
  const slider = byId("clock");
  if (!slider.matches(":active")) slider.value = String(Math.round(placeOf(now, spans) * STEPS));
  slider.setAttribute("aria-valuetext", `${dateTime(now)}, access ${session.access().access}`);
}

async function moveTo(time) {
  await simulate({ shift: time - Date.now() / 1000 });
  await session.sync();
  draw();
}

/** As with a phone: where there is a network, it sets the clock. */
async function setOffline(offline) {
  // What was said was said of the network as it was.
  byId("said").replaceChildren();
  await simulate(offline ? { offline } : { offline, shift: 0 });
  if (!offline) await session.refresh();
  await session.sync();
  draw();
}

async function report() {
  const response = await fetch("field/report", { method: "POST", body: "All is well." }).catch(() => undefined);
  const said = response?.ok
    ? "The worker took the report."
    : `The worker refused the report: ${response?.status ?? "no worker"}.`;
  byId("said").textContent = said;
}

async function finish(parameters) {
  try {
    await session.signIn(await tokensFor(parameters));
  } catch (error) {
    byId("said").textContent = `Signing in did not work: ${error.error_description ?? error.message}`;
  }
}

function listen() {
  byId("sign-in").addEventListener("click", () =>
    signIn({ offline: true }).catch(() => {
      byId("said").textContent = "The provider cannot be reached: signing in takes a network.";
    }),
  );
  byId("sign-out").addEventListener("click", async () => {
    await session.signOut();
    draw();
  });
  byId("offline").addEventListener("change", ({ target }) => setOffline(target.checked));
  byId("clock").addEventListener("input", ({ target }) => {
    const { claims } = session.state;
    if (claims !== undefined) moveTo(timeAt(Number(target.value) / STEPS, spansOf(claims, LIMITS)));
  });
  byId("back").addEventListener("click", () => moveTo(deviceNow() - 3600));
  byId("real").addEventListener("click", () => moveTo(Date.now() / 1000));
  byId("refresh").addEventListener("click", async () => {
    byId("said").textContent = `refresh(): ${await session.refresh()}`;
    draw();
  });
  byId("report").addEventListener("click", report);
  session.addEventListener("change", draw);
  onSimulation(draw);
  setInterval(() => document.hidden || draw(), 1000);
}

async function begin() {
  setUpApp();
  // It scrolls where the page is narrow, and then by keyboard too.
  byId("picture").tabIndex = 0;
  if (session === undefined) {
    byId("explained").hidden = false;
    update(
      byId("why"),
      "No provider belongs to this copy of the page: start it with ",
      make("code", {}, "npm start"),
      ".",
    );
    return;
  }
  const parameters = takeCallback();
  await recallSimulation();
  await session.start();
  listen();
  if (parameters) await finish(parameters);
  draw();
}

begin();
