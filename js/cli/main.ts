/** One run of `tokenward`: which command, and what its outcome or its error is as an exit code. */
import { ConfigError, KeyStoreError } from "../errors.js";
import { Arguments } from "./arguments.js";
import { COMMANDS, COMMON_OPTIONS, type Command } from "./commands.js";
import { errorFacts, UsageError } from "./errors.js";
import { helpOf, overview } from "./help.js";
import { Printer } from "./printer.js";
import { EXIT, type ExitCode, type Host } from "./types.js";

export async function main(args: readonly string[], host: Host): Promise<ExitCode> {
  const print = new Printer({
    out: host.stdout,
    err: host.stderr,
    isJson: args.includes("--json"),
    showTokens: args.includes("--show-tokens"),
    noColor: Boolean(host.env["NO_COLOR"]) || host.env["TERM"] === "dumb",
  });
  try {
    return await dispatch(args, host, print);
  } catch (error) {
    const code = exitCodeOf(error);
    if (code === undefined) throw error;
    const facts = errorFacts(error as Error);
    if (print.isJson) print.json({ ok: false, error: facts });
    else print.aside("problem", (error as Error).message);
    return code;
  }
}

function dispatch(args: readonly string[], host: Host, print: Printer): Promise<ExitCode> | ExitCode {
  const [first, second] = args;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    print.raw(overview());
    return first === undefined ? EXIT.usage : EXIT.yes;
  }
  if (first === "--version") return printVersion(host, print);
  const found = [`${first} ${second}`, first].find((name) => Object.hasOwn(COMMANDS, name));
  if (found === undefined) {
    throw new UsageError(`there is no such command (known: ${Object.keys(COMMANDS).join(", ")}); try --help`);
  }
  const command = COMMANDS[found] as Command;
  const rest = args.slice(found.split(" ").length);
  if (rest.includes("--help") || rest.includes("-h")) {
    print.raw(helpOf(found, command));
    return EXIT.yes;
  }
  const options = { ...command.options, ...COMMON_OPTIONS };
  return command.run({ args: new Arguments(rest, options, command.most), print, host });
}

async function printVersion(host: Host, print: Printer): Promise<ExitCode> {
  print.raw(`${await host.version()}\n`);
  return EXIT.yes;
}

/** What an error of ours means; `undefined` for one that is a bug. */
function exitCodeOf(error: unknown): ExitCode | undefined {
  if (error instanceof KeyStoreError) return EXIT.network;
  if (error instanceof UsageError || error instanceof ConfigError) return EXIT.usage;
  return undefined;
}
