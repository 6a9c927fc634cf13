/**
 * `tokenward/presets`: what providers say in a way of their own, as options of a verifier: how their issuer identifier is made,
 * which of their tokens is which, and where a gate and a session find roles and scopes.
 *
 * ```ts
 * const verifier = createVerifier({ jwks, ...keycloak({ url: "https://login.example", realm: "main", audience: "my-api" }) });
 * ```
 *
 * An option that follows the spread replaces the preset's. No preset says where the keys are: a key store finds them by the issuer.
 * Where it does not, the preset's description names the address.
 */
import { type Check, type Checks, checkOptions, isString } from "./check-options.js";
import type { Claims } from "./claims.js";
import { ConfigError } from "./errors.js";
import { oneOf, type Profile, type RightsOptions } from "./options.js";
import { list } from "./rights.js";

export { type EntraIssuerOptions, entraIssuer } from "./entra.js";

/** Options of a verifier, to be spread into those that an app gives. */
export interface Preset<P extends Profile | undefined = undefined, I extends string | readonly string[] = string> {
  /** One identifier, also for a key store; of {@link google} two. */
  readonly issuer: I;
  readonly audience: string | readonly string[] | null;
  readonly claims?: { readonly [claim: string]: unknown };
  readonly requiredClaims?: readonly string[];
  readonly profile?: P;
  readonly rights?: RightsOptions;
}

type Names = string | readonly string[];

const TEXT: Check = [isName, "a text, not empty"];
const NAMES: Check = [areNames, "a text, or an array of texts, not empty"];
const HOST: Check = [isHost, "a host name, without https:// and without a path"];
const ORIGIN: Check = [isAddress, "an https URL, without a query"];

/** Options of {@link keycloak}. */
export interface KeycloakOptions {
  /** Where Keycloak is, with its path if it has one: `https://login.example`, or `https://login.example/auth`. */
  readonly url: string;
  readonly realm: string;
  /** What an audience mapper puts into `aud`: without one, it is `account`. */
  readonly audience: Names;
  /** Whose roles of `resource_access` count beside the realm's. Default: the audience's. */
  readonly client?: Names | undefined;
}

/** Keycloak's access tokens. Roles: `realm_access.roles`, and `resource_access[client].roles`. */
export function keycloak(given: KeycloakOptions): Preset {
  const checks: Checks<KeycloakOptions> = { url: ORIGIN, realm: TEXT, audience: NAMES, client: NAMES };
  const { url, realm, audience, client = audience } = checkOptions(given, "keycloak", checks, needed(checks, "client"));
  const roles = (claims: Claims) => [
    ...list(at(claims, "realm_access", "roles")),
    ...list(client).flatMap((name) => list(at(claims, "resource_access", name, "roles"))),
  ];
  const issuer = `${withoutSlash(url)}/realms/${encodeURIComponent(realm)}`;
  // Its ID tokens and others say another `typ`, as a claim.
  return Object.freeze({ issuer, audience, claims: { typ: oneOf("Bearer", "DPoP") }, rights: { roles } });
}

/** Options of {@link cognito}. */
export interface CognitoOptions {
  /** `eu-central-1`. */
  readonly region: string;
  /** `eu-central-1_aBcDeFgHi`. */
  readonly userPoolId: string;
  /** The app clients whose tokens are accepted. */
  readonly clientId: Names;
  /** Which tokens. Default: `"access"`. */
  readonly use?: "access" | "id" | undefined;
}

/**
 * Amazon Cognito's user pools. An access token has `client_id` in place of `aud`; `token_use` tells the two kinds apart. Roles:
 * `cognito:groups`.
 */
export function cognito(given: CognitoOptions): Preset {
  const checks: Checks<CognitoOptions> = {
    region: HOST,
    userPoolId: TEXT,
    clientId: NAMES,
    use: [(value) => value === "access" || value === "id", '"access" or "id"'],
  };
  const {
    region,
    userPoolId,
    clientId,
    use = "access",
  } = checkOptions(given, "cognito", checks, needed(checks, "use"));
  const isAccess = use === "access";
  return Object.freeze({
    issuer: `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`,
    audience: isAccess ? null : clientId,
    claims: { token_use: use, ...(isAccess && { client_id: anyOf(clientId) }) },
    rights: { roles: (claims: Claims) => at(claims, "cognito:groups") },
  });
}

