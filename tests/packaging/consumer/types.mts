// What must compile, and (each @ts-expect-error) what must not.
import fastify from "fastify";
import { Hono } from "hono";
import {
  type Claims,
  ConfigError,
  createPolicy,
  createVerifier,
  entraIssuer,
  type Policy,
  TokenError,
  type TokenErrorCode,
  type VerificationKey,
  type Verifier,
} from "tokenward";
import { expressGate } from "tokenward/express";
import { fastifyGate } from "tokenward/fastify";
import { createGate, type GateDecision } from "tokenward/gate";
import { type GateVariables, honoGate } from "tokenward/hono";
import { createIssuerStore, createKeyStore } from "tokenward/keys";
import * as mlDsa from "tokenward/ml-dsa";
import { pinProtection } from "tokenward/pin";
import { google, keycloak } from "tokenward/presets";
import { oauthProvider } from "tokenward/providers";
import { createSession, type Session } from "tokenward/session";
import * as slim from "tokenward/slim";
import { memoryStorage, type Storage } from "tokenward/storage";
import { createTestIssuer, type Flaw, type TestIssuer } from "tokenward/testing";
import module from "tokenward/tokenward.wasm";
import moduleOfBundlers from "tokenward/tokenward.wasm?module";
import tokenward from "tokenward/unplugin";
import * as v from "valibot";
import { z } from "zod";

slim.init(module);
slim.init(moduleOfBundlers);

const jwks = { keys: [] };
const issuer = "https://login.example";
const audience = "app";

// The least, and everything.
const verifier: Verifier = createVerifier({ jwks, issuer, audience });
createVerifier({ jwks: "{}", issuer: null, audience: ["a", "b"] });
const postQuantum: Verifier = mlDsa.createVerifier({ jwks, issuer, audience, algorithms: ["ML-DSA-44", "ML-DSA-65"] });
createKeyStore({ verifier: postQuantum, bundled: jwks, issuer });
// @ts-expect-error
mlDsa.createVerifier({ jwks, issuer, audience, algorithms: ["ML-DSA"] });
createVerifier({
  jwks: [],
  issuer: [issuer],
  audience: null,
  algorithms: ["RS256", "EdDSA"],
  clockTolerance: 5,
  now: () => 1_760_000_000,
  typ: "at+jwt",
  subject: "u",
  maxTokenAge: 3600,
  requiredClaims: ["scope"],
  claims: { role: "admin", nested: { any: ["JSON"] } },
  maxTokenBytes: 4096,
  cache: { maxTokens: 100 },
  requireExp: false,
  anyRsaExponent: true,
});

// In a configuration; what an app imports of it is in the client's types.
tokenward.vite({ issuer, bundled: "jwks.json", maxAge: "7d", serviceWorker: { input: "sw.ts" } }).name.trim();
tokenward.webpack({ issuers: { login: { issuer } } }).apply({});
// @ts-expect-error: no such option
tokenward.rollup({ isuer: issuer });

// Forgetting what decides whose tokens these are.
// @ts-expect-error: no issuer
createVerifier({ jwks, audience });
// @ts-expect-error: no audience
createVerifier({ jwks, issuer });
// @ts-expect-error: no keys
createVerifier({ issuer, audience });
// @ts-expect-error: undefined is not null
createVerifier({ jwks, issuer: undefined, audience });
const forgetful = { jwks, issuer };
// @ts-expect-error: in a list of issuers too
createVerifier([{ jwks, issuer, audience }, forgetful]);

// Profiles: the claims of each, and what one call may expect.
const accessTokens = createVerifier({ jwks, issuer, audience, profile: "at+jwt" });
const clientId: string = accessTokens.verify("").claims.client_id;
// @ts-expect-error: only an ID token has a nonce
accessTokens.verify("", { nonce: clientId });
const idTokens = createVerifier({ jwks, issuer, audience, profile: "id_token", claims: {} });
const authenticated: number | undefined = idTokens.verify("", { nonce: "n", accessToken: "a", maxAge: "1h" }).claims
  .auth_time;
