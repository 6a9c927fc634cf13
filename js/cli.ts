#!/usr/bin/env node
/** `npx tokenward`. */
import { readFile, realpath, rename, writeFile } from "node:fs/promises";
import { main } from "./cli/main.js";
import type { Output } from "./cli/printer.js";
import type { Host } from "./cli/types.js";

interface Input extends AsyncIterable<unknown> {
  readonly isTTY?: boolean;
  setEncoding(encoding: "utf8"): void;
  destroy(): void;
}

declare const process: {
  readonly argv: readonly string[];
  readonly env: Host["env"];
  readonly pid: number;
  readonly stdin: Input;
  readonly stdout: Output & { on(event: "error", listener: (error: { code?: string }) => void): void };
  readonly stderr: Output;
  exitCode: number;
  exit(code: number): never;
};

/** More than any token or key set. */
const LONGEST_INPUT = 1 << 21;

const { argv, env, pid, stdin, stdout, stderr } = process;

const host: Host = {
  env,
  stdout,
  stderr,
  isInteractive: stdin.isTTY === true,
  async readInput() {
    stdin.setEncoding("utf8");
    let text = "";
    for await (const chunk of stdin) {
      text += chunk;
      if (text.length > LONGEST_INPUT || (stdin.isTTY && text.includes("\n"))) break;
    }
    stdin.destroy();
    return text;
  },
  readText: (path) => readFile(path, "utf8"),
  async writeText(path, text) {
    const draft = `${path}.${pid}.tmp`;
    await writeFile(draft, text);
    await rename(draft, path);
  },
  async version() {
    const script = await realpath(argv[1] as string);
    const text = await readFile(script.replace(/pkg[\\/]\w+[\\/]cli\.js$/, "package.json"), "utf8");
    return (JSON.parse(text) as { version: string }).version;
  },
  fetch: (input, init) => fetch(input, init),
  now: () => Date.now() / 1000,
};

// Whoever reads the answer may have read enough of it, such as `head`.
stdout.on("error", ({ code }) => process.exit(code === "EPIPE" ? 0 : 2));

main(argv.slice(2), host).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    // Its message may hold what was read: only where it happened is told.
    const places = error instanceof Error ? (error.stack ?? "").split("\n").slice(1).join("\n") : "";
    stderr.write(
      `This is a mistake in tokenward, not in the token: ${error instanceof Error ? error.name : "?"}\n${places}\n`,
    );
    process.exitCode = 70;
  },
);
