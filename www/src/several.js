// Several tokens beside one another: one a line in the field, a row for each in a table, and one of them in full.

import { sign } from "./checks.js";
import { decode, member } from "./decode.js";
import { byId, make, update } from "./dom.js";
import { SIGNS, wordsFor } from "./verdict.js";

const MAX_TOKENS = 50;

/**
 * What a text in the token field is: one token, or several. A token that an e-mail has broken into lines is one: only where
 * two or more lines have the dots of a token are they several.
 *
 * @returns {{ token: string, several?: { text: string, tokens: string[], index: number, surplus: number } }}
 */
export function readTokens(text) {
  const lines = text
    .split(/\s*\n\s*/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.filter((line) => line.includes(".")).length < 2) return { token: text.trim(), several: undefined };
  const tokens = lines.slice(0, MAX_TOKENS);
  return { token: tokens[0], several: { text, tokens, index: 0, surplus: lines.length - tokens.length } };
}

export function setUpSeveral({ state, change }) {
  byId("several-rows").addEventListener("click", ({ target }) => {
    const { index } = target.closest("button")?.dataset ?? {};
    const { several } = state();
    if (index === undefined || several === undefined) return;
    change({ token: several.tokens[index], several: { ...several, index: Number(index) }, sample: undefined });
    // Its row was drawn anew.
    byId("several-rows").querySelector(`[data-index="${index}"]`).focus();
  });
}

/** `judge` is one that remembers what it has verified: the table is drawn every second. */
export function drawSeveral(state, judge, now) {
  const { several } = state;
  byId("several").hidden = several === undefined;
  if (several === undefined) return;
  const answers = several.tokens.map((token) => judge({ ...state, token }, now));
  const held = answers.filter(({ kind }) => kind === "verified").length;
  byId("several-count").textContent = `${held} of ${answers.length} hold`;
  byId("several-note").textContent =
    several.surplus > 0 ? `Only the first ${MAX_TOKENS}: ${several.surplus} more are left out.` : "";
  update(
    byId("several-rows"),
    ...answers.map((answer, index) => row(answer, several.tokens[index], index, several.index, now)),
  );
}

/** Of what anybody may have written. */
const cut = (text) => (text.length > 12 ? `${text.slice(0, 11)}…` : text);

function row(answer, token, index, shown, now) {
  const { header } = decode(token);
  const alg = member(header, "alg");
  const { title, code } = wordsFor(answer, now);
  const name = make("button.link", { type: "button", data: { index: String(index) } }, `Token ${index + 1}`);
  if (index === shown) name.setAttribute("aria-current", "true");
  return make(
    `tr.${answer.kind}${index === shown ? ".shown" : ""}`,
    {},
    make("th", { scope: "row" }, name, make("code", {}, ` …${token.slice(-6)}`)),
    make("td", {}, typeof alg === "string" ? cut(alg) : "unreadable"),
    make("td", {}, sign(`#${SIGNS[answer.kind]}`), title, code && " ", code && make("code.code-chip", {}, code)),
  );
}
