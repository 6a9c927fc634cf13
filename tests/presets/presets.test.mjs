// Each preset takes the tokens that its provider documents, and finds their roles and scopes; of any other claim, it refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import * as presets from "tokenward/presets";
import { testKeys } from "../conformance/keys.mjs";
import { NOW, signed } from "../conformance/tokens.mjs";

const { rsa2048: key } = testKeys();
const times = { iat: NOW - 10, exp: NOW + 300 };
const UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

/** Made by hand after the shapes that each provider documents. `not`: claims by which a token is another one. */
const CASES = [
  {
    name: "Keycloak",
    preset: presets.keycloak({ url: "https://login.example/", realm: "main", audience: "orders" }),
    claims: {
      iss: "https://login.example/realms/main",
      aud: ["orders", "account"],
      typ: "Bearer",
      azp: "web",
      sub: UUID,
      jti: "trrtcc:1",
      scope: "openid email",
      realm_access: { roles: ["offline_access", "admin"] },
      resource_access: { orders: { roles: ["clerk"] }, account: { roles: ["manage-account"] } },
    },
    roles: ["offline_access", "admin", "clerk"],
    scopes: ["openid", "email"],
    not: [
      { typ: "ID" },
      { typ: "Refresh" },
      { typ: undefined },
      { aud: "account" },
      { iss: "https://login.example/realms/master" },
    ],
    noRoles: [
      { realm_access: null, resource_access: [] },
      { realm_access: { roles: { admin: 1 } }, resource_access: undefined },
    ],
  },
  {
    name: "Cognito, access token",
    preset: presets.cognito({
      region: "eu-central-1",
      userPoolId: "eu-central-1_aBcDeFgHi",
      clientId: ["app1", "app2"],
    }),
    claims: {
      iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi",
      sub: UUID,
      client_id: "app2",
      token_use: "access",
      "cognito:groups": ["admin"],
      scope: "aws.cognito.signin.user.admin orders/read",
      auth_time: NOW - 10,
      origin_jti: UUID,
      jti: UUID,
      username: "ada",
    },
    roles: ["admin"],
    scopes: ["aws.cognito.signin.user.admin", "orders/read"],
    not: [{ token_use: "id" }, { token_use: undefined }, { client_id: "app3" }, { client_id: undefined, aud: "app2" }],
    noRoles: [{ "cognito:groups": undefined }],
  },
  {
    name: "Cognito, ID token",
    preset: presets.cognito({
      region: "eu-central-1",
      userPoolId: "eu-central-1_aBcDeFgHi",
      clientId: "app1",
      use: "id",
    }),
    claims: {
      iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi",
      sub: UUID,
      aud: "app1",
      token_use: "id",
      "cognito:groups": ["admin"],
      "cognito:username": "ada",
    },
    roles: ["admin"],
    scopes: [],
    not: [{ token_use: "access" }, { aud: "app2" }, { aud: undefined, client_id: "app1" }],
    noRoles: [{ "cognito:groups": undefined }],
  },
  {
    name: "Auth0",
    preset: presets.auth0({
      domain: "example.eu.auth0.com",
      audience: "https://api.example",
      rolesClaim: "https://example.com/roles",
    }),
    claims: {
      iss: "https://example.eu.auth0.com/",
      sub: "auth0|1",
      aud: ["https://api.example", "https://example.eu.auth0.com/userinfo"],
      azp: "client",
      scope: "openid read:orders",
      permissions: ["read:orders", "write:orders"],
      "https://example.com/roles": ["admin"],
    },
    roles: ["read:orders", "write:orders", "admin"],
    scopes: ["openid", "read:orders"],
    not: [{ iss: "https://example.eu.auth0.com" }, { aud: "client" }],
    noRoles: [{ permissions: undefined, "https://example.com/roles": undefined }],
  },
  {
    name: "Okta",
    preset: presets.okta({ domain: "example.okta.com", audience: "api://default" }),
    claims: {
      ver: 1,
      jti: "AT.1",
      iss: "https://example.okta.com/oauth2/default",
      aud: "api://default",
      cid: "client",
      uid: "00u1",
      scp: ["openid", "orders.read"],
      sub: "ada@example.com",
      groups: ["Everyone", "admin"],
    },
    roles: ["Everyone", "admin"],
    scopes: ["openid", "orders.read"],
    not: [{ iss: "https://example.okta.com" }, { aud: "client" }],
    noRoles: [{ groups: undefined }],
  },
  {
    name: "ZITADEL",
    preset: presets.zitadel({
      domain: "example.zitadel.cloud",
      audience: "2001",
      projectId: "2001",
      organization: "org-1",
    }),
    claims: {
      iss: "https://example.zitadel.cloud",
      aud: ["1001@web", "2001"],
      sub: "3001",
      jti: "V2_1",
      "urn:zitadel:iam:org:project:2001:roles": {
        admin: { "org-1": "one.example" },
        auditor: { "org-2": "two.example" },
      },
      "urn:zitadel:iam:org:project:roles": { owner: { "org-1": "one.example" } },
    },
    roles: ["admin"],
    scopes: [],
    not: [{ aud: "1001@web" }],
    noRoles: [
      { "urn:zitadel:iam:org:project:2001:roles": ["admin"] },
      { "urn:zitadel:iam:org:project:2001:roles": { admin: "org-1" } },
      { "urn:zitadel:iam:org:project:2001:roles": undefined },
    ],
  },
  {
    name: "ZITADEL, whoever granted it",
    preset: presets.zitadel({ domain: "example.zitadel.cloud", audience: "2001" }),
    claims: {
      iss: "https://example.zitadel.cloud",
      aud: "2001",
      sub: "3001",
      "urn:zitadel:iam:org:project:roles": { admin: { "org-1": "one.example" }, auditor: { "org-2": "two.example" } },
    },
    roles: ["admin", "auditor"],
    scopes: [],
    not: [{ iss: "https://example.zitadel.cloud/" }],
    noRoles: [{ "urn:zitadel:iam:org:project:roles": null }],
  },
  {
    name: "Firebase",
    preset: presets.firebase({ projectId: "my-project" }),
    claims: {
      iss: "https://securetoken.google.com/my-project",
      aud: "my-project",
      auth_time: NOW - 10,
      user_id: "ada",
      sub: "ada",
      firebase: { identities: {}, sign_in_provider: "password" },
      role: "admin",
    },
    roles: ["admin"],
    scopes: [],
    not: [
      { aud: "other" },
      { iss: "https://session.firebase.google.com/my-project" },
      { sub: undefined },
      { auth_time: undefined },
    ],
    noRoles: [{ role: undefined }],
  },
  {
    name: "Supabase",
    preset: presets.supabase({ url: "https://abcdefghijklmnopqrst.supabase.co" }),
    claims: {
      iss: "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
      aud: "authenticated",
      sub: UUID,
      role: "authenticated",
      aal: "aal1",
      session_id: UUID,
      email: "ada@example.com",
      phone: "",
      is_anonymous: false,
      app_metadata: { provider: "email", roles: ["admin"] },
      user_metadata: { roles: ["superuser"], role: "superuser" },
    },
    roles: ["authenticated", "admin"],
    scopes: [],
    not: [{ aud: "anon" }, { session_id: undefined }, { iss: "supabase" }],
    noRoles: [{ role: undefined, app_metadata: null }],
  },
  {
    name: "Clerk, version 2",
    preset: presets.clerk({
      domain: "clerk.example.com",
      authorizedParties: ["https://example.com", "https://admin.example.com"],
    }),
    claims: {
      iss: "https://clerk.example.com",
      azp: "https://example.com",
      sub: "user_1",
      sid: "sess_1",
      nbf: NOW - 20,
      v: 2,
      sts: "active",
      fva: [7, -1],
      o: { id: "org_1", slg: "acme", rol: "admin", per: "read", fpm: "3" },
    },
    roles: ["org:admin"],
    scopes: [],
    not: [{ azp: "https://evil.example.com" }, { azp: undefined }, { sid: undefined }],
    noRoles: [{ o: undefined }, { sts: "pending" }],
  },
  {
    name: "Clerk, version 1",
    preset: presets.clerk({ domain: "clerk.example.com", authorizedParties: "https://example.com" }),
    claims: {
      iss: "https://clerk.example.com",
      azp: "https://example.com",
      sub: "user_1",
      sid: "sess_1",
      org_id: "org_1",
      org_role: "org:admin",
    },
    roles: ["org:admin"],
    scopes: [],
    not: [{ iss: "https://clerk.example.org" }],
    noRoles: [{ org_role: undefined }],
  },
  {
    name: "FusionAuth",
    preset: presets.fusionAuth({ issuer: "acme.com", applicationId: UUID }),
    claims: {
      iss: "acme.com",
      aud: UUID,
      sub: "8f1f4d2e-0000-4000-8000-000000000001",
      jti: UUID,
      authenticationType: "PASSWORD",
      applicationId: UUID,
      roles: ["admin"],
      tid: UUID,
    },
    roles: ["admin"],
    scopes: [],
    not: [{ aud: "other" }, { applicationId: "other" }],
    noRoles: [{ roles: [] }],
  },
  {
    name: "Google",
    preset: presets.google({ clientId: "1-a.apps.googleusercontent.com", hostedDomain: "example.com" }),
    claims: {
      iss: "accounts.google.com",
      azp: "1-a.apps.googleusercontent.com",
      aud: "1-a.apps.googleusercontent.com",
      sub: "110169484474386276334",
      hd: "example.com",
      email: "ada@example.com",
      email_verified: true,
      at_hash: "HK6E_P6Dh8Y93mRNtsDB1Q",
    },
    roles: [],
    scopes: [],
    not: [{ hd: "example.org" }, { hd: undefined }, { azp: "1-b.apps.googleusercontent.com" }, { sub: undefined }],
    noRoles: [],
  },
  {
    name: "Google, asked for by an Android app",
    preset: presets.google({
      clientId: "1-a.apps.googleusercontent.com",
      authorizedParties: "1-android.apps.googleusercontent.com",
    }),
    claims: {
      iss: "https://accounts.google.com",
      azp: "1-android.apps.googleusercontent.com",
      aud: "1-a.apps.googleusercontent.com",
      sub: "110169484474386276334",
    },
    roles: [],
    scopes: [],
    not: [{ azp: "1-c.apps.googleusercontent.com" }, { azp: undefined }],
    noRoles: [],
  },
  {
    name: "GitHub Actions",
    preset: presets.githubActions({
      audience: "https://deploy.example",
      repository: "octo-org/octo-repo",
      ownerId: "65",
      ref: "refs/heads/main",
      environment: ["prod", "staging"],
    }),
    claims: {
      iss: "https://token.actions.githubusercontent.com",
      aud: "https://deploy.example",
      sub: "repo:octo-org/octo-repo:environment:prod",
      jti: UUID,
      ref: "refs/heads/main",
      sha: "example-sha",
      repository: "octo-org/octo-repo",
      repository_owner: "octo-org",
      repository_id: "74",
      repository_owner_id: "65",
      environment: "prod",
      job_workflow_ref: "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
      runner_environment: "github-hosted",
    },
    roles: [],
    scopes: [],
    not: [
      { repository: "octo-org/octo-repo2" },
      { repository: "Octo-org/octo-repo" },
      { repository_owner_id: "66" },
      { ref: "refs/heads/other" },
      { ref: "refs/pull/1/merge" },
      { environment: undefined },
      { aud: "https://github.com/octo-org" },
    ],
    noRoles: [],
  },
  {
    name: "Cloudflare Access",
    preset: presets.cloudflareAccess({ team: "example", audience: "32eafc7626e737136d28a8e7a2f0f2c2" }),
    claims: {
      iss: "https://example.cloudflareaccess.com",
      aud: ["32eafc7626e737136d28a8e7a2f0f2c2"],
      email: "ada@example.com",
      type: "app",
      nbf: NOW - 10,
      identity_nonce: "6ei69kawdKzMIAPF",
      sub: UUID,
      country: "DE",
    },
    roles: [],
    scopes: [],
    not: [{ type: "org" }, { aud: ["another"] }, { iss: "https://other.cloudflareaccess.com" }],
    noRoles: [],
  },
];

