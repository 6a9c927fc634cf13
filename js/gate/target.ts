/**
 * Spellings of a path that have two readings, and that an app may accept because its paths hold such names:
 * `encoded-slash` (`%2F`), `encoded-delimiter` (`%3F` and `%23`), `double-encoding` (`%2520`) and `empty-segment`
 * (`/proxy//x`). What is accepted is never a separator for the gate, and has to fall under the same rule whichever way a
 * server reads it.
 */
export type PathSpelling = (typeof SPELLINGS)[number];

/** In the order in which readings of them are made: what is decoded may be one of the others. */
export const SPELLINGS = ["double-encoding", "encoded-delimiter", "encoded-slash", "empty-segment"] as const;

/** Why the URL of a request was refused before any rule: it cannot be read, has two readings, or is for another host. */
export type UrlRefusal = "malformed_url" | "ambiguous_path" | "misdirected_request";

type Finding = PathSpelling | keyof typeof DETAILS;

/** What is said of a URL that is refused. None of it comes from the request. */
const DETAILS = {
  authority: "the scheme or the host is not written as a URL has it",
  fragment: "a request has no fragment",
  whitespace: "the URL ends with white space",
  "control-character": "the URL holds a control character",
  "malformed-percent": 'the path holds a "%" without two hexadecimal digits; write "%25"',
  "invalid-utf8": "the path holds encoded bytes that are not UTF-8",
  "dot-segment": 'the path holds a segment "." or ".."',
  "dot-parameter": 'the path holds a segment "." or ".." with a parameter',
  backslash: "the path holds a backslash",
  "empty-segment": "the path holds two slashes in a row",
  "encoded-slash": 'the path holds an encoded slash; the gate takes it where it accepts "encoded-slash"',
  "encoded-delimiter": 'the path holds an encoded "?" or "#"; the gate takes them where it accepts "encoded-delimiter"',
  "double-encoding": 'the path is encoded twice; the gate takes it where it accepts "double-encoding"',
  rules: "servers that read this path differently would find it under different rules",
  origin: "this server answers for another origin",
} as const;

/** What cannot be read at all; everything else has two readings. */
const MALFORMED: readonly Finding[] = [
  "authority",
  "fragment",
  "whitespace",
  "control-character",
  "malformed-percent",
  "invalid-utf8",
];

/** A client that is sent to the canonical path finds what it meant, as Go's ServeMux answers. */
const HARMLESS: readonly Finding[] = ["dot-segment", "empty-segment"];

/** A URL that is refused, and why. */
export interface RefusedUrl {
  readonly refused: UrlRefusal;
  readonly detail: string;
  /** The canonical path and query; only where a client that is sent there finds what it meant. */
  readonly location?: string;
  /** Whose it is, where that could be read. */
  readonly origin?: string;
}

/** The one reading of a URL. */
export interface Target {
  /** In lower case, without the scheme's own port. */
  readonly origin: string;
  /** RFC 3986 section 6.2.2: only what must be encoded is, in capital letters; no dot segments. */
  readonly path: string;
  /** With its question mark. */
  readonly search: string;
  /** The path before encoded letters and digits were decoded. */
  readonly spelt: string;
}

/** The path of a rule, a request, or a part of one, and what is not canonical about it. */
interface Path {
  readonly path: string;
  readonly spelt: string;
  readonly found: readonly Finding[];
}

