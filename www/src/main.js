// The page: one state, changed by what people do, drawn anew after each change.

import { createAxis, lifeOf } from "./axis.js";
import { checkLines, drawChecks, uncheckedNames } from "./checks.js";
import { drawContent } from "./content.js";
import { decode, member } from "./decode.js";
import { DescriptionProblem, readFragment, stateOf } from "./description.js";
import { byId } from "./dom.js";
import { drawGiven, setUpGiven } from "./given.js";
import { setUpApp } from "./install.js";
import { createJudge } from "./judge.js";
import { hasMadeKeys } from "./made.js";
import { drawProof, EMPTY_PROOF, setUpProof } from "./proof.js";
import { EMPTY_RULES } from "./rules.js";
import { FIRST_SAMPLE, isMade, isSessionToken, sampleState, sessionState } from "./samples.js";
import { drawSeveral, setUpSeveral } from "./several.js";
import { setUpShare } from "./share.js";
import { canSignIn, finishSignIn, signIn, takeCallback } from "./sign-in.js";
import { recall, remember } from "./tab.js";
import { dateTime, duration, isTime, realNow } from "./time.js";
import { drawVerdict } from "./verdict.js";

const EMPTY = {
  token: "",
  several: undefined,
  jwks: "",
  rules: EMPTY_RULES,
  proof: EMPTY_PROOF,
  moment: undefined,
  sample: undefined,
  session: undefined,
  made: undefined,
};
const TICK = 1000;
const SPEAK_AFTER = 500;

const judge = createJudge(() => change({}));
const judgeRow = createJudge(() => draw(), { cache: true });
const axis = createAxis(byId("axis"), (moment) => change({ moment }));
let state = { ...EMPTY, ...(recall(EMPTY_RULES) ?? sampleState(sampleInAddress() ?? FIRST_SAMPLE)) };

/** Puts part of the state in place. `moment` undefined is the real now. A token alone takes the place of several. */
function change(part) {
  state = { ...state, ...("token" in part && { several: undefined }), ...part };
  remember(state);
  draw();
  drawGiven(state);
  redrawShare();
  byId("sign-in").textContent = state.session ? "Sign in again" : "Sign in";
}

function draw() {
  const now = state.moment ?? realNow();
  const answer = judge(state, now);
  const decoded = decode(state.token);
  const claims = answer.value?.claims ?? decoded.payload;
  const words = drawVerdict(answer, now, isMade(state.sample) || (isTrusted(answer) && hasMadeKeys(state)));
  drawSeveral(state, judgeRow, now);
  drawProof(answer, state, now);
  drawLife(answer, claims, now);
  drawAllChecks(answer, { ...decoded, token: state.token, now });
  drawContent(answer, { ...decoded, now });
  announce(words);
}

/** Whether the signature fits. */
const isTrusted = ({ kind }) => kind === "verified" || kind === "genuine";

function drawLife(answer, claims, now) {
  const trusted = isTrusted(answer);
  const life = lifeOf(claims);
  axis.draw({ life, now, trusted });
  const moved = state.moment !== undefined;
  const apart = now - realNow();
  byId("moment").textContent = moved ? `Now is moved to ${dateTime(now)}` : `Now is ${dateTime(now)}`;
  byId("moment").title = moved ? `${duration(apart)} ${apart < 0 ? "before" : "after"} the real now` : "";
  byId("real-now").hidden = !moved;
  byId("axis-note").textContent = axisNote(answer, life, trusted, claims);
}

function axisNote(answer, life, trusted, claims) {
  if (answer.kind === "empty") return "";
  if (life.marks.length === 0) return "This token says nothing readable about its time.";
  if (!trusted) return "These times are not verified: anyone could have written them.";
  if (!isTime(member(claims, "exp"))) return "It never ends by itself.";
  return "Drag now along its life, or use the arrow keys.";
}

function drawAllChecks(answer, facts) {
  const lines = checkLines(answer, facts);
  const passed = lines.filter(({ state: result }) => result === "passed").length;
  const skipped = uncheckedNames(answer);
  byId("checks-head").hidden = lines.length === 0;
  drawChecks(byId("checks"), lines);
  byId("checks-count").textContent = lines.length > 0 ? `${passed} of ${lines.length} passed` : "";
  byId("checks-note").textContent =
    lines.length === 0
      ? "Each check appears here with what was found and what was expected."
      : skipped.length > 0
        ? `Not asked for: ${skipped.join(", ")}.`
        : "";
}

/** Speaks only when the verdict itself changes, and not while it is still changing. */
let spoken = "";
let speaking;
function announce({ title, why, code }) {
  const verdict = `${title} ${code ?? ""}`;
  if (verdict === spoken) return;
  spoken = verdict;
  clearTimeout(speaking);
  speaking = setTimeout(() => byId("announcer").replaceChildren(`Verdict: ${title}. ${why}`), SPEAK_AFTER);
}

function notify(text) {
  byId("notice").hidden = text === "";
  byId("notice").replaceChildren(text);
}

function choose(id) {
  notify("");
  if (isSessionToken(id, state.session)) change(sessionState(id, state.session));
  else change(sampleState(id) ?? { sample: undefined, token: "", moment: undefined });
}

function sampleInAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("sample") ?? undefined;
}

async function startSignIn() {
  notify("");
  try {
    await signIn();
  } catch (error) {
    notify(`Signing in did not start: ${reason(error)}`);
  }
}

async function endSignIn(parameters) {
  notify("Signing in…");
  try {
    const session = await finishSignIn(parameters);
    change({ session, ...sessionState("access-token", session) });
    notify(
      "Signed in. The token below came from the provider just now. Stop the provider or the network: it is verified all the same.",
    );
  } catch (error) {
    notify(`Signing in did not work: ${reason(error)}`);
  }
}

/** Of an error's parts, those that never hold a token or a code. */
function reason(error) {
  if (error instanceof TypeError || error.code === "unreachable") return "the provider cannot be reached.";
  return `${error.error_description ?? error.error ?? error.message}.`;
}

/** What a link describes is made anew here, and goes out of the address and the history: claims may be about people. */
async function openDescription() {
  const fragment = location.hash.slice(1);
  if (!fragment.startsWith("describes=")) return;
  history.replaceState(null, "", location.pathname);
  try {
    change({ ...EMPTY, session: state.session, ...(await stateOf(await readFragment(fragment))) });
    notify(
      "This link describes a token. It was made just now, in this page, with a key made for it: it shows how such a token is judged, and nobody has issued it.",
    );
  } catch (error) {
    if (!(error instanceof DescriptionProblem)) throw error;
    notify(`This link describes no token that can be made here: ${error.message} (${error.code}).`);
  }
}

const redrawShare = setUpShare(() => ({ state, answer: judge(state, state.moment ?? realNow()) }));
setUpApp();
setUpSeveral({ state: () => state, change });
setUpProof({ state: () => state, change, notify });
setUpGiven({ state: () => state, change, choose, clear: () => change(EMPTY) });
byId("real-now").addEventListener("click", () => {
  change({ moment: undefined });
  byId("now").focus();
});
byId("sign-in").hidden = !canSignIn;
byId("lede-sign-in").hidden = !canSignIn;
byId("sign-in").addEventListener("click", startSignIn);
addEventListener("hashchange", () => (sampleInAddress() ? choose(sampleInAddress()) : openDescription()));
setInterval(() => {
  if (state.moment === undefined && !document.hidden) draw();
}, TICK);

const callback = takeCallback();
change({});
if (callback) endSignIn(callback);
else openDescription();
