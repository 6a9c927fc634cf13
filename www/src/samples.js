// The sample tokens, and the tokens of a sign-in, as one list to choose from.

import samples from "../samples/samples.json";
import { make, update } from "./dom.js";
import { fromOptions } from "./rules.js";
import { dateTime } from "./time.js";

export const FIRST_SAMPLE = "es256";

/** What a sample puts on the page. */
export function sampleState(id) {
  const sample = samples.find((candidate) => candidate.id === id);
  if (!sample) return undefined;
  return {
    sample: id,
    token: sample.token,
    jwks: JSON.stringify(sample.jwks, null, 2),
    rules: fromOptions(sample.options),
    moment: sample.now,
  };
}

/** What a token of the sign-in puts on the page. */
export function sessionState(id, session) {
  const { token, options } = session.tokens[id];
  return { sample: id, token, jwks: session.jwks, rules: fromOptions(options), moment: undefined };
}

/** Tokens that this page itself has made, with keys that are gone. */
const MADE = {
  described: {
    title: "made from a description",
    about: "Made in this page from the description in a link, signed with a key made just now. Nobody has issued it.",
  },
  bound: {
    title: "made with a proof",
    about: "Made in this page, with its key and a proof that it has it. Nobody has issued it.",
  },
};

export const isMade = (id) => Object.hasOwn(MADE, id ?? "");

export const isSessionToken = (id, session) => session !== undefined && Object.hasOwn(session.tokens, id);

export function aboutSample(id, session) {
  if (isSessionToken(id, session)) {
    return `A real token from ${session.issuer}, judged by this device's clock.`;
  }
  if (isMade(id)) return MADE[id].about;
  const sample = samples.find((candidate) => candidate.id === id);
  return sample ? `${sample.about} Judged as of ${dateTime(sample.now)}.` : "";
}

export function drawSamples(select, chosen, session) {
  const groups = groupBy(samples);
  const list = [...groups].map(([group, members]) =>
    make("optgroup", { label: group }, ...members.map(({ id, title }) => make("option", { value: id }, title))),
  );
  if (session) {
    const options = Object.entries(session.tokens).map(([id, { title }]) => make("option", { value: id }, title));
    list.unshift(make("optgroup", { label: "Your sign-in" }, ...options));
  }
  if (isMade(chosen)) list.unshift(make("option", { value: chosen }, MADE[chosen].title));
  update(select, make("option", { value: "" }, "your own token"), ...list);
  select.value = chosen ?? "";
}

function groupBy(list) {
  const groups = new Map();
  for (const item of list) groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  return groups;
}
