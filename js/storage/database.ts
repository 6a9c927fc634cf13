import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB, type StoreNames } from "idb";
import { inTime } from "../within.js";

/** In seconds: some browsers now and then never answer. */
const ANSWER_LIMIT = 10;

/**
 * A database with a store. The store is added to a database that has others already, and an older version than there is is
 * never asked for; `closed` hears that the connection is gone, or has made way for another that adds its own.
 */
export function openDatabase<Schema extends DBSchema>(
  name: string,
  store: StoreNames<Schema>,
  closed: () => void = () => {},
): Promise<IDBPDatabase<Schema>> {
  let late = false;
  const open = async (version?: number): Promise<IDBPDatabase<Schema>> => {
    const database = await openDB<Schema>(name, version, {
      upgrade(upgraded) {
        if (!upgraded.objectStoreNames.contains(store)) upgraded.createObjectStore(store);
      },
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
        closed();
      },
      terminated: closed,
    });
    if (late) database.close();
    if (database.objectStoreNames.contains(store)) return database;
    database.close();
    return open(database.version + 1);
  };
  return inTime(open(), ANSWER_LIMIT, () => {
    late = true;
    return tooLate();
  });
}

type Store<Schema extends DBSchema, Mode extends IDBTransactionMode> = IDBPObjectStore<
  Schema,
  [StoreNames<Schema>],
  StoreNames<Schema>,
  Mode
>;

/*
 * WebKit leaves the transactions of a page open that it puts into its back/forward cache, and everybody who wants to write
 * to the same store waits for that page (2.50; tests/session/left-pages). So no transaction here waits for its page; a database
 * that a page was just making when it was left still does.
 */

/** What one request answers. Its transaction is committed with it, whatever becomes of the page. */
export async function ask<Schema extends DBSchema, Mode extends "readonly" | "readwrite", T>(
  database: IDBPDatabase<Schema>,
  name: StoreNames<Schema>,
  mode: Mode,
  request: (store: Store<Schema, Mode>) => Promise<T>,
): Promise<T> {
  // `strict`: a one-time refresh token, or the key it is sealed with, must still be there after a power cut.
  const transaction = database.transaction(name, mode, { durability: "strict" });
  const answer = request(transaction.store);
  transaction.commit();
  transaction.done.catch(() => {});
  const done = mode === "readwrite" ? transaction.done : undefined;
  const [value] = await inTime(Promise.all([answer, done]), ANSWER_LIMIT, tooLate);
  return value;
}

/** What some requests, of which one follows from another, do together: undone when the page goes, and done when it is back. */
export async function change<Schema extends DBSchema, T>(
  database: IDBPDatabase<Schema>,
  name: StoreNames<Schema>,
  work: (store: Store<Schema, "readwrite">) => Promise<T>,
): Promise<T> {
  const once = async (): Promise<T> => {
    const transaction = database.transaction(name, "readwrite", { durability: "strict" });
    const leaving = new AbortController();
    const undo = () => {
      try {
        transaction.abort();
      } catch {
        // It has ended.
      }
    };
    globalThis.addEventListener?.("pagehide", undo, { signal: leaving.signal });
    try {
      const doing = Promise.all([work(transaction.store), transaction.done]);
      const [value] = await inTime(doing, ANSWER_LIMIT, () => {
        undo();
        return tooLate();
      });
      return value;
    } finally {
      leaving.abort();
    }
  };
  try {
    return await once();
  } catch (error) {
    if (nameOf(error) !== "AbortError") throw error;
    return once();
  }
}

function tooLate(): never {
  throw new DOMException("the database did not answer in time", "TimeoutError");
}

export function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : typeof error;
}
