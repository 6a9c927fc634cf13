/** How many bytes have a character of their own. */
const DIRECT = 91;
/** The characters in use: printable ASCII without the quote and the backslash. */
const CHARACTERS = 93;

/**
 * The bytes of a module that is part of a script as a string, written by `tools/inline.mjs`. First come two hexadecimal
 * digits for each of the most frequent bytes, in the order of their characters; then a character for each such byte, and two
 * for any other.
 */
export function decoded(text: string): Uint8Array<ArrayBuffer> {
  const direct = Array.from({ length: DIRECT }, (_, place) =>
    Number.parseInt(text.slice(2 * place, 2 * place + 2), 16),
  );
  const rest = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !direct.includes(byte));
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 2 * DIRECT; at < text.length; at += 1) {
    const place = placeOf(text, at);
    if (place < DIRECT) bytes[length] = direct[place] as number;
    else {
      at += 1;
      bytes[length] = rest[(place - DIRECT) * CHARACTERS + placeOf(text, at)] as number;
    }
    length += 1;
  }
  return bytes.slice(0, length);
}

/** The place of a character among those in use. */
function placeOf(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code - 32 - Number(code > 34) - Number(code > 92);
}