const header = { alg: "RS256", typ: "JWT", kid: "k" };
const jwks = [{ ...key.jwk, kid: "k", alg: "RS256", use: "sig" }];
const make = (preset) => createVerifier({ jwks, now: () => NOW, ...preset });
const token = (claims) => signed(key, header, { ...times, ...claims });

for (const { name, preset, claims, roles, scopes, not, noRoles } of CASES) {
  const verifier = make(preset);
  const decide = (given, needs) => {
    const gate = createGate({ verifier, rules: [{ match: "/*", needs }] });
    const headers = new Headers({ authorization: `Bearer ${token(given)}` });
    return gate.decide({ url: "https://api.example/", headers });
  };

  test(`${name}: a token as documented, with its roles and scopes`, () => {
    const { rights = {} } = verifier.verify(token(claims));
    if (rights.roles !== undefined) assert.deepEqual(rights.roles, roles);
    if (rights.scopes !== undefined) assert.deepEqual(rights.scopes, scopes);
    for (const role of roles) assert.equal(decide(claims, { role }).allowed, true, role);
    for (const scope of scopes) assert.equal(decide(claims, { scope }).allowed, true, scope);
    for (const needs of [
      { role: "superuser" },
      { role: "manage-account" },
      { role: "owner" },
      { scope: "write:orders" },
    ]) {
      assert.equal(decide(claims, needs).allowed, false, JSON.stringify(needs));
    }
  });

  test(`${name}: any other token is refused`, () => {
    for (const other of not) {
      const { ok, error } = verifier.safeVerify(token({ ...claims, ...other }));
      assert.equal(ok, false, JSON.stringify(other));
      assert.match(error.code, /^(claim_mismatch|missing_claim)$/);
    }
  });

  test(`${name}: what is not there, or has another form, is no role`, () => {
    for (const other of noRoles) {
      for (const role of roles)
        assert.equal(decide({ ...claims, ...other }, { role }).allowed, false, JSON.stringify(other));
    }
  });
}

