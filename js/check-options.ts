/** How every entry reads the options that it is given: each once, by one rule of what counts, checked by a table. */
import { ConfigError, invalidOption, shouldBe } from "./errors.js";

/** Whether a value will do for an option, and what the option should be. */
export type Check = readonly [test: (value: unknown) => boolean, expected: string];

/** The checks of all options of an entry. */
export type Checks<Options> = { readonly [Name in keyof Options]-?: Check };

/** Reads options as {@link checkNames} does, and checks each that is there. */
export function checkOptions<Options extends object>(
  given: Options,
  what: string,
  checks: Checks<Options>,
  needed: readonly (keyof Options & string)[] = [],
): Options {
  const options = checkNames(given, what, Object.keys(checks));
  for (const name of needed) {
    if (options[name] === undefined) throw new ConfigError("missing_option", `the option "${name}" is missing`, name);
  }
  for (const [name, [test, expected]] of Object.entries<Check>(checks)) {
    const value: unknown = options[name as keyof Options];
    if (value !== undefined && !test(value)) throw shouldBe(name, expected);
  }
  return options;
}

/** What makes a copy of an option, or of what it is not `undefined`; and what the option should be. */
export type Reader = readonly [read: (value: unknown) => unknown, expected: string];

/** Replaces each option that is there, in what {@link checkNames} has copied, by what its reader makes of it. */
export function readEach(
  options: { [name: string]: unknown },
  readers: { readonly [name: string]: Reader },
): { [name: string]: unknown } {
  for (const name of Object.keys(options)) {
    if (options[name] === undefined) continue;
    const [read, expected] = readers[name] as Reader;
    options[name] = read(options[name]);
    if (options[name] === undefined) throw shouldBe(name, expected);
  }
  return options;
}

/**
 * Reads each option once, and refuses one that does not exist: a misspelled option must not be silently ignored.
 *
 * An inherited option counts like an own one, for example the `method` of a `Request`; but what some code of the page has
 * put on every object there is, is no option. Accessors and methods that an object inherits under other names are no
 * options either: every instance of a class has some. The answer inherits nothing, and arrays in it are frozen
 * copies: whatever becomes of what was given, the options stay.
 */
export function checkNames<Options extends object>(given: Options, what: string, names: readonly string[]): Options {
  // A Map or URLSearchParams has no option as a member: what it was meant to say would be silently ignored.
  if (typeof given !== "object" || given === null || Symbol.iterator in given) {
    // What is inside another option is named with its place, and is the option of its last name.
    const option = what.slice(what.lastIndexOf(".") + 1);
    throw invalidOption(`"${what}" should be an object of options`, option);
  }
  refuseUnknown(given, names);
  return readMembers(given, names) as Options;
}

/** The members of an object whose names may be any: its own and what it inherits, by the same rule. */
export function membersOf(given: object, names: readonly string[] = []): { readonly [name: string]: unknown } {
  const all = new Set(names);
  for (const name in given) all.add(name);
  return readMembers(given, [...all]);
}

/** Some members of an object, which may have others, by the same rule. */
export function readMembers(given: object, names: readonly string[]): { readonly [name: string]: unknown } {
  const copy: Record<string, unknown> = Object.create(null);
  for (const name of names) {
    const value = (given as { readonly [name: string]: unknown })[name];
    // What is `undefined` may be there all the same; and a Proxy may have what no object in its chain of prototypes has.
    if (value === undefined && !(name in given)) continue;
    if (Object.hasOwn(given, name) || isInherited(given, name, value)) {
      copy[name] = Array.isArray(value) ? Object.freeze(elementsOf(value, name)) : value;
    }
  }
  return copy;
}

/** Whether an inherited member is more than what some code has put on every object. */
function isInherited(given: object, name: string, value: unknown): boolean {
  let holder: object | null = Object.getPrototypeOf(given);
  while (holder !== null && !Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder);
  if (holder === null || !isObjectPrototype(holder)) return true;
  const { get, value: pollution } = descriptor(holder, name) ?? {};
  return get === undefined && value !== pollution;
}

function refuseUnknown(given: object, names: readonly string[]): void {
  for (const name of Object.keys(given)) if (!names.includes(name)) throw unknown(name, names);
  let parent: object | null = Object.getPrototypeOf(given);
  for (; parent !== null && !isObjectPrototype(parent); parent = Object.getPrototypeOf(parent)) {
    for (const name of Object.keys(parent)) {
      const value: unknown = names.includes(name) ? undefined : descriptor(parent, name)?.value;
      if (value !== undefined && !isFunction(value)) throw unknown(name, names);
    }
  }
}

function unknown(name: string, names: readonly string[]): ConfigError {
  const known = names.join(", ");
  return new ConfigError("unknown_option", `there is no option ${JSON.stringify(name)} (known: ${known})`, name);
}

/** Whether it is the `Object.prototype` of this realm or of another one, such as a frame's or a test runner's. */
function isObjectPrototype(holder: object): boolean {
  return (
    holder === Object.prototype || (Object.getPrototypeOf(holder) === null && Object.hasOwn(holder, "hasOwnProperty"))
  );
}

export function descriptor(holder: object, name: string): PropertyDescriptor | undefined {
  return Object.getOwnPropertyDescriptor(holder, name);
}

/** More than any option has. The copy of an array that is nothing but long would take all memory, and end the process. */
const MOST_ELEMENTS = 1_000_000;

/** Each element of an option's array, also where there is a hole, whatever the array's own methods do. */
function elementsOf(array: readonly unknown[], option: string): unknown[] {
  const { length } = array;
  if (length > MOST_ELEMENTS) throw shouldBe(option, `an array of at most ${MOST_ELEMENTS} elements, not ${length}`);
  return Array.from({ length }, (_, index) => array[index]);
}

/** A lone surrogate is no text: it has no UTF-8, and no strict JSON. */
export function isString(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

export function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** A whole number from `least` to `most`. */
export function isWhole(least: number, most = Number.MAX_SAFE_INTEGER): (value: unknown) => boolean {
  return (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isName(value: unknown): boolean {
  return typeof value === "string" && /^[\w.-]+$/.test(value);
}

/** An object, of whatever class, that has these methods. */
export function hasMethods(...names: readonly string[]): (value: unknown) => boolean {
  return (value) => names.every((name) => isFunction((value as Record<string, unknown> | null | undefined)?.[name]));
}

/** Checks that many entries share. */
export const TEXT: Check = [isString, "a text"];
export const BOOLEAN: Check = [isBoolean, "true or false"];
export const FUNCTION: Check = [isFunction, "a function"];
export const STORAGE: Check = [
  /* @__PURE__ */ hasMethods("get", "set", "delete"),
  "a Storage: an object with get, set and delete",
];
/** Of a session, and of a protection, whose records have it in their names. */
export const NAME: Check = [isName, "a short name of ASCII letters and digits"];
/** What another reader checks, which has messages of its own. */
export const ANYTHING: Check = [() => true, ""];