idTokens.safeVerify("", { maxAge: authenticated ?? 0 });
// @ts-expect-error: no such expectation
idTokens.verify("", { nonces: "n" });
// @ts-expect-error: a nonce that was lost
idTokens.verify("", { nonce: undefined });
// @ts-expect-error: no such profile
createVerifier({ jwks, issuer, audience, profile: "at-jwt" });
// @ts-expect-error: without a profile nothing is expected of one call
verifier.verify("", { nonce: "n" });
const asVerifier: Verifier<unknown> = idTokens;
const idTokenKeys = createKeyStore({ verifier: idTokens, bundled: jwks, issuer });
idTokenKeys.verifyFresh("", { nonce: "n" }).then(({ claims }) => claims.at_hash?.length);
// @ts-expect-error: nor does its key store know another
idTokenKeys.verify("", { nonces: "n" });
createGate({ verifier: idTokenKeys, rules: [] });
createSession({ verifier: asVerifier, provider: null });

// Several issuers, tenants, presets.
const ofSeveral = createVerifier([
  { jwks, issuer, audience, profile: "at+jwt" },
  { jwks, ...keycloak({ url: issuer, realm: "main", audience: "api" }) },
]);
createKeyStore([{ verifier: ofSeveral, bundled: jwks, issuer }]);
createVerifier({ jwks, issuer: entraIssuer({ tenants: "any" }), audience });
// @ts-expect-error: any tenant has to be said
entraIssuer({});
const fromGoogle = createVerifier({ jwks, ...google({ clientId: "1-a.apps.googleusercontent.com" }) });
const issuedAt: number = fromGoogle.verify("", { nonce: "n" }).claims.iat;
createIssuerStore({ createVerifier, allow: async () => ({ audience, profile: "at+jwt" }), refusedFor: issuedAt });
// @ts-expect-error: no audience
createIssuerStore({ createVerifier, allow: () => ({ jwks }) });

// Mistakes in options.
// @ts-expect-error: no such option
createVerifier({ jwks, issuer, audience, maxAge: 1 });
// @ts-expect-error: symmetric
createVerifier({ jwks, issuer, audience, algorithms: ["HS256"] });
createVerifier({ jwks, issuer, audience, clockTolerance: "5s", maxTokenAge: "1.5h" });
// @ts-expect-error: no such unit
createVerifier({ jwks, issuer, audience, clockTolerance: "5 seconds" });
// @ts-expect-error: a text has its unit
createVerifier({ jwks, issuer, audience, maxTokenAge: "60" });

// Claims: the registered ones have their types, the others are unknown.
const { claims, header, key } = verifier.verify("");
const subject: string | undefined = claims.sub;
const expiry: number | undefined = claims.exp;
const audiences: string | readonly string[] | undefined = claims.aud;
const custom: unknown = claims["role"];
// @ts-expect-error: a custom claim is unknown without a schema
const role: string = claims["role"];
// @ts-expect-error: what was verified does not change
claims.sub = "someone else";
const alg: string = header.alg;
const usedKey: VerificationKey = key;

// A schema types the claims.
const byZod = createVerifier({ jwks, issuer, audience, schema: z.object({ role: z.enum(["admin", "user"]) }) });
const zodRole: "admin" | "user" = byZod.verify("").claims.role;
// @ts-expect-error: only what the schema lets through
byZod.verify("").claims.sub;
const byValibot = createVerifier({ jwks, issuer, audience, schema: v.object({ level: v.number() }) });
const level: number = byValibot.verify("").claims.level;
// @ts-expect-error: a schema is a Standard Schema
createVerifier({ jwks, issuer, audience, schema: (claims: unknown) => claims });

// A verifier is disposed of by hand or by its block; a key store does not do it for its own.
{
  using shortLived: Verifier = createVerifier({ jwks, issuer, audience });
  shortLived[Symbol.dispose]();
}

// Several issuers: the claims are those of one of them.
const several = createVerifier([
  { jwks, issuer: "https://a.example", audience, schema: z.object({ a: z.string() }) },
  { jwks, issuer: "https://b.example", audience, schema: z.object({ b: z.number() }) },
]);
const one: { a: string } | { b: number } = several.verify("").claims;
several.setKeys(jwks, "https://a.example");

