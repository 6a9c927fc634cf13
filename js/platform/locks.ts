import { ProtectionError } from "../errors.js";

/** In milliseconds: a tab that hangs while it holds the lock must not hang all others. */
const PATIENCE = 60_000;

const queues = new Map<string, Promise<unknown>>();

/** Does the work while nobody else does work of that name: in no other tab where there are Web Locks, else in no other call. */
export async function exclusive<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (globalThis.navigator?.locks === undefined) return queued(name, work);
  return await webLock(name, AbortSignal.timeout(PATIENCE), work, (cause) => {
    // An opaque origin has no locks, and no other tabs that share its storage either.
    if ((cause as { name?: unknown } | null)?.name === "SecurityError") return queued(name, work);
    const message = "another tab is busy with the same protection: close it and try again";
    throw new ProtectionError("unavailable", message, {}, { cause });
  });
}

/**
 * Does the work under a Web Lock, which the browser releases when the tab that holds it is closed or crashes. Where the
 * lock was not granted, because the signal came first or the browser refuses, `otherwise` hears why.
 */
export async function webLock<T>(
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  otherwise: (cause: unknown) => T | Promise<T>,
): Promise<T> {
  let begun = false;
  try {
    return await navigator.locks.request(name, { signal }, () => {
      begun = true;
      return work();
    });
  } catch (cause) {
    if (begun) throw cause;
    return await otherwise(cause);
  }
}

function queued<T>(name: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(name) ?? Promise.resolve();
  const done = before.then(work, work);
  const settled = done.then(
    () => {},
    () => {},
  );
  queues.set(name, settled);
  void settled.then(() => {
    if (queues.get(name) === settled) queues.delete(name);
  });
  return done;
}
