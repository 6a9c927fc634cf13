/** What an app is told of each decision of a gate, for its logs and metrics: never a token, never a claim about a person. */
import type { Verified } from "../verifier.js";
import type { DecisionObserver, GateDecision } from "./types.js";

/** The tokens by which decisions were made: for the issuer and the key, which no other claim goes with. */
const verifiedFor = new WeakMap<GateDecision, Verified>();

/** Remembers by which token a decision was made; gives the decision. */
export function decidedBy<D extends GateDecision>(token: Verified, decision: D): D {
  verifiedFor.set(decision, token);
  return decision;
}

/** Tells of the decision about a request. What an observer began, `waitUntil` is told of. */
export type Tell = (decision: GateDecision, waitUntil?: (work: Promise<unknown>) => void) => void;

/** Begins to measure; what it gives tells the app's observer, which can neither change nor delay what was decided. */
export function observing(observer: DecisionObserver | undefined): Tell {
  if (observer === undefined) return () => {};
  const began = performance.now();
  return (decision, waitUntil = () => {}) => {
    // A clock that was set back takes no time back.
    const microseconds = Math.max(0, Math.round((performance.now() - began) * 1000));
    try {
      const told: unknown = observer(observation(decision, microseconds));
      if (Object(told) === told) waitUntil(Promise.resolve(told).catch(() => {}));
    } catch {
      // What is wrong with an observer is no reason to answer otherwise.
    }
  };
}

function observation(decision: GateDecision, microseconds: number) {
  const { rule, allowed, reason, refused, error } = decision;
  const token = verifiedFor.get(decision);
  const issuer = own(token?.claims ?? decision.claims, "iss");
  const kid = own(token?.key, "kid");
  return Object.freeze({
    outcome: allowed ? "allowed" : "denied",
    reason,
    ...(refused !== undefined && { refused }),
    ...(error !== undefined && { error }),
    ...(issuer !== undefined && { issuer }),
    ...(kid !== undefined && { kid }),
    rule,
    microseconds,
  } as const);
}

function own(holder: object | undefined, name: string): string | undefined {
  if (holder === undefined || !Object.hasOwn(holder, name)) return undefined;
  const value: unknown = (holder as { readonly [name: string]: unknown })[name];
  return typeof value === "string" ? value : undefined;
}
