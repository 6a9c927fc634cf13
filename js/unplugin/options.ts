import { ANYTHING, type Checks, checkNames, checkOptions, isString } from "../check-options.js";
import { type Duration, seconds, timeLimit } from "../duration.js";
import { ConfigError } from "../errors.js";
import { isSafe } from "../http/client.js";
import { HTTP_ONLY_FOR } from "../keys/fetch.js";

/** Where the keys of an issuer are from. One of `issuer` and `jwksUri` is needed. */
export interface KeysOptions {
  /** The issuer identifier: its metadata name the key set (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3). */
  issuer?: string | undefined;
  /** Where the key set is, if that is known. https, or http on this machine. */
  jwksUri?: string | undefined;
  /**
   * A bundle in your repository, as `npx tokenward keys fetch --out` writes it: what a build uses when the issuer cannot be
   * reached. A path from the project's root. Default: none, so that such a build fails.
   */
  bundled?: string | undefined;
  /** How old `bundled` may be when a build has to use it. Seconds, or text such as `"7d"`. Default: 30 days. */
  maxAge?: Duration | undefined;
  /** How long one request may take. Seconds, or text. Default: 10 seconds. */
  timeout?: Duration | undefined;
}

/** A service worker that is built with the page. */
export interface ServiceWorkerOptions {
  /** Its source, JavaScript or TypeScript. A path from the project's root. */
  input: string;
  /** Its name in the bundler's output folder. Default: `"sw.js"`. */
  output?: string | undefined;
}

/** What `tokenward/unplugin` does. */
export interface UnpluginOptions extends KeysOptions {
  /** Several issuers, by names of your own: `{ login: { issuer } }` is imported from `virtual:tokenward/keys/login`. */
  issuers?: { readonly [name: string]: KeysOptions } | undefined;
  /** Default: none is built. */
  serviceWorker?: ServiceWorkerOptions | undefined;
}

/** Where keys are from, checked. */
export interface Source {
  /** What they are called in messages. */
  readonly label: string;
  readonly issuer: string | undefined;
  readonly jwksUri: string | undefined;
  readonly bundled: string | undefined;
  /** In seconds. */
  readonly maxAge: number;
  /** In seconds. */
  readonly timeout: number;
}

export interface Settings {
  /** By name; the one of a single issuer is the empty name. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly worker: { readonly input: string; readonly output: string } | undefined;
}

const PATH = [(value: unknown) => isString(value) && value !== "", "a path"] as const;

const KEYS: Checks<KeysOptions> = {
  issuer: [isAddress, `an https URL without a password, such as "https://login.example" (${HTTP_ONLY_FOR})`],
  jwksUri: [isAddress, `an https URL without a password, such as "https://login.example/jwks" (${HTTP_ONLY_FOR})`],
  bundled: PATH,
  maxAge: ANYTHING,
  timeout: ANYTHING,
};

const ALL: Checks<UnpluginOptions> = { ...KEYS, issuers: ANYTHING, serviceWorker: ANYTHING };

/** Reads the plugin's options, or throws a {@link ConfigError}, which says whose they are: a build has many plugins. */
export function readOptions(given: UnpluginOptions | undefined): Settings {
  try {
    const options = checkOptions(given ?? {}, "options", ALL);
    return { sources: sourcesOf(options), worker: workerOf(options.serviceWorker) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `tokenward: ${error.message}`, error.option, { cause: error });
  }
}

function sourcesOf({ issuers, serviceWorker: _, ...single }: UnpluginOptions): ReadonlyMap<string, Source> {
  const isSingle = Object.keys(KEYS).some((name) => single[name as keyof KeysOptions] !== undefined);
  if (issuers === undefined) return new Map(isSingle ? [["", sourceOf(single, "options")]] : []);
  if (isSingle) {
    throw new ConfigError(
      "invalid_option",
      'the option "issuers" is there: each issuer has its options inside',
      "issuers",
    );
  }
  const named = checkNames(issuers, "issuers", Object.keys(issuers ?? {}));
  return new Map(Object.entries(named).map(([name, keys]) => [nameOf(name), sourceOf(keys, `issuers.${name}`)]));
}

function nameOf(name: string): string {
  if (/^[\w-]+$/.test(name)) return name;
  const message = `the option "issuers" should have names of ASCII letters, digits, - and _, not ${JSON.stringify(name)}`;
  throw new ConfigError("invalid_option", message, "issuers");
}

function sourceOf(given: KeysOptions, what: string): Source {
  const { issuer, jwksUri, bundled, maxAge, timeout } = checkOptions(given, what, KEYS);
  const label = issuer ?? jwksUri;
  if (label === undefined) {
    const message = 'the option "issuer" is missing: say whose keys, or with "jwksUri" where they are';
    throw new ConfigError("missing_option", message, "issuer");
  }
  return {
    label,
    issuer,
    jwksUri,
    bundled,
    maxAge: seconds(maxAge ?? "30d", "maxAge"),
    timeout: timeLimit(timeout ?? 10, "timeout"),
  };
}

function workerOf(given: ServiceWorkerOptions | undefined): Settings["worker"] {
  if (given === undefined) return undefined;
  const output = [isInside, 'a path inside the output folder, such as "sw.js"'] as const;
  const checks = { input: PATH, output };
  const { input, output: name = "sw.js" } = checkOptions(given, "serviceWorker", checks, ["input"]);
  return { input, output: name };
}

function isAddress(value: unknown): boolean {
  if (!isString(value)) return false;
  try {
    return isSafe(new URL(value), true);
  } catch {
    return false;
  }
}

/** A relative path without steps up, with slashes as in addresses. */
function isInside(value: unknown): boolean {
  return isString(value) && value.split("/").every((part) => /^[\w.~-]+$/.test(part) && part !== "." && part !== "..");
}
