import { shouldBe } from "./errors.js";

/** Seconds as a number, or text with a unit: `"90s"`, `"15m"`, `"24h"`, `"7d"`, `"2w"`. */
export type Duration = number | `${number}${"s" | "m" | "h" | "d" | "w"}`;

const UNITS: { readonly [unit: string]: number } = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** How long something may take, in seconds: more than 0. */
export function timeLimit(value: unknown, option: string): number {
  const limit = seconds(value, option);
  if (limit > 0) return limit;
  throw shouldBe(option, "more than 0");
}

/** A duration in seconds, 0 or more; or a {@link ConfigError} that names the option. */
export function seconds(value: unknown, option: string): number {
  const [, digits, unit] = (typeof value === "string" && /^(\d+(?:\.\d+)?)([smhdw])$/.exec(value)) || [];
  const length = typeof value === "number" ? value : Number(digits) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (Number.isFinite(length) && length >= 0) return length;
  throw shouldBe(option, 'a number of seconds, 0 or more, or a text such as "90s", "15m", "24h", "7d" or "2w"');
}
