// A second real OpenID provider, written by other people in another language: Debian's Glewlwyd, on loopback, with
// everything it keeps in a temporary folder. A public client and a confidential one, one person, one-time refresh tokens.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as oauth from "oauth4webapi";
import { isDebian } from "./debian.mjs";
import { generateKeyPair } from "./keypair.mjs";
import { Failure, root, run, step, which } from "./run.mjs";

const PURPOSE = "Testing with a second OpenID provider";
// The last one instead of the programs of some database server.
const PACKAGES = ["glewlwyd", "sqlite3", "dbconfig-no-thanks"];
const UNPACKED = join(root, "target/tokenward/glewlwyd");
const LIBRARIES = join(UNPACKED, "usr/lib/glewlwyd");
/** What Debian makes its database with. */
const TABLES = "usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
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
  const { program, sqlite3, env } = await glewlwyd();
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
    await run(sqlite3, [database, `.read '${join(UNPACKED, TABLES)}'`], { env, quiet: true });
    const file = join(folder, "glewlwyd.conf");
    writeFileSync(file, configuration({ port, origin, database }));
    server = start(program, ["--config-file", file], { cwd: folder, env });
    await answers(`${origin}/config`, server);
    return { ...(await setUp(origin, { algorithms, lifetime })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Debian's packages, unpacked into a folder of this repository and not installed: their installation makes a user, a
 * database and a service that everybody on the network can administer by a known password. Needs no rights.
 */
async function glewlwyd() {
  if (!isDebian()) throw new Failure(`${PURPOSE} needs Debian's packages ${PACKAGES.join(", ")}: run it on Debian.`);
  if (!isUnpacked()) await step(`${PURPOSE}: ${PACKAGES[0]} from Debian`, unpack);
  const libraries = readdirSync(join(UNPACKED, "usr/lib")).filter((name) => name.includes("-linux-gnu"));
  return {
    program: join(UNPACKED, "usr/bin/glewlwyd"),
    // With what a machine has already, nothing of the same name is unpacked.
    sqlite3: which("sqlite3") ?? join(UNPACKED, "usr/bin/sqlite3"),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.map((name) => join(UNPACKED, "usr/lib", name)).join(":") },
  };
}

function isUnpacked() {
  return existsSync(join(UNPACKED, TABLES));
}

/** Into a folder that takes its name when it is complete. */
async function unpack() {
  const folder = `${UNPACKED}.${process.pid}`;
  const state = join(folder, "apt");
  for (const part of ["lists/partial", "archives/partial"]) mkdirSync(join(state, part), { recursive: true });
  const settings = {
    "Dir::State::lists": join(state, "lists"),
    "Dir::Cache": state,
    "Dir::Cache::archives": join(state, "archives"),
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt = (...args) => run("apt-get", ["-q", "-y", ...options, ...args], { quiet: true });
  try {
    await apt("update");
    await apt("install", "--download-only", "--no-install-recommends", ...PACKAGES);
    const archives = readdirSync(join(state, "archives")).filter((name) => name.endsWith(".deb"));
    for (const name of archives) {
      await run("dpkg-deb", ["--extract", join(state, "archives", name), folder], { quiet: true });
    }
    rmSync(state, { recursive: true });
    try {
      renameSync(folder, UNPACKED);
    } catch (error) {
      // Another test was faster.
      if (!isUnpacked()) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

function start(program, args, options) {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
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
