// Header and claims, readable. How much they can be relied on is said first, and shown by how they are drawn.

import { isObject } from "./decode.js";
import { byId, make, update } from "./dom.js";
import { dateTime, isTime, relative } from "./time.js";

const STAMPS = {
  verified: ["Verified", "verified"],
  genuine: ["Signed, but not accepted", "genuine"],
  refused: ["Not verified: anyone could have written this", "unverified"],
  setup: ["Not verified: anyone could have written this", "unverified"],
  empty: ["", "unverified"],
};

const NAMES = {
  alg: "Algorithm",
  kid: "Key id",
  typ: "Type",
  iss: "Issuer",
  sub: "Subject",
  aud: "Audience",
  exp: "Expires",
  nbf: "Not before",
  iat: "Issued",
  jti: "Token id",
  auth_time: "Signed in",
  client_id: "Client",
  scope: "Scope",
  nonce: "Nonce",
  name: "Name",
  role: "Role",
};

/** In characters of a value, and in members: a browser lays out more of them for minutes. */
const MAX_CHARACTERS = 5000;
const MAX_MEMBERS = 200;

const TIMES = new Set(["exp", "nbf", "iat", "auth_time"]);

/**
 * @param {import("./judge.js").Answer} answer
 * @param {{ header: unknown, payload: unknown, now: number }} decoded
 */
export function drawContent({ kind, value }, { header, payload, now }) {
  const [stamp, trust] = STAMPS[kind];
  byId("content").hidden = kind === "empty";
  byId("content").dataset.trust = trust;
  update(byId("content-stamp"), stamp);
  update(
    byId("content-body"),
    part("Claims", "payload", value?.claims ?? payload, now),
    part("Header", "header", value?.header ?? header, now),
  );
}

function part(title, kind, value, now) {
  const caption = make("caption", {}, title);
  if (!isObject(value)) {
    const text = value === undefined ? "cannot be read" : JSON.stringify(value);
    return make(`table.members.${kind}`, {}, caption, make("tbody", {}, make("tr", {}, make("td", {}, cut(text)))));
  }
  const members = Object.entries(value);
  const rows = members
    .slice(0, MAX_MEMBERS)
    .map(([name, member]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, label(name), make("code", {}, cut(name))),
        make("td", {}, ...shown(name, member, now)),
      ),
    );
  const surplus = members.length - rows.length;
  if (surplus > 0) rows.push(make("tr", {}, make("td", {}, `${surplus} more are left out`)));
  if (rows.length === 0) rows.push(make("tr", {}, make("td", {}, "empty")));
  return make(`table.members.${kind}`, {}, caption, make("tbody", {}, ...rows));
}

function label(name) {
  return Object.hasOwn(NAMES, name) ? make("span", {}, NAMES[name]) : undefined;
}

function shown(name, value, now) {
  if (TIMES.has(name) && isTime(value)) {
    return [
      make("span.when", {}, dateTime(value), " ", make("span.aside", {}, relative(value, now))),
      make("code.raw", {}, String(value)),
    ];
  }
  if (typeof value === "string") return [make("span.text", {}, cut(value))];
  return [make("code.text", {}, cut(JSON.stringify(value, null, isObject(value) ? 1 : 0)))];
}

function cut(text) {
  const surplus = text.length - MAX_CHARACTERS;
  return surplus > 0 ? `${text.slice(0, MAX_CHARACTERS)}… (${surplus} more characters)` : text;
}
