import { KeyStoreError } from "../errors.js";
import { dateOf, isLoopback, isSafe } from "../http/client.js";
import { hasProblems, reportOf, type SetReport } from "../keys/report.js";
import { fetchMetadata } from "../keys/source.js";
import type { AuthorizationServer } from "../providers/oauth4webapi.js";
import { shown } from "../shown.js";
import { errorFacts, UsageError } from "./errors.js";
import { printKeys } from "./key-report.js";
import { duration, type Mark } from "./printer.js";
import { address, keysOfIssuer, limitsOf } from "./sources.js";
import { EXIT, type ExitCode, type Run } from "./types.js";

interface Finding {
  readonly name: string;
  readonly mark: Mark;
  readonly message: string;
}

/** An answer of the issuer, as an app in a browser would have met it. */
interface Met {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
}

const DEFAULT_ORIGIN = "https://app.example";
const SUPPORTED = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/;
/** A verifier's own tolerance, and what no tolerance should be asked to cover. In seconds. */
const CLOCK_NOTED = 5;
const CLOCK_WRONG = 60;

/** `tokenward doctor`: whether an app can work with an issuer, and the configuration for it. */
export async function doctor(run: Run): Promise<ExitCode> {
  const { args, print, host } = run;
  const [issuer] = args.positionals;
  if (issuer === undefined) throw new UsageError("say which issuer: tokenward doctor https://login.example");
  refuseMetadataAddress(address(issuer));
  const origin = new URL(address(args.text("origin") ?? DEFAULT_ORIGIN)).origin;
  const met: Met[] = [];
  const asking: Run = { ...run, host: { ...host, fetch: asFrom(origin, host.fetch, met) } };
  const findings: Finding[] = [];
  const find = (mark: Mark, name: string, message: string) => void findings.push({ name, mark, message });

  let metadata: AuthorizationServer | undefined;
  let report: SetReport | undefined;
  let failure: KeyStoreError | undefined;
  try {
    metadata = await fetchMetadata(issuer, limitsOf(asking), host.now());
    const place = [...met].reverse().find(({ status }) => status === 200);
    find("ok", "discovery", `${place?.url} names this issuer`);
    const { set, fetched } = await keysOfIssuer(asking, issuer);
    report = await reportOf(set);
    const count = `${report.usable} of ${report.keys.length} keys of ${fetched?.url} can verify tokens`;
    find(hasProblems(report) ? "problem" : "ok", "keys", count);
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
    failure = error;
    const message = `${error.code}: ${error.message}`;
    find("problem", metadata === undefined ? "discovery" : "keys", message);
  }
  if (metadata !== undefined) findings.push(algorithms(metadata, report), ...endpoints(metadata, issuer));
  findings.push(...clock(met, host.now()), ...cors(met, origin));

  const isFine = findings.every(({ mark }) => mark !== "problem");
  const configuration = metadata === undefined ? undefined : configurationFor(issuer, report);
  for (const { mark, message, name } of findings) {
    print.mark(mark, message, name);
    if (name === "keys" && report !== undefined) printKeys(print, report);
  }
  if (configuration !== undefined) {
    print.line();
    print.title("To copy");
    print.line(configuration);
  }
  if (print.isJson) {
    const told = findings.map(({ mark, ...finding }) => ({ ...finding, status: mark }));
    const error = failure === undefined ? undefined : errorFacts(failure);
    print.json({ ok: isFine, issuer, findings: told, keys: report?.keys, configuration, error });
  }
  if (failure?.code === "unreachable" || failure?.code === "timeout") return EXIT.network;
  return isFine ? EXIT.yes : EXIT.no;
}

/** Discovery begins with the issuer: an address of its metadata would have another one put behind it. */
function refuseMetadataAddress(text: string): void {
  const { origin, pathname } = new URL(text);
  const [, before = "", after = ""] =
    /^(.*)\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(.*)$/.exec(pathname) ?? [];
  if (!pathname.includes("/.well-known/")) return;
  const advice = `such as ${shown(origin + before + after)}: exactly what its member "issuer" says`;
  throw new UsageError(`that is an address of metadata or keys: give the issuer, ${advice}`);
}

/** Asks as a page of that origin does, and notes what is answered. */
function asFrom(origin: string, fetching: typeof fetch, met: Met[]): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("Origin", origin);
    const response = await fetching(input, { ...init, headers });
    met.push({ url: String(input), status: response.status, headers: response.headers });
    return response;
  };
}

/** What the metadata announce, which is about ID tokens, and what the keys are for. */
function algorithms(metadata: AuthorizationServer, report: SetReport | undefined): Finding {
  const name = "algorithms";
  const announced = texts(metadata.id_token_signing_alg_values_supported);
  const supported = announced.filter((algorithm) => SUPPORTED.test(algorithm));
  const ofKeys = namesOf(report);
  if (announced.length === 0)
    return { name, mark: "note", message: `none are announced; the keys are for ${list(ofKeys)}` };
  if (supported.length === 0) {
    return {
      name,
      mark: "problem",
      message: `${list(announced)} are announced for ID tokens: none can be verified with keys`,
    };
  }
  return { name, mark: "ok", message: `${list(supported)} for ID tokens; the keys are for ${list(ofKeys)}` };
}