/** Options of {@link auth0}. */
export interface Auth0Options {
  /** `example.eu.auth0.com`, or a domain of your own. */
  readonly domain: string;
  /** The API's identifier. */
  readonly audience: Names;
  /** The claim that an action of yours puts roles into, such as `https://example.com/roles`. */
  readonly rolesClaim?: string | undefined;
}

/**
 * Auth0's access tokens. Roles: `permissions` (of an API with role-based access control), which are the person's, and those of
 * `rolesClaim`. Scopes are what the client was given: `scope`.
 */
export function auth0(given: Auth0Options): Preset {
  const checks: Checks<Auth0Options> = { domain: HOST, audience: NAMES, rolesClaim: TEXT };
  const { domain, audience, rolesClaim } = checkOptions(given, "auth0", checks, needed(checks, "rolesClaim"));
  const roles = (claims: Claims) => [
    ...list(at(claims, "permissions")),
    ...(rolesClaim === undefined ? [] : list(at(claims, rolesClaim))),
  ];
  return Object.freeze({ issuer: `https://${domain}/`, audience, rights: { roles } });
}

/** Options of {@link okta}. */
export interface OktaOptions {
  /** `example.okta.com`, or a domain of your own. */
  readonly domain: string;
  readonly audience: Names;
  /** The custom authorization server; the tokens of the one without a name are for Okta alone. Default: `default`. */
  readonly authorizationServer?: string | undefined;
}

/** Access tokens of an authorization server of Okta's. Scopes: `scp`. Roles: `groups`, where a claim of that name is set up. */
export function okta(given: OktaOptions): Preset {
  const checks: Checks<OktaOptions> = { domain: HOST, audience: NAMES, authorizationServer: TEXT };
  const options = checkOptions(given, "okta", checks, needed(checks, "authorizationServer"));
  const { domain, audience, authorizationServer = "default" } = options;
  return Object.freeze({
    issuer: `https://${domain}/oauth2/${authorizationServer}`,
    audience,
    rights: { roles: (claims: Claims) => at(claims, "groups"), scopes: (claims: Claims) => at(claims, "scp") },
  });
}

/** Options of {@link zitadel}. */
export interface ZitadelOptions {
  /** `example-abc123.zitadel.cloud`, or a domain of your own. */
  readonly domain: string;
  /** The project's id (or the application's). */
  readonly audience: Names;
  /** The roles of this project, from the claim that names it. Default: those of the project that the client is in. */
  readonly projectId?: string | undefined;
  /** Only roles that were granted by this organization (its id). Default: by any. */
  readonly organization?: string | undefined;
}

/** ZITADEL's access tokens, of the kind JWT. Roles: the members of `urn:zitadel:iam:org:project:roles`. */
export function zitadel(given: ZitadelOptions): Preset {
  const checks: Checks<ZitadelOptions> = { domain: HOST, audience: NAMES, projectId: TEXT, organization: TEXT };
  const options = checkOptions(given, "zitadel", checks, needed(checks, "projectId", "organization"));
  const { domain, audience, projectId, organization } = options;
  const claim = `urn:zitadel:iam:org:project:${projectId === undefined ? "" : `${projectId}:`}roles`;
  const roles = (claims: Claims) => {
    const granted = at(claims, claim);
    if (typeof granted !== "object" || granted === null || Array.isArray(granted)) return [];
    const isGranted = (role: string) => organization === undefined || at(granted, role, organization) !== undefined;
    return Object.keys(granted).filter(isGranted);
  };
  return Object.freeze({ issuer: `https://${domain}`, audience, rights: { roles } });
}

/** Options of {@link firebase}. */
export interface FirebaseOptions {
  readonly projectId: string;
}

/**
 * ID tokens of Firebase Authentication. Roles: your custom claims `role` or `roles`. The keys are at
 * `https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com`.
 */
export function firebase(given: FirebaseOptions): Preset {
  const checks: Checks<FirebaseOptions> = { projectId: TEXT };
  const { projectId } = checkOptions(given, "firebase", checks, needed(checks));
  return Object.freeze({
    issuer: `https://securetoken.google.com/${projectId}`,
    audience: projectId,
    requiredClaims: ["sub", "iat", "auth_time"],
  });
}

/** Options of {@link supabase}. */
export interface SupabaseOptions {
  /** `https://abcdefghijklmnopqrst.supabase.co`, or a domain of your own. */
  readonly url: string;
  /** Default: `authenticated`. */
  readonly audience?: Names | undefined;
}

