/** `tokenward/keys`: keys that came with the app, refreshed from the provider when there is a network. */
import {
  ANYTHING,
  BOOLEAN,
  type Check,
  type Checks,
  checkOptions,
  FUNCTION,
  hasMethods,
  isString,
  isWhole,
  STORAGE,
} from "./check-options.js";
import { seconds, timeLimit } from "./duration.js";
import { ConfigError } from "./errors.js";
import { allowedUrl } from "./keys/fetch.js";
import { readBundle } from "./keys/jwks.js";
import { KeyRefresher } from "./keys/refresher.js";
import type { KeyStore, KeyStoreOptions } from "./keys/types.js";
import { indexedDbStorage, memoryStorage, type Storage } from "./storage.js";
import type { Claims } from "./verifier.js";

export { KeyStoreError, type KeyStoreErrorCode, type KeyStoreErrorFacts } from "./errors.js";
export type { KeyRefresh, KeyStore, KeyStoreOptions } from "./keys/types.js";

const ADDRESS: Check = [isString, "an absolute URL"];
const COUNT: Check = [isWhole(1), "a whole number, 1 or more"];

/** Durations are read by `seconds`, and the bundled set by `readBundle`. */
const OPTIONS: Checks<KeyStoreOptions> = {
  verifier: [hasMethods("verify", "setKeys"), "made by createVerifier"],
  bundled: ANYTHING,
  bundledAt: [Number.isFinite, "a finite number of Unix seconds"],
  issuer: ADDRESS,
  jwksUri: ADDRESS,
  storage: STORAGE,
  refreshEvery: ANYTHING,
  cooldown: ANYTHING,
  timeout: ANYTHING,
  maxBytes: COUNT,
  maxKeys: COUNT,
  pin: BOOLEAN,
  fetch: FUNCTION,
  now: FUNCTION,
  onServerTime: FUNCTION,
  onError: FUNCTION,
};

/**
 * Makes a key store, which starts with the bundled set; call `load()` next. Throws a {@link ConfigError} for options
 * that cannot work, a {@link KeyStoreError} `insecure_url` for an address that is neither https nor loopback.
 */
export function createKeyStore<C = Claims, E = never>(given: KeyStoreOptions<C, E>): KeyStore<C, E> {
  const options = checkOptions(given, "createKeyStore", OPTIONS as Checks<KeyStoreOptions<C, E>>, ["verifier", "bundled"]);
  const { verifier, bundled, issuer, jwksUri, fetch: fetching, now = systemTime } = options;
  if (issuer === undefined && jwksUri === undefined) {
    throw new ConfigError("missing_option", 'one of the options "issuer" and "jwksUri" is needed', "issuer");
  }
  if (jwksUri === undefined) checkAddress(issuer, "issuer");
  else checkAddress(jwksUri, "jwksUri");
  return new KeyRefresher({
    verifier,
    bundled: readBundle(bundled),
    bundledAt: options.bundledAt ?? Number.NEGATIVE_INFINITY,
    source: { issuer, jwksUri },
    storage: options.storage ?? defaultStorage(),
    refreshEvery: seconds(options.refreshEvery ?? "7d", "refreshEvery"),
    cooldown: seconds(options.cooldown ?? "5m", "cooldown"),
    limits: {
      fetch: fetching ?? ((input, init) => globalThis.fetch(input, init)),
      timeout: timeLimit(options.timeout ?? "10s", "timeout"),
      maxBytes: options.maxBytes ?? 524_288,
    },
    maxKeys: options.maxKeys ?? 100,
    pin: options.pin ?? false,
    now,
    onServerTime: options.onServerTime,
    onError: options.onError,
  }).asKeyStore();
}

function checkAddress(address: string | undefined, option: string): void {
  let url: URL;
  try {
    url = new URL(address as string);
  } catch (cause) {
    throw new ConfigError("invalid_option", `the option "${option}" should be an absolute URL`, option, { cause });
  }
  allowedUrl(url, true);
}

/** Whether IndexedDB may really be used shows only when it is: the store then goes on from memory. */
function defaultStorage(): Storage {
  return "indexedDB" in globalThis ? indexedDbStorage() : memoryStorage();
}

function systemTime(): number {
  return Date.now() / 1000;
}
