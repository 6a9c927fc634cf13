// A Cloudflare worker in front of an API: each issuer has its own paths, and its keys are in memory. A cron trigger refreshes
// them in KV; isolates look there, beside a request. Only a token that no
// known key has signed makes a request wait.
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { kvStorage } from "tokenward/storage";
import { ISSUERS } from "./issuers.js";

/** What is behind the gate: your API. It is asked only what is allowed. */
function api(request, { claims }) {
  return Response.json({ issuer: claims.iss, subject: claims.sub, path: new URL(request.url).pathname });
}

export default {
  fetch(request, environment, context) {
    const guards = guardsWith(environment);
    const waitUntil = (work) => context.waitUntil(work);
    waitUntil(lookIntoStorage(guards));
    for (const { gate } of guards) {
      const answer = gate.handle({ request, waitUntil }, api);
      if (answer !== undefined) return answer;
    }
    return new Response("Not found", { status: 404 });
  },

  /** The cron trigger. A provider that is down keeps nobody from the keys of the others. */
  async scheduled(_event, environment) {
    const refreshes = guardsWith(environment).map(({ keys }) => keys.refresh());
    const failed = (await Promise.allSettled(refreshes)).filter(({ status }) => status === "rejected");
    if (failed.length > 0)
      throw new AggregateError(
        failed.map(({ reason }) => reason),
        messageOf(failed),
      );
  },
};

const messageOf = (failed) => `keys were not refreshed: ${failed.map(({ reason }) => reason.message).join("; ")}`;

let made;

/** KV is bound to a request, so the first one of an isolate makes them. */
function guardsWith({ KEYS }) {
  made ??= ISSUERS.map(({ issuer, audience, bundled, rules }) => {
    const verifier = createVerifier({ jwks: bundled, issuer, audience, cache: true });
    const storage = kvStorage(KEYS);
    const onError = ({ message }) => console.warn(message);
    const keys = createKeyStore({ verifier, bundled, issuer, storage, cooldown: "1m", timeout: "5s", onError });
    return { keys, gate: createGate({ verifier: keys, rules, refreshTimeout: "2s", onDecision }) };
  });
  return made;
}

/** One line for each decision in the worker's logs: no token, no claim. */
function onDecision({ outcome, reason, error, issuer, kid, microseconds }) {
  console.log(JSON.stringify({ outcome, reason, error, issuer, kid, microseconds }));
}

/** Memory is as fresh as this; then KV is asked, which tells within a minute what the cron trigger has written. */
const LOOK_EVERY_MS = 60_000;
let looked = Date.now();

async function lookIntoStorage(guards) {
  if (Date.now() - looked < LOOK_EVERY_MS) return;
  looked = Date.now();
  await Promise.all(guards.map(({ keys }) => keys.load()));
}
