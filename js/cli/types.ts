/** What the commands of `npx tokenward` are given. */
import type { Arguments } from "./arguments.js";
import type { Output, Printer } from "./printer.js";

/** The process around a command. */
export interface Host {
  readonly env: { readonly [name: string]: string | undefined };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether a person types at the standard input. */
  readonly isInteractive: boolean;
  /** A line where a person types it, else all of the standard input. */
  readInput(): Promise<string>;
  readText(path: string): Promise<string>;
  /** Replaces the file as a whole. */
  writeText(path: string, text: string): Promise<void>;
  version(): Promise<string>;
  readonly fetch: typeof fetch;
  /** Unix seconds. */
  now(): number;
}

/** One run of a command. */
export interface Run {
  readonly args: Arguments;
  readonly print: Printer;
  readonly host: Host;
}

/** What a run came to, as the process says it. */
export const EXIT = { yes: 0, no: 1, usage: 2, network: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
