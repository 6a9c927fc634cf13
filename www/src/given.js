// The left side: what is given. Token, keys, expectations.

import { decode, isObject, member } from "./decode.js";
import { byId, make, update } from "./dom.js";
import { keysOf, MAX_BYTES } from "./keys.js";
import { isMadeToken } from "./made.js";
import { ALGORITHMS } from "./rules.js";
import { aboutSample, drawSamples, isSessionToken } from "./samples.js";
import { readTokens } from "./several.js";
import { realNow, relative } from "./time.js";

const WIDE = "(min-width: 62rem)";
const PARTS = ["header", "payload", "signature"];
/** Beyond as many parts or keys nothing is colored or listed: no page can draw any number of elements. */
const MAX_COLORED = 500;
const MAX_LISTED = 100;

export function setUpGiven({ state, change, choose, clear }) {
  const rules = byId("rules");
  byId("algorithms").append(
    ...ALGORITHMS.map((name) =>
      make(
        "label.chip",
        {},
        make("input", { type: "checkbox", name: "algorithms", value: name }),
        make("span", {}, name),
      ),
    ),
  );
  for (const id of ["keys-panel", "rules-panel"]) byId(id).open = matchMedia(WIDE).matches;

  byId("sample").addEventListener("change", (event) => choose(event.target.value));
  byId("token").addEventListener("input", (event) => {
    change({ ...readTokens(event.target.value), sample: undefined, moment: undefined });
  });
  byId("jwks").addEventListener("input", (event) => change({ jwks: event.target.value, sample: undefined }));
  rules.addEventListener("input", () => change({ rules: read(rules), sample: undefined }));
  rules.addEventListener("submit", (event) => event.preventDefault());
  byId("forget").addEventListener("click", () => {
    clear();
    byId("token").focus();
  });
  byId("copy-rules").addEventListener("click", () => {
    change({ rules: { ...state().rules, ...saidBy(state().token) }, sample: undefined });
  });
  byId("fetch").addEventListener("submit", async (event) => {
    event.preventDefault();
    const jwks = await fetchKeys(byId("fetch-issuer").value.trim());
    if (jwks) change({ jwks, sample: undefined });
  });
}

/** Draws what changed by other means than typing; the field somebody types in is left alone. */
export function drawGiven(state) {
  const { token, several, jwks, rules, sample, session } = state;
  drawSamples(byId("sample"), sample, session);
  byId("sample-about").textContent = aboutSample(sample, session);
  put(byId("token"), several?.text ?? token);
  drawInk(several?.text ?? token, token);
  put(byId("jwks"), jwks);
  drawKeys(jwks);
  write(byId("rules"), rules);
  byId("rules-summary").textContent = summary(rules);
  suggestIssuer(state);
}

/** An address to fetch keys from, until somebody types one. Nothing is asked there before the button is pressed. */
function suggestIssuer(state) {
  const { token, sample, session } = state;
  const field = byId("fetch-issuer");
  const own = field.dataset.suggested !== field.value && field.value !== "";
  const isSample = sample !== undefined && !isSessionToken(sample, session);
  if (own || isSample || isMadeToken(state)) return;
  const issuer = member(decode(token).payload, "iss");
  field.value = typeof issuer === "string" && URL.canParse(issuer) ? issuer : "";
  field.dataset.suggested = field.value;
}

/** The three parts of each token, each in its colour, behind the transparent text of the field. */
function drawInk(text, token) {
  const pieces = (line) =>
    line
      .split(".")
      .flatMap((part, index) => [
        ...(index > 0 ? ["."] : []),
        make(`span.part.${PARTS[index] ?? "surplus"}`, {}, part),
      ]);
  const isPlain = text.split(/[.\n]/, MAX_COLORED + 1).length > MAX_COLORED;
  update(byId("token-ink"), ...(isPlain ? [`${text}\n`] : text.split("\n").flatMap((line) => [...pieces(line), "\n"])));
  const { parts } = decode(token);
  const legend = PARTS.map((name, index) => make(`span.part-name.${name}`, {}, `${name} ${parts[index]?.length ?? 0}`));
  update(
    byId("token-hint"),
    ...(token ? legend : ["Three parts with dots between: header, payload, signature. Several tokens: one a line."]),
  );
}

