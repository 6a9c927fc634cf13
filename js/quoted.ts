const LONGEST = 200;

/** What somebody else has said, for a message: in quotes, of bounded length, with all but printable ASCII escaped. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : typeof value;
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(shown).replace(/[^ -~…]/g, escaped);
}