function namesOf(report: SetReport | undefined): readonly string[] {
  const usable = report?.keys.filter((key) => key.usable) ?? [];
  return [...new Set(usable.map(({ alg }) => alg).filter((alg) => typeof alg === "string"))].sort();
}

/** What a session needs: refresh, revocation, and a sign-in that is safe for a public client. */
function endpoints(metadata: AuthorizationServer, issuer: string): Finding[] {
  // The library has not looked at the types of these members; one that is null is absent.
  const grants: unknown = metadata.grant_types_supported ?? undefined;
  const scopes = texts(metadata.scopes_supported);
  const token = endpoint(metadata.token_endpoint, "token_endpoint", issuer);
  const revocation = endpoint(metadata.revocation_endpoint, "revocation_endpoint", issuer);
  const refresh = (mark: Mark, message: string): Finding => ({ name: "refresh", mark, message });
  const offline = scopes.includes("offline_access") ? "; ask for the scope offline_access with prompt=consent" : "";
  return [
    token === undefined
      ? refresh("warning", "there is no token endpoint: a session cannot be refreshed")
      : !token.isFine
        ? refresh("problem", token.message)
        : grants !== undefined && !texts(grants).includes("refresh_token")
          ? refresh("warning", "the metadata do not name the grant refresh_token: a session may not be refreshed")
          : refresh("ok", `${token.message}${offline}`),
    revocation === undefined
      ? {
          name: "revocation",
          mark: "warning",
          message: "there is no endpoint: after a sign-out tokens live until they expire",
        }
      : { name: "revocation", mark: revocation.isFine ? "ok" : "problem", message: revocation.message },
    texts(metadata.code_challenge_methods_supported).includes("S256")
      ? { name: "PKCE", mark: "ok", message: "S256" }
      : { name: "PKCE", mark: "warning", message: "S256 is not announced (RFC 7636): is it supported?" },
  ];
}

interface Endpoint {
  readonly isFine: boolean;
  /** The address, or what is wrong with it. */
  readonly message: string;
}

/** An endpoint of the metadata: an https address, or http on this device where the issuer is (RFC 8414 section 2). */
function endpoint(value: unknown, name: string, issuer: string): Endpoint | undefined {
  if (value === undefined || value === null) return undefined;
  const wrong = { isFine: false, message: `"${name}" should be an https address, not ${shown(value)}` };
  if (typeof value !== "string") return wrong;
  try {
    const isFine = isSafe(new URL(value), isLoopback(new URL(issuer)));
    // The address is not shown as it was written where a URL parser would drop or escape characters of it.
    return isFine && /^[!-~]+$/.test(value) ? { isFine, message: value } : wrong;
  } catch {
    return wrong;
  }
}

/** This machine's clock beside that of the last answer, which has whole seconds. */
function clock(met: readonly Met[], now: number): Finding[] {
  const theirs = dateOf(met.at(-1)?.headers.get("date") ?? null);
  if (theirs === undefined) return [];
  const away = Math.abs(now - theirs);
  const mark = away > CLOCK_WRONG ? "problem" : away > CLOCK_NOTED ? "warning" : "ok";
  const where = now > theirs ? "ahead of" : "behind";
  const message =
    mark === "ok"
      ? "as the issuer's"
      : `${duration(away)} ${where} the issuer's: tokens seem older or younger than they are`;
  return [{ name: "clock", mark, message }];
}

/** Whether a page of the origin may read the answers. A server needs none of this. */
function cors(met: readonly Met[], origin: string): Finding[] {
  const answers = met.filter(({ status }) => status === 200);
  if (answers.length === 0) return [];
  const allowed = (headers: Headers) => headers.get("access-control-allow-origin") ?? "";
  const refused = answers.filter(({ headers }) => !["*", origin].includes(allowed(headers)));
  if (refused.length === 0) {
    const who = answers.every(({ headers }) => allowed(headers) === "*") ? "any page" : `a page of ${origin}`;
    return [{ name: "CORS", mark: "ok", message: `${who} may read the metadata and keys` }];
  }
  const urls = [...new Set(refused.map(({ url }) => url))].join(", ");
  const remedy = "register the app's origin at the provider (--origin names it here), or bundle the keys";
  return [{ name: "CORS", mark: "warning", message: `a page of ${origin} may not read ${urls}: ${remedy}` }];
}

function configurationFor(issuer: string, report: SetReport | undefined): string {
  const names = namesOf(report);
  const entry = names.some((name) => name.startsWith("ML-DSA")) ? "tokenward/ml-dsa" : "tokenward";
  const quote = (text: string) => JSON.stringify(text);
  return `// npx tokenward keys fetch --issuer ${issuer} --out jwks.json
import { createVerifier } from "${entry}";
import jwks from "./jwks.json" with { type: "json" };

const verifier = createVerifier({
  jwks,
  issuer: ${quote(issuer)},
  audience: "...", // yours, as the provider has it
${names.length === 0 ? "" : `  algorithms: [${names.map(quote).join(", ")}],\n`}});`;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "no algorithm by name" : names.map((name) => shown(name).slice(1, -1)).join(", ");
}
