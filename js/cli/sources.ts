/** Where a command has the token and the keys from. */

import { seconds, timeLimit } from "../duration.js";
import { KeyStoreError } from "../errors.js";
import { isLoopback } from "../http/client.js";
import { allowedUrl, type FetchLimits } from "../keys/fetch.js";
import { type KeySet, readBundle, withoutSecrets } from "../keys/jwks.js";
import { fetchPublished, MAX_BYTES, readStrictly } from "../keys/published.js";
import type { Fetched } from "../keys/source.js";
import { createVerifier } from "../ml-dsa.js";
import type { Algorithm } from "../options.js";
import type { IdTokenExpectations } from "../profile.js";
import { shown } from "../shown.js";
import type { Claims, Verifier } from "../verifier.js";
import type { Arguments, OptionSpecs } from "./arguments.js";
import { UsageError } from "./errors.js";
import type { Host, Run } from "./types.js";

/** The keys of a run, and where they are from. */
export interface Keys {
  readonly set: KeySet;
  /** A file's name or an address. */
  readonly from: string;
  /** What came over the network. A published secret is left out of such a set; in a file it is an error. */
  readonly fetched: Fetched | undefined;
}

export const TOKEN_OPTIONS: OptionSpecs = {
  file: { value: "path", short: "f", help: "read the token from a file" },
};

export const KEY_OPTIONS: OptionSpecs = {
  keys: { value: "path or URL", short: "k", help: "the issuer's key set (JWKS)" },
  issuer: { value: "URL", short: "i", help: "the issuer: must be the token's iss; names the keys if --keys does not" },
};

export const NETWORK_OPTIONS: OptionSpecs = {
  timeout: { value: "duration", help: "of one request: 10s unless you say otherwise" },
};

export const CLAIM_OPTIONS: OptionSpecs = {
  audience: { value: "text", short: "a", many: true, help: "whom the token must be for; may come several times" },
  algorithm: { value: "name", many: true, help: "an accepted algorithm; may come several times" },
  type: { value: "typ", help: "the required typ of the header, such as at+jwt" },
  subject: { value: "text", help: "the required sub" },
  require: { value: "claim", many: true, help: "a claim that must be there; may come several times" },
  "max-age": { value: "duration", help: "the greatest age since iat" },
  tolerance: { value: "duration", help: "how far clocks may differ: 5s unless you say otherwise" },
  at: { value: "time", help: "judge as of then: Unix seconds, or 2026-11-29T12:00:00Z" },
};

/** What one call expects of an ID token, which `verify` alone asks for. */
export const ID_TOKEN_OPTIONS: OptionSpecs = {
  profile: {
    value: "name",
    help: "one kind of token, with all its rules: at+jwt (RFC 9068) or id_token (OpenID Connect)",
  },
  nonce: { value: "text", help: "of an id_token: the nonce of the request" },
  "access-token": {
    value: "token or @path",
    help: "of an id_token: the access token that at_hash must be of; @ reads a file",
  },
  "max-auth-age": { value: "duration", help: "of an id_token: how long ago the sign-in may have been (auth_time)" },
};

/** The token: the argument, the file, or the standard input. */
export async function readToken({ args, host, print }: Run): Promise<string> {
  const [given] = args.positionals;
  const file = args.text("file");
  if (given !== undefined && given !== "-" && file !== undefined) {
    throw new UsageError("the token is given twice: as an argument and as --file");
  }
  if (file === undefined && (given === undefined || given === "-") && host.isInteractive) {
    print.aside("note", "Paste the token and press Enter.");
  }
  const text =
    file !== undefined
      ? await readFile(host, file, "token")
      : given === undefined || given === "-"
        ? await host.readInput()
        : given;
  const token = bare(text);
  if (token === "") throw new UsageError("there is no token: give it as an argument, as --file, or on standard input");
  return token;
}

/** A token without what it is often copied with. */
function bare(text: string): string {
  return text.trim().replace(/^(?:Authorization:\s*)?(?:Bearer|DPoP)\s+/i, "");
}

/** What the options expect of this one ID token; `undefined` if nothing. */
export async function readExpected({ args, host }: Run): Promise<IdTokenExpectations | undefined> {
  const names = Object.keys(ID_TOKEN_OPTIONS).filter((name) => name !== "profile" && args.text(name) !== undefined);
  if (names.length === 0) return undefined;
  if (args.text("profile") !== "id_token") {
    throw new UsageError(`--${names[0]} is about ID tokens: it needs --profile id_token`);
  }
  const [nonce, given, maxAge] = [args.text("nonce"), args.text("access-token"), durationOf(args, "max-auth-age")];
  if (given === "@") throw new UsageError("--access-token has @, and no path after it");
  const accessToken = given?.startsWith("@") ? await readFile(host, given.slice(1), "access token") : given;
  if (nonce === "") throw new UsageError("--nonce is empty: leave it out where the request had none");
  if (accessToken !== undefined && bare(accessToken) === "") throw new UsageError("--access-token is empty");
  return {
    ...(nonce !== undefined && { nonce }),
    ...(accessToken !== undefined && { accessToken: bare(accessToken) }),
    ...(maxAge !== undefined && { maxAge }),
  };
}

