// A second real OpenID provider, written by other people in another language: Debian's Glewlwyd, on loopback, with
// everything it keeps in a temporary folder. A public client and a confidential one, one person, one-time refresh tokens.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as oauth from "oauth4webapi";
import { installDebian } from "./debian.mjs";
import { generateKeyPair } from "./keypair.mjs";
import { Failure, run, which } from "./run.mjs";

const LIBRARIES = "/usr/lib/glewlwyd";
// What Debian's own installation makes its database with; the same is in /usr/share/doc, which small images leave out.
const TABLES = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
/** Of the database as it is made there; it is changed at once. */
const FIRST_ADMINISTRATOR = { username: "admin", password: "password" };
const SCOPE = "openid read";
export const REDIRECT_URI = "http://127.0.0.1:1/";

/**
 * @param {object} [options]
 * @param {string[]} [options.algorithms] of the signing keys; the first one signs
 * @param {number} [options.lifetime] of access tokens, in seconds
 */
export async function startGlewlwyd({ algorithms = ["ES256"], lifetime = 900 } = {}) {
  const program = await glewlwydProgram();
  const folder = mkdtempSync(join(tmpdir(), "tokenward-glewlwyd-"));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  let server;
  const close = async () => {
    await server?.end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const database = join(folder, "glewlwyd.db");
    await run(which("sqlite3"), [database, `.read ${TABLES}`], { quiet: true });
    const file = join(folder, "glewlwyd.conf");
    writeFileSync(file, configuration({ port, origin, database }));
    server = start(program, ["--config-file", file], folder);
    await answers(`${origin}/config`, server);
    return { ...(await setUp(origin, { algorithms, lifetime })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The program's path; installed where we may, or a `Failure` that says what is missing. */
async function glewlwydProgram() {
  const chosen = process.env.GLEWLWYD_PATH;
  if (chosen && !existsSync(chosen)) throw new Failure(`GLEWLWYD_PATH is ${chosen}, which does not exist.`);
  const find = () => chosen || which("glewlwyd");
  const complete = () => find() && which("sqlite3") && existsSync(LIBRARIES) && existsSync(TABLES);
  // The package that sets up a database of its own for it is told that there is no need.
  if (!complete()) {
    await installDebian(["glewlwyd", "dbconfig-no-thanks", "sqlite3"], "Testing with a second OpenID provider");
  }
  if (complete()) return find();
  throw new Failure(`glewlwyd, sqlite3, ${LIBRARIES} or ${TABLES} was not found although Debian's packages are there.`);
}

function configuration({ port, origin, database }) {
  const settings = {
    port,
    bind_address: "127.0.0.1",
    external_url: origin,
    api_prefix: "api",
    cookie_domain: "127.0.0.1",
    cookie_secure: false,
    log_mode: "console",
    log_level: "ERROR",
    admin_scope: "g_admin",
    profile_scope: "g_profile",
    user_module_path: `${LIBRARIES}/user`,
    client_module_path: `${LIBRARIES}/client`,
    user_auth_scheme_module_path: `${LIBRARIES}/scheme`,
    plugin_module_path: `${LIBRARIES}/plugin`,
    hash_algorithm: "SHA512",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return [...lines, `database = { type = "sqlite3"; path = ${JSON.stringify(database)}; };`, ""].join("\n");
}

function start(program, args, cwd) {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (printed += chunk));
  let stopped = false;
  const exit = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("exit", resolve);
  }).then((how) => {
    stopped = true;
    if (how instanceof Error) printed += how.message;
  });
  return {
    get stopped() {
      return stopped;
    },
    get printed() {
      return printed;
    },
    async end() {
      if (!stopped) child.kill("SIGKILL");
      await exit;
    },
  };
}

async function answers(url, server) {
  for (let tries = 0; tries < 300; tries += 1) {
    if (server.stopped) break;
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Failure(`Glewlwyd does not serve. It printed:\n${server.printed}`);
}

/** By its administration API: https://github.com/babelouest/glewlwyd/blob/master/docs/API.md */
async function setUp(origin, { algorithms, lifetime }) {
  // Hexadecimal: Glewlwyd does not undo the form encoding that HTTP Basic needs for others (RFC 6749 section 2.3.1).
  const password = () => randomBytes(16).toString("hex");
  const administrator = caller(`${origin}/api`);
  await administrator("POST", "/auth/", FIRST_ADMINISTRATOR);
  const issuer = `${origin}/api/oidc`;
  await administrator("POST", "/mod/plugin/", {
    module: "oidc",
    name: "oidc",
    display_name: "OpenID Connect",
    enabled: true,
    parameters: {
      iss: issuer,
      "jwks-private": JSON.stringify({ keys: algorithms.map(signingKey) }),
      "default-kid": algorithms[0],
      "jwks-show": true,
      "access-token-duration": lifetime,
      "refresh-token-duration": 14 * 24 * 60 * 60,
      "refresh-token-one-use": "always",
      "refresh-token-rolling": true,
      "code-duration": 60,
      "allowed-scope": SCOPE.split(" "),
      "auth-type-code-enabled": true,
      "auth-type-refresh-enabled": true,
      "pkce-allowed": true,
      "pkce-required": true,
      "introspection-revocation-allowed": true,
      "introspection-revocation-allow-target-client": true,
    },
  });
  await administrator("POST", "/scope/", { name: "read", display_name: "read", password_required: false });
  const person = { username: "ada", password: password() };
  await administrator("POST", "/user/", { ...person, name: "Ada", scope: ["openid", "read", "g_profile"] });
  const shared = { redirect_uri: [REDIRECT_URI], enabled: true, scope: [] };
  const [publicClient, confidentialClient] = [{ id: "app" }, { id: "server", secret: password() }];
  await administrator("POST", "/client/", {
    ...shared,
    client_id: publicClient.id,
    confidential: false,
    authorization_type: ["code", "refresh_token"],
    token_endpoint_auth_method: ["none"],
  });
  await administrator("POST", "/client/", {
    ...shared,
    client_id: confidentialClient.id,
    password: confidentialClient.secret,
    confidential: true,
    authorization_type: ["code", "refresh_token", "client_credentials"],
    token_endpoint_auth_method: ["client_secret_basic"],
  });
  await administrator("PUT", "/profile/password", { old_password: FIRST_ADMINISTRATOR.password, password: password() });
  return {
    issuer,
    publicClient,
    confidentialClient,
    signIn: (client) => signIn({ origin, issuer, client, person }),
  };
}

function signingKey(alg) {
  const makers = {
    ES256: () => generateKeyPair("ec", { namedCurve: "P-256" }),
    RS256: () => generateKeyPair("rsa", { modulusLength: 2048 }),
    EdDSA: () => generateKeyPair("ed25519"),
  };
  return { ...makers[alg]().privateKey.export({ format: "jwk" }), alg, use: "sig", kid: alg };
}

/** What the login page does, without a browser: then authorization code with PKCE. */
async function signIn({ origin, issuer, client, person }) {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const metadata = await oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), insecure),
  );
  const browser = caller(`${origin}/api`);
  await browser("POST", "/auth/", person);
  await browser("PUT", `/auth/grant/${client.id}`, { scope: SCOPE });
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(metadata.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.id,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    scope: SCOPE,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    // Past the page that asks whether to go on.
    g_continue: "",
  });
  const answer = await browser("GET", url.href);
  const described = { client_id: client.id };
  const authentication = client.secret ? oauth.ClientSecretBasic(client.secret) : oauth.None();
  const parameters = oauth.validateAuthResponse(metadata, described, new URL(answer.location), state);
  const response = await oauth.authorizationCodeGrantRequest(
    metadata,
    described,
    authentication,
    parameters,
    REDIRECT_URI,
    verifier,
    insecure,
  );
  return await oauth.processAuthorizationCodeResponse(metadata, described, response, { expectedNonce: nonce });
}

/** Requests with cookies of their own. */
function caller(base) {
  let cookie = "";
  return async (method, path, body) => {
    const response = await fetch(new URL(path.startsWith("/") ? base + path : path), {
      method,
      redirect: "manual",
      headers: { cookie, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const [set] = response.headers.getSetCookie();
    if (set) cookie = set.split(";")[0];
    const text = await response.text();
    if (response.status >= 400) {
      throw new Failure(`Glewlwyd refused ${method} ${path.split("?")[0]} with status ${response.status}: ${text}`);
    }
    return { location: response.headers.get("location") };
  };
}

/** Glewlwyd has to be told its port; between this answer and its start another program could take it. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
