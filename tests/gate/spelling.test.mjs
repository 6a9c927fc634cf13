// Random spellings of paths, read by servers of many kinds: none of them finds under an open rule what is behind another.
import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { createGate } from "tokenward/gate";
import { randomFrom } from "../random.mjs";
import { FakeSession, ORIGIN } from "./fakes.mjs";

const PATHS = 5000;
const PARTS = [
  ...["app", "app", "open", "x", "..", "..", ".", "/", "/", "/", "\\", ":0", "["],
  ...["%2F", "%2f", "%5C", "%5c", "%2e", "%2E%2e", "%61pp", "%20", "%25", "%252F", "%255c", "%252e", "%2561pp"],
];

const decoded = (path, isKept) =>
  path.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return isKept.includes(character) ? encoded : character;
  });
const merged = (path) => path.replace(/\/{2,}/g, "/");
function resolved(path) {
  const names = [];
  for (const name of path.split("/").slice(1)) {
    if (name === "..") names.pop();
    else if (name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

const ORDERS = [(path) => resolved(merged(path)), (path) => merged(resolved(path)), posix.normalize];
/** Which encoded characters are no separators, and whether a backslash is one. */
const SLASHES = [
  ["/\\", false],
  ["\\", false],
  ["/", true],
  ["", false],
  ["", true],
];
const SERVERS = SLASHES.flatMap(([isKept, isWindows]) =>
  ORDERS.map((order) => (path) => {
    const plain = decoded(path, isKept);
    return merged(order(isWindows ? plain.replaceAll("\\", "/") : plain));
  }),
);
const BEHIND_PROXIES = SERVERS.flatMap((proxy) => SERVERS.map((server) => (path) => server(proxy(path))));

test(`${PATHS} spellings: what any server takes for the path of a rule, the gate does`, () => {
  const random = randomFrom(1);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const rules = [{ match: "/app/*" }, { match: "/*", needs: null }];
  const gate = createGate({ session: new FakeSession(), origin: ORIGIN, rules });
  let found = 0;
  for (let round = 0; round < PATHS; round += 1) {
    const spelt = `/${Array.from({ length: 1 + Math.floor(random() * 9) }, () => pick(PARTS)).join("")}`;
    const { pathname } = new URL(ORIGIN + spelt);
    const isBehind = [...SERVERS, ...BEHIND_PROXIES].some((server) => /^\/app(?:\/|$)/.test(server(pathname)));
    const { allowed } = gate.decide({ url: ORIGIN + spelt });
    if (isBehind) found += 1;
    if (isBehind) assert.equal(allowed, false, spelt);
  }
  assert.ok(found > PATHS / 20);
});
