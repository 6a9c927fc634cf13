import type { OptionSpec, OptionSpecs } from "./arguments.js";
import { COMMANDS, COMMON_OPTIONS, type Command } from "./commands.js";

/** Of all commands. */
export function overview(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const);
  return `Verifies JSON Web Tokens, explains them, and looks after an issuer's keys.

Usage: npx tokenward <command> [options]

Commands:
${table(commands)}

  npx tokenward <command> --help   says more, with examples
  npx tokenward --version

Exit codes: 0 yes · 1 no · 2 a mistake in the call or a file · 3 the network or what came over it
`;
}

/** Of one command. */
export function helpOf(name: string, { takes, about, options, examples, exits }: Command): string {
  const shown = examples.map(([command, what]) => `  ${command}${what === "" ? "" : `   # ${what}`}`);
  return `Usage: npx tokenward ${name} ${takes} [options]

${about}

Options:
${table(optionLines({ ...options, ...COMMON_OPTIONS }))}

Examples:
${shown.join("\n")}

Exit codes:
  0  ${exits[0]}
  1  ${exits[1]}
  2  a mistake in the call, or a file that cannot be read
  3  the network did not answer, or not with what was needed
`;
}

function optionLines(options: OptionSpecs): readonly (readonly [string, string])[] {
  return Object.entries(options).map(([name, option]) => [optionName(name, option), option.help]);
}

function optionName(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` <${value}>`}`;
}

function table(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
