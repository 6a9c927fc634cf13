import { checkNames } from "./check-options.js";
import { type Duration, seconds } from "./duration.js";
import { type ConfigError, shouldBe } from "./errors.js";

/** How much the bearer of a genuine token may do. */
export type Access = "full" | "limited" | "none";

/** Why. See `SessionReason` in docs/errors.md. */
export type AccessReason =
  | "valid"
  | "grace"
  | "expired"
  | "check_in_required"
  | "clock_rolled_back"
  | "not_yet_valid"
  | "signed_out";

/** How long a genuine token serves without the provider, and for what. */
export interface PolicyOptions {
  /** How long after `exp` access is still limited. Default: 24 hours. */
  grace?: Duration | undefined;
  /** How long the device may go without the provider; `null`: forever. Default: 7 days. */
  checkIn?: Duration | null | undefined;
  /** How far the clock may be behind what was already seen of time. Default: 60 seconds. */
  rollbackTolerance?: Duration | undefined;
  /** What limited access is for. */
  limited?: LimitedRights | undefined;
}

/** What limited access is for: the app asks about it, for example through `session.access`. */
export interface LimitedRights {
  /** HTTP methods. Default: `GET` and `HEAD`: reading. */
  readonly methods?: readonly string[] | undefined;
  /** The only scopes that count while access is limited. Default: all that the token has. */
  readonly scopes?: readonly string[] | undefined;
}

/** A policy that was checked, with its durations in seconds. */
export interface Policy {
  readonly grace: number;
  readonly checkIn: number | null;
  readonly rollbackTolerance: number;
  readonly limited: { readonly methods: readonly string[]; readonly scopes: readonly string[] | null };
}

/** What is known of time, in Unix seconds. */
export interface ClockMarks {
  /** The moment to decide for. */
  readonly now: number;
  /** The greatest time that was seen and is trusted. */
  readonly highest?: number | undefined;
  /** When the provider last answered. */
  readonly lastCheckIn?: number | undefined;
  /** Whether the clock was found behind the marks since then; the caller keeps this until the next check-in. */
  readonly rolledBack?: boolean | undefined;
}

/** What may be done, why, and for how long. */
export interface Decision {
  readonly access: Access;
  readonly reason: AccessReason;
  /** The first moment, in Unix seconds, at which the answer is another one; `null` if time alone cannot change it. */
  readonly until: number | null;
}

const checked = new WeakSet<Policy>();

/** Checks a policy and fills in the defaults; throws a {@link ConfigError} for one that cannot work. */
export function createPolicy(options: PolicyOptions | Policy = {}): Policy {
  if (checked.has(options as Policy)) return options as Policy;
  const given = checkNames(options as PolicyOptions, "policy", ["grace", "checkIn", "rollbackTolerance", "limited"]);
  const { grace = "24h", checkIn = "7d", rollbackTolerance = "60s", limited = {} } = given;
  const { methods = ["GET", "HEAD"], scopes = null } = checkNames(limited, "limited", ["methods", "scopes"]);
  const policy: Policy = Object.freeze({
    grace: seconds(grace, "grace"),
    checkIn: checkIn === null ? null : seconds(checkIn, "checkIn"),
    rollbackTolerance: seconds(rollbackTolerance, "rollbackTolerance"),
    limited: Object.freeze({
      methods: Object.freeze(strings(methods, "methods").map((method) => method.toUpperCase())),
      scopes: scopes === null ? null : strings(scopes, "scopes"),
    }),
  });
  checked.add(policy);
  return policy;
}

function strings(value: unknown, option: string): readonly string[] {
  if (Array.isArray(value) && value.every((element) => typeof element === "string")) return value;
  throw shouldBe(option, "an array of strings");
}

/** The list `src/wasm.rs` counts in, with the access each reason is for. */
const REASONS: readonly (readonly [AccessReason, Access])[] = [
  ["valid", "full"],
  ["grace", "limited"],
  ["expired", "none"],
  ["check_in_required", "none"],
  ["clock_rolled_back", "none"],
  ["not_yet_valid", "none"],
];

/** A decision as the core gives it. */
export function decisionOf(place: number, until: number): Decision {
  const [reason, access] = REASONS[place] as (typeof REASONS)[number];
  return { access, reason, until: moment(until) };
}

/** A moment as the core gives it: `NaN` for none. */
export function moment(seconds: number): number | null {
  return Number.isNaN(seconds) ? null : seconds;
}