function drawKeys(jwks) {
  const keys = readKeys(jwks);
  byId("keys-summary").textContent = keys.length === 1 ? "1 key" : `${keys.length} keys`;
  update(
    byId("keys"),
    ...keys.slice(0, MAX_LISTED).map((key) =>
      make(
        "li",
        {},
        make("b", {}, textOf(member(key, "kid")) ?? "no kid"),
        ["kty", "crv", "alg", "use"]
          .map((name) => textOf(member(key, name)))
          .filter(Boolean)
          .map((text) => ` · ${text}`)
          .join(""),
      ),
    ),
  );
}

/** Of a member that should be text, and may be anything. */
const textOf = (value) => (typeof value === "string" ? value : undefined);

/** For the list only; the verifier reads the text itself. */
function readKeys(jwks) {
  try {
    const value = JSON.parse(jwks);
    const keys = Array.isArray(value) ? value : member(value, "keys");
    return Array.isArray(keys) ? keys.filter(isObject) : [];
  } catch {
    return [];
  }
}

async function fetchKeys(issuer) {
  const say = (...words) => update(byId("fetch-status"), ...words);
  const stop = new AbortController();
  const onStop = () => stop.abort();
  byId("fetch-stop").addEventListener("click", onStop);
  showFetching(true);
  say("Asking the issuer…");
  try {
    const { jwks, at, fetched, secrets } = await keysOf(issuer, { signal: stop.signal, progress: showProgress });
    const left =
      secrets > 0
        ? ` ${secrets} left out: the set has private keys, and whoever has read it can sign with them. Tell the issuer.`
        : "";
    say(
      fetched
        ? `Fetched just now, and kept for when there is no network.${left}`
        : `The issuer cannot be reached. These keys were fetched ${relative(at, realNow())}.`,
    );
    return jwks;
  } catch (error) {
    say(make("code.code-chip", {}, error.code ?? error.name), ` No keys: ${error.message}.`);
    return undefined;
  } finally {
    byId("fetch-stop").removeEventListener("click", onStop);
    showFetching(false);
  }
}

function showFetching(isFetching) {
  const hadFocus = document.activeElement === byId("fetch-stop");
  byId("fetch-button").disabled = isFetching;
  byId("fetch-under-way").hidden = !isFetching;
  byId("fetch-progress").removeAttribute("value");
  byId("fetch-bytes").textContent = "";
  if (hadFocus) byId("fetch-button").focus();
}

/** In the bar's own attributes alone: a status that is read aloud at every chunk would never end. */
function showProgress(bytes, total) {
  const bar = byId("fetch-progress");
  bar.max = total ?? MAX_BYTES;
  bar.value = bytes;
  byId("fetch-bytes").textContent =
    `${(bytes / 1000).toFixed(1)} kB of ${total ? "" : "at most "}${((total ?? MAX_BYTES) / 1000).toFixed(1)} kB`;
}

/** What the token says of itself, unverified: a start for filling in, which is why it takes a press of a button. */
function saidBy(token) {
  const { header, payload } = decode(token);
  const text = (value) =>
    [value]
      .flat()
      .filter((item) => typeof item === "string")
      .join(" ");
  const issuer = text(member(payload, "iss"));
  const audience = text(member(payload, "aud"));
  return { issuer, anyIssuer: issuer === "", audience, anyAudience: audience === "", typ: text(member(header, "typ")) };
}

function read(form) {
  const value = (element) => (element.type === "checkbox" ? element.checked : element.value);
  const fields = [...form.elements].filter(({ name }) => name && name !== "algorithms");
  const chosen = [...form.querySelectorAll("[name=algorithms]:checked")];
  return {
    ...Object.fromEntries(fields.map((element) => [element.name, value(element)])),
    algorithms: chosen.map((element) => element.value),
  };
}

function write(form, rules) {
  for (const element of form.elements) {
    if (element.name === "algorithms") element.checked = rules.algorithms.includes(element.value);
    else if (element.type === "checkbox") element.checked = rules[element.name];
    else if (element.name) put(element, rules[element.name]);
  }
  form.elements.issuer.disabled = rules.anyIssuer;
  form.elements.audience.disabled = rules.anyAudience;
}

function summary({ issuer, anyIssuer, audience, anyAudience }) {
  const name = (text, any) => (any ? "any" : text || "?");
  return `${name(issuer, anyIssuer)} for ${name(audience, anyAudience)}`;
}

function put(field, text) {
  if (field.value.trim() !== text.trim()) field.value = text;
}
