// The OpenTelemetry sample of docs/edge.md, as it stands, with the API's own global providers.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { context, createNoopMeter, metrics, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { ISSUER, KEY } from "../support/tokens.mjs";
import { makeFolder, writePrograms } from "./blocks.mjs";

const recorded = [];
const attributesOfSpan = {};
let folder;
let onDecision;

before(async () => {
  metrics.setGlobalMeterProvider({ getMeter: recordingMeter });
  const span = { setAttributes: (attributes) => Object.assign(attributesOfSpan, attributes) };
  context.setGlobalContextManager(contextOf(trace.setSpan(ROOT_CONTEXT, span)));
  folder = makeFolder();
  await writePrograms("docs/edge.md", folder.path, { jwks: { keys: [KEY.jwk] } });
  ({ onDecision } = await import(pathToFileURL(join(folder.path, "telemetry.js"))));
});
after(() => {
  metrics.disable();
  context.disable();
  folder.remove();
});

test("counts and measures decisions, and says of the span what was decided", async () => {
  const verifier = createVerifier({ jwks: [KEY.jwk], issuer: ISSUER, audience: "app" });
  const gate = createGate({ verifier, rules: [{ match: "/*" }], onDecision });
  const ask = (token) => {
    const headers = { authorization: `Bearer ${token}` };
    return gate.handle(new Request("https://api.example/x", { headers }), () => new Response("behind"));
  };

  assert.equal((await ask(KEY.token({ sub: "ada" }))).status, 200);
  const allowed = {
    "tokenward.outcome": "allowed",
    "tokenward.reason": "valid",
    "tokenward.issuer": ISSUER,
    "tokenward.kid": "first",
  };
  const [count, duration] = recorded.splice(0);
  assert.deepEqual(count, ["tokenward.decisions", 1, allowed]);
  assert.deepEqual([duration[0], duration[2]], ["tokenward.decision.duration", { "tokenward.outcome": "allowed" }]);
  assert.ok(duration[1] > 0 && duration[1] < 60, "seconds");
  assert.deepEqual(attributesOfSpan, allowed);

  assert.equal((await ask(KEY.token({ exp: 1 }))).status, 401);
  const denied = { "tokenward.outcome": "denied", "tokenward.reason": "expired", "error.type": "expired" };
  assert.deepEqual(recorded[0], ["tokenward.decisions", 1, denied]);
});

/** A meter whose instruments are the API's, but that records. */
function recordingMeter() {
  const instrument = (name) => {
    const record = (value, attributes) => recorded.push([name, value, attributes]);
    return { add: record, record };
  };
  return Object.assign(createNoopMeter(), { createCounter: instrument, createHistogram: instrument });
}

/** Where everything happens in one context. */
function contextOf(active) {
  const manager = {
    active: () => active,
    with: (_context, work, self, ...given) => work.apply(self, given),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