/** What to do about a token that is none; `undefined` where that is not known. */
export function adviceOn(token: string): string | undefined {
  if (token.includes(".")) return undefined;
  return "an opaque token? Only its provider can read one. Ask for a JWT, often by naming the API (resource, audience)";
}

/** The keys that the options name; `undefined` where they name none. */
export function readKeys(run: Run): Promise<Keys | undefined> {
  const { args } = run;
  const [keys, issuer] = [args.text("keys"), args.text("issuer")];
  if (keys !== undefined) return keysAt(run, keys);
  return issuer === undefined ? Promise.resolve(undefined) : keysOfIssuer(run, issuer);
}

/** The set of a command: a file or an address as its argument, or that of an issuer. */
export function readKeySet(run: Run): Promise<Keys> {
  const { args } = run;
  const [where] = args.positionals;
  const issuer = args.text("issuer");
  if (where !== undefined && issuer === undefined) return keysAt(run, where);
  if (where === undefined && issuer !== undefined) return keysOfIssuer(run, address(issuer));
  throw new UsageError("say which keys: one file or address, or --issuer");
}

/** A key set in a file, or at an address. */
export async function keysAt(run: Run, where: string): Promise<Keys> {
  if (!/^https?:/i.test(where)) {
    const set = readBundle(await readFile(run.host, where, "key set"), `the key set in ${shown(where)}`);
    return { set: readStrictly(set), from: where, fetched: undefined };
  }
  const source = { issuer: undefined, jwksUri: address(where) };
  return { ...(await fetchPublished(source, limitsOf(run), run.host.now())), from: where };
}

export async function keysOfIssuer(run: Run, issuer: string): Promise<Keys> {
  address(issuer);
  const source = { issuer, jwksUri: undefined };
  return { ...(await fetchPublished(source, limitsOf(run), run.host.now())), from: issuer };
}

export function limitsOf({ args, host }: Run): FetchLimits {
  return {
    fetch: host.fetch,
    timeout: timeLimit(durationOf(args, "timeout") ?? 10, "timeout"),
    maxBytes: MAX_BYTES,
  };
}

/** Throws a {@link UsageError} for an address that is neither https nor this device's. */
export function address(text: string): string {
  const [, host, port] = /^([\w.-]{1,253}):(\d{1,5})(?:\/|$)/.exec(text) ?? [];
  if (host !== undefined) {
    const scheme = isLoopback(new URL(`http://${host}`)) ? "http" : "https";
    throw new UsageError(`an issuer or an address of keys begins with its scheme: write ${scheme}://${host}:${port}`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError("an issuer or an address of keys should be a URL, such as https://login.example");
  }
  try {
    allowedUrl(url, true);
  } catch (error) {
    throw error instanceof KeyStoreError ? new UsageError(error.message) : error;
  }
  return text;
}

export async function readFile(host: Host, path: string, what: string): Promise<string> {
  try {
    return await host.readText(path);
  } catch (error) {
    const { code } = error as { code?: string };
    throw new UsageError(`the ${what} cannot be read from ${path}: ${code ?? "it is no file"}`);
  }
}

/** The moment to judge for. */
export function timeOf({ args, host }: Run): number {
  const at = args.text("at");
  if (at === undefined) return host.now();
  const time = /^\d+(?:\.\d+)?$/.test(at) ? Number(at) : Date.parse(at) / 1000;
  if (Number.isFinite(time)) return time;
  throw new UsageError("--at should be Unix seconds or a date such as 2026-11-29T12:00:00Z");
}

/** An option's duration in seconds; a number stands for seconds, as in the package. */
export function durationOf(args: Arguments, name: string): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  return seconds(/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text, `--${name}`);
}

/** A verifier for what the options ask of a token; an issuer or audience that nobody named is any. */
export function verifierOf(run: Run, keys: Keys): Verifier<Claims, IdTokenExpectations> {
  const { args } = run;
  const now = timeOf(run);
  return createVerifier({
    // As a key store does it: of a set that was fetched, a secret is left out, with its public half.
    jwks: keys.fetched === undefined ? keys.set.text : withoutSecrets(keys.set).text,
    issuer: args.text("issuer") ?? null,
    audience: args.list("audience") ?? null,
    algorithms: args.list("algorithm") as readonly Algorithm[] | undefined,
    clockTolerance: durationOf(args, "tolerance"),
    now: () => now,
    profile: args.text("profile") as "id_token" | undefined,
    typ: args.text("type"),
    subject: args.text("subject"),
    maxTokenAge: durationOf(args, "max-age"),
    requiredClaims: args.list("require"),
  });
}
