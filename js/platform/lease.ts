import type { DBSchema, IDBPDatabase } from "idb";
import { change, nameOf, openDatabase } from "../storage/database.js";
import { randomId } from "./random-id.js";

/** For how long others wait for a tab that gives no sign of life. */
const LEASE_SECONDS = 120;
const RENEW_SECONDS = 30;
const RETRY_SECONDS = 0.2;

const STORE = "leases";

interface Leases extends DBSchema {
  /** Who has it, and for how many seconds others have waited for it. The time of day says nothing: it may be set. */
  leases: { key: string; value: { owner: string; waited: number } };
}

/** Whose lease a tab waits for, and since when by `performance.now()`, in seconds. */
interface Wait {
  readonly owner: string;
  readonly since: number;
}

type Exclusive = <T>(name: string, waitSeconds: number, work: () => Promise<T>) => Promise<T | undefined>;

/**
 * Where Web Locks are missing (plain http, old engines): turns are taken inside this realm, and between tabs by a lease
 * in IndexedDB, which a transaction grants to one. A crashed tab's lease runs out for those who wait for it; whoever lives renews it.
 */
export function leaseLock(): Exclusive {
  const turns = new Map<string, Promise<void>>();
  return (name, waitSeconds, work) => {
    const before = turns.get(name) ?? Promise.resolve();
    const turn = within(waitSeconds, before).then((come) => (come ? underLease(name, waitSeconds, work) : undefined));
    // Whoever gave up waiting has not ended what it waited for. The promise holds no reference to the turns before it.
    const over: Promise<void> = Promise.allSettled([before, turn]).then(() => {
      if (turns.get(name) === over) turns.delete(name);
    });
    turns.set(name, over);
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
  // Without IndexedDB nothing is shared between tabs. Where it is and refuses, as when it is full, a tab that waited for
  // it could neither keep a one-time token nor sign out.
  const release = await takeLease(name, waitSeconds).catch((error: unknown) =>
    nameOf(error) === "TimeoutError" ? undefined : async () => {},
  );
  if (release === undefined) return undefined;
  try {
    return await work();
  } finally {
    // One that stays runs out.
    await release().catch(() => {});
  }
}

/** How to give the lease back, or `undefined` if it did not come in time. */
async function takeLease(name: string, waitSeconds: number): Promise<(() => Promise<void>) | undefined> {
  const database = await openDatabase<Leases>("tokenward-leases", STORE);
  const owner = randomId();
  let wait: Wait | undefined;
  try {
    for (let waited = 0; waited <= waitSeconds; waited += RETRY_SECONDS) {
      wait = await tryLease(database, name, owner, wait);
      if (wait === undefined) return hold(database, name, owner);
      await new Promise((resolve) => setTimeout(resolve, RETRY_SECONDS * 1000));
    }
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
}

/** `undefined` if the lease was granted. How long was waited is noted for the next page, should this one not last so long. */
async function tryLease(
  database: IDBPDatabase<Leases>,
  name: string,
  owner: string,
  before: Wait | undefined,
): Promise<Wait | undefined> {
  let wait: Wait | undefined;
  const trying = change(database, STORE, async (store) => {
    wait = undefined;
    const lease = await store.get(name);
    const now = performance.now() / 1000;
    const begun = before !== undefined && before.owner === lease?.owner ? before.since : now;
    const since = Math.min(begun, now - (lease?.waited ?? 0));
    if (lease === undefined || now - since >= LEASE_SECONDS) return store.put({ owner, waited: 0 }, name);
    wait = { owner: lease.owner, since };
    return store.put({ owner: lease.owner, waited: now - since }, name);
  });
  // Whoever cannot note that it waits, waits all the same.
  await trying.catch((error: unknown) => {
    if (wait === undefined) throw error;
  });
  return wait;
}

/** A turn may be kept for as long as only this tab knows what the storage refuses. How to give it back. */
function hold(database: IDBPDatabase<Leases>, name: string, first: string): () => Promise<void> {
  let owner = first;
  const renew = async () => {
    const next = randomId();
    await change(database, STORE, async (store) => {
      // With another id, so that those who wait start over.
      if ((await store.get(name))?.owner === owner) await store.put({ owner: next, waited: 0 }, name);
    });
    owner = next;
  };
  let renewing: Promise<void> = Promise.resolve();
  const timer: unknown = setInterval(() => {
    renewing = renewing.then(renew).catch(() => {});
  }, RENEW_SECONDS * 1000);
  (timer as { unref?: () => void }).unref?.();
  return async () => {
    clearInterval(timer as number);
    await renewing;
    await giveBack(database, name, owner);
  };
}

async function giveBack(database: IDBPDatabase<Leases>, name: string, owner: string): Promise<void> {
  try {
    await change(database, STORE, async (store) => {
      if ((await store.get(name))?.owner === owner) await store.delete(name);
    });
  } finally {
    database.close();
  }
}
