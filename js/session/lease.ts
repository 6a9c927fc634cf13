import { type DBSchema, openDB } from "idb";

/** Longer than any refresh may take. */
const LEASE_SECONDS = 120;
const RETRY_SECONDS = 0.2;

interface Leases extends DBSchema {
  leases: { key: string; value: { owner: string; until: number } };
}

type Exclusive = <T>(name: string, waitSeconds: number, work: () => Promise<T>) => Promise<T | undefined>;

/**
 * Where Web Locks are missing (plain http, old engines): turns are taken inside this realm, and between tabs by a lease
 * in IndexedDB, which a transaction grants to one. A crashed tab's lease runs out.
 */
export function leaseLock(): Exclusive {
  const turns = new Map<string, Promise<unknown>>();
  return (name, waitSeconds, work) => {
    const before = turns.get(name) ?? Promise.resolve();
    const turn = within(waitSeconds, before).then((come) => (come ? underLease(name, waitSeconds, work) : undefined));
    // Whoever gave up waiting has not ended what it waited for.
    turns.set(name, Promise.allSettled([before, turn]));
    return turn;
  };
}

/** Whether something ends in time. */
function within(seconds: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), seconds * 1000);
    void work.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

async function underLease<T>(name: string, waitSeconds: number, work: () => Promise<T>): Promise<T | undefined> {
  if (typeof indexedDB !== "object") return work();
  const database = await openDB<Leases>("tokenward-leases", 1, {
    upgrade: (created) => void created.createObjectStore("leases"),
  }).catch(() => undefined);
  // Without IndexedDB nothing is shared between tabs, so that there is nothing to take turns for.
  if (database === undefined) return work();
  const owner = `${Date.now()}-${Math.random()}`;
  try {
    for (let waited = 0; ; waited += RETRY_SECONDS) {
      const transaction = database.transaction("leases", "readwrite");
      const lease = await transaction.store.get(name);
      const left = (lease?.until ?? 0) - Date.now() / 1000;
      // A lease longer than any is a clock that was set back.
      if (left <= 0 || left > LEASE_SECONDS) {
        await transaction.store.put({ owner, until: Date.now() / 1000 + LEASE_SECONDS }, name);
        await transaction.done;
        break;
      }
      await transaction.done;
      if (waited >= waitSeconds) return undefined;
      await new Promise((resolve) => setTimeout(resolve, RETRY_SECONDS * 1000));
    }
    try {
      return await work();
    } finally {
      const transaction = database.transaction("leases", "readwrite");
      if ((await transaction.store.get(name))?.owner === owner) await transaction.store.delete(name);
      await transaction.done;
    }
  } finally {
    database.close();
  }
}
