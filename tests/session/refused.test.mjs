// Why a session does not allow something: in the words of a gate.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "tokenward/gate";
import { mapStorage, openTab } from "../support/device.mjs";
import { KEY } from "../support/tokens.mjs";

const now = Math.floor(Date.now() / 1000);
const rights = { sub: "ada", scope: "read write", roles: ["editor"] };
const full = KEY.token(rights);
const limited = KEY.token({ ...rights, iat: now - 1000, exp: now - 10 });
const policy = { limited: { scopes: ["read"] } };

async function signedIn(access_token) {
  const session = await openTab({ provider: null, storage: mapStorage(), policy });
  if (access_token !== undefined) await session.signIn({ access_token });
  return session;
}

for (const [what, token, request, refused] of [
  ["nobody is signed in", undefined, {}, "no_access"],
  ["the scope is missing", full, { scope: "admin" }, "rights"],
  ["the role is missing", full, { role: "admin" }, "rights"],
  ["the claims are others", full, { claims: ({ sub }) => sub === "bob" }, "rights"],
  ["it takes full access", limited, { access: "full" }, "full_access_needed"],
  ["limited access is not for the method", limited, { method: "POST", scope: "admin" }, "method"],
  ["limited access is not for the scope", limited, { method: "GET", scope: "write" }, "rights"],
  ["nothing stands against it", full, { method: "POST", access: "full", scope: "write", role: "editor" }, undefined],
  ["nothing stands against limited access", limited, { method: "GET", scope: "read" }, undefined],
]) {
  test(`${what}: ${refused ?? "allowed"}`, async () => {
    const session = await signedIn(token);
    const answer = session.access(request);
    assert.deepEqual([answer.allowed, answer.refused], [refused === undefined, refused]);
    assert.equal("refused" in answer, refused !== undefined);

    const { method, ...needs } = request;
    const gate = createGate({ session, origin: "https://app.test", rules: [{ match: "/*", needs }] });
    const decision = gate.decide(new Request("https://app.test/", { method }));
    assert.deepEqual([decision.allowed, decision.refused], [refused === undefined, refused]);
  });
}

test("a rule's own methods count in place of the policy's", async () => {
  const session = await signedIn(limited);
  const rule = { match: "/*", needs: { scope: "read" }, methods: ["POST"] };
  const gate = createGate({ session, origin: "https://app.test", rules: [rule] });
  const refused = (method) => gate.decide(new Request("https://app.test/", { method })).refused;
  assert.deepEqual([refused("POST"), refused("GET")], [undefined, "method"]);
});

for (const request of [{ scope: undefined }, { role: undefined }, { claims: undefined }, { scope: "" }, { role: [] }]) {
  test(`${Object.keys(request)[0]}: ${JSON.stringify(Object.values(request)[0])} would ask for nothing, and is a mistake`, async () => {
    const session = await signedIn(full);
    assert.throws(() => session.access(request), { code: "invalid_option", option: Object.keys(request)[0] });
  });
}