// The answer without exceptions.
const result = verifier.safeVerify("");
if (result.ok) {
  const given: Claims = result.value.claims;
  void given;
  // @ts-expect-error: there is no error then
  void result.error;
} else {
  const code: TokenErrorCode = result.error.code;
  void code;
  // @ts-expect-error: no such code
  void (result.error.code === "invalid");
}

// Errors.
try {
  verifier.verify("");
} catch (error) {
  if (error instanceof TokenError) void [error.code, error.claim, error.expected, error.actual];
  if (error instanceof ConfigError) void [error.code, error.option];
}
// @ts-expect-error: a token is text
verifier.verify(42);

// The slim entry: the same types, and a module of one's own.
slim.init(new Uint8Array());
slim.init(new WebAssembly.Module(new Uint8Array()));
const slimVerifier: Verifier = slim.createVerifier({ jwks, issuer, audience });

// The offline parts.
const policy: Policy = createPolicy({ grace: "24h", checkIn: null, limited: { methods: ["GET"], scopes: ["read"] } });
const { access, reason, until } = verifier.assess("", policy, { now: 1_760_000_000 });
const decision: ["full" | "limited" | "none", string, number | null] = [access, reason, until];
const storage: Storage = memoryStorage();
const keys = createKeyStore({ verifier: byZod, bundled: jwks, issuer, storage });
const freshRole: Promise<"admin" | "user"> = keys.verifyFresh("").then((verified) => verified.claims.role);
const session: Session = createSession({
  verifier: keys,
  provider: oauthProvider({ issuer, clientId: "app" }),
  policy,
});
createSession({ verifier, provider: null, storage, protection: pinProtection({ storage }), name: "field-work" });
// @ts-expect-error: whether tokens are refreshed is to be said
createSession({ verifier });
// @ts-expect-error: no such option
createSession({ verifier, provider: null, grace: "24h" });
// @ts-expect-error: what was judged does not change
session.state.access = "full";
const gate = createGate({ session, rules: [{ match: "/reports/*", needs: { access: "full", role: "editor" } }] });
const answered: Promise<Response> | undefined = gate.handle(new Request("https://app.example/reports/1"));

// A resource server, in frameworks whose requests then have what was decided.
const resource = { identifier: "https://api.example", authorizationServers: [issuer], scopes: ["pay"] };
const guarding = { verifier: keys, rules: [{ match: "/*", needs: { acr: ["mfa"], maxAge: "5m" } }], resource } as const;
createGate(guarding);
// @ts-expect-error: no duration
createGate({ verifier: keys, rules: [{ match: "/*", needs: { maxAge: "5 minutes" } }] });
// @ts-expect-error: no authorization server
createGate({ ...guarding, resource: { identifier: "https://api.example" } });
new Hono().use(honoGate(guarding)).get("/", (context) => context.json(context.var.gate.claims ?? null));
new Hono<{ Variables: GateVariables }>().get("/", (context) => context.text(context.var.gate.claims?.sub ?? ""));
// @ts-expect-error: no such variable
new Hono().use(honoGate(guarding)).get("/", (context) => context.text(context.var.claims));
const app = fastify();
app.register(fastifyGate, guarding);
app.register(fastifyGate, createGate(guarding));
// @ts-expect-error: no rules
app.register(fastifyGate, { verifier: keys });
app.get("/", ({ gate }: { gate: GateDecision }) => gate.claims?.sub);
const middleware: (request: never, response: never, next: () => void) => void = expressGate(guarding);

// An issuer for tests.
const testIssuer: Promise<TestIssuer> = createTestIssuer({ algorithms: ["RS256", "ML-DSA-44"], lifetime: "1h" });
const flaw: Flaw = "alg_none";
testIssuer.then(async (made) => {
  createVerifier(made.options).verify(await made.token({ role: "admin", exp: undefined }, { flaw }));
  // @ts-expect-error: no such flaw
  await made.token({}, { flaw: "sloppy" });
  const inTest: Session = await made.session({ claims: { sub: "ada" }, policy: { grace: 0 } });
  inTest.stop();
});

void [decision, freshRole, answered, middleware];
void [subject, expiry, audiences, custom, role, alg, usedKey, zodRole, level, one, slimVerifier];
