/** What others have written, in a form that a terminal shows and does nothing else with. */

/** What a terminal may take for more than a character, such as controls, and what turns the direction of writing. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const LONGEST_VALUE = 200;

/** How many levels of arrays and objects are written as JSON. The strict reader takes 64. */
const MOST_LEVELS = 200;

/** A value that somebody else has written, as JSON of bounded length. */
export function shown(value: unknown): string {
  if (isTooDeep(value)) return `a value of more than ${MOST_LEVELS} levels`;
  const text = plainText(JSON.stringify(value) ?? "nothing");
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/**
 * Whether a parsed value is nested more deeply than it is written here: `JSON.parse` reads what `JSON.stringify` then
 * has no stack for.
 */
export function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MOST_LEVELS) return true;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** A value as JSON text with lines of its own, in which nothing is more than a character: escaped, each means the same. */
export function plainJson(value: unknown, indent?: number): string {
  return plainLines(JSON.stringify(value, undefined, indent));
}

/** The same lines, in which nothing is more than a character. */
export function plainLines(text: string): string {
  return text.split("\n").map(plainText).join("\n");
}

/** One line, in which nothing is more than a character. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, place) => unicode(character.charCodeAt(place))).join(""),
  );
}

function unicode(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
