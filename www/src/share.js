// Taking a token along: as a test to copy, and as a link to its description. Neither holds the token itself, unless
// somebody chooses that for the test.

import { decode, member } from "./decode.js";
import { DescriptionProblem, describe, fragmentOf } from "./description.js";
import { byId } from "./dom.js";
import { testOf, testWithToken } from "./test-code.js";
import { realNow } from "./time.js";

/** `current` gives the state and its answer. Nothing is made before somebody opens the panel. */
export function setUpShare(current) {
  const redraw = () => drawShare(current());
  byId("share-panel").addEventListener("toggle", redraw);
  byId("test-runner").addEventListener("change", redraw);
  byId("own-token").addEventListener("change", redraw);
  byId("copy-test").addEventListener("click", () => copy(byId("test-code").textContent, "The test is copied."));
  byId("copy-link").addEventListener("click", () => copy(byId("link").value, "The link is copied."));
  // It scrolls, and then by keyboard too.
  byId("test-code").tabIndex = 0;
  return redraw;
}

/** Counts what was asked for, so that an answer which is late is not shown. */
let asked = 0;

export async function drawShare({ state, answer }) {
  asked += 1;
  const mine = asked;
  if (!byId("share-panel").open) return;
  const shown = await contentOf({ state, answer });
  if (mine !== asked) return;
  byId("test-code").textContent = shown.code ?? "";
  byId("test-code").hidden = shown.code === undefined;
  byId("copy-test").disabled = shown.code === undefined;
  byId("link").value = shown.link ?? "";
  byId("link-field").hidden = shown.link === undefined;
  byId("share-note").textContent = shown.note;
  byId("share-status").textContent = "";
}

const PRIVACY =
  "Whoever gets the test or the link reads the header and the claims; the token and its signature are in neither.";
const SECRET = "The test below holds the token itself: whoever reads it can use it for as long as it is valid.";

async function contentOf({ state, answer }) {
  if (answer.options === undefined) return { note: "There is no verdict yet to take along." };
  const { runner, withToken } = { runner: byId("test-runner").value, withToken: byId("own-token").checked };
  const now = state.moment ?? realNow();
  const { description, link, problem } = await described(answer, state.token, now);
  const code = answer.error?.code;
  if (withToken) {
    const alg = String(member(decode(state.token).header, "alg"));
    const given = { token: state.token, jwks: state.jwks, options: answer.options, now, algorithm: alg };
    return { code: testWithToken(runner, given, code), link, note: SECRET };
  }
  if (description === undefined) {
    return { note: `A description does not say it all: ${problem}. The test can hold the token itself instead.` };
  }
  return { code: testOf(runner, description, code), link, note: problem ? `No link: ${problem}. ${PRIVACY}` : PRIVACY };
}

async function described(answer, token, now) {
  let description;
  try {
    description = await describe(answer, token, now);
    const { origin, pathname } = location;
    return { description, link: `${origin}${pathname}#${fragmentOf(description)}` };
  } catch (error) {
    if (error instanceof DescriptionProblem) return { description, problem: error.message };
    throw error;
  }
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    byId("share-status").textContent = done;
  } catch {
    byId("share-status").textContent = "This browser does not let the page copy: select the text instead.";
  }
}
