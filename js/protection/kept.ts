import { STORAGE } from "../check-options.js";
import { ConfigError, ProtectionError, StorageError } from "../errors.js";
import type { Storage } from "../storage.js";

/** A storage that refuses as a protection does: with a {@link ProtectionError}, whose cause is what the storage said. */
export function keptIn(storage: Storage): Storage {
  const [isStorage, expected] = STORAGE;
  if (!isStorage(storage)) {
    throw new ConfigError("invalid_option", `the option "storage" should be ${expected}`, "storage");
  }
  return {
    get: (key) => storage.get(key).catch(refused),
    set: (key, value) => storage.set(key, value).catch(refused),
    delete: (key) => storage.delete(key).catch(refused),
  };
}

function refused(cause: unknown): never {
  const isFull = cause instanceof StorageError && cause.code === "full";
  const message = isFull
    ? "the storage has no room left: free some"
    : "the storage refuses what is kept in it: try later";
  throw new ProtectionError("unavailable", message, {}, { cause });
}
