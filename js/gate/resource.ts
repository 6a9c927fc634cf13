/** The metadata of a protected resource (RFC 9728): who asks for a token in vain learns here where to get one. */
import { type Check, type Checks, checkOptions } from "../check-options.js";
import { ConfigError } from "../errors.js";
import { quoted } from "../quoted.js";
import { isStrings } from "./rules.js";
import { type PathSpelling, readTarget, type Target } from "./target.js";
import type { GateResource } from "./types.js";

/** A resource that was checked, with its metadata as they are sent. */
export interface CheckedResource {
  /** Where the metadata are: what challenges name. */
  readonly metadataUrl: string;
  /** The same as the gate reads it from a request. */
  readonly path: string;
  /** With its question mark; empty where the identifier has no query: then the request's does not matter. */
  readonly search: string;
  readonly document: string;
}

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

const IDENTIFIER: Check = [
  (value) => secureUrl(value) !== undefined,
  'an https URL without a fragment (http for "localhost" and loopback addresses)',
];
const SERVERS: Check = [
  (value) => isStrings(value) && value.length > 0 && value.every(isIssuer),
  "an array of issuers: https URLs without query and fragment (http for loopback)",
];
// RFC 6749 section 3.3.
const SCOPES: Check = [
  (value) => isStrings(value) && value.every((scope) => /^[!#-[\]-~]+$/.test(scope)),
  "an array of scopes",
];
const OPTIONS: Checks<GateResource> = { identifier: IDENTIFIER, authorizationServers: SERVERS, scopes: SCOPES };

/**
 * Throws a {@link ConfigError} for what no client could use. `takesHeader`: whether tokens come in `Authorization`; `further`:
 * what else the metadata say.
 */
export function checkResource(
  given: GateResource,
  accept: readonly PathSpelling[],
  takesHeader: boolean,
  further: object | undefined,
): CheckedResource {
  const {
    identifier,
    authorizationServers,
    scopes = [],
  } = checkOptions(given, "resource", OPTIONS, ["identifier", "authorizationServers"]);
  const { origin, pathname, search } = identifierUrl(identifier);
  // Section 3.1: a slash that ends the host is left out.
  const path = WELL_KNOWN + (pathname === "/" ? "" : pathname);
  const metadataUrl = origin + path + search;
  const target = readTarget(metadataUrl, accept);
  if (!isTarget(target) || target.path !== path) {
    const expected = "a URL whose path has one reading: a request for its metadata would be refused";
    throw new ConfigError("invalid_option", `the option "identifier" should be ${expected}`, "identifier");
  }
  // Section 2: what has no element is left out.
  const document = JSON.stringify({
    resource: identifier,
    authorization_servers: authorizationServers,
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    ...(takesHeader && { bearer_methods_supported: ["header"] }),
    ...further,
  });
  return Object.freeze({ metadataUrl, path, search, document });
}

/** Whether a request is for the metadata. */
export function isForMetadata(resource: CheckedResource | undefined, { path, search }: Target): boolean {
  return resource?.path === path && (resource.search === "" || resource.search === search);
}

/** The metadata are public: pages of any origin may read them, also where a client sends headers of its own. */
const ANYBODY = { "access-control-allow-origin": "*" };
const METHODS = "GET, HEAD, OPTIONS";

export function metadataResponse({ document }: CheckedResource, method = "GET"): Response {
  if (method === "GET" || method === "HEAD") {
    const headers = { ...ANYBODY, "content-type": "application/json", "cache-control": "max-age=300" };
    return new Response(method === "GET" ? document : null, { headers });
  }
  if (method !== "OPTIONS") return new Response(null, { status: 405, headers: { allow: METHODS } });
  const allowed = { "access-control-allow-methods": "GET, HEAD", "access-control-allow-headers": "*" };
  return new Response(null, { status: 204, headers: { ...ANYBODY, ...allowed, allow: METHODS } });
}

function isTarget(read: ReturnType<typeof readTarget>): read is Target {
  return typeof read === "object" && !("refused" in read);
}

/**
 * RFC 9728 section 1.2. Clients compare it as text, and put the well-known path into it: so it is written as they will ask
 * for it.
 */
function identifierUrl(identifier: string): URL {
  const url = new URL(identifier);
  const { href, origin } = url;
  if (identifier === href || identifier === origin) return url;
  const written = href === `${origin}/` && !identifier.endsWith("/") ? origin : href;
  const message = `the option "identifier" should be written as a URL parser writes it, which clients compare: ${quoted(written)}`;
  throw new ConfigError("invalid_option", message, "identifier");
}

/** RFC 8414 section 2. */
function isIssuer(value: string): boolean {
  return secureUrl(value) !== undefined && !value.includes("?");
}

/** An https URL; for what runs on this machine, such as in development, also http. */
function secureUrl(value: unknown): URL | undefined {
  // Nothing that would end the quoted text of a challenge.
  if (typeof value !== "string" || !/^[!$-[\]-~]+$/.test(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const isLocal = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal)) return undefined;
  return url.username === "" && url.password === "" ? url : undefined;
}
