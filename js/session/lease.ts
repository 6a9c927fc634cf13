import { type DBSchema, type IDBPDatabase, openDB } from "idb";

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
  // Without IndexedDB nothing is shared between tabs. Where it is and refuses, as when it is full, a tab that waited for
  // it could neither keep a one-time token nor sign out.
  const release = await takeLease(name, waitSeconds).catch(() => async () => {});
  if (release === undefined) return undefined;
  try {
    return await work();
  } finally {
    // A lease that stays runs out.
    await release().catch(() => {});
  }
}

/** How to give the lease back, or `undefined` if it did not come in time. */
async function takeLease(name: string, waitSeconds: number): Promise<(() => Promise<void>) | undefined> {
  const database = await openDB<Leases>("tokenward-leases", 1, {
    upgrade: (created) => void created.createObjectStore("leases"),
  });
  const owner = `${Date.now()}-${Math.random()}`;
  try {
    for (let waited = 0; waited <= waitSeconds; waited += RETRY_SECONDS) {
      if (await isGranted(database, name, owner)) return () => giveBack(database, name, owner);
      await new Promise((resolve) => setTimeout(resolve, RETRY_SECONDS * 1000));
    }
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
}

async function isGranted(database: IDBPDatabase<Leases>, name: string, owner: string): Promise<boolean> {
  const { store, done } = database.transaction("leases", "readwrite");
  const lease = await store.get(name);
  const left = (lease?.until ?? 0) - Date.now() / 1000;
  // A lease longer than any is a clock that was set back.
  const isFree = left <= 0 || left > LEASE_SECONDS;
  await Promise.all([isFree && store.put({ owner, until: Date.now() / 1000 + LEASE_SECONDS }, name), done]);
  return isFree;
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
