/** What the commands print, and what they must not. */
import { plainJson, plainLines, plainText } from "../shown.js";

export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** How a line of a report is marked. */
export type Mark = "ok" | "note" | "warning" | "problem" | "unknown";

const MARKS: { readonly [Name in Mark]: readonly [sign: string, color: number] } = {
  ok: ["✓", 32],
  note: ["·", 2],
  warning: ["!", 33],
  problem: ["✗", 31],
  unknown: ["?", 36],
};

/** A token wherever it stands: a JSON object in base64url, perhaps with a space after its brace, and what follows it. */
const TOKEN = /\b(?:ey[AJ]|ew[0ko])[\w-]{6,}(?:\.[\w-]*){1,4}/g;

/** Writes for people, with color where somebody sees it, or one JSON text for programs. Tokens only if asked for. */
export class Printer {
  readonly isJson: boolean;
  readonly #out: Output;
  readonly #err: Output;
  readonly #showTokens: boolean;
  readonly #noColor: boolean;

  constructor({ out, err, isJson, showTokens, noColor }: Printing) {
    this.isJson = isJson;
    this.#out = out;
    this.#err = err;
    this.#showTokens = showTokens;
    this.#noColor = noColor;
  }

  /** The one answer of `--json`. */
  json(value: unknown): void {
    this.#write(this.#out, `${plainJson(value, 2)}\n`);
  }

  line(text = ""): void {
    if (!this.isJson) this.#write(this.#out, `${plainLines(text)}\n`);
  }

  title(text: string): void {
    if (!this.isJson) this.#write(this.#out, `${this.#styled(this.#out, 1, plainText(text))}\n`);
  }

  /** A line of a report, such as `✓ keys     3 keys can verify tokens`; `indent` puts it under the one before. */
  mark(mark: Mark, text: string, name = "", indent = ""): void {
    if (this.isJson) return;
    const [sign, color] = MARKS[mark];
    const title = name === "" ? "" : `${name.padEnd(11)} `;
    this.#write(this.#out, `${indent}${this.#styled(this.#out, color, sign)} ${title}${plainText(text)}\n`);
  }

  /** What is beside the answer: a warning, what went wrong. */
  aside(mark: Mark, text: string): void {
    const [sign, color] = MARKS[mark];
    this.#write(this.#err, `${this.#styled(this.#err, color, sign)} ${plainText(text)}\n`);
  }

  /** As it is: a text of ours, or a file's content, which is plain already. */
  raw(text: string): void {
    this.#out.write(text);
  }

  #write(output: Output, text: string): void {
    output.write(this.#showTokens ? text : text.replace(TOKEN, "[token]"));
  }

  #styled(output: Output, style: number, text: string): string {
    return output.isTTY && !this.#noColor ? `\u001b[${style}m${text}\u001b[0m` : text;
  }
}

export interface Printing {
  readonly out: Output;
  readonly err: Output;
  readonly isJson: boolean;
  readonly showTokens: boolean;
  readonly noColor: boolean;
}

/** A moment, and how far it is from now: `2026-11-29 12:00:00 UTC, in 15 minutes`. */
export function moment(seconds: number, now: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds}, which no calendar has`;
  const text = date
    .toISOString()
    .replace("T", " ")
    .replace(/\.000Z$|Z$/, " UTC");
  const away = duration(Math.abs(seconds - now));
  return `${text}, ${seconds >= now ? `in ${away}` : `${away} ago`}`;
}

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** About how long: `3 days`, `2 hours`, `1 second`. */
export function duration(seconds: number): string {
  const [unit, name] = UNITS.find(([length]) => seconds >= length) ?? [1, "second"];
  const count = Math.floor(seconds / unit);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