/**
 * Access tokens of Supabase Auth, of a project with asymmetric signing keys. Roles: `role` (Postgres'), and `role` or `roles` in
 * `app_metadata`. What people can edit themselves, `user_metadata`, never counts.
 */
export function supabase(given: SupabaseOptions): Preset {
  const checks: Checks<SupabaseOptions> = { url: ORIGIN, audience: NAMES };
  const { url, audience = "authenticated" } = checkOptions(given, "supabase", checks, needed(checks, "audience"));
  const roles = (claims: Claims) =>
    [at(claims, "role"), at(claims, "app_metadata", "role"), at(claims, "app_metadata", "roles")].flatMap(list);
  return Object.freeze({
    issuer: `${withoutSlash(url)}/auth/v1`,
    audience,
    requiredClaims: ["sub", "session_id"],
    rights: { roles },
  });
}

/** Options of {@link clerk}. */
export interface ClerkOptions {
  /** The host of the Frontend API: `clerk.example.com`, or `example-1.clerk.accounts.dev`. */
  readonly domain: string;
  /** The origins of your apps, as `azp` names them: `https://example.com`. */
  readonly authorizedParties: Names;
}

/**
 * Clerk's session tokens, which have no audience: `azp` says whose they are. Roles: that in the organization, with `org:` before
 * it (`org_role`, or `o.rol` in version 2); none of a session that is `pending`.
 */
export function clerk(given: ClerkOptions): Preset {
  const checks: Checks<ClerkOptions> = { domain: HOST, authorizedParties: NAMES };
  const { domain, authorizedParties } = checkOptions(given, "clerk", checks, needed(checks));
  const roles = (claims: Claims) => {
    if (at(claims, "sts") === "pending") return [];
    const named = [...list(at(claims, "org_role")), ...list(at(claims, "o", "rol"))];
    return named.map((role) => (role.startsWith("org:") ? role : `org:${role}`));
  };
  return Object.freeze({
    issuer: `https://${domain}`,
    audience: null,
    claims: { azp: anyOf(authorizedParties) },
    requiredClaims: ["sub", "sid"],
    rights: { roles },
  });
}

/** Options of {@link fusionAuth}. */
export interface FusionAuthOptions {
  /** The issuer of the tenant, as it is set up there: `https://login.example`, or a name such as `acme.com`. */
  readonly issuer: string;
  /** The application's id. */
  readonly applicationId: Names;
}

/** FusionAuth's access tokens, of an application whose key is asymmetric. Roles: `roles`, in that application. */
export function fusionAuth(given: FusionAuthOptions): Preset {
  const checks: Checks<FusionAuthOptions> = { issuer: TEXT, applicationId: NAMES };
  const { issuer, applicationId } = checkOptions(given, "fusionAuth", checks, needed(checks));
  return Object.freeze({ issuer, audience: applicationId, claims: { applicationId: anyOf(applicationId) } });
}

/** Options of {@link google}. */
export interface GoogleOptions {
  /** The client ids of your apps: `123-abc.apps.googleusercontent.com`. */
  readonly clientId: Names;
  /** The Workspace domain that people must be of (`hd`). Default: any account. */
  readonly hostedDomain?: Names | undefined;
  /** The clients that may have asked for the token (`azp`), where an Android app asks for your server. Default: `clientId`. */
  readonly authorizedParties?: Names | undefined;
}

/** Google's ID tokens. */
export function google(given: GoogleOptions): Preset<"id_token", readonly string[]> {
  const checks: Checks<GoogleOptions> = { clientId: NAMES, hostedDomain: NAMES, authorizedParties: NAMES };
  const options = checkOptions(given, "google", checks, needed(checks, "hostedDomain", "authorizedParties"));
  const { clientId, hostedDomain, authorizedParties } = options;
  return Object.freeze({
    issuer: ["https://accounts.google.com", "accounts.google.com"],
    audience: clientId,
    profile: "id_token",
    claims: {
      ...(hostedDomain !== undefined && { hd: anyOf(hostedDomain) }),
      ...(authorizedParties !== undefined && { azp: anyOf(authorizedParties) }),
    },
  });
}

/** Options of {@link githubActions}: at least one of `repository`, `repositoryId`, `owner` and `ownerId`. */
export interface GithubActionsOptions {
  /** What the workflow asks its token for. Anybody can ask for any. */
  readonly audience: Names;
  /** `octo-org/octo-repo`. A name may be somebody else's later: an id is not. */
  readonly repository?: Names | undefined;
  readonly repositoryId?: Names | undefined;
  readonly owner?: Names | undefined;
  readonly ownerId?: Names | undefined;
  /** `refs/heads/main`. */
  readonly ref?: Names | undefined;
  readonly environment?: Names | undefined;
  /** `octo-org/octo-automation/.github/workflows/deploy.yml@refs/heads/main`. */
  readonly jobWorkflowRef?: Names | undefined;
}

