import { useSyncExternalStore } from "react";
import type { AccessRequest } from "tokenward/session";
import { session } from "./auth.js";

function subscribe(changed: () => void): () => void {
  session.addEventListener("change", changed);
  return () => session.removeEventListener("change", changed);
}

/** Who is signed in; again whenever that changes, in this tab or another, or as time goes by. */
export const useSession = () => useSyncExternalStore(subscribe, () => session.state);

/** Whether this may be done now: `useAccess({ method: "PUT", scope: "notes:write" }).allowed`. */
export function useAccess(request: AccessRequest) {
  useSession();
  return session.access(request);
}
