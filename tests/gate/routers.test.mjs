// Nobody walks around the gate: spellings of paths, in front of real routers. TOKENWARD_SEED and TOKENWARD_ROUNDS change
// what is tried.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createGate } from "tokenward/gate";
import { randomFrom } from "../random.mjs";
import { ORIGIN, RawRequest, ROUTERS, RULES } from "./routers.mjs";

const SEED = Number(process.env.TOKENWARD_SEED ?? 12);
const ROUNDS = Number(process.env.TOKENWARD_ROUNDS ?? 2500);
console.log(`seed ${SEED}, ${ROUNDS} spellings for each router`);

const PARTS = [
  ...["admin", "admin", "public", "public", "settings", "@team", "größe", "c++", "files", "x", "secret"],
  ...["/", "/", "/", "/", "//", "..", ".", "...", "\\", ";", ";v=1", "..;", "?", "#", "@", ":", "%", "*"],
  ...["%2F", "%2f", "%5C", "%5c", "%2e", "%2E%2e", "%3F", "%23", "%3B", "%40", "%2B", "%00", "%09", "%7f", "%20", " "],
  ...["%61dmin", "adm%69n", "%70ublic", "%73ettings", "%40team", "c%2B%2b", "gr%C3%B6%c3%9fe", "gr%F6%DFe", "s%65cret"],
  ...["%25", "%252F", "%255c", "%252e", "%2561dmin", "%25%32%65", "%%32e", "%u0061", "%c0%ae", "%C0%AF", "%ef%bc%8f"],
  ...[
    "Admin",
    "PUBLIC",
    "Settings",
    "\t",
    "\u0000",
    "\u00a0",
    "\ufeff",
    "ö",
    "^",
    "[x]",
    "|",
    "／",
    "ａdmin",
    "\ud800",
  ],
];

/** Who asks: what their token says, or nobody. */
const CALLERS = [
  undefined,
  {},
  { scope: "team" },
  { scope: "size" },
  { scope: "code" },
  { role: "owner" },
  { role: "admin" },
  { role: ["admin", "owner"], scope: "team size code" },
];

/** Reads claims as they are: what a token is worth is not what is looked at here. */
const verifier = {
  safeVerify: (token) => ({ ok: true, value: { claims: CALLERS[Number(token)] } }),
  assess: () => ({ reason: "valid", until: null }),
};

function may(claims, place) {
  const { needs = {} } = RULES[place];
  if (needs === null) return true;
  if (claims === undefined) return false;
  const scopes = (claims.scope ?? "").split(" ");
  return (
    (needs.scope === undefined || scopes.includes(needs.scope)) &&
    (needs.role === undefined || [claims.role].flat().includes(needs.role))
  );
}

const ACCEPTED = [[], ["encoded-slash"], ["encoded-delimiter", "double-encoding"], ["empty-segment", "encoded-slash"]];

function spellingsFrom(seed) {
  const random = randomFrom(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  /** Most begin like a path that there is: what is wholly made up is on no route. */
  const spell = () => {
    const first = random() < 0.2 ? "" : `/${pick(PARTS)}${random() < 0.6 ? "/" : ""}`;
    const rest = Array.from({ length: Math.floor(random() * 6) }, () => pick(PARTS)).join("");
    return first === "" ? `/${rest}` : first + rest;
  };
  return { pick, spell, random };
}

for (const [name, make] of Object.entries(ROUTERS)) {
  describe(name, () => {
    for (const accept of ACCEPTED) {
      test(`behind a gate that accepts ${accept.join(", ") || "nothing"}: no route is reached by who may not`, async () => {
        const route = await make();
        const gate = createGate({ verifier, rules: RULES, accept });
        const { pick, spell } = spellingsFrom(SEED);
        const reached = new Set();
        for (let round = 0; round < ROUNDS / ACCEPTED.length; round += 1) {
          const target = spell();
          const method = pick(["GET", "POST"]);
          const caller = Math.floor(round % CALLERS.length);
          const claims = CALLERS[caller];
          const headers = claims === undefined ? {} : { authorization: `Bearer ${caller}` };
          const check = (place, how) => {
            if (place === undefined) return;
            reached.add(place);
            const who = JSON.stringify(claims ?? null);
            assert.ok(may(claims, place), `${how}: ${method} ${JSON.stringify(target)} reached ${place} for ${who}`);
          };

          // As a middleware, which a router has found by the raw text before.
          const request = { url: ORIGIN + target, method, headers: new Headers(headers) };
          if (gate.decide(request)?.allowed) check(await route(method, target), "middleware");

          // In front of the router, which gets what was judged; a client follows the one redirect.
          let url = ORIGIN + target;
          for (let hop = 0; hop < 2; hop += 1) {
            const answer = await gate.handle(new RawRequest(url, { method, headers }), async (canonical) => {
              check(await route(method, canonical.url.slice(ORIGIN.length)), "in front");
              return new Response("passed");
            });
            if (answer.status !== 308) break;
            const location = answer.headers.get("location");
            assert.match(location, /^\/(?![/\\])/, target);
            assert.equal(new URL(location, ORIGIN).origin, ORIGIN, target);
            assert.equal(hop, 0, `${target} is sent on twice`);
            url = ORIGIN + location;
          }
        }
        assert.ok(reached.size >= 4, `only ${[...reached]} were reached`);
      });
    }
  });
}
