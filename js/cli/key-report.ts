import { kindOf, nameOf, type SetReport } from "../keys/report.js";
import type { Printer } from "./printer.js";

/** A line for each key, then what is wrong with all. */
export function printKeys(print: Printer, { keys, problems }: SetReport): void {
  for (const key of keys) {
    const thumbprint = key.thumbprint === undefined ? "" : `  ${key.thumbprint}`;
    print.mark(key.mark, `${kindOf(key).padEnd(13)} ${key.message}${thumbprint}`, nameOf(key), "  ");
  }
  for (const problem of problems) print.mark("problem", problem, "", "  ");
}
