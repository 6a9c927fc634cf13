import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { randomId } from "./record.js";

/** Longer than any refresh may take. */
const LEASE_SECONDS = 120;
const RETRY_SECONDS = 0.2;

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
 * in IndexedDB, which a transaction grants to one. A crashed tab's lease runs out for those who wait for it.
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
  // Without IndexedDB nothing is shared between tabs. Where it is and refuses, as when it is full, a tab that waited for
  // it could neither keep a one-time token nor sign out.
  const release = await takeLease(name, waitSeconds).catch(() => async () => {});
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
  const database = await openDB<Leases>("tokenward-leases", 1, {
    upgrade: (created) => void created.createObjectStore("leases"),
  });
  const owner = randomId();
  let wait: Wait | undefined;
  try {
    for (let waited = 0; waited <= waitSeconds; waited += RETRY_SECONDS) {
      wait = await ask(database, name, owner, wait);
      if (wait === undefined) return () => giveBack(database, name, owner);
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
async function ask(
  database: IDBPDatabase<Leases>,
  name: string,
  owner: string,
  before: Wait | undefined,
): Promise<Wait | undefined> {
  const { store, done } = database.transaction("leases", "readwrite");
  const lease = await store.get(name);
  const now = performance.now() / 1000;
  const begun = before !== undefined && before.owner === lease?.owner ? before.since : now;
  const wait = lease && { owner: lease.owner, since: Math.min(begun, now - lease.waited) };
  if (wait === undefined || now - wait.since >= LEASE_SECONDS) {
    await Promise.all([store.put({ owner, waited: 0 }, name), done]);
    return undefined;
  }
  const noted = Promise.all([store.put({ owner: wait.owner, waited: now - wait.since }, name), done]);
  await noted.catch(() => {});
  return wait;
}

async function giveBack(database: IDBPDatabase<Leases>, name: string, owner: string): Promise<void> {
  try {
    const { store, done } = database.transaction("leases", "readwrite");
    const isOwn = (await store.get(name))?.owner === owner;
    await Promise.all([isOwn && store.delete(name), done]);
  } finally {
    database.close();
  }
}
