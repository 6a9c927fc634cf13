import { parseArgs } from "node:util";
import { UsageError } from "./errors.js";

/** An option of a command: what its value is called in the help, if it has one, and whether it may come several times. */
export interface OptionSpec {
  readonly value?: string;
  readonly many?: boolean;
  readonly short?: string;
  readonly help: string;
}

export interface OptionSpecs {
  readonly [name: string]: OptionSpec;
}

/** The arguments of one run, checked against the command's options. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: { readonly [name: string]: string | boolean | readonly string[] | undefined };

  /** Throws a {@link UsageError}, which never repeats an argument: it may be a token. */
  constructor(args: readonly string[], specs: OptionSpecs, most: number) {
    const options = Object.fromEntries(
      Object.entries(specs).map(([name, { value, many = false, short }]) => {
        const type = value === undefined ? ("boolean" as const) : ("string" as const);
        return [name, { type, multiple: many, ...(short !== undefined && { short }) }];
      }),
    );
    let given: readonly string[];
    try {
      const { values, positionals, tokens } = parseArgs({ args, options, allowPositionals: true, tokens: true });
      this.#values = values;
      this.positionals = positionals;
      given = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    } catch (error) {
      const [, name] = /'(?:-\w, )?(--?[\w-]{1,32})[ '<=]/.exec((error as Error).message) ?? [];
      const known = name !== undefined && Object.hasOwn(specs, name.replace(/^-+/, ""));
      if (known) throw new UsageError(`the option ${name} ${needsOf(specs[name.replace(/^-+/, "")])}`);
      throw new UsageError(name === undefined ? "the arguments cannot be read" : `there is no option ${name}`);
    }
    // Which of two values counts would be a guess.
    const twice = given.find((name, index) => isSingle(specs[name]) && given.indexOf(name) < index);
    if (twice !== undefined) throw new UsageError(`the option --${twice} is given twice, and may be given once`);
    if (this.positionals.length > most) {
      throw new UsageError(
        `there are ${this.positionals.length} arguments without an option's name, but at most ${most} have a meaning`,
      );
    }
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  list(name: string): readonly string[] | undefined {
    return this.#values[name] as readonly string[] | undefined;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }
}

function isSingle(spec: OptionSpec | undefined): boolean {
  return spec?.value !== undefined && spec.many !== true;
}

function needsOf(spec: OptionSpec | undefined): string {
  return spec?.value === undefined ? "takes no value" : `needs a value: ${spec.value}`;
}
