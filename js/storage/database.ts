import { type DBSchema, type IDBPDatabase, openDB, type StoreNames } from "idb";

/** In milliseconds: some browsers now and then never answer `open`. */
const OPENING_LIMIT = 10_000;

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
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new DOMException("the database did not open in time", "TimeoutError"));
    }, OPENING_LIMIT);
  });
  return Promise.race([open(), limit]).finally(() => clearTimeout(timer));
}