/** Scheme and host, path, query, fragment. User information, empty ports and backslashes fit nowhere. */
const URL_SHAPE = /^(https?:\/\/(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{1,5})?)(\/[^?#]*)?(\?[^#]*)?(?:#.*)?$/is;

/** Segments of what a path may hold as it is (RFC 3986 section 3.3), none of them empty or a dot segment. */
const ORDINARY = /^(?:\/(?!\.{1,2}(?:[/;]|$))[\w.~!$&'()*+,;=:@-]+)*\/?$/;

/** What only a path that an app accepts holds. */
const PERHAPS_SEPARATOR = /\/\/|%(?:2F|3F|23|25)/;

/** What `new URL` leaves as it is in a query. */
const ORDINARY_QUERY = /^[!$-&(-;=?-~]*$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const CONTROL = /[\0-\x1f\x7f]/;

/**
 * Reads the URL of a request, as the text that it is: `new URL` would silently repair what a router behind the gate reads
 * as it stands. `"other"` for another scheme than http and https, `"relative"` for what has none.
 */
export function readTarget(url: string, accept: readonly PathSpelling[]): Target | RefusedUrl | "other" | "relative" {
  const parts = URL_SHAPE.exec(url);
  if (parts === null) {
    if (/^https?:/i.test(url)) return refusedFor("authority");
    return /^[a-z][a-z\d+.-]*:/i.test(url) ? "other" : "relative";
  }
  const [, authority = "", given = "/", query = ""] = parts;
  const origin = readOrigin(authority);
  if (origin === undefined) return refusedFor("authority");
  // Parsers cut it off, some of them more kinds of it than others.
  if (/\s$/.test(url)) return { ...refusedFor("whitespace"), origin };
  const search = ORDINARY_QUERY.test(query) ? query : readQuery(query);
  if (search === undefined) return { ...refusedFor("control-character"), origin };
  if (ORDINARY.test(given)) return { origin, path: given, search, spelt: given };
  const { path, spelt, found } = readPath(given, accept);
  const wrong =
    found.find((one) => MALFORMED.includes(one)) ?? found.find((one) => !HARMLESS.includes(one)) ?? found[0];
  if (wrong === undefined) return { origin, path, search, spelt };
  // Where an app accepts what may be a separator, servers disagree which segment ".." takes away.
  const isHarmless = HARMLESS.includes(wrong) && (accept.length === 0 || !PERHAPS_SEPARATOR.test(spelt));
  return { ...refusedFor(wrong, isHarmless ? path + search : undefined), origin };
}

export function refusedFor(finding: Finding, location?: string): RefusedUrl {
  const refused =
    finding === "origin" ? "misdirected_request" : MALFORMED.includes(finding) ? "malformed_url" : "ambiguous_path";
  return { refused, detail: DETAILS[finding], ...(location !== undefined && { location }) };
}

/** The canonical form of a rule's path, with what is wrong about it. */
export function readRulePath(path: string, accept: readonly PathSpelling[]): { path: string; wrong?: string } {
  const read = readPath(path, accept);
  const wrong = read.found.find((one) => !HARMLESS.includes(one));
  return { path: read.path, ...(wrong !== undefined && { wrong: DETAILS[wrong] }) };
}

/** Most requests name the same origin. */
let lastOrigin: { readonly given: string; readonly origin: string } | undefined;

/** `undefined` for what the URL parser would change, such as `http://0x7f.1`. */
function readOrigin(given: string): string | undefined {
  if (lastOrigin?.given === given) return lastOrigin.origin;
  try {
    const { origin } = new URL(given);
    const plain = given.toLowerCase().replace(/^(http:.*):80$|^(https:.*):443$/, "$1$2");
    if (origin !== plain) return undefined;
    lastOrigin = { given, origin };
    return origin;
  } catch {
    return undefined;
  }
}

function readQuery(query: string): string | undefined {
  return CONTROL.test(query) || !isWellFormed(query) ? undefined : new URL(`http://query/${query}`).search;
}

/** No half of a surrogate pair, which the URL parser would replace. */
function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

function readPath(given: string, accept: readonly PathSpelling[]): Path {
  const found: Finding[] = [];
  const look = (text: string, pattern: RegExp, finding: Finding) => {
    if (pattern.test(text) && !accept.includes(finding as PathSpelling)) found.push(finding);
  };
  if (CONTROL.test(given) || !isWellFormed(given)) return { path: given, spelt: given, found: ["control-character"] };
  look(given, /%(?![\da-f]{2})/i, "malformed-percent");
  look(given, /\\/, "backslash");
  const spelt = encoded(given).replace(/(?:%(?=.?[a-f])[\dA-Fa-f]{2})+/g, (encoded) => encoded.toUpperCase());
  // Letters, digits, "-", ".", "_" and "~" (RFC 3986 section 2.3).
  const decoded = spelt.replace(/(?:%(?:[46][1-9A-F]|[57][\dA]|3\d|2[DE]|5F|7E))+/g, decodeURIComponent);
  look(decoded, /%(?:[01][\dA-F]|7F)/, "control-character");
  if (/%[89A-F]/.test(decoded) && !isUtf8(decoded)) found.push("invalid-utf8");
  look(decoded, /%5C/, "backslash");
  look(decoded, /%2F/, "encoded-slash");
  look(decoded, /%3F|%23/, "encoded-delimiter");
  look(decoded, /%25[\dA-F]{2}/i, "double-encoding");
  look(decoded, /\/\.{1,2}(?:;|%3B)/, "dot-parameter");
  // At the beginning, "//" reads as a host.
  if (decoded.startsWith("//")) found.push("empty-segment");
  else look(decoded, /\/\//, "empty-segment");
  look(decoded, /\/\.{1,2}(?:\/|$)/, "dot-segment");
  const path = found.some((one) => HARMLESS.includes(one)) ? resolved(decoded) : decoded;
  return { path, spelt, found };
}

function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path.replace(/%(?![\dA-F]{2})/g, ""));
    return true;
  } catch {
    return false;
  }
}

/** Without empty segments, and without dot segments (RFC 3986 section 5.2.4). Begins with one slash: no other host. */
function resolved(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  const isFolder = names.length > 0 && /\/\.{0,2}$/.test(path);
  return `/${names.join("/")}${isFolder ? "/" : ""}`;
}

/** Another way in which a server may read a path that is canonical. */
export interface Reading {
  readonly path: string;
  /** Whether the server ignores letter case: then the path is {@link folded}, and the rules are compared so, too. */
  readonly folded: boolean;
  /** Whether the server ignores something that a rule may be about: then only an earlier rule contradicts. */
  readonly lenient: boolean;
}

/** What of the rules makes more readings of a path count. */
export interface Sensitivity {
  /** Some rule tells capitals from small letters: a server may not. */
  readonly toCase: boolean;
  /** Some rule may tell a path from the same with a slash at its end. */
  readonly toSlash: boolean;
}

/** Whether all servers read a path alike, so that there are no other readings of it. */
export function hasOneReading({ path, spelt }: Target, { toCase, toSlash }: Sensitivity): boolean {
  return path === spelt && !toCase && !toSlash && !/[A-Z;%]|\/\/|.\/$/.test(path);
}

/**
 * The paths that servers may take a canonical one for: as it was spelt; with everything decoded that separates nothing;
 * what the app accepts, read as a separator all the same; and as servers read it that know path parameters, ignore letter
 * case, or ignore a slash at the end. `undefined` if one of them is not canonical.
 */
export function otherReadings(
  { path, spelt }: Target,
  accept: readonly PathSpelling[],
  { toCase, toSlash }: Sensitivity,
): readonly Reading[] | undefined {
  const paths = new Set([path, spelt, decodePrintable(path)]);
  const further = accept.filter((one) => one !== "double-encoding");
  for (const spelling of SPELLINGS) {
    if (!accept.includes(spelling)) continue;
    for (const one of [...paths]) {
      const decoded = DECODERS[spelling](one);
      if (decoded === one) continue;
      const read = readPath(decoded, further);
      if (read.found.length > 0) return undefined;
      paths.add(read.path);
    }
  }
  const readings: Reading[] = [];
  for (const one of paths) {
    const parameterless = one.includes(";") ? PARAMETERS.map((read) => read(one)) : [];
    for (const read of [one, ...parameterless]) {
      for (const slashed of withAndWithoutSlash(read, toSlash)) {
        // A suffix behind ";" may be all that a rule is about.
        const isSame = read === one;
        if (slashed !== path) readings.push({ path: slashed, folded: false, lenient: isSame && slashed !== read });
        if (toCase || /[A-Z%]/.test(slashed)) readings.push({ path: folded(slashed), folded: true, lenient: isSame });
      }
    }
  }
  return readings;
}

/** What an app accepts, as a server reads it that decodes more, or merges slashes. */
const DECODERS: Record<PathSpelling, (path: string) => string> = {
  "encoded-slash": (path) => path.replaceAll("%2F", "/"),
  "encoded-delimiter": (path) => path.replace(/(?:%3F|%23).*$/, ""),
  "double-encoding": (path) => path.replace(/%25(?=[\dA-F]{2})/gi, "%"),
  "empty-segment": (path) => path.replace(/\/{2,}/g, "/"),
};

const PARAMETERS: readonly ((path: string) => string)[] = [
  // A server to which ";" begins a query (find-my-way can).
  (path) => path.slice(0, path.indexOf(";")) || "/",
  // A server to which it begins parameters of a segment (RFC 3986 section 3.3).
  (path) => path.replace(/;[^/]*/g, "").replace(/\/{2,}/g, "/") || "/",
];

function withAndWithoutSlash(path: string, toSlash: boolean): string[] {
  if (path.endsWith("/")) return path.length > 1 ? [path, path.slice(0, -1)] : [path];
  return toSlash ? [path, `${path}/`] : [path];
}

/** As a server compares paths that ignores letter case, of whatever script: decoded but for what separates. */
export function folded(path: string): string {
  const decoded = path.includes("%") ? decodePrintable(path).replace(/(?:%[89A-F][\dA-F])+/g, decodedText) : path;
  // Both ways, since some letters have a partner in one of them only; a sigma is another one at the end of a word.
  return decoded.toUpperCase().toLowerCase().replaceAll("ς", "σ");
}

function decodedText(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** A reading as a canonical path has it: what must be encoded is. */
export function encoded(path: string): string {
  return path.replace(/[^\w.~!$&'()*+,;=:@/%-]+/g, encodeURIComponent);
}

/** With everything decoded that is printable and separates nothing. */
export function decodePrintable(path: string): string {
  // All of ASCII from the space on, but "#", "%", "/", "?", the backslash and DEL.
  return path.replace(/(?:%(?:2[0-246-9A-E]|3[\dA-E]|4[\dA-F]|5[\dABDEF]|6[\dA-F]|7[\dA-E]))+/g, decodeURIComponent);
}
