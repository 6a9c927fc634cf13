/** The directives of a `Cache-Control`: names in lower case, each with the arguments that it was given. */
export type Directives = ReadonlyMap<string, readonly (string | undefined)[]>;

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
const DIRECTIVE = new RegExp(`(${TOKEN})(?:=(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN})))?[ \\t]*(?=,|$)`, "y");
const SEPARATOR = /[ \t,]*/y;

/**
 * Reads a `Cache-Control` by its grammar (RFC 9111 section 5.2), so that what stands in a quoted string is no directive. Of
 * a text that does not follow the grammar every word counts as one: the strictest reading.
 */
export function cacheControl({ headers }: { readonly headers: Headers }): Directives {
  const text = headers.get("cache-control") ?? "";
  const found = new Map<string, (string | undefined)[]>();
  const add = (name: string, argument?: string) => {
    const key = name.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), argument]);
  };
  let place = 0;
  const read = (pattern: RegExp) => {
    pattern.lastIndex = place;
    const match = pattern.exec(text);
    if (match !== null) place = pattern.lastIndex;
    return match;
  };
  for (read(SEPARATOR); place < text.length; read(SEPARATOR)) {
    const match = read(DIRECTIVE);
    if (match === null) {
      for (const word of text.match(new RegExp(TOKEN, "g")) ?? []) add(word);
      break;
    }
    const [, name = "", quoted, plain] = match;
    add(name, quoted?.replace(/\\(.)/g, "$1") ?? plain);
  }
  return found;
}

/** For how many seconds a cache may call an answer fresh (RFC 9111 section 4.2.1); `undefined` if nobody says. */
export function lifetime(response: { readonly headers: Headers }, isShared = true): number | undefined {
  const directives = cacheControl(response);
  const { headers } = response;
  const said = (isShared ? seconds(directives, "s-maxage") : undefined) ?? seconds(directives, "max-age");
  if (said !== undefined || !headers.has("expires")) return said;
  const from = httpDate(headers.get("date")) ?? Date.now();
  // What is no date, such as "0", has expired (section 5.3).
  const until = httpDate(headers.get("expires")) ?? from;
  return Math.max(0, (until - from) / 1000);
}

/** An argument in seconds. Of several the least counts; one that is malformed is 0 (section 4.2.1). */
function seconds(directives: Directives, name: string): number | undefined {
  const given = directives.get(name);
  return given && Math.min(...given.map((text) => (/^\d+$/.test(text ?? "") ? Number(text) : 0)));
}

/** Directives that forbid to give an answer again once it is stale, be it offline (section 4.2.4). */
const FRESH_ONLY = ["must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"];

/** Whether a shared cache may give an answer again only while it is fresh. */
export function isForFreshUseOnly(directives: Directives): boolean {
  return FRESH_ONLY.some((name) => directives.has(name));
}

/** Whether a stored answer is older than it may be; one that says nothing about its lifetime never is. */
export function isStale(response: { readonly headers: Headers }): boolean {
  const freshFor = lifetime(response);
  if (freshFor === undefined) return isForFreshUseOnly(cacheControl(response));
  const date = httpDate(response.headers.get("date"));
  const age = date === undefined ? Number.POSITIVE_INFINITY : (Date.now() - date) / 1000;
  // A clock that was set back says nothing about the age.
  return age < 0 || age >= freshFor;
}

/**
 * Sets the `Date` from which a stored answer's age counts: the server's, unless it is missing (RFC 9110 section 6.6.1), lies
 * in the future, or is later than `Age` says. `Expires` moves with it, since their difference is the lifetime.
 */
export function dateToStore(headers: Headers): void {
  const now = Date.now();
  const age = Number(/^\d{1,10}$/.exec(headers.get("age") ?? "")?.[0] ?? 0);
  const said = httpDate(headers.get("date")) ?? now;
  const date = Math.min(said, now - age * 1000);
  headers.set("date", new Date(date).toUTCString());
  const expires = httpDate(headers.get("expires"));
  if (expires !== undefined) headers.set("expires", new Date(expires - said + date).toUTCString());
}

/** An HTTP-date (RFC 9110 section 5.6.7) as milliseconds. */
export function httpDate(text: string | null): number | undefined {
  const time = /^[A-Z][a-z]{2,8}, .+ GMT$/.test(text ?? "") ? Date.parse(text ?? "") : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
