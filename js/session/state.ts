import type { SessionState } from "../session.js";
import type { Holding } from "./holding.js";
import type { Refreshing } from "./refreshing.js";

/** What an app is told of all this. */
export function stateOf(holding: Holding, refreshing: Refreshing): SessionState {
  const { status, held, ending, isSaved, store, protection, error: failure } = holding;
  const { error: refused, ...answer } = holding.judge();
  const error = failure ?? refused;
  return Object.freeze({
    status,
    ...answer,
    ...(held && { sessionId: held.record.sessionId }),
    ...(ending && { ended: ending.cause }),
    refreshable: refreshing.isPossible,
    persistent: isSaved && store.lasts,
    protectedBy: protection.kind,
    ...(error && { error }),
  });
}

/** Whether there is nothing to tell. */
export function sameState(one: SessionState, other: SessionState): boolean {
  const told = ["status", "access", "reason", "until", "claims", "sessionId", "ended", "error"] as const;
  return [...told, "refreshable" as const, "persistent" as const].every((name) => one[name] === other[name]);
}