test("Cloudflare Access: the header, or else the cookie", () => {
  const verifier = make(CASES.at(-1).preset);
  const gate = createGate({ verifier, rules: [{ match: "/*" }], token: presets.cloudflareAccessToken });
  const good = token(CASES.at(-1).claims);
  const reasonOf = (headers) => gate.decide({ url: "https://app.example/", headers: new Headers(headers) }).reason;
  assert.equal(reasonOf({ "Cf-Access-Jwt-Assertion": good }), "valid");
  assert.equal(reasonOf({ Cookie: `a=b; CF_Authorization=${good}; c=d` }), "valid");
  assert.equal(reasonOf({ "Cf-Access-Jwt-Assertion": "bad", Cookie: `CF_Authorization=${good}` }), "invalid_token");
  for (const headers of [
    {},
    { Cookie: "" },
    { Cookie: `xCF_Authorization=${good}` },
    { Cookie: `cf_authorization=${good}` },
    { Cookie: `CF_Authorization=${good}; CF_Authorization=${good}` },
    { Authorization: `Bearer ${good}` },
  ]) {
    assert.equal(reasonOf(headers), "signed_out", Object.keys(headers).join());
  }
});

const makers = new Map(Object.entries(presets));

for (const [name, given, option] of [
  ["keycloak", { url: "login.example", realm: "main", audience: "a" }, "url"],
  ["keycloak", { url: "https://login.example", audience: "a" }, "realm"],
  ["keycloak", { url: "https://login.example", realm: "main" }, "audience"],
  ["keycloak", { url: "https://login.example", realm: "main", audience: null }, "audience"],
  ["cognito", { region: "eu-central-1", userPoolId: "p", clientId: [] }, "clientId"],
  ["cognito", { region: "eu/central", userPoolId: "p", clientId: "c" }, "region"],
  ["cognito", { region: "eu-central-1", userPoolId: "p", clientId: "c", use: "refresh" }, "use"],
  ["auth0", { domain: "https://example.auth0.com", audience: "a" }, "domain"],
  ["okta", { domain: "example.okta.com/", audience: "a" }, "domain"],
  ["okta", { domain: "example.okta.com" }, "audience"],
  ["zitadel", { domain: "", audience: "a" }, "domain"],
  ["firebase", {}, "projectId"],
  ["supabase", { url: "https://x.supabase.co?y" }, "url"],
  ["clerk", { domain: "clerk.example.com" }, "authorizedParties"],
  ["fusionAuth", { issuer: "acme.com" }, "applicationId"],
  ["google", { hostedDomain: "example.com" }, "clientId"],
  ["githubActions", { audience: "a" }, "repository"],
  ["githubActions", { audience: "a", environment: "prod", ref: "refs/heads/main" }, "repository"],
  ["githubActions", { repository: "a/b" }, "audience"],
  ["cloudflareAccess", { team: "example.com/x", audience: "a" }, "team"],
  ["cloudflareAccess", { team: "example", audiences: "a" }, "audiences"],
]) {
  test(`${name} refuses ${JSON.stringify(given)}`, () => {
    assert.throws(() => makers.get(name)(given), { name: "ConfigError", option });
  });
}

test("the option rights: what a function cannot find is not held", () => {
  const verifier = (rights) => make({ issuer: "https://a.example", audience: "a", rights });
  const given = token({ iss: "https://a.example", aud: "a", roles: ["admin"], scope: "read" });
  const rightsOf = (rights) => verifier(rights).verify(given).rights;
  assert.equal(rightsOf(undefined), undefined);
  assert.deepEqual(rightsOf({ roles: ({ nowhere }) => nowhere.roles }), { roles: [] });
  assert.deepEqual(rightsOf({ roles: async () => ["admin"] }), { roles: [] });
  assert.deepEqual(rightsOf({ roles: () => ["x", 5, null, ["y"]] }), { roles: ["x"] });
  assert.deepEqual(rightsOf({ scopes: () => "a b", roles: () => "a b" }), { roles: ["a b"], scopes: ["a", "b"] });
  for (const wrong of [null, 5, [], { role: () => [] }, { roles: "roles" }, { roles: ["roles"] }]) {
    assert.throws(() => verifier(wrong), { name: "ConfigError" });
  }
});
