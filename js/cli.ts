#!/usr/bin/env node
/** `npx tokenward`. */
import { constants } from "node:fs";
import { chmod, type FileHandle, open, readFile, realpath, rename, stat, unlink, writeFile } from "node:fs/promises";
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
  readText,
  writeText,
  async version() {
    const script = await realpath(argv[1] as string);
    const text = await readFile(script.replace(/pkg[\\/]\w+[\\/]cli\.js$/, "package.json"), "utf8");
    return (JSON.parse(text) as { version: string }).version;
  },
  fetch: (input, init) => fetch(input, init),
  now: () => Date.now() / 1000,
};

/** Whatever stands at a path; a pipe or a device only as far as any token or key set goes, and none waits without end. */
async function readText(path: string): Promise<string> {
  // Opening a named pipe that nobody writes to would wait forever.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const kind = await file.stat();
    return kind.isFile() || kind.isDirectory() ? await file.readFile("utf8") : await readStream(file);
  } finally {
    await file.close();
  }
}

/** In milliseconds: how long whoever writes to a pipe may be silent, and how often it is looked. */
const LONGEST_SILENCE = 60_000;
const SILENCE_STEP = 20;

async function readStream(file: FileHandle): Promise<string> {
  const chunk = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  for (let silence = 0; text.length <= LONGEST_INPUT; ) {
    try {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return text + decoder.decode();
      text += decoder.decode(chunk.subarray(0, bytesRead), { stream: true });
      silence = 0;
    } catch (error) {
      // There is a writer, who has written nothing yet.
      if ((error as { code?: string }).code !== "EAGAIN" || silence >= LONGEST_SILENCE) throw error;
      silence += SILENCE_STEP;
      await new Promise<void>((resolve) => setTimeout(resolve, SILENCE_STEP));
    }
  }
  return text;
}

/** Replaces a regular file as a whole, with the rights that it had. */
async function writeText(path: string, text: string): Promise<void> {
  const before = await stat(path).catch((error: { code?: string }) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (before?.isDirectory()) throw Object.assign(new Error("a directory"), { code: "EISDIR" });
  // A pipe or a device would be replaced by a file.
  if (before?.isFile() === false) throw new Error("no regular file");
  const mode = before === undefined ? 0o666 : before.mode & 0o777;
  // Nobody can have put a link there to be written through: the name is not to be guessed, and must be new.
  const draft = `${path}.${pid}.${crypto.randomUUID()}.tmp`;
  try {
    await writeFile(draft, text, { flag: "wx", mode });
    if (before !== undefined) await chmod(draft, mode);
    await rename(draft, path);
  } catch (error) {
    // A name that was taken is not ours.
    if ((error as { code?: string }).code !== "EEXIST") await unlink(draft).catch(() => {});
    throw error;
  }
}

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
