// Reads a token for display only, forgivingly and without any check. Whatever comes out of here may have been written
// by anyone: the page must say so wherever it shows it. Verifying is Tokenward's, and shares no code with this.

/** As deep as the verifier reads. */
const MAX_DEPTH = 64;

/** @returns {{ header?: unknown, payload?: unknown, parts: string[] }} undefined where a part cannot be read */
export function decode(token) {
  const parts = token.split(".");
  return { parts, header: read(parts[0]), payload: read(parts[1]) };
}

/** A member of something that may be anything. */
export function member(value, name) {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function read(part) {
  if (!part) return undefined;
  try {
    const binary = atob(part.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return isWithin(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whatever is nested deeper than any page can draw is not read. */
function isWithin(value, levels) {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1));
}
