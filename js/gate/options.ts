import { ANYTHING, type Checks, checkOptions, FUNCTION, hasMethods, isWhole } from "../check-options.js";
import { seconds } from "../duration.js";
import { ConfigError } from "../errors.js";
import { cachesHere } from "../platform/user-caches.js";
import { CurrentUser } from "./current-user.js";
import { type Decider, decideBySession, decideByVerifier, nowOf } from "./decide.js";
import { Dpop } from "./dpop.js";
import { type CheckedResource, checkResource } from "./resource.js";
import { type CheckedRule, checkRules, isStrings } from "./rules.js";
import { hasGlobal, here } from "./scope.js";
import { type PathSpelling, SPELLINGS } from "./target.js";
import type { DecisionObserver, GateOptions, GateSession, TokenOf } from "./types.js";

/** What a gate was made with: checked, and with the defaults. */
export interface Settings {
  /** Of the session. */
  readonly name: string;
  readonly session: GateSession | undefined;
  readonly decider: Decider;
  readonly rules: readonly CheckedRule[];
  readonly token: TokenOf | undefined;
  readonly resource: CheckedResource | undefined;
  readonly dpop: Dpop | undefined;
  /** `undefined`: any. */
  readonly origins: readonly string[] | undefined;
  readonly accept: readonly PathSpelling[];
  /** In seconds. */
  readonly networkTimeout: number;
  readonly maxEntries: number;
  readonly maxEntryBytes: number;
  readonly workboxCaches: readonly string[];
  readonly onDecision: DecisionObserver | undefined;
  /** Whether requests come from anybody, and not from a browser, which alone says by itself where requests go. */
  readonly isAtEdge: boolean;
  /** Whether a browser's HTTP cache is between the gate and the network: at the edge there is none. */
  readonly hasHttpCache: boolean;
}

const OPTIONS: Checks<GateOptions> = {
  session: ANYTHING,
  verifier: ANYTHING,
  rules: ANYTHING,
  token: ANYTHING,
  origin: ANYTHING,
  resource: ANYTHING,
  dpop: [(value) => typeof value === "boolean" || Object(value) === value, "true, or an object of options"],
  accept: [isSpellings, `an array of ${SPELLINGS.join(", ")}`],
  networkTimeout: ANYTHING,
  refreshTimeout: ANYTHING,
  maxEntries: [isWhole(1, 100_000), "a whole number from 1 to 100000"],
  maxEntryBytes: [isWhole(1, 2 ** 31), `a whole number from 1 to ${2 ** 31}`],
  onDecision: FUNCTION,
  workboxCaches: [(value) => value === null || isStrings(value), "an array of names of caches"],
};

/** Throws a {@link ConfigError} for options that cannot work. */
export function readOptions(given: GateOptions): Settings {
  const options = checkOptions(given, "createGate", OPTIONS);
  const { session, token, accept = [], networkTimeout = 5, maxEntries = 500, maxEntryBytes = 2 ** 25 } = options;
  const rules = checkRules(options.rules, accept);
  const origins = readOrigins(options.origin);
  const dpop = dpopOf(options, origins, accept);
  const resource = resourceOf(options, accept, dpop);
  const settings: Settings = {
    name: session?.name ?? "default",
    session,
    rules,
    token,
    resource,
    dpop,
    accept,
    origins,
    networkTimeout: seconds(networkTimeout, "networkTimeout"),
    decider: deciderOf(options, resource, dpop),
    maxEntries,
    maxEntryBytes,
    workboxCaches: options.workboxCaches ?? [],
    onDecision: options.onDecision,
    isAtEdge: session === undefined && !hasGlobal("registration"),
    hasHttpCache: session !== undefined || here() !== undefined,
  };
  if (session === undefined && rules.some(({ cache }) => cache === "user")) {
    throw new ConfigError("invalid_option", 'a rule with "cache": "user" needs the option "session"', "rules");
  }
  if (session !== undefined && rules.some(({ stepUp }) => Object.keys(stepUp).length > 0)) {
    throw new ConfigError("invalid_option", '"acr" and "maxAge" are for a gate with a "verifier"', "rules");
  }
  return settings;
}

function isSpellings(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => (SPELLINGS as readonly unknown[]).includes(one));
}

function dpopOf(options: GateOptions, origins: readonly string[] | undefined, accept: readonly PathSpelling[]) {
  const { dpop = false, verifier, token, resource } = options;
  if (dpop === false) return undefined;
  if (verifier === undefined || token !== undefined) {
    const message =
      'the option "dpop" is for a gate with a "verifier" and without "token": tokens with a proof come in Authorization';
    throw new ConfigError("invalid_option", message, "dpop");
  }
  requireMade(verifier, "verifier", ["safeVerify"]);
  const { sibling } = verifier;
  // What is no URL is refused where the resource is read.
  const origin = parsed(String(Object(resource).identifier))?.origin;
  const context = {
    sibling,
    now: (text: string) => nowOf(verifier, text),
    hasOrigins: origins !== undefined,
    origin,
    accept,
  };
  return new Dpop(dpop === true ? {} : dpop, context);
}

function resourceOf(options: GateOptions, accept: readonly PathSpelling[], dpop: Dpop | undefined) {
  const { resource, verifier, token } = options;
  if (resource === undefined) return undefined;
  if (verifier !== undefined) return checkResource(resource, accept, token === undefined, dpop?.metadata);
  throw new ConfigError("invalid_option", 'the option "resource" is for a gate with a "verifier"', "resource");
}

function deciderOf(options: GateOptions, resource: CheckedResource | undefined, dpop: Dpop | undefined): Decider {
  const { session, verifier, token, refreshTimeout = 3 } = options;
  if ((session === undefined) === (verifier === undefined)) {
    throw new ConfigError("missing_option", 'a gate needs one of the options "session" and "verifier"', "session");
  }
  if (token !== undefined && (verifier === undefined || typeof token !== "function")) {
    throw new ConfigError("invalid_option", 'the option "token" should be a function, beside "verifier"', "token");
  }
  if (session !== undefined) requireMade(session, "session", ["start", "sync", "access", "addEventListener"]);
  if (verifier !== undefined) requireMade(verifier, "verifier", ["safeVerify"]);
  const patience = seconds(refreshTimeout, "refreshTimeout");
  if (verifier !== undefined) return decideByVerifier(verifier, token, patience, resource?.metadataUrl, dpop);
  return decideBySession(session as GateSession, new CurrentUser(session as GateSession, patience, cachesHere));
}

function requireMade(value: unknown, option: string, methods: readonly string[]): void {
  if (hasMethods(...methods)(value)) return;
  const expected = "what tokenward makes of that name";
  throw new ConfigError("invalid_option", `the option "${option}" should be ${expected}`, option);
}

function readOrigins(origin: unknown): readonly string[] | undefined {
  if (origin === undefined) {
    const own = here()?.origin;
    return own === undefined ? undefined : [originOf(own)];
  }
  const list: unknown[] = Array.isArray(origin) && origin.length > 0 ? [...origin] : [origin];
  return list.map((one) => {
    const url = typeof one === "string" ? parsed(one) : undefined;
    if (url?.protocol === "https:" || url?.protocol === "http:") return originOf(url.origin);
    throw new ConfigError("invalid_option", 'the option "origin" should be an http or https origin', "origin");
  });
}

/** A host with a dot at its end is the same host. */
export function originOf(origin: string): string {
  return origin.replace(/\.(?=:\d+$|$)/, "");
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
