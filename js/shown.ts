/** What others have written, in a form that a terminal shows and does nothing else with. */

/** What a terminal may take for more than a character, such as controls, and what turns the direction of writing. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const LONGEST_VALUE = 200;

/** A value that somebody else has written, as JSON of bounded length. */
export function shown(value: unknown): string {
  const text = plainText(JSON.stringify(value) ?? "nothing");
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
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