const GITHUB_CLAIMS = {
  repository: "repository",
  repositoryId: "repository_id",
  owner: "repository_owner",
  ownerId: "repository_owner_id",
  ref: "ref",
  environment: "environment",
  jobWorkflowRef: "job_workflow_ref",
} as const;

/**
 * The ID tokens of GitHub Actions. Every workflow of the world has the same issuer, and chooses its audience: so whose it is must
 * be said.
 */
export function githubActions(given: GithubActionsOptions): Preset {
  const names = Object.keys(GITHUB_CLAIMS) as (keyof typeof GITHUB_CLAIMS)[];
  const checks = Object.fromEntries(["audience", ...names].map((name) => [name, NAMES]));
  const options = checkOptions(given, "githubActions", checks as unknown as Checks<GithubActionsOptions>, ["audience"]);
  if (names.slice(0, 4).every((name) => options[name] === undefined)) {
    const message = 'one of the options "repository", "repositoryId", "owner" and "ownerId" is needed';
    throw new ConfigError("missing_option", message, "repository");
  }
  const asked = names.filter((name) => options[name] !== undefined);
  return Object.freeze({
    issuer: "https://token.actions.githubusercontent.com",
    audience: options.audience,
    claims: Object.fromEntries(asked.map((name) => [GITHUB_CLAIMS[name], anyOf(options[name] as Names)])),
  });
}

/** Options of {@link cloudflareAccess}. */
export interface CloudflareAccessOptions {
  /** The team's name: `example`, of `example.cloudflareaccess.com`. */
  readonly team: string;
  /** The application's audience (AUD) tag. */
  readonly audience: Names;
}

/**
 * Application tokens of Cloudflare Access, which {@link cloudflareAccessToken} takes from a request. The keys are at
 * `https://<team>.cloudflareaccess.com/cdn-cgi/access/certs`. A service token has no `sub` but a `common_name`.
 */
export function cloudflareAccess(given: CloudflareAccessOptions): Preset {
  const checks: Checks<CloudflareAccessOptions> = { team: HOST, audience: NAMES };
  const { team, audience } = checkOptions(given, "cloudflareAccess", checks, needed(checks));
  return Object.freeze({
    issuer: `https://${team}.cloudflareaccess.com`,
    audience,
    claims: { type: "app" },
  });
}

/**
 * For the option `token` of a gate: the header `Cf-Access-Jwt-Assertion`, or without it the cookie `CF_Authorization`.
 *
 * ```ts
 * createGate({ verifier, rules, token: cloudflareAccessToken });
 * ```
 */
export function cloudflareAccessToken(request: {
  readonly headers?: { get(name: string): string | null };
}): string | undefined {
  const header = request.headers?.get("cf-access-jwt-assertion");
  if (typeof header === "string" && header !== "") return header;
  const cookies = (request.headers?.get("cookie") ?? "").split(";").map((cookie) => cookie.trim());
  const tokens = cookies.filter((cookie) => cookie.startsWith("CF_Authorization="));
  // Of two with the same name, a stranger may have set one.
  return tokens.length === 1 ? tokens[0]?.slice("CF_Authorization=".length) : undefined;
}

/** A member of members, each the value's own; `undefined` where there is none. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as { readonly [name: string]: unknown })[name];
  }
  return found;
}

function anyOf(names: Names): unknown {
  const [first, ...rest] = list(names);
  return rest.length === 0 ? first : oneOf(first, ...rest);
}

/** All options but those that may be left out. */
function needed<Options>(checks: Checks<Options>, ...optional: readonly string[]): (keyof Options & string)[] {
  return (Object.keys(checks) as (keyof Options & string)[]).filter((name) => !optional.includes(name));
}

function isName(value: unknown): boolean {
  return isString(value) && value !== "";
}

function areNames(value: unknown): boolean {
  return isName(value) || (Array.isArray(value) && value.length > 0 && value.every(isName));
}

function isHost(value: unknown): boolean {
  return typeof value === "string" && /^[\w-]+(?:\.[\w-]+)*(?::\d+)?$/.test(value);
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" && /^https?:\/\/[^?#\s]+$/.test(value);
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
